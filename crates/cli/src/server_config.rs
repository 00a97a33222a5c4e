//! One value of a server's configuration, as a command sets and removes it. Owns how words become values, and what is said of a
//! value that the schema does not allow.

use catalog::Entry;
use serde_json::{Map, Value, json};

use crate::error::{Failure, Kind};

/// Where the name of the server ends in what is written as `form`, such as `SERVER.KEY`: names may have dots, so the longest
/// known one counts.
pub(crate) fn split(
    at: &str,
    form: &str,
    is_known: impl Fn(&str) -> bool,
) -> Result<(String, String), Failure> {
    let cuts: Vec<usize> = at.match_indices('.').map(|(at, _)| at).collect();
    let known = cuts.iter().rev().find(|cut| is_known(&at[..**cut]));
    match known.or(cuts.first()) {
        Some(&cut) if cut > 0 && cut + 1 < at.len() => {
            Ok((at[..cut].to_owned(), at[cut + 1..].to_owned()))
        }
        _ => Err(Failure::usage(format!(
            "`{at}` does not say which value: write {form}"
        ))),
    }
}

/// What is written is meant as the schema has it: `7` is a text where a text is wanted.
pub(crate) fn value_of(text: &str, entry: Option<&Entry>, key: &str) -> Value {
    let Some(schema) = entry.and_then(|entry| entry.schema_of(key)) else {
        return serde_json::from_str(text).unwrap_or_else(|_| json!(text));
    };
    let wants = schema.get("type").and_then(Value::as_str);
    match (wants, serde_json::from_str(text)) {
        (Some("string"), Ok(Value::String(text))) => json!(text),
        (Some("string"), _) | (_, Err(_)) => json!(text),
        (_, Ok(value)) => value,
    }
}

/// Refuses a configuration in which the value of this key is not as the schema has it. What else is missing may come later.
pub(crate) fn check(entry: &Entry, config: &Map<String, Value>, key: &str) -> Result<(), Failure> {
    let problems = entry.check_config(config).err().unwrap_or_default();
    let is_about = |problem: &&catalog::ConfigProblem| {
        problem.key == key
            || key.starts_with(&format!("{}.", problem.key))
            || problem.message.contains("no such key")
    };
    let Some(problem) = problems.iter().find(is_about) else {
        return Ok(());
    };
    let wants = entry.schema_of(key).and_then(|schema| schema.get("type"));
    let hint = match wants.and_then(Value::as_str) {
        Some("array") => Some("a list is written as JSON: '[\"one\", \"two\"]'"),
        Some("object") => Some("a table is written as JSON: '{\"key\": \"value\"}'"),
        _ => None,
    };
    let message = format!("{}: {problem}", entry.name);
    Err(Failure::new(Kind::Usage, message).hints_from(hint.map(str::to_owned)))
}

/// Removes it. False: it was not there.
pub(crate) fn take(config: &mut Map<String, Value>, key: &str) -> bool {
    match key.split_once('.') {
        None => config.remove(key).is_some(),
        Some((first, rest)) => match config.get_mut(first) {
            Some(Value::Object(inner)) => take(inner, rest),
            _ => false,
        },
    }
}

/// Puts one configuration over another, tables inside too.
pub(crate) fn extend(config: &mut Map<String, Value>, more: Map<String, Value>) {
    for (key, value) in more {
        match (config.get_mut(&key), value) {
            (Some(Value::Object(inner)), Value::Object(more)) => extend(inner, more),
            (_, value) => drop(config.insert(key, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use catalog::set_config_value;

    use super::*;

    #[test]
    fn values_are_put_taken_and_laid_over() {
        let mut config = Map::new();
        set_config_value(&mut config, "a.b", json!(1));
        set_config_value(&mut config, "a.c", json!(2));
        set_config_value(&mut config, "d", json!("x"));
        let Value::Object(more) = json!({"a": {"c": 3}, "d": {"e": 4}}) else {
            unreachable!()
        };
        extend(&mut config, more);
        assert_eq!(
            Value::Object(config.clone()),
            json!({"a": {"b": 1, "c": 3}, "d": {"e": 4}})
        );
        assert!(take(&mut config, "a.b") && !take(&mut config, "a.b") && !take(&mut config, "x.y"));
    }

    #[test]
    fn the_longest_known_name_counts() {
        let is_known = |name: &str| name == "a.b" || name == "a";
        let split = |at| split(at, "SERVER.KEY", is_known).ok();
        assert_eq!(split("a.b.c"), Some(("a.b".into(), "c".into())));
        assert_eq!(split("a.c"), Some(("a".into(), "c".into())));
        assert_eq!(split("x.y.z"), Some(("x".into(), "y.z".into())));
        assert_eq!((split("a"), split(".a"), split("a.")), (None, None, None));
    }
}
