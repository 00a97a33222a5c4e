//! The configuration of a server against its schema. Owns defaults, what is required, and how a mistake is told: where and
//! why, briefly. Next: `resolve`.

use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value};

use crate::limits::{CONFIG_PROBLEMS_MAX, PROBLEM_CHARS_MAX};
use crate::template::find;
use crate::{Entry, Missing, suggest};

/// What is wrong with a value of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", if key.is_empty() { String::new() } else { format!("`{key}`: ") })]
pub struct ConfigProblem {
    /// Which value, steps separated by dots; empty: the whole.
    pub key: String,
    /// Why, lower-case, without a full stop.
    pub message: String,
}

impl Entry {
    /// Checks a configuration against the schema of the entry and fills in its defaults. A key that a volume is made of
    /// gets none: which folders a server sees is never guessed.
    pub fn check_config(
        &self,
        config: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Vec<ConfigProblem>> {
        let Some(schema) = &self.about.config else {
            return match config.keys().next() {
                None => Ok(Map::new()),
                Some(key) => Err(vec![ConfigProblem {
                    key: key.clone(),
                    message: "this server has no configuration".to_owned(),
                }]),
            };
        };
        let filled = self.with_defaults(schema, config);
        let problems = all_problems(schema, config, &filled, true);
        match problems.is_empty() {
            true => Ok(filled),
            false => Err(problems),
        }
    }

    /// The same, less what [`Entry::missing`] tells.
    pub(crate) fn check_given(
        &self,
        config: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Vec<ConfigProblem>> {
        let Some(schema) = &self.about.config else {
            return self.check_config(config);
        };
        let filled = self.with_defaults(schema, config);
        let problems = all_problems(schema, config, &filled, false);
        match problems.is_empty() {
            true => Ok(filled),
            false => Err(problems),
        }
    }

    fn with_defaults(&self, schema: &Value, config: &Map<String, Value>) -> Map<String, Value> {
        let mut filled = config.clone();
        fill(schema, &mut filled, "", &self.volume_keys(), 0);
        filled
    }

    /// What stands between the entry and a start, by presence alone: cheap enough to ask for every server of a list.
    pub fn missing(
        &self,
        config: &Map<String, Value>,
        has_secret: &dyn Fn(&str) -> bool,
    ) -> Vec<Missing> {
        let mut out = Vec::new();
        if let Some(schema) = &self.about.config {
            let filled = self.with_defaults(schema, config);
            required(schema, schema, &filled, "", &mut out, 0);
        }
        let secrets = self.about.secrets.iter();
        out.extend(
            secrets
                .filter(|secret| secret.required && !has_secret(&secret.name))
                .map(Missing::secret),
        );
        out
    }
}

/// Schemas come from strangers: what is deeper than this is left to the validator.
const DEPTH_MAX: usize = 16;

/// Defaults, also of tables inside.
fn fill(
    schema: &Value,
    into: &mut Map<String, Value>,
    path: &str,
    without: &[String],
    depth: usize,
) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    for (key, property) in properties {
        let path = join(path, key);
        if !into.contains_key(key)
            && let Some(default) = property.get("default")
            && !without
                .iter()
                .any(|other| other == &path || other.starts_with(&format!("{path}.")))
        {
            into.insert(key.clone(), default.clone());
        }
        if depth < DEPTH_MAX
            && let Some(Value::Object(inner)) = into.get_mut(key)
        {
            fill(property, inner, &path, without, depth + 1);
        }
    }
}

fn required(
    whole: &Value,
    schema: &Value,
    config: &Map<String, Value>,
    path: &str,
    out: &mut Vec<Missing>,
    depth: usize,
) {
    let names = |schema: &Value| -> Vec<String> {
        let list = schema.get("required").and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect()
    };
    let property = |name: &str| schema.get("properties").and_then(|all| all.get(name));
    for name in names(schema) {
        if config.get(&name).is_none_or(Value::is_null) {
            out.push(Missing::Config {
                key: join(path, &name),
                schema: property(&name).cloned().unwrap_or(Value::Bool(true)),
            });
        }
    }
    let of_several = ["anyOf", "oneOf"].iter().find_map(|word| schema.get(word));
    let sets: Vec<Vec<String>> = of_several
        .and_then(Value::as_array)
        .map(|list| list.iter().map(names).collect())
        .unwrap_or_default();
    let is_there = |set: &Vec<String>| set.iter().all(|name| config.contains_key(name));
    if !sets.is_empty() && !sets.iter().any(is_there) {
        let all: Vec<String> = sets
            .iter()
            .map(|set| {
                let paths: Vec<String> = set.iter().map(|name| join(path, name)).collect();
                paths.join(" and ")
            })
            .collect();
        out.push(Missing::Config {
            key: all.join(" or "),
            schema: whole.clone(),
        });
    }
    if depth == DEPTH_MAX {
        return;
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, inner) in properties.into_iter().flatten() {
        if let Some(Value::Object(config)) = config.get(name) {
            required(whole, inner, config, &join(path, name), out, depth + 1);
        }
    }
}

/// Keys that the schema does not have: it would let them pass, and whoever mistyped one would wait in vain.
fn unknown(
    schema: &Value,
    config: &Map<String, Value>,
    path: &str,
    depth: usize,
) -> Vec<ConfigProblem> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let (Some(properties), true) = (properties, depth < DEPTH_MAX) else {
        return Vec::new();
    };
    // Where a schema has keys in other places as well, only the validator knows them all.
    let is_open = ["$ref", "patternProperties", "allOf", "if"]
        .iter()
        .any(|word| schema.get(word).is_some())
        || schema
            .get("additionalProperties")
            .is_some_and(|more| *more != Value::Bool(false))
        || ["anyOf", "oneOf"].iter().any(|word| {
            let ways = schema.get(word).and_then(Value::as_array);
            ways.into_iter()
                .flatten()
                .any(|way| way.get("properties").is_some())
        });
    let mut problems = Vec::new();
    for (key, value) in config {
        match (properties.get(key), value) {
            (Some(inner), Value::Object(config)) => {
                problems.extend(unknown(inner, config, &join(path, key), depth + 1));
            }
            (Some(_), _) => {}
            (None, _) if is_open => {}
            (None, _) => {
                let known = properties.keys().map(String::as_str);
                let message = match suggest(key, known.clone()) {
                    Some(near) => format!("there is no such key; did you mean `{near}`?"),
                    None => {
                        let known: Vec<&str> = known.take(20).collect();
                        format!("there is no such key; there are: {}", known.join(", "))
                    }
                };
                problems.push(ConfigProblem {
                    key: shorten(&join(path, key)),
                    message: shorten(&message),
                });
            }
        }
    }
    problems
}

