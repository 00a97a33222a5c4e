//! YAML as a [`Document`]. Owns what of YAML we take: the tree, with positions. Refuses what costs too much: aliases
//! without end, depth, several documents in one file.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Error, Location, Spanned};

use super::{Document, Key, Node, Value, checked};
use crate::Problem;
use crate::limits::{YAML_ALIASED_MAX, YAML_DEPTH_MAX, YAML_NODES_MAX};

impl<'t> Document<'t> {
    /// Reads YAML 1.2: one document, `true` and `false` as the only booleans, no tags of programs. A key may stand twice,
    /// as in JSON. An empty text is an empty table.
    pub fn yaml(text: &'t str, source: &'t str) -> Result<Self, Problem> {
        let text = checked(text, source)?;
        let tree = parse(text).map_err(|error| problem(text, source, &error))?;
        let mut root = node(tree, text);
        if root.value == Value::Null {
            root.value = Value::Table(Vec::new());
        }
        Ok(Self::new(text, source, root))
    }
}

fn parse(text: &str) -> Result<Spanned<Tree>, Error> {
    let mut options = serde_saphyr::Options::default();
    // What comes twice comes to us twice.
    options.duplicate_keys = DuplicateKeyPolicy::LastWins;
    options.strict_booleans = true;
    options.with_snippet = false;
    options.emit_comments = false;
    options.alias_limits.max_total_replayed_events = YAML_ALIASED_MAX;
    if let Some(budget) = &mut options.budget {
        budget.max_depth = YAML_DEPTH_MAX;
        budget.max_nodes = YAML_NODES_MAX;
        budget.max_events = 3 * YAML_NODES_MAX;
        budget.max_documents = 1;
    }
    serde_saphyr::from_str_with_options(text, options)
}

fn problem(text: &str, source: &str, error: &Error) -> Problem {
    let message = error.without_snippet().to_string();
    let line = message.lines().next().unwrap_or_default();
    let mut letters = line.chars();
    let message = letters.next().map_or_else(String::new, |c| {
        c.to_ascii_lowercase().to_string() + letters.as_str()
    });
    let message = message.split(" at line ").next().unwrap_or_default();
    // Their line ends are not all ours: what lies beyond a line of ours is its end.
    let at = error.location().map_or((1, 1), |at| {
        let lines = text.split('\n').count();
        let line = (at.line() as usize).clamp(1, lines);
        let length = text
            .split('\n')
            .nth(line - 1)
            .map_or(0, |line| line.chars().count());
        (line, (at.column() as usize).clamp(1, length + 1))
    });
    Problem::error(source, format!("not valid YAML: {message}"))
        .at(at)
        .hint("nothing of the file can be read: mend it first")
}

/// A value before its place is known.
enum Tree {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Spanned<Self>>),
    Table(Vec<(Spanned<String>, Spanned<Self>)>),
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        // JSON has no words for the infinite: what is meant is its text.
        Ok(match value.is_finite() {
            true => Tree::Number(value.to_string()),
            false => Tree::Text(value.to_string()),
        })
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Tree, E> {
        Ok(Tree::Text(value))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Tree, A::Error> {
        let mut table = Vec::new();
        while let Some(key) = pairs.next_key::<Spanned<Tree>>()? {
            let name = match key.value {
                Tree::Text(name) | Tree::Number(name) => name,
                Tree::Bool(name) => name.to_string(),
                Tree::Null => "null".to_owned(),
                _ => return Err(A::Error::custom("a key must be a text")),
            };
            let key = Spanned::new(name, key.referenced, key.defined);
            table.push((key, pairs.next_value()?));
        }
        Ok(Tree::Table(table))
    }
}

/// Goes down once per level; the reader has bounded the depth.
fn node(tree: Spanned<Tree>, text: &str) -> Node {
    let start = byte_of(tree.referenced);
    let value = match tree.value {
        Tree::Null => Value::Null,
        Tree::Bool(value) => Value::Bool(value),
        Tree::Number(number) => Value::Number(as_written(tree.defined, text).unwrap_or(number)),
        Tree::Text(text) => Value::String(text),
        Tree::List(items) => Value::List(items.into_iter().map(|item| node(item, text)).collect()),
        Tree::Table(pairs) => Value::Table(
            pairs
                .into_iter()
                .map(|(key, value)| {
                    let start = byte_of(key.referenced);
                    let name = key.value;
                    (Key { name, start }, node(value, text))
                })
                .collect(),
        ),
    };
    Node { value, start }
}

fn byte_of(at: Location) -> usize {
    at.span().byte_offset().unwrap_or(0) as usize
}

