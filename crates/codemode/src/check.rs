//! Arguments against the schema of their tool, before anything is sent.
//!
//! A wrong call costs its author a round trip to the server and an error in the server's language; here it is a
//! sentence and the signature. What cannot be checked (no schema, too large, not understood) is the server's to check.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use crate::limits::{SCHEMA_BYTES_MAX, SCHEMAS_MAX};
use crate::text::cut;

/// Compiled schemas.
#[derive(Default)]
pub(crate) struct Schemas {
    /// By the address of the schema, which is held so that it stays the schema's.
    compiled: Mutex<HashMap<usize, Compiled>>,
}

/// A schema, and how it is checked, if it can be.
type Compiled = (Arc<Value>, Option<Arc<Validator>>);

/// Problems that one message names.
const NAMED: usize = 3;

impl Schemas {
    /// What is wrong with these arguments, if anything is.
    pub(crate) fn check(&self, schema: &Arc<Value>, arguments: &Value) -> Option<String> {
        if !arguments.is_object() {
            return Some(format!(
                "takes one object with named arguments, not {}",
                kind(arguments)
            ));
        }
        let validator = self.compiled(schema)?;
        let mut errors = validator.iter_errors(arguments);
        let mut named: Vec<String> = Vec::new();
        for error in errors.by_ref().take(NAMED) {
            let place = error.instance_path().to_string();
            let place = place.trim_start_matches('/').replace('/', ".");
            let message = cut(error.to_string(), 200);
            named.push(if place.is_empty() {
                message
            } else {
                format!("{place}: {message}")
            });
        }
        if named.is_empty() {
            return None;
        }
        if errors.next().is_some() {
            named.push("and more".into());
        }
        Some(named.join("; "))
    }

    fn compiled(&self, schema: &Arc<Value>) -> Option<Arc<Validator>> {
        let address = Arc::as_ptr(schema).addr();
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, validator)) = compiled.get(&address) {
            return validator.clone();
        }
        let validator = compile(schema).map(Arc::new);
        if compiled.len() >= SCHEMAS_MAX {
            compiled.clear();
        }
        compiled.insert(address, (schema.clone(), validator.clone()));
        validator
    }
}

fn compile(schema: &Value) -> Option<Validator> {
    if !schema.is_object() || schema.to_string().len() > SCHEMA_BYTES_MAX {
        return None;
    }
    jsonschema::options()
        // Without backtracking: a server must not choose how long we think.
        .with_pattern_options(PatternOptions::regex())
        .build(schema)
        .ok()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "several values or an array",
        Value::String(_) => "a string",
        Value::Number(_) => "a number",
        Value::Bool(_) => "a boolean",
        Value::Null | Value::Object(_) => "null",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(schema: Value, arguments: Value) -> Option<String> {
        Schemas::default().check(&Arc::new(schema), &arguments)
    }

    fn schema() -> Value {
        json!({
            "type": "object",
            "properties": {
                "title": {"type": "string"},
                "count": {"type": "integer", "minimum": 1},
                "deep": {"type": "object", "properties": {"on": {"type": "boolean"}}},
            },
            "required": ["title"],
            "additionalProperties": false,
        })
    }

    #[test]
    fn what_fits_passes() {
        assert_eq!(check(schema(), json!({"title": "x", "count": 3.0})), None);
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_place() {
        assert_eq!(
            check(schema(), json!({})).unwrap(),
            "\"title\" is a required property"
        );
        assert_eq!(
            check(schema(), json!({"title": "x", "deep": {"on": 1}})).unwrap(),
            "deep.on: 1 is not of type \"boolean\""
        );
        let many = check(schema(), json!({"count": "x", "deep": 3, "wrong": 1})).unwrap();
        assert!(many.ends_with("; and more"), "{many}");
    }

    #[test]
    fn only_an_object_is_taken() {
        assert_eq!(
            check(schema(), json!(["a", "b"])).unwrap(),
            "takes one object with named arguments, not several values or an array"
        );
        assert_eq!(
            check(json!(true), json!("x")).unwrap(),
            "takes one object with named arguments, not a string"
        );
    }

    #[test]
    fn what_is_no_schema_is_left_to_the_server() {
        for schema in [
            json!(true),
            json!({"type": 3}),
            json!({"$ref": "https://example.com/x"}),
            json!({"pattern": "("}),
        ] {
            assert_eq!(check(schema.clone(), json!({})), None, "{schema}");
        }
        let long = json!({"type": "object", "required": ["a"], "description": "x".repeat(SCHEMA_BYTES_MAX)});
        assert_eq!(check(long, json!({})), None);
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let tree = json!({"$ref": "#/$defs/t", "$defs": {"t": {"properties": {"next": {"$ref": "#/$defs/t"}, "n": {"type": "number"}}}}});
        assert_eq!(
            check(tree.clone(), json!({"next": {"next": {"n": 1}}})),
            None
        );
        assert!(check(tree, json!({"next": {"next": {"n": "x"}}})).is_some());
    }

    #[test]
    fn how_many_are_kept_has_a_limit() {
        let schemas = Schemas::default();
        for _ in 0..=SCHEMAS_MAX {
            schemas.check(&Arc::new(json!({})), &json!({}));
        }
        assert_eq!(schemas.compiled.lock().unwrap().len(), 1);
    }
}
