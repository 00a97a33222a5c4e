//! An entry in JSON: put in as the first member of its table, right behind the brace, so that no comma, comment or line of
//! others is touched.

use jsonc_parser::ast::{self, Object};
use jsonc_parser::common::Ranged as _;
use jsonc_parser::cst::{CstObject, CstObjectProp, CstRootNode};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::Value;

use super::line_end;
use crate::entry::Members;
use crate::splice::Splice;
use crate::table::Client;

/// None where the place for it is something else than a table.
pub(super) fn insert(text: &str, client: &Client, name: &str, members: &Members) -> Option<Splice> {
    let style = Style::of(text);
    let mut path: Vec<&str> = client.key.iter().map(String::as_str).collect();
    path.push(name);
    let entry = Shown::Table(
        members
            .iter()
            .map(|(key, value)| (key.clone(), Shown::from(value)))
            .collect(),
    );
    let parsed = parse_to_ast(text, &CollectOptions::default(), &options()).ok()?;
    let Some(root) = parsed.value else {
        let start = if text.is_empty() || text.ends_with('\n') {
            ""
        } else {
            style.end
        };
        let all = style.show(&nest(&path, entry), "");
        let inserted = format!("{start}{all}{}", style.end);
        // White space alone gives way; a comment stays.
        return Some(match text.trim().is_empty() {
            true => Splice {
                at: 0,
                removed: text.to_owned(),
                inserted,
            },
            false => Splice::insert(text.len(), inserted),
        });
    };
    let ast::Value::Object(mut table) = root else {
        return None;
    };
    loop {
        let (first, rest) = path.split_first()?;
        let found = table
            .properties
            .iter()
            .rposition(|p| p.name.as_str() == *first);
        let Some(found) = found else {
            return Some(style.first(text, &table, first, &nest(rest, entry)));
        };
        let value = table.properties.swap_remove(found).value;
        let range = value.range();
        let replaced = |shown: Shown| Splice {
            at: range.start,
            removed: text[range.start..range.end].to_owned(),
            inserted: style.show(&shown, indent_at(text, range.start)),
        };
        if rest.is_empty() {
            return Some(replaced(entry));
        }
        path.remove(0);
        table = match value {
            ast::Value::Object(table) => table,
            ast::Value::NullKeyword(_) => return Some(replaced(nest(&path, entry))),
            _ => return None,
        };
    }
}

/// The text without the entry; comments around it stay.
pub(super) fn remove(text: &str, client: &Client, name: &str) -> Option<String> {
    let root = CstRootNode::parse(text, &options()).ok()?;
    let mut table = root.object_value()?;
    for key in &client.key {
        table = last(&table, key)?.object_value()?;
    }
    last(&table, name)?.remove();
    Some(root.to_string())
}

/// Of members of one name the last, which is the one that counts.
fn last(table: &CstObject, name: &str) -> Option<CstObjectProp> {
    let is_it = |member: &CstObjectProp| {
        let decoded = member.name().and_then(|name| name.decoded_value().ok());
        decoded.as_deref() == Some(name)
    };
    table.properties().into_iter().rfind(is_it)
}

fn options() -> ParseOptions {
    ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

/// A value whose members have an order.
enum Shown {
    Plain(String),
    Table(Vec<(String, Self)>),
}

impl From<&Value> for Shown {
    fn from(value: &Value) -> Self {
        match value {
            Value::Object(table) => Self::Table(
                table
                    .iter()
                    .map(|(key, value)| (key.clone(), Self::from(value)))
                    .collect(),
            ),
            Value::Array(items) => {
                let items: Vec<_> = items.iter().map(Value::to_string).collect();
                Self::Plain(format!("[{}]", items.join(", ")))
            }
            value => Self::Plain(value.to_string()),
        }
    }
}

fn nest(path: &[&str], entry: Shown) -> Shown {
    path.iter().rev().fold(entry, |inner, key| {
        Shown::Table(vec![((*key).to_owned(), inner)])
    })
}

/// How a file is laid out.
struct Style {
    end: &'static str,
    unit: String,
}

impl Style {
    /// The first line that is indented says how far.
    fn of(text: &str) -> Self {
        let mut lines = text
            .lines()
            .filter(|line| line.trim_start().starts_with('"'));
        let unit = lines.find_map(|line| Some(indent(line)).filter(|indent| !indent.is_empty()));
        Self {
            end: line_end(text),
            unit: unit.unwrap_or("  ").to_owned(),
        }
    }

    fn show(&self, value: &Shown, around: &str) -> String {
        match value {
            Shown::Plain(text) => text.clone(),
            Shown::Table(members) => {
                let inner = format!("{around}{}", self.unit);
                let members: Vec<_> = members
                    .iter()
                    .map(|(key, value)| {
                        format!(
                            "{}{inner}{}: {}",
                            self.end,
                            Value::from(&**key),
                            self.show(value, &inner)
                        )
                    })
                    .collect();
                format!("{{{}{}{around}}}", members.join(","), self.end)
            }
        }
    }

    /// A member before all others.
    fn first(&self, text: &str, table: &Object<'_>, key: &str, value: &Shown) -> Splice {
        let key = Value::from(key);
        let open = table.range.start + 1;
        let inside = &text[open..table.range.end - 1];
        if let Some(first) = table.properties.first()
            && !text[open..first.range().start].contains('\n')
        {
            // All on one line stays so.
            let space = if inside.starts_with(' ') { " " } else { "" };
            let line = one_line(value);
            let behind = if space.is_empty() { " " } else { "" };
            return Splice::insert(open, format!("{space}{key}: {line},{behind}"));
        }
        // A comment behind the brace speaks of the table, not of us.
        let rest = inside.split(['\r', '\n']).next().unwrap_or_default();
        let at = match rest.trim_start().starts_with("//") {
            true => open + rest.len(),
            false => open,
        };
        let around = indent_at(text, table.range.start);
        let inner = match table.properties.first() {
            Some(first) => indent_at(text, first.range().start).to_owned(),
            None => format!("{around}{}", self.unit),
        };
        let shown = self.show(value, &inner);
        let tail = match table.properties.is_empty() {
            false => ",".to_owned(),
            true if text[at..table.range.end].contains('\n') => String::new(),
            true => format!("{}{around}", self.end),
        };
        Splice::insert(at, format!("{}{inner}{key}: {shown}{tail}", self.end))
    }
}

fn one_line(value: &Shown) -> String {
    match value {
        Shown::Plain(text) => text.clone(),
        Shown::Table(members) => {
            let members: Vec<_> = members
                .iter()
                .map(|(key, value)| format!("{}: {}", Value::from(&**key), one_line(value)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
    }
}

/// The white space at the start of the line of a byte.
fn indent_at(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    indent(&text[start..])
}

fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}
