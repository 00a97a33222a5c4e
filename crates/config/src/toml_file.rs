//! TOML as the tree that `catalog` reads, with every mistake of syntax at its line.

use catalog::Problem;
use catalog::document::{Document, Key, Node, Value, checked};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::limits::{CONFIG_FILE_BYTES_MAX, SYNTAX_PROBLEMS_MAX};

/// Reads a TOML text. Either the whole of it or the mistakes in it: half a file could mean something else than its writer did.
pub fn read<'t>(text: &'t str, source: &'t str) -> Result<Document<'t>, Vec<Problem>> {
    if text.len() > CONFIG_FILE_BYTES_MAX {
        let message = format!(
            "the file is larger than {} KiB",
            CONFIG_FILE_BYTES_MAX >> 10
        );
        return Err(vec![
            Problem::error(source, message).hint("is this the right file?"),
        ]);
    }
    let text = checked(text, source).map_err(|problem| vec![problem])?;
    let (table, errors) = DeTable::parse_recoverable(text);
    let root = from_table(table.span().start, table.into_inner());
    let doc = Document::new(text, source, root);
    if errors.is_empty() {
        return Ok(doc);
    }
    let mut mistakes: Vec<_> = errors
        .iter()
        .take(SYNTAX_PROBLEMS_MAX)
        .map(|error| (error.span().unwrap_or(0..0), error.message()))
        .collect();
    mistakes.sort_by_key(|(span, _)| span.start);
    let problems = mistakes.into_iter().map(|(span, message)| {
        if message == "duplicate key" {
            let key = text.get(span.clone()).unwrap_or_default();
            return twice(&doc, key.trim_matches(['"', '\'']), span.start);
        }
        doc.error(span.start, format!("not valid TOML: {message}"))
            .hint("nothing of this file counts until it is mended")
    });
    Err(problems.collect())
}

/// A name that stands twice in one table.
fn twice(doc: &Document<'_>, name: &str, at: usize) -> Problem {
    let message = match first(doc, name, at) {
        Some(first) => {
            let ((line, column), here) = (doc.position(first), doc.position(at));
            format!(
                "`{name}` is defined twice, at {line}:{column} and at {}:{}",
                here.0, here.1
            )
        }
        None => format!("`{name}` is defined twice"),
    };
    doc.error(at, message)
        .hint("rename or remove one of them; nothing of this file counts until then")
}

/// Where a name was defined first. The reader keeps the second of two tables and the first of two values: the former table
/// is found by reading what stands before the second, the former value is the nearest of that name above.
fn first(doc: &Document<'_>, name: &str, at: usize) -> Option<usize> {
    let mut path = Vec::new();
    if path_to(&doc.root, at, &mut path) {
        let before = doc.text[..at]
            .rfind('\n')
            .map_or("", |end| &doc.text[..=end]);
        let root = from_table(0, DeTable::parse_recoverable(before).0.into_inner());
        let mut found = (&root, None);
        for name in path {
            let (key, node) = found.0.table()?.iter().find(|(key, _)| key.name == name)?;
            found = (node, Some(key.start));
        }
        return found.1;
    }
    nearest(&doc.root, name, at)
}

/// The names that lead to the key that begins at a byte.
fn path_to<'n>(node: &'n Node, at: usize, path: &mut Vec<&'n str>) -> bool {
    node.table().unwrap_or_default().iter().any(|(key, node)| {
        path.push(&key.name);
        let is_here = key.start == at || path_to(node, at, path);
        if !is_here {
            path.pop();
        }
        is_here
    })
}

fn nearest(node: &Node, name: &str, at: usize) -> Option<usize> {
    let pairs = node.table()?;
    let here = pairs
        .iter()
        .filter(|(key, _)| key.name == name && key.start < at)
        .map(|(key, _)| key.start);
    let below = pairs.iter().filter_map(|(_, node)| nearest(node, name, at));
    here.chain(below).max()
}

