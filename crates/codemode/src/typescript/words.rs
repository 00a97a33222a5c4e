//! The small parts: keys, literals, and what a schema says in words.

use serde_json::{Map, Value};

use crate::text::cut;

/// Bytes of one literal, and of one comment.
const LITERAL_MAX: usize = 60;
const COMMENT_MAX: usize = 300;

/// Whether it can stand as a name.
pub(super) fn is_identifier(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LITERAL_MAX
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == '$')
}

/// A member's name.
pub(super) fn key(name: &str) -> String {
    if is_identifier(name) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

/// A value as its own type.
pub(super) fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(_) => "any[]".into(),
        Value::Object(_) => "object".into(),
        plain => plain.to_string(),
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(&cut(text.to_owned(), LITERAL_MAX)).unwrap_or_default()
}

/// What a schema says of a value, in one line: description, format, bounds, default.
pub(super) fn comment(schema: &Map<String, Value>) -> String {
    let mut parts = Vec::new();
    if let Some(text) = schema.get("description").and_then(Value::as_str) {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        parts.push(cut(text, COMMENT_MAX).trim_end_matches('.').to_owned());
    }
    if let Some(format) = schema.get("format").and_then(Value::as_str) {
        parts.push(format!("format {}", cut(format.to_owned(), LITERAL_MAX)));
    }
    if schema.get("type").is_some_and(|kind| kind == "integer") {
        parts.push("integer".into());
    }
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
        parts.push(format!("pattern {}", cut(pattern.to_owned(), LITERAL_MAX)));
    }
    for (low, high, what) in [
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " items"),
    ] {
        match (
            schema.get(low).filter(|low| low.is_number()),
            schema.get(high).filter(|high| high.is_number()),
        ) {
            (Some(low), Some(high)) => parts.push(format!("{low} to {high}{what}")),
            (Some(low), None) => parts.push(format!("at least {low}{what}")),
            (None, Some(high)) => parts.push(format!("at most {high}{what}")),
            (None, None) => {}
        }
    }
    if let Some(default) = schema.get("default").filter(|default| !default.is_object()) {
        parts.push(format!("default {}", cut(default.to_string(), LITERAL_MAX)));
    }
    if schema.get("deprecated") == Some(&Value::Bool(true)) {
        parts.push("deprecated".into());
    }
    // Nothing in it may end the comment.
    parts.join("; ").replace("*/", "* /").replace("/*", "/ *")
}
