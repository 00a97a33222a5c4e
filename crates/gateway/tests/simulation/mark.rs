//! The sign that a request carries in its arguments and that everything about it repeats: whose it is can be told from
//! the text of any message.

use std::fmt;

use serde_json::Value;
use wire::method;

/// A client, and which of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Mark {
    pub(crate) client: usize,
    pub(crate) number: usize,
}

const SIGN: &str = "mark.";

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SIGN}{}.{}", self.client, self.number)
    }
}

impl Mark {
    /// The first one in a text.
    pub(crate) fn first(text: &str) -> Option<Self> {
        Self::all(text).next()
    }

    /// All that occur in a text.
    pub(crate) fn all(text: &str) -> impl Iterator<Item = Self> {
        text.match_indices(SIGN).filter_map(|(at, _)| {
            let mut numbers = text[at + SIGN.len()..].split(|c: char| !c.is_ascii_digit());
            Some(Self {
                client: numbers.next()?.parse().ok()?,
                number: numbers.next()?.parse().ok()?,
            })
        })
    }

    /// The one that a request is about.
    pub(crate) fn of_request(asked: &str, params: &Value) -> Option<Self> {
        let place = match asked {
            method::TOOLS_CALL | method::PROMPTS_GET => &params["arguments"]["mark"],
            method::RESOURCES_READ => &params["uri"],
            method::COMPLETION_COMPLETE => &params["argument"]["value"],
            _ => return None,
        };
        Self::first(place.as_str()?)
    }
}
