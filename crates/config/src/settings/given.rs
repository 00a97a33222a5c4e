//! A value as somebody gave it, from TOML or from text, on its way into `Settings`.

use std::fmt;

use catalog::document::{Node, Value};
use catalog::suggest;

use super::{Key, Kind, Transport};
use crate::limits::LIST_ITEMS_MAX;

/// A value, of the kind that its key wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Given {
    Bool(bool),
    Whole(u64),
    Text(String),
    Texts(Vec<String>),
}

impl Given {
    /// Out of a file, where types are written out.
    pub(crate) fn from_node(kind: Kind, node: &Node) -> Result<Self, String> {
        let given = match (kind, &node.value) {
            (Kind::Bool, Value::Bool(value)) => Some(Self::Bool(*value)),
            (Kind::Whole { .. }, Value::Number(number)) => number.parse().ok().map(Self::Whole),
            (Kind::Text | Kind::Choice(_), Value::String(text)) => Some(Self::Text(text.clone())),
            (Kind::Texts, Value::List(items)) => items
                .iter()
                .map(|item| match &item.value {
                    Value::String(text) => Some(text.clone()),
                    _ => None,
                })
                .collect::<Option<_>>()
                .map(Self::Texts),
            _ => None,
        };
        given.ok_or_else(|| format!("must be {}, found {}", wanted(kind), node.kind()))
    }

    /// Out of a variable or a flag, where everything is text.
    pub(crate) fn from_text(kind: Kind, text: &str) -> Result<Self, String> {
        let given = match kind {
            Kind::Bool => match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Some(Self::Bool(true)),
                "false" | "0" | "no" | "off" => Some(Self::Bool(false)),
                _ => None,
            },
            Kind::Whole { .. } => text.parse().ok().map(Self::Whole),
            Kind::Text | Kind::Choice(_) => Some(Self::Text(text.to_owned())),
            Kind::Texts => Some(Self::Texts(
                text.split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty())
                    .map(str::to_owned)
                    .collect(),
            )),
        };
        given.ok_or_else(|| format!("must be {}, found \"{text}\"", wanted(kind)))
    }

    /// The value, if it is within the limits of its key.
    pub(super) fn checked(self, key: &Key) -> Result<Self, String> {
        match (key.kind, &self) {
            (kind @ Kind::Whole { min, max }, Self::Whole(number))
                if !(min..=max).contains(number) =>
            {
                return Err(format!("must be {}, found {number}", wanted(kind)));
            }
            (kind @ Kind::Choice(words), Self::Text(word)) if !is_choice(key, words, word) => {
                let near = suggest(word, words.iter().copied());
                let near =
                    near.map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
                return Err(format!("must be {}, found \"{word}\"{near}", wanted(kind)));
            }
            (Kind::Texts, Self::Texts(items)) if items.len() > LIST_ITEMS_MAX => {
                return Err(format!(
                    "has {} items, at most {LIST_ITEMS_MAX} are allowed",
                    items.len()
                ));
            }
            _ => {}
        }
        (key.check)(&self)?;
        Ok(self)
    }

    pub(super) fn bool(self) -> bool {
        matches!(self, Self::Bool(true))
    }

    pub(super) fn whole(self) -> u64 {
        match self {
            Self::Whole(number) => number,
            _ => 0,
        }
    }

    pub(super) fn size(self) -> usize {
        usize::try_from(self.whole()).unwrap_or(usize::MAX)
    }

    pub(super) fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            _ => String::new(),
        }
    }

    pub(super) fn texts(self) -> Vec<String> {
        match self {
            Self::Texts(items) => items,
            _ => Vec::new(),
        }
    }
}

/// Words that other gateways use for a transport are accepted, not advertised.
fn is_choice(key: &Key, words: &[&str], word: &str) -> bool {
    words.contains(&word) || (key.name == "transport" && Transport::parse(word).is_some())
}

fn wanted(kind: Kind) -> String {
    match kind {
        Kind::Bool => "true or false".to_owned(),
        Kind::Whole { min, max } => format!("a whole number from {min} to {max}"),
        Kind::Text => "a text".to_owned(),
        Kind::Texts => "a list of texts".to_owned(),
        Kind::Choice(words) => format!("one of \"{}\"", words.join("\", \"")),
    }
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Whole(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
            Self::Texts(items) => items.join(",").fmt(f),
        }
    }
}
