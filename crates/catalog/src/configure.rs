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
