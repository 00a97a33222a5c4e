//! As much of JSON Schema as it takes to know what a word is meant to be, and to say it briefly.

use serde_json::Value;

/// References that are followed; a schema may refer to itself.
const REFERENCES_MAX: usize = 16;

/// One argument of a tool.
#[derive(Debug)]
pub(crate) struct Property<'a> {
    pub(crate) name: &'a str,
    pub(crate) schema: &'a Value,
    /// The schema it is part of, for `$ref`.
    pub(crate) root: &'a Value,
    pub(crate) required: bool,
}

/// The arguments of a tool: required ones first, as they are required, then the others by name.
pub(crate) fn properties(root: &Value) -> Vec<Property<'_>> {
    let required: Vec<&str> = root
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let declared = root.get("properties").and_then(Value::as_object);
    let mut all: Vec<Property<'_>> = declared
        .into_iter()
        .flatten()
        .map(|(name, schema)| Property {
            name,
            schema,
            root,
            required: required.contains(&name.as_str()),
        })
        .collect();
    for name in required {
        if !all.iter().any(|p| p.name == name) {
            all.push(Property {
                name,
                schema: &Value::Bool(true),
                root,
                required: true,
            });
        }
    }
    let position = |p: &Property<'_>| root_order(root, p.name);
    all.sort_by_key(|p| (!p.required, position(p)));
    all
}

/// Authors put the important first.
fn root_order(root: &Value, name: &str) -> usize {
    let required = root.get("required").and_then(Value::as_array);
    required
        .into_iter()
        .flatten()
        .position(|v| v == name)
        .unwrap_or(usize::MAX)
}

impl Property<'_> {
    /// What it wants, in a few words.
    pub(crate) fn wants(&self) -> String {
        wants(self.schema, self.root, 0)
    }

    /// The first line of what its author says about it.
    pub(crate) fn description(&self) -> &str {
        let text = resolve(self.schema, self.root, 0)
            .get("description")
            .or_else(|| self.schema.get("description"));
        text.and_then(Value::as_str)
            .and_then(|t| t.trim().lines().next())
            .unwrap_or_default()
    }

    /// Whether it takes a list.
    pub(crate) fn is_list(&self) -> bool {
        kinds(resolve(self.schema, self.root, 0)).contains(&Kind::Array)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Null,
    Integer,
    Number,
    Boolean,
    Array,
    Object,
    String,
}

/// The types that a schema names, in the order in which a word is tried.
fn kinds(schema: &Value) -> Vec<Kind> {
    let named: Vec<&str> = match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ if schema.get("properties").is_some() => vec!["object"],
        _ if schema.get("items").is_some() => vec!["array"],
        _ => Vec::new(),
    };
    let order = [
        ("null", Kind::Null),
        ("integer", Kind::Integer),
        ("number", Kind::Number),
        ("boolean", Kind::Boolean),
        ("array", Kind::Array),
        ("object", Kind::Object),
        ("string", Kind::String),
    ];
    order
        .iter()
        .filter(|(name, _)| named.contains(name))
        .map(|(_, kind)| *kind)
        .collect()
}

fn resolve<'a>(schema: &'a Value, root: &'a Value, depth: usize) -> &'a Value {
    let target = schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|r| r.strip_prefix('#'));
    match target.and_then(|pointer| root.pointer(pointer)) {
        Some(target) if depth < REFERENCES_MAX => resolve(target, root, depth + 1),
        _ => schema,
    }
}

fn alternatives(schema: &Value) -> Option<&Vec<Value>> {
    ["anyOf", "oneOf"]
        .iter()
        .find_map(|name| schema.get(name))
        .and_then(Value::as_array)
}

fn fixed(schema: &Value) -> Option<Vec<&Value>> {
    match (schema.get("enum"), schema.get("const")) {
        (Some(Value::Array(values)), _) => Some(values.iter().collect()),
        (_, Some(value)) => Some(vec![value]),
        _ => None,
    }
}

/// The JSON text that a word stands for; else what is wanted instead.
pub(crate) fn coerce(text: &str, schema: &Value, root: &Value) -> Result<String, String> {
    coerce_at(text, schema, root, 0).ok_or_else(|| wants(schema, root, 0))
}

