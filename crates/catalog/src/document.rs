//! A JSON, TOML or YAML file as one kind of tree that remembers where everything stood. Owns positions; knows nothing of what the
//! file means. Next: `fields`, which reads one table of it.

use std::cell::OnceCell;

use jsonc_parser::ast;
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use crate::limits::FILE_BYTES_MAX;
use crate::{Level, Problem};

mod yaml;

/// A file that has been read: its name, its text, and what stands in it.
#[derive(Debug, Clone)]
pub struct Document<'t> {
    /// The file, for messages.
    pub source: &'t str,
    /// All of its text.
    pub text: &'t str,
    /// What stands in it.
    pub root: Node,
    /// Lines and columns of some bytes, made when the first position is asked for: a file may have many problems.
    marks: OnceCell<Vec<Mark>>,
}

/// The position of a byte, from which others are counted.
#[derive(Debug, Clone, Copy)]
struct Mark {
    byte: usize,
    line: usize,
    column: usize,
}

/// A value and the byte at which it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it begins.
    pub start: usize,
}

/// A value of JSON, TOML or YAML.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// JSON's `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it was written.
    Number(String),
    /// A text, escapes resolved.
    String(String),
    /// A list.
    List(Vec<Node>),
    /// Names and values in the order of the file; a name may occur twice.
    Table(Vec<(Key, Node)>),
    /// What neither form of ours has a use for, such as TOML's dates.
    Other(&'static str),
}

/// A name in a table and the byte at which it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The name.
    pub name: String,
    /// Where it begins.
    pub start: usize,
}

impl<'t> Document<'t> {
    /// Reads JSON in which comments and trailing commas are allowed, and nothing else that JSON forbids.
    /// An empty text is an empty table.
    pub fn json(text: &'t str, source: &'t str) -> Result<Self, Problem> {
        let text = checked(text, source)?;
        let strict = ParseOptions {
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
        };
        match parse_to_ast(text, &CollectOptions::default(), &strict) {
            Ok(result) => Ok(Self::new(
                text,
                source,
                result.value.map_or(
                    Node {
                        value: Value::Table(Vec::new()),
                        start: 0,
                    },
                    Node::from_json,
                ),
            )),
            Err(error) => {
                let kind = error.kind().to_string();
                let mut letters = kind.chars();
                let message: String = letters.next().map_or_else(String::new, |c| {
                    c.to_ascii_lowercase().to_string() + letters.as_str()
                });
                Err(Problem::error(source, format!("not valid JSON: {message}"))
                    .at(position(text, error.range().start))
                    .hint("servers after a mistake cannot be read: mend the file first"))
            }
        }
    }

    /// A document whose tree was made elsewhere, from this very text.
    pub fn new(text: &'t str, source: &'t str, root: Node) -> Self {
        Self {
            source,
            text,
            root,
            marks: OnceCell::new(),
        }
    }

    /// Line and column of a byte.
    pub fn position(&self, byte: usize) -> (usize, usize) {
        let marks = self.marks.get_or_init(|| marks(self.text));
        let at = marks.partition_point(|mark| mark.byte <= byte);
        marks[at.saturating_sub(1)].count(self.text, byte)
    }

    /// Says that something at a byte has no effect.
    pub fn error(&self, byte: usize, message: impl Into<String>) -> Problem {
        self.problem(Level::Error, byte, message)
    }

    /// Says that a person should know of something at a byte.
    pub fn warning(&self, byte: usize, message: impl Into<String>) -> Problem {
        self.problem(Level::Warning, byte, message)
    }

    fn problem(&self, level: Level, byte: usize, message: impl Into<String>) -> Problem {
        Problem {
            level,
            ..Problem::error(self.source, message).at(self.position(byte))
        }
    }
}

/// The text without its byte order mark, if it is of a size that is read at all.
pub fn checked<'t>(text: &'t str, source: &str) -> Result<&'t str, Problem> {
    if text.len() > FILE_BYTES_MAX {
        return Err(Problem::error(
            source,
            format!("the file is larger than {} MiB", FILE_BYTES_MAX >> 20),
        )
        .hint("is this the right file?"));
    }
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Line and column, both from 1, of a byte of a text; the column counts characters.
pub fn position(text: &str, byte: usize) -> (usize, usize) {
    Mark::START.count(text, byte)
}

impl Mark {
    const START: Self = Self {
        byte: 0,
        line: 1,
        column: 1,
    };
    /// Bytes from one mark to the next.
    const STEP: usize = 4096;

    fn count(self, text: &str, byte: usize) -> (usize, usize) {
        let bytes = text.as_bytes();
        let (mut line, mut column) = (self.line, self.column);
        for byte in &bytes[self.byte..byte.clamp(self.byte, bytes.len())] {
            if *byte == b'\n' {
                (line, column) = (line + 1, 1);
            } else if (byte & 0xC0) != 0x80 {
                column += 1; // the first byte of a character: a position inside one is that character
            }
        }
        (line, column)
    }
}