fn all_problems(
    schema: &Value,
    config: &Map<String, Value>,
    filled: &Map<String, Value>,
    with_missing: bool,
) -> Vec<ConfigProblem> {
    let mut problems = unknown(schema, config, "", 0);
    problems.extend(invalid(
        schema,
        &Value::Object(filled.clone()),
        with_missing,
    ));
    problems.truncate(CONFIG_PROBLEMS_MAX);
    problems
}

fn invalid(schema: &Value, config: &Value, with_missing: bool) -> Vec<ConfigProblem> {
    let validator = match jsonschema::options().build(schema) {
        Ok(validator) => validator,
        Err(error) => {
            return vec![ConfigProblem {
                key: String::new(),
                message: shorten(&format!(
                    "the schema of this server is broken, so nothing can be checked: {error}"
                )),
            }];
        }
    };
    let is_missing = |error: &jsonschema::ValidationError<'_>| {
        matches!(
            error.kind(),
            ValidationErrorKind::Required { .. }
                | ValidationErrorKind::AnyOf { .. }
                | ValidationErrorKind::OneOfNotValid { .. }
        )
    };
    let problem = |error: jsonschema::ValidationError<'_>| {
        let key = error.instance_path().to_string();
        ConfigProblem {
            key: shorten(&key.trim_start_matches('/').replace('/', ".")),
            message: shorten(&error.masked().to_string()),
        }
    };
    validator
        .iter_errors(config)
        .filter(|error| with_missing || !is_missing(error))
        .take(CONFIG_PROBLEMS_MAX)
        .map(problem)
        .collect()
}

pub(crate) fn join(path: &str, key: &str) -> String {
    match path.is_empty() {
        true => key.to_owned(),
        false => format!("{path}.{key}"),
    }
}

/// A person reads this, or a model pays for it.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(PROBLEM_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// The value at a dotted key of a configuration.
pub fn config_value<'a>(config: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    find(config, key)
}

