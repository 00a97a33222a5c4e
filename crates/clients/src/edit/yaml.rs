//! An entry in YAML, by lines: the first below its key, indented as its neighbours are. Values are written as JSON, which is YAML.

use super::line_end;
use crate::entry::Members;
use crate::splice::Splice;
use crate::table::Client;

/// None where the key is written in a way that has no lines of its own.
pub(super) fn insert(text: &str, client: &Client, name: &str, members: &Members) -> Option<Splice> {
    let end = line_end(text);
    let text_without = match find(text, client, name) {
        Some((from, to)) => format!("{}{}", &text[..from], &text[to..]),
        None => text.to_owned(),
    };
    let [key] = &client.key[..] else { return None };
    let spliced = match key_line(&text_without, key) {
        None => {
            let start = match text_without.is_empty() || text_without.ends_with('\n') {
                true => "",
                false => end,
            };
            let entry = shown(client, name, members, "  ", end);
            Splice::insert(text_without.len(), format!("{start}{key}:{end}{entry}"))
        }
        Some(line) => {
            let value = line.value(&text_without);
            let indent = line.child_indent(&text_without, client.list);
            let entry = shown(
                client,
                name,
                members,
                indent.as_deref().unwrap_or("  "),
                end,
            );
            match value {
                "" => {
                    let start = if text_without[..line.end].ends_with('\n') {
                        ""
                    } else {
                        end
                    };
                    Splice::insert(line.end, format!("{start}{entry}"))
                }
                "{}" | "[]" | "null" | "~" if indent.is_none() => {
                    let full = &text_without[line.start..line.end];
                    let start = if full.ends_with('\n') { "" } else { end };
                    let replaced = full.replacen(&format!(" {value}"), "", 1);
                    Splice {
                        at: line.start,
                        removed: full.to_owned(),
                        inserted: format!("{replaced}{start}{entry}"),
                    }
                }
                _ => return None,
            }
        }
    };
    Some(match text_without == text {
        true => spliced,
        false => Splice::between(text, &spliced.apply(&text_without)),
    })
}

/// The text without the lines of the entry.
pub(super) fn remove(text: &str, client: &Client, name: &str) -> Option<String> {
    let (from, to) = find(text, client, name)?;
    let after = format!("{}{}", &text[..from], &text[to..]);
    let line = key_line(&after, client.key.first()?)?;
    if line.value(&after).is_empty() && line.child_indent(&after, client.list).is_none() {
        let empty = if client.list { " []" } else { " {}" };
        let at = line.start + client.key[0].len() + 1;
        return Some(format!("{}{empty}{}", &after[..at], &after[at..]));
    }
    Some(after)
}

/// The line of a key at the top of a file.
struct KeyLine {
    start: usize,
    /// Behind its line end.
    end: usize,
    /// Behind its colon.
    colon: usize,
}

impl KeyLine {
    /// What stands behind the colon, without a comment.
    fn value<'t>(&self, text: &'t str) -> &'t str {
        let rest = &text[self.colon..self.end];
        let end = match rest.trim_start().starts_with('#') {
            true => 0,
            false => rest.find(" #").unwrap_or(rest.len()),
        };
        rest[..end].trim()
    }

    /// How far what is below it is indented; none if nothing is.
    fn child_indent(&self, text: &str, list: bool) -> Option<String> {
        let first = text[self.end..].lines().find(|line| {
            let line = line.trim_start();
            !line.is_empty() && !line.starts_with('#')
        })?;
        let indent = indent(first);
        let is_item = first[indent.len()..].starts_with('-');
        let is_child = if list { is_item } else { !indent.is_empty() };
        is_child.then(|| indent.to_owned())
    }
}

fn key_line(text: &str, key: &str) -> Option<KeyLine> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let rest = line
            .strip_prefix(key)
            .and_then(|rest| rest.strip_prefix(':'));
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n'])) {
            return Some(KeyLine {
                start,
                end: start + line.len(),
                colon: start + key.len() + 1,
            });
        }
        start += line.len();
    }
    None
}

/// From where to where the lines of an entry go.
fn find(text: &str, client: &Client, name: &str) -> Option<(usize, usize)> {
    let line = key_line(text, client.key.first()?)?;
    let around = line.child_indent(text, client.list)?;
    let mut at = line.end;
    let mut from = None;
    let mut is_ours = false;
    let mut last = at;
    for line in text[at..].split_inclusive('\n') {
        let content = line.trim();
        let depth = indent(line).len();
        if !content.is_empty() && !content.starts_with('#') {
            let is_sibling = depth == around.len() && (!client.list || content.starts_with('-'));
            if is_ours && (is_sibling || depth < around.len() || depth == around.len()) {
                return from.map(|from| (from, last));
            }
            if is_sibling {
                (from, is_ours) = (Some(at), false);
            } else if depth <= around.len() {
                break;
            }
            let member = content.strip_prefix('-').unwrap_or(content).trim_start();
            is_ours |= match client.list {
                true => pair(member) == Some(("name", name)),
                false => is_sibling && pair(member) == Some((name, "")),
            };
            last = at + line.len();
        }
        at += line.len();
    }
    is_ours.then_some((from?, last))
}

/// A key and a plain value, quotes taken away.
fn pair(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    Some((plain(key), plain(value)))
}

fn plain(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}

fn shown(client: &Client, name: &str, members: &Members, around: &str, end: &str) -> String {
    let mut text = String::new();
    if !client.list {
        text += &format!("{around}{name}:{end}");
    }
    for (at, (key, value)) in members.iter().enumerate() {
        let dash = if client.list && at == 0 { "- " } else { "  " };
        text += &format!("{around}{dash}{key}: {}{end}", flow(value));
    }
    text
}

/// JSON with a space behind commas and colons.
fn flow(value: &serde_json::Value) -> String {
    use serde_json::Value;
    match value {
        Value::Array(items) => {
            format!(
                "[{}]",
                items.iter().map(flow).collect::<Vec<_>>().join(", ")
            )
        }
        Value::Object(table) => {
            let pairs = table
                .iter()
                .map(|(key, value)| format!("{}: {}", Value::from(&**key), flow(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        value => value.to_string(),
    }
}

fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches(' ').len()]
}