fn coerce_at(text: &str, schema: &Value, root: &Value, depth: usize) -> Option<String> {
    if depth > REFERENCES_MAX {
        return None;
    }
    let schema = resolve(schema, root, depth);
    if let Some(values) = fixed(schema) {
        let same = |v: &&&Value| {
            v.as_str()
                .map_or_else(|| v.to_string() == text, |s| s == text)
        };
        return values.iter().find(same).map(ToString::to_string);
    }
    if let Some(all) = alternatives(schema) {
        let fits: Vec<String> = all
            .iter()
            .filter_map(|one| coerce_at(text, one, root, depth + 1))
            .collect();
        // What is more than text is meant, where both fit.
        return fits
            .iter()
            .find(|raw| !raw.starts_with('"'))
            .or(fits.first())
            .cloned();
    }
    let kinds = kinds(schema);
    if kinds.is_empty() {
        if let Some(all) = schema.get("allOf").and_then(Value::as_array) {
            return all
                .iter()
                .find_map(|one| coerce_at(text, one, root, depth + 1));
        }
        return Some(guess(text));
    }
    kinds
        .iter()
        .find_map(|kind| as_kind(text, *kind, schema, root, depth))
}

fn as_kind(text: &str, kind: Kind, schema: &Value, root: &Value, depth: usize) -> Option<String> {
    match kind {
        Kind::Null => (text == "null").then(|| text.to_owned()),
        Kind::Integer => is_integer(text).then(|| text.to_owned()),
        Kind::Number => serde_json::from_str::<serde_json::Number>(text)
            .ok()
            .map(|_| text.trim().to_owned()),
        Kind::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some("true".into()),
            "false" | "no" | "off" | "0" => Some("false".into()),
            _ => None,
        },
        Kind::Array => list(text, schema, root, depth),
        Kind::Object => serde_json::from_str::<Value>(text)
            .ok()
            .filter(Value::is_object)
            .map(|_| text.trim().to_owned()),
        Kind::String => Some(wire::quote(text)),
    }
}

/// A JSON array, or items between commas.
fn list(text: &str, schema: &Value, root: &Value, depth: usize) -> Option<String> {
    if text.trim_start().starts_with('[') {
        return serde_json::from_str::<Vec<Value>>(text)
            .ok()
            .map(|_| text.trim().to_owned());
    }
    if text.is_empty() {
        return Some("[]".into());
    }
    let any = Value::Bool(true);
    let item = schema.get("items").unwrap_or(&any);
    let items: Option<Vec<String>> = text
        .split(',')
        .map(|word| coerce_at(word.trim(), item, root, depth + 1))
        .collect();
    items.map(|items| format!("[{}]", items.join(",")))
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'))
}

/// Nobody says what it is: JSON if it reads as JSON, else text.
fn guess(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(_) => text.trim().to_owned(),
        Err(_) => wire::quote(text),
    }
}

fn wants(schema: &Value, root: &Value, depth: usize) -> String {
    let schema = resolve(schema, root, depth);
    if depth > 3 {
        return "a value".into();
    }
    if let Some(values) = fixed(schema) {
        let shown: Vec<String> = values
            .iter()
            .take(8)
            .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
            .collect();
        let more = if values.len() > shown.len() {
            "|…"
        } else {
            ""
        };
        return format!("{}{more}", shown.join("|"));
    }
    if let Some(all) = alternatives(schema) {
        let mut each: Vec<String> = all.iter().map(|one| wants(one, root, depth + 1)).collect();
        each.dedup();
        return each.join(" or ");
    }
    let word = |kind: &Kind| match kind {
        Kind::Null => "null".to_owned(),
        Kind::Integer => "integer".to_owned(),
        Kind::Number => "number".to_owned(),
        Kind::Boolean => "boolean".to_owned(),
        Kind::Array => match schema.get("items") {
            Some(items) if items.is_object() => {
                format!("list of {}", wants(items, root, depth + 1))
            }
            _ => "list".to_owned(),
        },
        Kind::Object => "JSON object".to_owned(),
        Kind::String => "string".to_owned(),
    };
    let kinds: Vec<String> = kinds(schema).iter().map(word).collect();
    if kinds.is_empty() {
        "any value".into()
    } else {
        kinds.join(" or ")
    }
}
