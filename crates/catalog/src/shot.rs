//! One-shot tools: each call is a container of its own, started with the call's arguments, whose output is the answer. Owns
//! what such a tool runs, and how arguments become a command line. Refuses arguments that its schema does not allow. Next:
//! `template/render.rs`, which fills them in.

use serde_json::{Map, Value};

use crate::limits::PROBLEM_CHARS_MAX;
use crate::template::{Filled, Template, Values};
use crate::{KnownTool, TemplateError};

/// What one call of a tool runs. Command, volumes and user are templates over the arguments of the call; nothing of the
/// configuration, and no secret, can stand in them.
#[derive(Clone, PartialEq, Eq)]
pub struct Shot {
    /// The tool.
    pub tool: Box<str>,
    /// The image.
    pub image: String,
    /// What follows the image's own entry point.
    pub command: Vec<String>,
    /// Folders that a call names. They have to lie in those that the entry has anyway.
    pub volumes: Vec<String>,
    /// As whom it runs; `None`: as the image says.
    pub user: Option<String>,
}

/// A shot with the arguments of one call.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Aimed {
    /// What follows the image's own entry point.
    pub command: Vec<String>,
    /// The folders that the call names.
    pub volumes: Vec<String>,
    /// As whom it runs.
    pub user: Option<String>,
}

impl Shot {
    /// With the arguments of a call. `tool` is what is known of the tool: its schema decides over them.
    ///
    /// # Errors
    /// They do not fit; in words.
    pub fn aim(
        &self,
        tool: Option<&KnownTool>,
        arguments: &Map<String, Value>,
    ) -> Result<Aimed, String> {
        if let Some(schema) = tool.and_then(|tool| tool.input_schema.as_deref()) {
            check(schema, arguments)?;
        }
        let fill = |texts: &[String]| {
            let mut out = Vec::new();
            for text in texts {
                match filled(text, arguments)? {
                    Filled::Nothing => {}
                    Filled::One(item) => out.push(item),
                    Filled::Many(items) => out.extend(items),
                }
            }
            Ok::<_, String>(out)
        };
        Ok(Aimed {
            command: fill(&self.command)?,
            volumes: fill(&self.volumes)?,
            user: match &self.user {
                Some(user) => fill(std::slice::from_ref(user))?.into_iter().next(),
                None => None,
            },
        })
    }
}

/// Values of arguments are not printed.
impl std::fmt::Debug for Shot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shot")
            .field("tool", &self.tool)
            .field("image", &self.image)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Aimed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Aimed")
            .field("command", &self.command.len())
            .field("volumes", &self.volumes.len())
            .finish_non_exhaustive()
    }
}

/// Whether a text takes anything from the arguments of a call.
pub(crate) fn takes_arguments(text: &str) -> Result<bool, TemplateError> {
    let template = Template::parse(text, "", &|_| false).map_err(|(error, _)| error)?;
    let mut keys = template.keys();
    Ok(keys.next().is_some())
}

fn filled(text: &str, arguments: &Map<String, Value>) -> Result<Filled, String> {
    let template = Template::parse(text, "", &|_| false).map_err(|(error, _)| error.to_string())?;
    let values = Values {
        config: arguments,
        secret: &|_| None,
    };
    Ok(match (template.fill(&values), template.keys().count()) {
        // A command line in one piece, where its tool wants a text for all of it.
        (Filled::Many(items), 1) if is_text(&template, arguments) => {
            let line = items.into_iter().next().unwrap_or_default();
            let words = words(&line)
                .ok_or("a quotation mark in the arguments has no second one; close it")?;
            Filled::Many(words)
        }
        (filled, _) => filled,
    })
}

fn is_text(template: &Template, arguments: &Map<String, Value>) -> bool {
    let value = template
        .keys()
        .next()
        .and_then(|key| crate::template::find(arguments, key));
    value.is_some_and(Value::is_string)
}

