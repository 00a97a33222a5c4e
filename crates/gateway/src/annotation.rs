//! `x-mcp-header` in tool schemas (2026-07-28, "custom headers"): which arguments travel as `Mcp-Param-*` headers
//! too. An annotation that breaks the rules makes its tool invalid.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wire::Object;

use crate::limits::SCHEMA_DEPTH_MAX;

/// One argument that travels in a header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Mirrored {
    /// The member names from the root of `arguments` to it.
    pub(crate) path: Vec<Box<str>>,
    /// The header is `Mcp-Param-<this>`.
    pub(crate) header: Box<str>,
}

/// The annotations of a schema.
///
/// # Errors
/// An annotation that is not a header token, stands twice, or on something that is not a string, integer or
/// boolean reached from the root through `properties` alone.
pub(crate) fn mirrored(schema: &Value) -> Result<Vec<Mirrored>, String> {
    let mut found = Vec::new();
    walk(schema, &mut Vec::new(), true, 0, &mut found)?;
    for (n, one) in found.iter().enumerate() {
        if found[..n]
            .iter()
            .any(|other| other.header.eq_ignore_ascii_case(&one.header))
        {
            return Err(format!(
                "x-mcp-header {:?} stands twice in its inputSchema",
                one.header
            ));
        }
    }
    Ok(found)
}

fn walk(
    node: &Value,
    path: &mut Vec<Box<str>>,
    direct: bool,
    depth: usize,
    found: &mut Vec<Mirrored>,
) -> Result<(), String> {
    if depth > SCHEMA_DEPTH_MAX {
        return Err(format!(
            "its inputSchema is nested deeper than {SCHEMA_DEPTH_MAX}"
        ));
    }
    match node {
        Value::Object(members) => {
            if let Some(header) = members.get("x-mcp-header") {
                let kind = members.get("type").and_then(Value::as_str);
                found.push(annotated(header, kind, path, direct)?);
            }
            for (name, value) in members {
                match value {
                    Value::Object(properties) if name == "properties" => {
                        for (property, schema) in properties {
                            path.push(property.as_str().into());
                            walk(schema, path, direct, depth + 1, found)?;
                            path.pop();
                        }
                    }
                    // Data, not schemas.
                    _ if matches!(name.as_str(), "default" | "const" | "enum" | "examples") => {}
                    _ => walk(value, path, false, depth + 1, found)?,
                }
            }
            Ok(())
        }
        Value::Array(items) => items
            .iter()
            .try_for_each(|item| walk(item, path, false, depth + 1, found)),
        _ => Ok(()),
    }
}

fn annotated(
    header: &Value,
    kind: Option<&str>,
    path: &[Box<str>],
    direct: bool,
) -> Result<Mirrored, String> {
    let Some(header) = header.as_str().filter(|text| is_token(text)) else {
        return Err(format!("x-mcp-header {header} is not a header name"));
    };
    if !direct || path.is_empty() {
        return Err(format!(
            "x-mcp-header {header:?} is not reached through \"properties\" alone"
        ));
    }
    if !matches!(kind, Some("string" | "integer" | "boolean")) {
        return Err(format!(
            "x-mcp-header {header:?} stands on something other than a string, integer or boolean"
        ));
    }
    Ok(Mirrored {
        path: path.to_vec(),
        header: header.into(),
    })
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// The text that the header carries for these arguments; none if the argument is absent or null.
pub(crate) fn value_of<'a>(arguments: &Object<'a>, path: &[Box<str>]) -> Option<Cow<'a, str>> {
    let (last, way) = path.split_last()?;
    let mut object = arguments.clone();
    for name in way {
        object = object.object(name).ok().flatten()?;
    }
    match object.get(last).ok().flatten()? {
        "null" => None,
        text if text.starts_with('"') => object.string(last).ok().flatten(),
        text => Some(Cow::Borrowed(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn annotations_are_found_at_any_depth_of_properties() {
        let schema = json!({"type":"object","properties":{
            "region":{"type":"string","x-mcp-header":"Region"},
            "deep":{"type":"object","properties":{"n":{"type":"integer","x-mcp-header":"N"}}}}});
        let found = mirrored(&schema).unwrap();
        assert_eq!(found.len(), 2);
        let arguments = Object::parse(r#"{"region":"eu","deep":{"n":7}}"#).unwrap();
        let values: Vec<_> = found
            .iter()
            .map(|m| value_of(&arguments, &m.path).unwrap().into_owned())
            .collect();
        assert!(values.contains(&"eu".to_owned()) && values.contains(&"7".to_owned()));
    }

    #[test]
    fn bad_annotations_are_refused() {
        for schema in [
            json!({"properties":{"a":{"type":"string","x-mcp-header":""}}}),
            json!({"properties":{"a":{"type":"string","x-mcp-header":"a b"}}}),
            json!({"properties":{"a":{"type":"number","x-mcp-header":"A"}}}),
            json!({"properties":{"a":{"type":"array","items":{"type":"string","x-mcp-header":"A"}}}}),
            json!({"properties":{"a":{"type":"string","x-mcp-header":"X"},"b":{"type":"string","x-mcp-header":"x"}}}),
        ] {
            assert!(mirrored(&schema).is_err(), "{schema}");
        }
    }

    #[test]
    fn absent_and_null_arguments_have_no_header() {
        let arguments = Object::parse(r#"{"a":null}"#).unwrap();
        assert_eq!(value_of(&arguments, &["a".into()]), None);
        assert_eq!(value_of(&arguments, &["b".into()]), None);
    }
}
