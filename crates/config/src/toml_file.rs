//! TOML as the tree that `catalog` reads, with every mistake of syntax at its line.

use catalog::Problem;
use catalog::document::{Document, Key, Node, Value, checked, position};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::limits::{CONFIG_FILE_BYTES_MAX, SYNTAX_PROBLEMS_MAX};

/// Reads a TOML text. Either the whole of it or the mistakes in it: half a file could mean something else than its writer did.
pub(crate) fn read<'t>(text: &'t str, source: &'t str) -> Result<Document<'t>, Vec<Problem>> {
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
    let problems = errors.iter().take(SYNTAX_PROBLEMS_MAX).map(|error| {
        let span = error.span().unwrap_or(0..0);
        let message = error.message();
        if message == "duplicate key" {
            let key = text.get(span.clone()).unwrap_or_default();
            return twice(&doc, key, span.start);
        }
        Problem::error(source, format!("not valid TOML: {message}"))
            .at(position(text, span.start))
            .hint("nothing of this file counts until it is mended")
    });
    Err(problems.collect())
}

/// A name that stands twice in one table; the reader kept the other one.
fn twice(doc: &Document<'_>, key: &str, at: usize) -> Problem {
    let name = key.trim_matches(['"', '\'']);
    let problem = match first(&doc.root, name, at) {
        Some(start) => {
            let ((line, column), here) = (doc.position(start), doc.position(at));
            let message = format!(
                "`{name}` is defined twice, at {line}:{column} and at {}:{}",
                here.0, here.1
            );
            doc.error(at, message)
        }
        None => doc.error(at, format!("`{name}` is defined twice")),
    };
    problem.hint("rename or remove one of them; nothing of this file counts until then")
}

/// The last place before `at` where this name was defined.
fn first(node: &Node, name: &str, at: usize) -> Option<usize> {
    let pairs = node.table()?;
    let here = pairs
        .iter()
        .filter(|(key, _)| key.name == name && key.start < at)
        .map(|(key, _)| key.start);
    let below = pairs.iter().filter_map(|(_, node)| first(node, name, at));
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
        assert!(lines.len() >= 3 && lines[0] == 1, "{problems:?}");
    }

    #[test]
    fn a_name_that_stands_twice_shows_both_places() {
        for text in [
            "[servers.a]\ncommand='x'\n\n[servers.a]\ncommand='y'\n",
            "[servers]\na={command='x'}\n\na={command='y'}\n",
        ] {
            let problems = read(text, "f").unwrap_err();
            let problem = &problems[0];
            assert_eq!(problem.line, 4, "{problems:?}");
            assert!(
                problem.message.starts_with("`a` is defined twice, at "),
                "{problem}"
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