/// A number as it stands in the file: `1.10` is no `1.1` where a version is meant.
fn as_written(at: Location, text: &str) -> Option<String> {
    let (start, len) = (at.span().byte_offset()?, at.span().byte_len()?);
    let raw = text.get(start as usize..(start + len) as usize)?.trim();
    let is_plain = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E');
    (!raw.is_empty() && raw.chars().all(is_plain)).then(|| raw.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Node {
        Document::yaml(text, "f").unwrap().root
    }

    fn at<'a>(node: &'a Node, key: &str) -> &'a Node {
        &node
            .table()
            .unwrap()
            .iter()
            .find(|(k, _)| k.name == key)
            .unwrap()
            .1
    }

    #[test]
    fn values_and_where_they_stand() {
        let text =
            "\u{feff}a: é\nb:\n  - 1.10\n  - true\n  - yes\n  - ~\n  - \"7\"\nc: {d: 0x10, 1: x}\n";
        let doc = Document::yaml(text, "f").unwrap();
        let Value::List(items) = &at(&doc.root, "b").value else {
            panic!()
        };
        let values: Vec<&Value> = items.iter().map(|item| &item.value).collect();
        assert_eq!(
            values,
            [
                &Value::Number("1.10".into()),
                &Value::Bool(true),
                &Value::String("yes".into()),
                &Value::Null,
                &Value::String("7".into()),
            ]
        );
        assert_eq!(doc.position(items[0].start), (3, 5));
        let c = at(&doc.root, "c");
        assert_eq!(at(c, "d").value, Value::Number("16".into()));
        assert_eq!(doc.position(at(c, "1").start), (8, 17));
        assert_eq!(at(&doc.root, "a").value, Value::String("é".into()));
    }

    #[test]
    fn nothing_is_an_empty_table() {
        for text in ["", "  \n", "---\n", "# only a note\n"] {
            assert_eq!(read(text).value, Value::Table(vec![]), "{text:?}");
        }
    }

    #[test]
    fn anchors_merge_and_blocks() {
        let root = read("x: &x\n  k: v\ny: *x\nz:\n  <<: *x\n  w: |\n    two\n    lines\n");
        assert_eq!(at(at(&root, "y"), "k").value, Value::String("v".into()));
        assert_eq!(at(at(&root, "z"), "k").value, Value::String("v".into()));
        assert_eq!(
            at(at(&root, "z"), "w").value,
            Value::String("two\nlines\n".into())
        );
    }

    #[test]
    fn a_key_that_stands_twice_is_there_twice() {
        let root = read("a: 1\nb: 2\na: 3\n");
        let keys: Vec<_> = root
            .table()
            .unwrap()
            .iter()
            .map(|(k, _)| (k.name.as_str(), k.start))
            .collect();
        assert_eq!(keys, [("a", 0), ("b", 5), ("a", 10)]);
    }

    #[test]
    fn mistakes_have_a_position() {
        for (text, line) in [
            ("a: [1\nb: 2", 2),
            ("a: b: c", 1),
            ("a: \"x", 1),
            ("a: *no", 1),
        ] {
            let problem = Document::yaml(text, "f").unwrap_err();
            assert!(problem.message.starts_with("not valid YAML: "), "{problem}");
            assert_eq!(problem.line, line, "{text:?} {problem}");
        }
        assert!(Document::yaml("a: 1\n---\nb: 2\n", "f").is_err());
    }

    #[test]
    fn what_costs_too_much_is_refused() {
        assert!(Document::yaml(&"[".repeat(100_000), "f").is_err());
        assert!(Document::yaml(&"- ".repeat(YAML_DEPTH_MAX + 1), "f").is_err());
        let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for i in 1..12 {
            bomb += &format!(
                "a{i}: &a{i} [{}]\n",
                vec![format!("*a{}", i - 1); 9].join(",")
            );
        }
        assert!(Document::yaml(&bomb, "f").is_err());
        let many = |nodes: usize| format!("[{}]", "x,".repeat(nodes));
        assert!(Document::yaml(&many(YAML_NODES_MAX / 2), "f").is_ok());
        assert!(Document::yaml(&many(YAML_NODES_MAX + 1), "f").is_err());
        let aliased = |times: usize| format!("a: &a [x]\nb: [{}]\n", "*a,".repeat(times));
        assert!(Document::yaml(&aliased(40), "f").is_ok());
        assert!(Document::yaml(&aliased(YAML_ALIASED_MAX), "f").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[ -~\\n{}\\[\\]:&*,é-]{0,120}") {
            let _ = Document::yaml(&text, "f").map_err(|p| assert!(p.line >= 1, "{p}"));
        }
    }
}
