//! Tools as a script's author sees them: signatures, declarations with documentation, and lists within a budget.

use std::sync::Arc;

use gateway::scripts::Tool;

use crate::limits::{DESCRIBE_BYTES_MAX, SIGNATURE_BYTES_MAX};
use crate::names::Names;
use crate::text::{cut, first_sentence};
use crate::typescript::{Style, type_of};

/// What a tool gives, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Gives {
    /// Its own schema says so.
    Declared(String),
    /// Real results had this shape.
    Observed(String),
    Unknown,
}

impl Gives {
    /// As a type, with where it is from if that matters.
    fn typed(&self) -> String {
        match self {
            Self::Declared(kind) => kind.clone(),
            Self::Observed(kind) => format!("{kind} /* observed */"),
            Self::Unknown => "any".into(),
        }
    }
}

/// How much a signature says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// All arguments, the result, and what the tool does.
    Full,
    /// All arguments and the result.
    Signature,
    /// The arguments that must be given.
    Required,
    Name,
}

/// `server.tool({…}): …` on one line.
pub(crate) fn signature(label: &str, tool: &Tool, gives: &Gives) -> String {
    cut(
        format!("{label}({}): {}", arguments(tool, true), gives.typed()),
        SIGNATURE_BYTES_MAX,
    )
}

/// `server.tool({…})`, for a message about its arguments.
pub(crate) fn short_signature(label: &str, tool: &Tool) -> String {
    cut(
        format!("{label}({})", arguments(tool, true)),
        SIGNATURE_BYTES_MAX,
    )
}

fn arguments(tool: &Tool, optional: bool) -> String {
    let style = Style {
        optional,
        ..Style::compact(SIGNATURE_BYTES_MAX)
    };
    match type_of(&tool.input, style).as_str() {
        // Takes nothing that is known.
        "object" | "{}" | "any" => String::new(),
        kind => kind.to_owned(),
    }
}

/// The declaration of a tool with its documentation.
pub(crate) fn declaration(label: &str, tool: &Tool, gives: &Gives) -> String {
    let (object, name) = label.split_once('.').unwrap_or((label, "call"));
    let description = cut(
        tool.description.trim().replace("*/", "* /"),
        DESCRIBE_BYTES_MAX / 4,
    );
    let mut text = String::new();
    if !description.is_empty() {
        let lines: Vec<&str> = description.lines().collect();
        text.push_str(&format!("/** {} */\n", lines.join("\n * ")));
    }
    let arguments = type_of(&tool.input, Style::documented(DESCRIBE_BYTES_MAX / 2));
    let arguments = match arguments.as_str() {
        "object" | "{}" | "any" => String::new(),
        kind => format!("args: {kind}"),
    };
    let (kind, note) = match gives {
        Gives::Declared(_) => {
            let style = Style::documented(DESCRIBE_BYTES_MAX / 4);
            (
                tool.output
                    .as_ref()
                    .map_or_else(|| "any".into(), |output| type_of(output, style)),
                "",
            )
        }
        Gives::Observed(kind) => (kind.clone(), " // observed in real results, not declared"),
        Gives::Unknown => (
            "any".into(),
            " // not declared: log a first result, or return it, to see its shape",
        ),
    };
    text.push_str(&format!(
        "{object}.{name}({arguments}): Promise<{kind}>{note}"
    ));
    cut(text, DESCRIBE_BYTES_MAX)
}

/// What a script sees of these tools, in at most about `max` bytes: as much of each as fits for all.
pub(crate) fn menu(
    names: &Names,
    tools: &[(Arc<Tool>, Gives)],
    places: &[(usize, usize)],
    max: usize,
) -> String {
    let mut text = String::new();
    for detail in [
        Detail::Full,
        Detail::Signature,
        Detail::Required,
        Detail::Name,
    ] {
        text = lines(names, tools, places, detail, max);
        if text.len() <= max {
            return text;
        }
    }
    let end = text[..text.floor_char_boundary(max)]
        .rfind('\n')
        .unwrap_or(0);
    let left_out = text[end..]
        .lines()
        .filter(|line| line.starts_with("  "))
        .count();
    text.truncate(end);
    text.push_str(&format!(
        "\n… and {left_out} more tools: await tools.search(\"what it should do\")"
    ));
    text
}