/// Sets the value at a dotted key of a configuration. What stands in the way and is no table becomes one.
pub fn set_config_value(config: &mut Map<String, Value>, key: &str, value: Value) {
    let Some((first, rest)) = key.split_once('.') else {
        config.insert(key.to_owned(), value);
        return;
    };
    let inner = config
        .entry(first)
        .or_insert_with(|| Value::Object(Map::new()));
    if !inner.is_object() {
        *inner = Value::Object(Map::new());
    }
    if let Value::Object(inner) = inner {
        set_config_value(inner, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::{About, ServerName};

    #[test]
    fn a_dotted_key_leads_into_tables() {
        let mut config = Map::new();
        for (key, value) in [
            ("a", json!(1)),
            ("b.c.d", json!([2])),
            ("b.c.e", json!(null)),
            ("a.x", json!("y")),
            ("", json!(3)),
        ] {
            set_config_value(&mut config, key, value.clone());
            assert_eq!(config_value(&config, key), Some(&value), "{key}");
        }
        assert_eq!(
            Value::Object(config),
            json!({"a": {"x": "y"}, "b": {"c": {"d": [2], "e": null}}, "": 3})
        );
    }

    fn entry(schema: Value) -> Entry {
        let mut entry = Entry::remote(ServerName::new("a").unwrap(), "https://h");
        entry.about = Arc::new(About {
            config: Some(schema),
            ..About::default()
        });
        entry
    }

    fn check(schema: Value, config: &Value) -> Result<Value, Vec<String>> {
        let checked = entry(schema).check_config(config.as_object().unwrap());
        checked
            .map(Value::Object)
            .map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn defaults_go_into_tables_that_are_there() {
        let schema = json!({"type": "object", "properties": {
            "a": {"default": 1}, "b": {"type": "object", "properties": {"c": {"default": "x"}}}
        }});
        assert_eq!(check(schema.clone(), &json!({})), Ok(json!({"a": 1})));
        let filled = json!({"a": 2, "b": {"c": "x"}});
        assert_eq!(check(schema, &json!({"a": 2, "b": {}})), Ok(filled));
    }

    #[test]
    fn mistakes_say_where_and_why() {
        let schema = json!({"type": "object", "required": ["port"], "properties": {
            "port": {"type": "integer", "maximum": 9}, "deep": {"type": "object", "properties": {"on": {"type": "boolean"}}}
        }});
        let told = check(
            schema.clone(),
            &json!({"port": 10, "deep": {"no": 1, "on": "yes"}}),
        );
        assert_eq!(
            told.unwrap_err(),
            [
                "`deep.no`: there is no such key; did you mean `on`?",
                "`deep.on`: value is not of type \"boolean\"",
                "`port`: value is greater than the maximum of 9",
            ]
        );
        assert_eq!(
            check(schema, &json!({})).unwrap_err(),
            ["\"port\" is a required property"]
        );
        let none = Entry::remote(ServerName::new("a").unwrap(), "https://h");
        let config = json!({"x": 1});
        let problems = none.check_config(config.as_object().unwrap()).unwrap_err();
        assert_eq!(
            problems[0].to_string(),
            "`x`: this server has no configuration"
        );
    }

    #[test]
    fn a_schema_that_is_open_takes_other_keys() {
        for open in [
            json!({"properties": {"a": {}}, "additionalProperties": true}),
            json!({"properties": {"a": {}}, "anyOf": [{"properties": {"b": {}}}]}),
            json!({"properties": {"a": {}}, "patternProperties": {"^b": {}}}),
        ] {
            assert!(check(open.clone(), &json!({"b": 1})).is_ok(), "{open}");
        }
    }

    #[test]
    fn nothing_is_fetched_to_check_a_configuration() {
        let schema = json!({"$ref": "https://h.example/schema.json"});
        let told = check(schema, &json!({})).unwrap_err();
        assert!(
            told[0].contains("the schema of this server is broken"),
            "{told:?}"
        );
    }

    #[test]
    fn what_is_told_is_bounded() {
        let schema = json!({"properties": {"a": {"enum": ["x".repeat(9_999)]}}});
        let told = check(schema.clone(), &json!({"a": 1})).unwrap_err();
        assert!(
            told[0].chars().count() <= PROBLEM_CHARS_MAX + 9,
            "{}",
            told[0].len()
        );
        let many: Map<String, Value> = (0..99).map(|n| (format!("zz{n}"), json!(1))).collect();
        let told = check(schema, &Value::Object(many)).unwrap_err();
        assert_eq!(told.len(), CONFIG_PROBLEMS_MAX);
    }
}