/// As a shell takes a line apart, without anything else that a shell does.
fn words(line: &str) -> Option<Vec<String>> {
    let mut out = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('"') | None, '\\') => word.get_or_insert_default().push(chars.next()?),
            (None, '"' | '\'') => {
                word.get_or_insert_default();
                quote = Some(c);
            }
            (None, c) if c.is_whitespace() => out.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    out.extend(word);
    quote.is_none().then_some(out)
}

/// What is wrong with arguments, first thing first. A schema that is none allows everything.
fn check(schema: &str, arguments: &Map<String, Value>) -> Result<(), String> {
    let Ok(schema) = serde_json::from_str::<Value>(schema) else {
        return Ok(());
    };
    let Ok(validator) = jsonschema::validator_for(&crate::schema::tidied(schema)) else {
        return Ok(());
    };
    let arguments = Value::Object(arguments.clone());
    let Err(error) = validator.validate(&arguments) else {
        return Ok(());
    };
    let at = error.instance_path().to_string();
    let mut why = error.masked().to_string();
    if let Some((cut, _)) = why.char_indices().nth(PROBLEM_CHARS_MAX) {
        why.truncate(cut);
    }
    Err(match at.trim_start_matches('/') {
        "" => format!("the arguments do not fit the tool: {why}"),
        at => format!("the argument `{at}` does not fit the tool: {why}"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shot(command: &[&str], volumes: &[&str]) -> Shot {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Shot {
            tool: "x".into(),
            image: "acme/x".to_owned(),
            command: owned(command),
            volumes: owned(volumes),
            user: Some("{{uid|or:65532}}".to_owned()),
        }
    }

    fn aimed(shot: &Shot, arguments: Value) -> Result<Aimed, String> {
        let Value::Object(arguments) = arguments else {
            panic!("arguments are an object")
        };
        let tool = KnownTool {
            name: "x".into(),
            description: "".into(),
            input_schema: Some(
                json!({"type": "object", "properties": {"args": {"type": ["array", "string"], "items": {"type": "string"}}, "dir": {"type": "string"}}, "required": ["args"]})
                    .to_string()
                    .into(),
            ),
        };
        shot.aim(Some(&tool), &arguments)
    }

    #[test]
    fn arguments_become_a_command_line() {
        let shot = shot(&["run", "{{args|into}}", "{{dir}}"], &["{{dir}}:{{dir}}"]);
        let all = aimed(
            &shot,
            json!({"args": ["-a", "b c", "{{dir}}"], "dir": "/d"}),
        )
        .unwrap();
        assert_eq!(all.command, ["run", "-a", "b c", "{{dir}}", "/d"]);
        assert_eq!(all.volumes, ["/d:/d"]);
        assert_eq!(all.user.as_deref(), Some("65532"));
        let less = aimed(&shot, json!({"args": []})).unwrap();
        assert_eq!((less.command.len(), less.volumes.len()), (1, 0));
    }

    #[test]
    fn a_text_for_a_whole_line_is_taken_apart() {
        let shot = shot(&["{{args|into}}"], &[]);
        let line = json!({"args": "convert 'a b'.png -x \"\" \"q\\\"'\" c\\ d $HOME;"});
        assert_eq!(
            aimed(&shot, line).unwrap().command,
            ["convert", "a b.png", "-x", "", "q\"'", "c d", "$HOME;"]
        );
        for bad in ["'a", "a \"b", "a\\"] {
            assert!(aimed(&shot, json!({"args": bad})).is_err(), "{bad}");
        }
    }

    #[test]
    fn arguments_that_do_not_fit_are_told() {
        let shot = shot(&["{{args|into}}"], &[]);
        let error = aimed(&shot, json!({})).unwrap_err();
        assert!(error.contains("args"), "{error}");
        let error = aimed(&shot, json!({"args": [1]})).unwrap_err();
        assert!(error.contains("`args/0`"), "{error}");
    }
}
