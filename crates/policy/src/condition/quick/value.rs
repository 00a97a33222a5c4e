//! What conditions look at: where it is, and what it says. None everywhere: the interpreter knows, and may say that it is an error.

use std::borrow::Cow;
use std::cmp::Ordering;

use cel::common::ast::operators::{EQUALS, GREATER, GREATER_EQUALS, LESS, LESS_EQUALS, NOT_EQUALS};
use wire::{Object, elements_of_json};

use super::Seen;
use crate::arguments;
use crate::condition::Scope;
use crate::facts::Asked;
use crate::time::Moment;

/// A value within the arguments.
#[derive(Clone)]
pub(in crate::condition) struct Place {
    pub(super) from: From,
    /// The names that lead to it.
    pub(super) path: Vec<String>,
    /// What stands for it where it is not there, as JSON.
    pub(super) or: Option<String>,
}

/// Where the names begin.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    Arguments,
    /// The element of a walk.
    Element,
}

impl Place {
    /// The raw value, or that it is not there; not known where there is nothing that it could be in.
    pub(super) fn find<'s>(&self, seen: Seen<'s, '_>) -> Option<Option<&'s str>> {
        let (mut at, rest) = match (self.from, &self.path[..]) {
            (From::Element, path) => (seen.element?, path),
            (From::Arguments, [first, rest @ ..]) => match seen.members?.get(first) {
                Some(raw) => (raw, rest),
                None if rest.is_empty() => return Some(None),
                None => return None,
            },
            (From::Arguments, []) => return None,
        };
        for (nth, name) in rest.iter().enumerate() {
            match Object::of_json(at).ok()?.get(name).ok()? {
                Some(raw) => at = raw,
                None if nth + 1 == rest.len() => return Some(None),
                None => return None,
            }
        }
        Some(Some(at))
    }

    /// The raw value, or what stands for it.
    pub(super) fn raw<'s>(&'s self, seen: Seen<'s, '_>) -> Option<&'s str> {
        self.find(seen)?.or(self.or.as_deref())
    }

    fn text<'s>(&'s self, seen: Seen<'s, '_>) -> Option<Cow<'s, str>> {
        match (self.from, &self.path[..], &self.or) {
            // What is read once is kept.
            (From::Arguments, [name], None) => seen.members?.text(name).map(Cow::Borrowed),
            _ => arguments::text(self.raw(seen)?),
        }
    }

    pub(super) fn elements<'s>(&'s self, seen: Seen<'s, '_>) -> Option<Vec<&'s str>> {
        elements_of_json(self.raw(seen)?).ok()
    }

    /// Whether a text is an element of a list of texts, or a name in an object.
    pub(super) fn holds_text(&self, text: &str, seen: Seen<'_, '_>) -> Option<bool> {
        let raw = self.raw(seen)?;
        if raw.starts_with('{') {
            let object = Object::of_json(raw).ok()?;
            return Some(object.iter().any(|(name, _)| name == text));
        }
        let mut is_in = false;
        for element in elements_of_json(raw).ok()? {
            is_in |= arguments::text(element)? == text;
        }
        Some(is_in)
    }

    fn size(&self, seen: Seen<'_, '_>) -> Option<usize> {
        let raw = self.raw(seen)?;
        match raw.as_bytes().first()? {
            b'"' => Some(self.text(seen)?.chars().count()),
            b'[' => Some(elements_of_json(raw).ok()?.len()),
            b'{' => Some(Object::of_json(raw).ok()?.len()),
            _ => None,
        }
    }
}

/// A text that a condition looks at.
pub(in crate::condition) enum Text {
    Written(String),
    Place(Place),
    Fact(Fact),
    Date,
}

impl Text {
    pub(super) fn of<'s>(&'s self, seen: Seen<'s, '_>) -> Option<Cow<'s, str>> {
        match self {
            Self::Written(text) => Some(Cow::Borrowed(text)),
            Self::Place(place) => place.text(seen),
            Self::Fact(fact) => Some(Cow::Borrowed(fact.of(seen.scope))),
            Self::Date => Some(Cow::Owned(moment(seen).date)),
        }
    }
}

/// A number that a condition looks at.
pub(in crate::condition) enum Number {
    Written(Amount),
    Place(Place),
    Size(Place),
    SizeOf(Text),
    Hour,
    Minute,
    Weekday,
}

/// A number.
#[derive(Clone, Copy)]
pub(in crate::condition) enum Amount {
    Whole(i64),
    Broken(f64),
}

