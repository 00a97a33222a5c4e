//! An entry in TOML: a table of its own at the end of the file.

use serde_json::Value;
use toml_edit::{Array, InlineTable, Key};

use super::line_end;
use crate::entry::Members;
use crate::splice::Splice;
use crate::table::Client;

/// None where a value has no form in TOML.
pub(super) fn insert(text: &str, client: &Client, name: &str, members: &Members) -> Option<Splice> {
    let end = line_end(text);
    let without = match header_of(text, client, name) {
        Some(_) => remove(text, client, name)?,
        None => text.to_owned(),
    };
    let mut entry = String::new();
    if !without.is_empty() {
        let lines = if without.ends_with('\n') { 1 } else { 2 };
        entry += &end.repeat(lines);
    }
    entry += &header(client, name);
    for (key, value) in members {
        entry += &format!(
            "{end}{} = {}",
            Key::new(key).display_repr(),
            toml_value(value)?
        );
    }
    entry += end;
    Some(match without == text {
        true => Splice::insert(text.len(), entry),
        false => Splice::between(text, &(without + &entry)),
    })
}

/// The text without the entry and the tables below it; what stands before the next table stays with that.
pub(super) fn remove(text: &str, client: &Client, name: &str) -> Option<String> {
    let start = header_of(text, client, name)?;
    let own = format!("{}.", client.key.join(".")) + name;
    let mut end = start;
    let mut kept = start;
    for line in text[start..].split_inclusive('\n') {
        let trimmed = line.trim();
        let is_other =
            end > start && trimmed.starts_with('[') && !is_below(trimmed, &own, client.list);
        if is_other {
            break;
        }
        end += line.len();
        if !trimmed.is_empty() && !trimmed.starts_with('#') {
            kept = end;
        }
    }
    // The empty line that set it off goes with it.
    let before = &text[..start];
    let blank = [line_end(text), "\n"].iter().find_map(|end| {
        let rest = before.strip_suffix(end)?;
        (rest.is_empty() || rest.ends_with('\n')).then_some(rest)
    });
    Some(format!("{}{}", blank.unwrap_or(before), &text[kept..]))
}

fn header(client: &Client, name: &str) -> String {
    let table = client.key.join(".");
    match client.list {
        true => format!("[[{table}]]"),
        false => format!("[{table}.{}]", Key::new(name).display_repr()),
    }
}

/// Where the header of the entry begins.
fn header_of(text: &str, client: &Client, name: &str) -> Option<usize> {
    let mut at = 0;
    let mut candidate = None;
    for line in text.split_inclusive('\n') {
        let words = bare(line);
        if client.list {
            if words.starts_with('[') {
                candidate = (words == format!("[[{}]]", client.key.join("."))).then_some(at);
            } else if words == format!("name={name}") && candidate.is_some() {
                return candidate;
            }
        } else if words == format!("[{}.{name}]", client.key.join(".")) {
            return Some(at);
        }
        at += line.len();
    }
    None
}

fn is_below(line: &str, own: &str, list: bool) -> bool {
    !list
        && bare(line)
            .trim_start_matches('[')
            .starts_with(&format!("{own}."))
}

/// A line without quotes, white space and comment.
fn bare(line: &str) -> String {
    let line = line.split('#').next().unwrap_or_default();
    line.chars()
        .filter(|c| !c.is_whitespace() && *c != '"' && *c != '\'')
        .collect()
}

fn toml_value(value: &Value) -> Option<toml_edit::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => (*value).into(),
        Value::Number(value) => value.as_i64()?.into(),
        Value::String(value) => value.as_str().into(),
        Value::Array(items) => {
            toml_edit::Value::Array(items.iter().map(toml_value).collect::<Option<Array>>()?)
        }
        Value::Object(table) => {
            let pairs = table
                .iter()
                .map(|(key, value)| Some((key.clone(), toml_value(value)?)));
            toml_edit::Value::InlineTable(pairs.collect::<Option<InlineTable>>()?)
        }
    })
}