/// Goes down once per level; the TOML reader has bounded the depth.
fn from_table(start: usize, table: DeTable<'_>) -> Node {
    let mut pairs: Vec<(Key, Node)> = table
        .into_iter()
        .map(|(key, value)| {
            let key = Key {
                start: key.span().start,
                name: key.into_inner().into_owned(),
            };
            (key, from_value(value))
        })
        .collect();
    // The order of the file, which the reader's map does not keep.
    pairs.sort_by_key(|(key, _)| key.start);
    Node {
        value: Value::Table(pairs),
        start,
    }
}

fn from_value(value: Spanned<DeValue<'_>>) -> Node {
    let start = value.span().start;
    let value = match value.into_inner() {
        DeValue::String(text) => Value::String(text.into_owned()),
        DeValue::Integer(number) => Value::Number(match number.radix() {
            10 => number.as_str().to_owned(),
            radix => match i128::from_str_radix(number.as_str(), radix) {
                Ok(number) => number.to_string(),
                Err(_) => number.to_string(),
            },
        }),
        DeValue::Float(number) => Value::Number(number.as_str().to_owned()),
        DeValue::Boolean(value) => Value::Bool(value),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(items) => Value::List(items.into_iter().map(from_value).collect()),
        DeValue::Table(table) => return from_table(start, table),
    };
    Node { value, start }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_keeps_order_positions_and_numbers() {
        let doc = read("\u{feff}b = 0x1F\n[z]\nk = [1.5, true]\n[a]\n", "f").unwrap();
        let pairs = doc.root.table().unwrap();
        let names: Vec<_> = pairs
            .iter()
            .map(|(key, _)| (key.name.as_str(), doc.position(key.start)))
            .collect();
        assert_eq!(names, [("b", (1, 1)), ("z", (2, 2)), ("a", (4, 2))]);
        assert_eq!(pairs[0].1.value, Value::Number("31".into()));
    }

    #[test]
    fn every_mistake_has_its_line() {
        let problems = read("a = \n[gateway\nport = 1\nx = 'y\n", "f").unwrap_err();
        let lines: Vec<_> = problems.iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [1, 2], "{problems:?}");
    }

    #[test]
    fn a_name_that_stands_twice_shows_both_places() {
        for (text, message) in [
            (
                "[servers.a]\n[servers.b.env]\na='x'\n[servers.a]\n",
                "`a` is defined twice, at 1:10 and at 4:10",
            ),
            (
                "[servers]\na={}\n\n \"a\"={}\n",
                "`a` is defined twice, at 2:1 and at 4:2",
            ),
            (
                "[servers.a]\ncommand='x'\n\ncommand='y'\n",
                "`command` is defined twice, at 2:1 and at 4:1",
            ),
            (
                "[servers]\na.command='x'\n\n[servers.a]\n",
                "`a` is defined twice, at 2:1 and at 4:10",
            ),
            (
                "\n\n\nx={a=1, a=2}\n",
                "`a` is defined twice, at 4:4 and at 4:9",
            ),
        ] {
            let problems = read(text, "f").unwrap_err();
            assert_eq!(
                (problems[0].line, problems[0].message.as_str()),
                (4, message)
            );
        }
    }

    #[test]
    fn depth_and_size_are_bounded() {
        for text in [
            "[".repeat(90_000),
            "a = ".to_owned() + &"[".repeat(90_000),
            "a.".repeat(90_000) + "b = 1",
            "a = ".to_owned() + &"{a=".repeat(90_000),
        ] {
            assert!(read(&text, "f").is_err());
        }
        assert!(
            read(&" ".repeat(CONFIG_FILE_BYTES_MAX + 1), "f").unwrap_err()[0]
                .message
                .contains("larger")
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[ -~\\n\\[\\]{}=.\"'#é]{0,120}") {
            if let Err(problems) = read(&text, "f") {
                proptest::prop_assert!(problems.iter().all(|problem| problem.line >= 1));
            }
        }
    }
}