fn marks(text: &str) -> Vec<Mark> {
    let mut marks = vec![Mark::START];
    let mut last = Mark::START;
    while last.byte + Mark::STEP < text.len() {
        let byte = last.byte + Mark::STEP;
        let (line, column) = last.count(text, byte);
        last = Mark { byte, line, column };
        marks.push(last);
    }
    marks
}

impl Node {
    /// A name for the kind of value, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
            Value::Other(kind) => kind,
        }
    }

    /// The pairs, if it is a table.
    pub fn table(&self) -> Option<&[(Key, Self)]> {
        match &self.value {
            Value::Table(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// As JSON, of two values with one name the later. Goes down once per level; the readers have bounded the depth.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Number(text) => {
                serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.clone()))
            }
            Value::String(text) => Json::String(text.clone()),
            Value::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Value::Table(pairs) => Json::Object(
                pairs
                    .iter()
                    .map(|(key, node)| (key.name.clone(), node.to_json()))
                    .collect(),
            ),
            Value::Other(kind) => Json::String((*kind).to_owned()),
        }
    }

    /// The value of a name, if it is a table that has one; of two the later.
    pub fn get(&self, name: &str) -> Option<&Self> {
        let mut found = self.table()?.iter().rev();
        found
            .find(|(key, _)| key.name == name)
            .map(|(_, node)| node)
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The items, if it is a list.
    pub fn list(&self) -> Option<&[Self]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// Goes down once per level; the JSON reader has bounded the depth.
    fn from_json(value: ast::Value<'_>) -> Self {
        let start = value.range().start;
        let value = match value {
            ast::Value::NullKeyword(_) => Value::Null,
            ast::Value::BooleanLit(lit) => Value::Bool(lit.value),
            ast::Value::NumberLit(lit) => Value::Number(lit.value.to_owned()),
            ast::Value::StringLit(lit) => Value::String(lit.value.into_owned()),
            ast::Value::Array(list) => {
                Value::List(list.elements.into_iter().map(Self::from_json).collect())
            }
            ast::Value::Object(object) => Value::Table(
                object
                    .properties
                    .into_iter()
                    .map(|property| {
                        let key = Key {
                            start: property.name.range().start,
                            name: property.name.into_string(),
                        };
                        (key, Self::from_json(property.value))
                    })
                    .collect(),
            ),
        };
        Self { value, start }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters() {
        let text = "ab\ncé日x";
        assert_eq!(position(text, 0), (1, 1));
        assert_eq!(position(text, 3), (2, 1));
        assert_eq!(position(text, text.find('x').unwrap()), (2, 4));
        assert_eq!(position(text, 999), (2, 5));
    }

    #[test]
    fn positions_far_in_a_large_file_are_the_same() {
        let text = "é日\n".to_owned() + &"é日x ".repeat(3_000) + &"\né".repeat(9_000);
        let doc = Document::new(
            &text,
            "f",
            Node {
                value: Value::Null,
                start: 0,
            },
        );
        for byte in (0..text.len() + 9).step_by(97) {
            assert_eq!(doc.position(byte), position(&text, byte), "{byte}");
        }
    }

    #[test]
    fn json_with_comments_and_trailing_commas() {
        let doc =
            Document::json("\u{feff}// note\n{ \"é\": [1.50, /* x */ null,], }\n", "f").unwrap();
        let (key, node) = &doc.root.table().unwrap()[0];
        assert_eq!((key.name.as_str(), doc.position(key.start)), ("é", (2, 3)));
        assert_eq!(doc.position(node.start), (2, 8));
        let Value::List(items) = &node.value else {
            panic!("{node:?}")
        };
        assert_eq!(items[0].value, Value::Number("1.50".into()));
        assert_eq!(
            Document::json("  ", "f").unwrap().root.table(),
            Some(&[][..])
        );
    }

    #[test]
    fn mistakes_have_a_position() {
        for (text, at) in [
            ("{\n  \"a\": 1\n  \"b\": 2 }", (2, 9)),
            ("{'a': 1}", (1, 2)),
            ("{\"a\": }", (1, 7)),
            ("{} {}", (1, 4)),
        ] {
            let problem = Document::json(text, "f").unwrap_err();
            assert_eq!((problem.line, problem.column), at, "{text} {problem}");
            assert!(problem.message.starts_with("not valid JSON: "), "{problem}");
        }
    }

    #[test]
    fn depth_and_size_are_bounded() {
        assert!(Document::json(&"[".repeat(100_000), "f").is_err());
        let large = " ".repeat(FILE_BYTES_MAX + 1);
        assert!(
            Document::json(&large, "f")
                .unwrap_err()
                .message
                .contains("larger than 16 MiB")
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[ -~\\n{}\\[\\]\":,é]{0,200}") {
            let _ = Document::json(&text, "f").map_err(|p| assert!(p.line >= 1 && p.column >= 1));
        }
    }
}