impl Number {
    pub(super) fn of(&self, seen: Seen<'_, '_>) -> Option<Amount> {
        let counted = |count: usize| i64::try_from(count).ok().map(Amount::Whole);
        match self {
            Self::Written(amount) => Some(*amount),
            Self::Place(place) => Amount::read(place.raw(seen)?),
            Self::Size(place) => counted(place.size(seen)?),
            Self::SizeOf(text) => counted(text.of(seen)?.chars().count()),
            Self::Hour => Some(Amount::Whole(moment(seen).hour)),
            Self::Minute => Some(Amount::Whole(moment(seen).minute)),
            Self::Weekday => Some(Amount::Whole(moment(seen).weekday)),
        }
    }
}

impl Amount {
    fn read(raw: &str) -> Option<Self> {
        match raw.parse() {
            Ok(whole) if raw != "-0" => Some(Self::Whole(whole)),
            _ if raw.contains(['.', 'e', 'E']) => serde_json::from_str(raw).ok().map(Self::Broken),
            _ => None,
        }
    }

    /// Numbers of one kind; of two kinds where nothing is lost by comparing them.
    pub(super) fn stands_to(self, other: Self) -> Option<Ordering> {
        const EXACT: i64 = 1 << 53;
        #[expect(
            clippy::cast_precision_loss,
            reason = "it is small enough to lose nothing"
        )]
        let broken = |amount| match amount {
            Self::Whole(whole) if (-EXACT..=EXACT).contains(&whole) => Some(whole as f64),
            Self::Whole(_) => None,
            Self::Broken(broken) => Some(broken),
        };
        match (self, other) {
            (Self::Whole(one), Self::Whole(other)) => Some(one.cmp(&other)),
            (one, other) => broken(one)?.partial_cmp(&broken(other)?),
        }
    }
}

fn moment(seen: Seen<'_, '_>) -> Moment {
    Moment::of(seen.scope.facts.now_s.unwrap_or_default())
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::condition) enum Compared {
    Less,
    AtMost,
    Is,
    IsNot,
    AtLeast,
    More,
}

impl Compared {
    pub(super) fn named(operator: &str) -> Option<Self> {
        Some(match operator {
            LESS => Self::Less,
            LESS_EQUALS => Self::AtMost,
            EQUALS => Self::Is,
            NOT_EQUALS => Self::IsNot,
            GREATER_EQUALS => Self::AtLeast,
            GREATER => Self::More,
            _ => return None,
        })
    }

    pub(super) fn holds(self, stands: Ordering) -> bool {
        match self {
            Self::Less => stands.is_lt(),
            Self::AtMost => stands.is_le(),
            Self::Is => stands.is_eq(),
            Self::IsNot => stands.is_ne(),
            Self::AtLeast => stands.is_ge(),
            Self::More => stands.is_gt(),
        }
    }
}

#[derive(Clone, Copy)]
pub(in crate::condition) enum Fact {
    Caller,
    Client,
    Tool,
    Prompt,
    Resource,
    Action,
    Era,
    ServerName,
    ServerType,
    ServerSource,
    ServerCatalog,
    ServerTransport,
}

impl Fact {
    pub(in crate::condition) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "caller" => Self::Caller,
            "client" => Self::Client,
            "tool" => Self::Tool,
            "prompt" => Self::Prompt,
            "resource" => Self::Resource,
            "action" => Self::Action,
            "era" => Self::Era,
            _ => return None,
        })
    }

    pub(super) fn of_server(field: &str) -> Option<Self> {
        Some(match field {
            "name" => Self::ServerName,
            "type" => Self::ServerType,
            "source" => Self::ServerSource,
            "catalog" => Self::ServerCatalog,
            "transport" => Self::ServerTransport,
            _ => return None,
        })
    }

    pub(in crate::condition) fn of<'s>(self, scope: &Scope<'s>) -> &'s str {
        let facts = scope.facts;
        match self {
            Self::Caller => facts.caller,
            Self::Client => facts.client.unwrap_or_default(),
            Self::Tool => facts.asked.tool().unwrap_or_default(),
            Self::Prompt => match facts.asked {
                Asked::Prompt(name) => name,
                _ => "",
            },
            Self::Resource => match facts.asked {
                Asked::Resource(uri) => uri,
                _ => "",
            },
            Self::Action => facts.asked.action(),
            Self::Era => facts.era.as_str(),
            Self::ServerName => &facts.server.name,
            Self::ServerType => &facts.server.kind,
            Self::ServerSource => &facts.server.source,
            Self::ServerCatalog => &facts.server.catalog,
            Self::ServerTransport => &facts.server.transport,
        }
    }
}
