//! `tools call NAME k=v…`: words of a command line become the arguments that a tool's `inputSchema` asks for.
//! Refuses what cannot be meant (a word where a number is wanted); ranges and patterns are the server's to
//! check. Read `arguments/schema.rs` next.

pub(crate) mod schema;

use serde_json::Value;

use schema::Property;

/// Arguments as a JSON object, and what looked odd about them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// The JSON text.
    pub(crate) raw: String,
    /// Names that the schema does not know.
    pub(crate) unknown: Vec<String>,
}

/// Why words are no arguments.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Wrong {
    /// No `=`.
    #[error("`{0}` is not of the form name=value")]
    NotAPair(String),
    /// A name occurs twice, and it is no list.
    #[error("`{0}` is given twice")]
    Twice(String),
    /// The value cannot be what the schema wants.
    #[error("`{name}` wants {wants}, not `{value}`")]
    Value {
        name: String,
        wants: String,
        value: String,
    },
    /// The value of `k:=` is not JSON.
    #[error("`{name}` is not valid JSON: {error}")]
    Json { name: String, error: String },
    /// `--json` is something else than an object.
    #[error("the arguments must be one JSON object, like {{\"message\":\"hi\"}}: {0}")]
    NotAnObject(String),
    /// The tool takes no other names.
    #[error("there is no argument `{name}`")]
    Unknown { name: String },
    /// Required ones are missing.
    #[error("{} missing: {}", if .0.len() == 1 { "an argument is" } else { "arguments are" }, .0.join(", "))]
    Missing(Vec<String>),
}

/// Builds the arguments: the members of `json` first, then each word; a word replaces a member.
pub(crate) fn build(
    schema: &Value,
    words: &[String],
    json: Option<&str>,
) -> Result<Arguments, Wrong> {
    let properties = schema::properties(schema);
    let mut members = match json {
        Some(text) => object_members(text)?,
        None => Vec::new(),
    };
    let mut given: Vec<(String, String)> = Vec::new();
    for word in words {
        let (name, value, is_json) = split(word)?;
        let property = properties.iter().find(|p| p.name == name);
        let raw = if is_json {
            json_value(name, value)?
        } else {
            let wrong = |wants| Wrong::Value {
                name: name.into(),
                wants,
                value: value.into(),
            };
            let schema = property.map_or(&Value::Bool(true), |p| p.schema);
            schema::coerce(value, schema, schema_root(schema, &properties)).map_err(wrong)?
        };
        put(&mut given, name, raw, property)?;
    }
    for (name, raw) in given {
        match members.iter_mut().find(|m| m.0 == name) {
            Some(member) => member.1 = raw,
            None => members.push((name, raw)),
        }
    }
    check(schema, &properties, members)
}

/// `$ref`s are looked up in the whole schema.
fn schema_root<'a>(property: &'a Value, properties: &[Property<'a>]) -> &'a Value {
    properties.first().map_or(property, |p| p.root)
}

fn split(word: &str) -> Result<(&str, &str, bool), Wrong> {
    let Some((name, value)) = word.split_once('=') else {
        return Err(Wrong::NotAPair(word.into()));
    };
    let (name, is_json) = match name.strip_suffix(':') {
        Some(name) => (name, true),
        None => (name, false),
    };
    if name.is_empty() {
        return Err(Wrong::NotAPair(word.into()));
    }
    Ok((name, value, is_json))
}

fn json_value(name: &str, value: &str) -> Result<String, Wrong> {
    match serde_json::from_str::<&serde_json::value::RawValue>(value) {
        Ok(raw) => Ok(raw.get().to_owned()),
        Err(error) => Err(Wrong::Json {
            name: name.into(),
            error: error.to_string(),
        }),
    }
}

fn object_members(text: &str) -> Result<Vec<(String, String)>, Wrong> {
    let wrong = |error: String| Wrong::NotAnObject(error);
    // First the whole text, so that a mistake deep inside is found here and not by the server.
    let value: Value = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
    if !value.is_object() {
        return Err(wrong("it is something else".into()));
    }
    let object = wire::Object::parse(text.trim()).map_err(|e| wrong(e.to_string()))?;
    let mut members: Vec<(String, String)> = Vec::new();
    for (name, raw) in object.iter() {
        if members.iter().any(|m| m.0 == *name) {
            return Err(Wrong::Twice(name.to_string()));
        }
        members.push((name.to_string(), raw.to_owned()));
    }
    Ok(members)
}

/// Adds a member; the same name again makes a list longer.
fn put(
    given: &mut Vec<(String, String)>,
    name: &str,
    raw: String,
    property: Option<&Property<'_>>,
) -> Result<(), Wrong> {
    let Some(member) = given.iter_mut().find(|m| m.0 == name) else {
        given.push((name.to_owned(), raw));
        return Ok(());
    };
    let inner = |text: &str| {
        text.strip_prefix('[')
            .and_then(|t| t.strip_suffix(']'))
            .map(str::to_owned)
    };
    match (
        property.is_some_and(Property::is_list),
        inner(&member.1),
        inner(&raw),
    ) {
        (true, Some(before), Some(more)) => {
            let comma = if before.is_empty() || more.is_empty() {
                ""
            } else {
                ","
            };
            member.1 = format!("[{before}{comma}{more}]");
            Ok(())
        }
        _ => Err(Wrong::Twice(name.into())),
    }
}

fn check(
    schema: &Value,
    properties: &[Property<'_>],
    members: Vec<(String, String)>,
) -> Result<Arguments, Wrong> {
    let is_open = schema.get("additionalProperties") != Some(&Value::Bool(false))
        && ["allOf", "anyOf", "oneOf", "$ref", "patternProperties"]
            .iter()
            .all(|k| schema.get(k).is_none());
    let is_closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    let mut unknown = Vec::new();
    for (name, _) in &members {
        if properties.iter().any(|p| p.name == name) {
            continue;
        }
        if is_closed && schema.get("patternProperties").is_none() {
            return Err(Wrong::Unknown { name: name.clone() });
        }
        if is_open && !properties.is_empty() {
            unknown.push(name.clone());
        }
    }
    let missing: Vec<String> = properties
        .iter()
        .filter(|p| p.required && !members.iter().any(|m| m.0 == p.name))
        .map(|p| p.name.to_owned())
        .collect();
    if !missing.is_empty() {
        return Err(Wrong::Missing(missing));
    }
    let members: Vec<String> = members
        .iter()
        .map(|(name, raw)| format!("{}:{raw}", wire::quote(name)))
        .collect();
    Ok(Arguments {
        raw: format!("{{{}}}", members.join(",")),
        unknown,
    })
}

#[cfg(test)]
mod tests;
