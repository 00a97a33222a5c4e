//! The secrets of a server of Docker's, and how its values name them.

use super::entry::at;
use crate::SecretSpec;
use crate::document::{Node, Value};
use crate::reader::launch::check_variable;

pub(super) fn secrets(node: &Node) -> Vec<SecretSpec> {
    let found = at(node, &["secrets"]).or_else(|| at(node, &["config", "secrets"]));
    let items = found.and_then(Node::list).unwrap_or_default();
    // Several that replace each other cannot all be required; which is said nowhere but in the choice of the schema.
    let is_choice = at(node, &["config", "parameters", "anyOf"]).is_some();
    let spec = |item: &Node| {
        let text = |key: &str| {
            let text = item.get(key)?.as_str()?.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        let env = text("env")?;
        let description = text("description");
        let says_optional = [&description, &text("example")]
            .into_iter()
            .flatten()
            .any(|text| text.to_lowercase().contains("optional"));
        Some(SecretSpec {
            name: text("name").unwrap_or_else(|| env.to_ascii_lowercase()),
            example: text("example"),
            url: description.as_deref().and_then(link),
            required: match item.get("required").map(|node| &node.value) {
                Some(Value::Bool(required)) => *required,
                _ => !is_choice && !says_optional,
            },
            from: None,
            description,
            env,
        })
    };
    let mut out: Vec<SecretSpec> = Vec::new();
    for spec in items.iter().filter_map(spec) {
        if check_variable(&spec.env, "").is_none() && !out.iter().any(|known| known.env == spec.env)
        {
            out.push(spec);
        }
    }
    out
}

/// The first address in a text.
fn link(text: &str) -> Option<String> {
    let start = text.find("https://")?;
    let rest = &text[start..];
    let end = rest
        .find(|c: char| c.is_whitespace() || matches!(c, ')' | ']' | '>' | '"' | '\''))
        .unwrap_or(rest.len());
    Some(rest[..end].trim_end_matches(['.', ',']).to_owned())
}

/// `$NAME` as `${NAME}`, unless it is part of a longer name.
pub(super) fn braced(text: &str, name: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let wanted = format!("${name}");
    while let Some(found) = rest.find(&wanted) {
        let after = &rest[found + wanted.len()..];
        let is_longer = after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        out.push_str(&rest[..found]);
        match is_longer {
            true => out.push_str(&wanted),
            false => out.push_str(&format!("${{{name}}}")),
        }
        rest = after;
    }
    out + rest
}
