//! Schemas of configurations as catalogs write them. Owns the repair of what is usual but wrong, so that no server is lost
//! for a slip in its schema. Next: `configure`, which checks by them.

use serde_json::{Map, Value, json};

/// The schema without the usual slips. Cheap, for catalogs that are read at every start: what is still wrong is told by
/// an import, and by whoever uses it.
pub(crate) fn tidied(mut schema: Value) -> Value {
    tidy(&mut schema, 0);
    if let Value::Object(object) = &mut schema {
        object.entry("type").or_insert_with(|| json!("object"));
    }
    schema
}

/// The schema as a proper one, and what was wrong with it, if a person should know.
pub(crate) fn repaired(schema: Value) -> (Value, Option<String>) {
    let schema = tidied(schema);
    match broken(&schema) {
        None => (schema, None),
        Some(why) => (plain(&schema), Some(why)),
    }
}

/// Why a schema cannot be used.
pub(crate) fn broken(schema: &Value) -> Option<String> {
    let error = jsonschema::meta::validate(schema).err()?;
    let at = error.instance_path().to_string();
    let mut why = error.masked().to_string();
    if let Some((cut, _)) = why.char_indices().nth(160) {
        why.truncate(cut);
    }
    Some(format!(
        "at {}: {why}",
        if at.is_empty() { "/" } else { &at }
    ))
}

/// The keys alone.
fn plain(schema: &Value) -> Value {
    let properties = schema.get("properties").and_then(Value::as_object);
    let properties: Map<String, Value> = properties
        .into_iter()
        .flatten()
        .map(|(key, property)| {
            let description = property.get("description").filter(|d| d.is_string());
            let inner = match description {
                Some(text) => json!({ "description": text }),
                None => json!({}),
            };
            (key.clone(), inner)
        })
        .collect();
    json!({"type": "object", "properties": properties})
}

/// `required: true` inside a property becomes a name in the list around it, and types get their names.
fn tidy(schema: &mut Value, depth: usize) {
    let Value::Object(object) = schema else {
        return;
    };
    if depth > 16 {
        return;
    }
    if let Some(Value::String(kind)) = object.get_mut("type") {
        let known = match kind.as_str() {
            "str" | "text" => "string",
            "int" => "integer",
            "bool" => "boolean",
            "float" | "double" => "number",
            "list" => "array",
            "dict" | "map" => "object",
            _ => "",
        };
        if !known.is_empty() {
            *kind = known.to_owned();
        }
    }
    let mut wanted: Vec<String> = Vec::new();
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        for (key, property) in properties.iter_mut() {
            tidy(property, depth + 1);
            let Value::Object(inner) = property else {
                continue;
            };
            match inner.get("required") {
                Some(Value::Bool(is_required)) => {
                    if *is_required {
                        wanted.push(key.clone());
                    }
                    inner.remove("required");
                }
                Some(Value::Array(_)) | None => {}
                Some(_) => {
                    inner.remove("required");
                }
            }
        }
    }
    if let Some(items) = object.get_mut("items") {
        tidy(items, depth + 1);
    }
    drop_impossible(object);
    if wanted.is_empty() {
        return;
    }
    let list = object.entry("required").or_insert_with(|| json!([]));
    if let Value::Array(list) = list {
        for key in wanted {
            if !list.iter().any(|known| known.as_str() == Some(&key)) {
                list.push(json!(key));
            }
        }
    }
}

/// What is required and not among the keys could never be given; publishers mean a secret by it.
fn drop_impossible(object: &mut Map<String, Value>) {
    let Some(Value::Object(properties)) = object.get("properties") else {
        return;
    };
    let known: Vec<String> = properties.keys().cloned().collect();
    if let Some(Value::Array(list)) = object.get_mut("required") {
        list.retain(|name| {
            name.as_str()
                .is_none_or(|name| known.iter().any(|known| known == name))
        });
    }
}

/// Adds a key that templates use and the schema forgot, steps separated by dots.
pub(crate) fn ensure(schema: &mut Value, key: &str) {
    if !schema.is_object() {
        *schema = json!({"type": "object"});
    }
    let Value::Object(object) = schema else {
        return;
    };
    let properties = object.entry("properties").or_insert_with(|| json!({}));
    let Value::Object(properties) = properties else {
        return;
    };
    if properties.contains_key(key) {
        return;
    }
    match key.split_once('.') {
        None => {
            properties.insert(key.to_owned(), json!({"type": "string"}));
        }
        Some((first, rest)) => {
            let inner = properties
                .entry(first.to_owned())
                .or_insert_with(|| json!({"type": "object"}));
            ensure(inner, rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_mended_silently_and_broken_schemas_told() {
        let (schema, told) = repaired(json!({"properties": {
            "a": {"type": "str", "required": true}, "b": {"type": "int"}, "c": {"type": "array", "items": {"type": "bool"}}
        }}));
        assert_eq!(told, None);
        assert_eq!(
            schema,
            json!({"type": "object", "required": ["a"], "properties": {
                "a": {"type": "string"}, "b": {"type": "integer"}, "c": {"type": "array", "items": {"type": "boolean"}}
            }})
        );
        let (schema, told) = repaired(
            json!({"properties": {"a": {"type": "colour", "description": "hue"}, "b": 7}}),
        );
        assert!(told.unwrap().contains("/properties/"));
        assert_eq!(
            schema,
            json!({"type": "object", "properties": {"a": {"description": "hue"}, "b": {}}})
        );
    }

    #[test]
    fn forgotten_keys_are_added() {
        let mut schema = Value::Null;
        ensure(&mut schema, "a.b");
        ensure(&mut schema, "a.c");
        ensure(&mut schema, "d");
        ensure(&mut schema, "d");
        assert_eq!(
            schema,
            json!({"type": "object", "properties": {
                "a": {"type": "object", "properties": {"b": {"type": "string"}, "c": {"type": "string"}}},
                "d": {"type": "string"}
            }})
        );
    }
}
