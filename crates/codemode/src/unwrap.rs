//! From the result of `tools/call` to the value that a script gets.
//!
//! `structuredContent` if there is any, else what the text says as JSON, else the text; other content as its blocks.
//! A number in text stays text unless nothing is lost by reading it: an id of twenty digits is no number.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::limits::MESSAGE_BYTES_MAX;

/// What a result means to a script.
#[derive(Debug)]
pub(crate) enum Meaning {
    /// A value.
    Value(Box<RawValue>),
    /// The tool says that it failed.
    Failure(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolResult<'a> {
    #[serde(borrow, default)]
    structured_content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    content: Option<Vec<&'a RawValue>>,
    #[serde(default)]
    is_error: bool,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
}

/// What this result means.
///
/// # Errors
/// If it is no result of a tool; what is wrong with it.
pub(crate) fn unwrap(result: &RawValue) -> Result<Meaning, String> {
    // An array would be read as an object's members in order.
    if !result.get().trim_start().starts_with('{') {
        return Err("it is no object".into());
    }
    let result: ToolResult<'_> =
        serde_json::from_str(result.get()).map_err(|error| error.to_string())?;
    let content = result.content.unwrap_or_default();
    let blocks: Vec<Block<'_>> = content
        .iter()
        .map(|block| serde_json::from_str(block.get()))
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    let texts: Option<Vec<&str>> = blocks
        .iter()
        .map(|block| block.text.as_deref().filter(|_| block.kind == "text"))
        .collect();
    if result.is_error {
        let said: Vec<&str> = blocks
            .iter()
            .filter_map(|block| block.text.as_deref())
            .collect();
        let message = match (said.is_empty(), result.structured_content) {
            (true, Some(structured)) => structured.get().to_owned(),
            (true, None) => "the tool failed and does not say why".into(),
            (false, _) => said.join("\n"),
        };
        return Ok(Meaning::Failure(crate::text::cut(
            message,
            MESSAGE_BYTES_MAX,
        )));
    }
    if let Some(structured) = result
        .structured_content
        .filter(|value| value.get() != "null")
    {
        return Ok(Meaning::Value(structured.to_owned()));
    }
    let value = match texts {
        Some(texts) if texts.is_empty() => RawValue::NULL.to_owned(),
        Some(texts) => of_text(&texts.join("\n")).map_err(|error| error.to_string())?,
        None => to_raw_value(&content).map_err(|error| error.to_string())?,
    };
    Ok(Meaning::Value(value))
}

/// JSON if it is, and if it says the same as JSON; else itself.
fn of_text(text: &str) -> serde_json::Result<Box<RawValue>> {
    let trimmed = text.trim();
    let is_json = match trimmed.as_bytes().first() {
        Some(b'{' | b'[' | b'"') => true,
        Some(b't' | b'f' | b'n') => matches!(trimmed, "true" | "false" | "null"),
        Some(b'-' | b'0'..=b'9') => is_exact_number(trimmed),
        _ => false,
    };
    if is_json && let Ok(raw) = serde_json::from_str::<&RawValue>(trimmed) {
        return Ok(raw.to_owned());
    }
    to_raw_value(text)
}

/// Whether a number of the engine is written back as the same text.
fn is_exact_number(text: &str) -> bool {
    if text.len() > 24 || text.starts_with("-0") && !text.contains('.') {
        return false;
    }
    match serde_json::from_str::<f64>(text) {
        Ok(number) => number.is_finite() && number.to_string() == text,
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(result: &str) -> String {
        let raw: Box<RawValue> = serde_json::from_str(result).unwrap();
        match unwrap(&raw).unwrap() {
            Meaning::Value(value) => value.get().to_owned(),
            Meaning::Failure(message) => panic!("{message}"),
        }
    }

    fn of_text(text: &str) -> String {
        value(&serde_json::json!({"content": [{"type": "text", "text": text}]}).to_string())
    }

    #[test]
    fn structured_content_is_the_value_byte_for_byte() {
        assert_eq!(
            value(
                r#"{"content": [{"type": "text", "text": "x"}], "structuredContent": {"a": 1.0,  "b":[]}}"#
            ),
            r#"{"a": 1.0,  "b":[]}"#
        );
    }

    #[test]
    fn text_is_json_where_it_is_json() {
        assert_eq!(of_text(r#" {"a": [1]} "#), r#"{"a": [1]}"#);
        assert_eq!(of_text("42"), "42");
        assert_eq!(of_text("-1.5"), "-1.5");
        assert_eq!(of_text("true"), "true");
        assert_eq!(of_text("\"quoted\""), "\"quoted\"");
    }

    #[test]
    fn text_stays_text_where_something_would_be_lost() {
        for text in [
            "12345678901234567890",
            "1.10",
            "007",
            "1e5",
            "-0",
            "{oops",
            "2024-01-02",
            "nothing",
            "",
            "[1] and more",
        ] {
            assert_eq!(
                of_text(text),
                serde_json::to_string(text).unwrap(),
                "{text}"
            );
        }
    }

    #[test]
    fn several_texts_are_lines_and_other_blocks_stay_blocks() {
        assert_eq!(
            value(r#"{"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}"#),
            r#""a\nb""#
        );
        assert_eq!(
            value(
                r#"{"content": [{"type": "text", "text": "a"}, {"type": "image", "data": "aa", "mimeType": "image/png"}]}"#
            ),
            r#"[{"type": "text", "text": "a"},{"type": "image", "data": "aa", "mimeType": "image/png"}]"#
        );
        assert_eq!(value(r#"{"content": []}"#), "null");
        assert_eq!(value("{}"), "null");
    }

    #[test]
    fn a_failure_is_its_text() {
        let failure = |result: &str| {
            let raw: Box<RawValue> = serde_json::from_str(result).unwrap();
            match unwrap(&raw) {
                Ok(Meaning::Failure(message)) => message,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(
            failure(r#"{"isError": true, "content": [{"type": "text", "text": "not found"}]}"#),
            "not found"
        );
        assert_eq!(
            failure(r#"{"isError": true, "structuredContent": {"code": 4}}"#),
            r#"{"code": 4}"#
        );
        assert_eq!(
            failure(r#"{"isError": true}"#),
            "the tool failed and does not say why"
        );
    }

    #[test]
    fn what_is_no_result_says_so() {
        for result in [
            "[]",
            "3",
            r#"{"content": "x"}"#,
            r#"{"content": [{"text": "no type"}]}"#,
        ] {
            let raw: Box<RawValue> = serde_json::from_str(result).unwrap();
            assert!(unwrap(&raw).is_err(), "{result}");
        }
    }
}