fn lines(
    names: &Names,
    tools: &[(Arc<Tool>, Gives)],
    places: &[(usize, usize)],
    detail: Detail,
    max: usize,
) -> String {
    let mut text = String::new();
    let mut last = None;
    for ((tool, gives), (server, place)) in tools.iter().zip(places) {
        // Far beyond the budget already: what this detail gives is not needed to its end, unless it is the last one.
        if text.len() > max && detail != Detail::Name {
            break;
        }
        if last != Some(*server) {
            if last.is_some() {
                text.push('\n');
            }
            let ident = names
                .servers
                .get(*server)
                .map_or("", |server| &server.ident);
            text.push_str(ident);
            text.push(':');
            last = Some(*server);
        }
        let label = names.label(*server, *place);
        let name = label
            .split_once('.')
            .map_or(label.as_str(), |(_, name)| name);
        let line = match detail {
            Detail::Full => {
                let what = first_sentence(&tool.description, 160);
                let what = if what.is_empty() {
                    what
                } else {
                    format!(" // {what}")
                };
                format!("{}{what}", signature(name, tool, gives))
            }
            Detail::Signature => signature(name, tool, gives),
            Detail::Required => format!("{name}({})", arguments(tool, false)),
            Detail::Name => name.to_owned(),
        };
        text.push_str("\n  ");
        text.push_str(&line.replace('\n', " "));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tool(name: &str) -> Tool {
        Tool {
            server: "github".into(),
            name: name.into(),
            origin: String::new(),
            description: "Creates an issue. With labels.".into(),
            input: Arc::new(json!({
                "type": "object",
                "properties": {
                    "title": {"type": "string", "description": "In a few words."},
                    "labels": {"type": "array", "items": {"type": "string"}},
                },
                "required": ["title"],
            })),
            output: None,
        }
    }

    #[test]
    fn a_signature_is_one_line() {
        let observed = Gives::Observed("{number: number}".into());
        assert_eq!(
            signature("github.create_issue", &tool("create-issue"), &observed),
            "github.create_issue({title: string, labels?: string[]}): {number: number} /* observed */"
        );
        let nothing = Tool {
            input: Arc::new(json!({"type": "object"})),
            ..tool("now")
        };
        assert_eq!(
            signature("time.now", &nothing, &Gives::Unknown),
            "time.now(): any"
        );
    }

    #[test]
    fn a_declaration_has_the_documentation() {
        assert_eq!(
            declaration(
                "github.create_issue",
                &tool("create-issue"),
                &Gives::Unknown
            ),
            "/** Creates an issue. With labels. */\ngithub.create_issue(args: {\n  /** In a few words */\n  title: string;\n  labels?: string[];\n}): Promise<any> // not declared: log a first result, or return it, to see its shape"
        );
    }

    fn menu_of(count: usize, max: usize) -> String {
        let labels: Vec<String> = (0..count).map(|at| format!("create_{at}")).collect();
        let names = Names::new([(
            "github",
            labels.iter().map(String::as_str).collect::<Vec<_>>(),
        )]);
        let tools: Vec<_> = labels
            .iter()
            .map(|name| (Arc::new(tool(name)), Gives::Unknown))
            .collect();
        let places: Vec<_> = (0..count).map(|at| (0, at)).collect();
        menu(&names, &tools, &places, max)
    }

    #[test]
    fn a_menu_says_as_much_as_fits() {
        assert_eq!(
            menu_of(1, 1_000),
            "github:\n  create_0({title: string, labels?: string[]}): any // Creates an issue."
        );
        assert_eq!(
            menu_of(1, 60),
            "github:\n  create_0({title: string, labels?: string[]}): any"
        );
        assert_eq!(
            menu_of(1, 58),
            "github:\n  create_0({title: string, /* 1 more */})"
        );
        assert_eq!(menu_of(1, 20), "github:\n  create_0");
    }

    #[test]
    fn a_menu_keeps_its_budget() {
        for count in [1, 10, 100, 3_000] {
            for max in [100, 1_000, 10_000] {
                let text = menu_of(count, max);
                assert!(
                    text.len() <= max + 100,
                    "{count} tools in {} of {max}",
                    text.len()
                );
            }
        }
        assert!(
            menu_of(100, 100).ends_with("more tools: await tools.search(\"what it should do\")")
        );
    }
}
