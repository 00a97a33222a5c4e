//! What of a condition can be told without the interpreter: comparisons of names, texts, numbers and yes-or-no with each other,
//! what is made of those by `&&`, `||`, `!` and `?:`, and whether they hold for all or any of a list. Most conditions are nothing
//! else, and cost a twentieth so. Owns no meaning of its own: it answers only what the interpreter would, and where it does not
//! know, that is asked; a property test holds the two together. Next: `quick/value`, then `quick/read`.

mod read;
mod value;

use std::collections::HashMap;

use cel::common::ast::IdedExpr;
use regex::Regex;

use super::Scope;
use crate::arguments::{Members, Wanted};
use crate::facts::{Asked, Hints};
pub(super) use value::Fact;
use value::{Compared, Number, Place, Text};

/// A condition, or a part of one.
pub(super) enum Quick {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    /// The second where the first holds, else the third.
    Choice(Box<[Self; 3]>),
    Always(bool),
    /// Whether something is there.
    Has(Place),
    /// Something that says yes or no.
    Flag(Place),
    /// What the server says of the tool, by the place in [`Hints::NAMES`].
    Hint(usize),
    Text(Text, Test),
    /// How one number stands to another.
    Number(Number, Compared, Number),
    /// Whether a text is an element of a list, or a name in an object.
    Within(Text, Place),
    /// Whether the caller's token is good for this.
    Scope(Text),
    /// Whether the last holds for all elements of a list, or for any.
    Walk(Walk, Place, Box<Self>),
    /// The interpreter knows.
    Ask,
}

/// Which elements of a list count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Walk {
    All,
    Any,
}

/// What is wanted of a text.
pub(super) enum Test {
    Is(Text),
    IsNot(Text),
    Stands(Compared, Text),
    OneOf(Vec<Text>),
    Starts(Text),
    Ends(Text),
    Contains(Text),
    Matches(Regex),
}

/// What a condition is asked about.
#[derive(Clone, Copy)]
struct Seen<'s, 't> {
    members: Option<&'s Members<'t>>,
    scope: &'s Scope<'t>,
    /// The element of a list that a walk has come to, raw.
    element: Option<&'s str>,
}

impl Quick {
    /// What can be told of an expression as it was written. None: nothing.
    pub(super) fn of(node: &IdedExpr, patterns: &HashMap<String, Regex>) -> Option<Self> {
        let quick = read::read(node, patterns);
        (!matches!(quick, Self::Ask)).then_some(quick)
    }

    /// Whether the condition holds, if that can be told. `wanted` are the arguments that the condition reads: they have to be
    /// such that there is nothing within them to be read wrongly.
    pub(super) fn holds(&self, wanted: &Wanted, scope: &Scope<'_>) -> Option<bool> {
        let members = match wanted {
            Wanted::None => None,
            wanted => Some(scope.members().ok().filter(|m| m.is_clean(wanted))?),
        };
        self.told(Seen {
            members,
            scope,
            element: None,
        })
    }

    /// As the interpreter does it, from left to right; a part that is not known leaves the whole unknown.
    fn told(&self, seen: Seen<'_, '_>) -> Option<bool> {
        match self {
            Self::And(left, right) => match left.told(seen)? {
                true => right.told(seen),
                false => Some(false),
            },
            Self::Or(left, right) => match left.told(seen)? {
                true => Some(true),
                false => right.told(seen),
            },
            Self::Not(inner) => inner.told(seen).map(|holds| !holds),
            Self::Choice(parts) => {
                let [asked, yes, no] = &**parts;
                match asked.told(seen)? {
                    true => yes.told(seen),
                    false => no.told(seen),
                }
            }
            Self::Always(value) => Some(*value),
            Self::Has(place) => Some(place.find(seen)?.is_some()),
            Self::Flag(place) => place.raw(seen)?.parse().ok(),
            Self::Hint(at) => {
                let hints = match seen.scope.facts.asked {
                    Asked::Tool { hints, .. } => hints,
                    _ => Hints::default(),
                };
                Some(hints.named()[*at].1)
            }
            Self::Text(text, test) => test.fits(&text.of(seen)?, seen),
            Self::Number(left, compared, right) => {
                let stands = left.of(seen)?.stands_to(right.of(seen)?)?;
                Some(compared.holds(stands))
            }
            Self::Within(text, place) => place.holds_text(&text.of(seen)?, seen),
            Self::Scope(text) => {
                let text = text.of(seen)?;
                Some(seen.scope.facts.scopes().any(|scope| scope == text))
            }
            Self::Walk(walk, list, body) => {
                for element in list.elements(seen)? {
                    let element = Some(element);
                    let holds = body.told(Seen { element, ..seen })?;
                    if holds == (*walk == Walk::Any) {
                        return Some(holds);
                    }
                }
                Some(*walk == Walk::All)
            }
            Self::Ask => None,
        }
    }
}

impl Test {
    fn fits(&self, text: &str, seen: Seen<'_, '_>) -> Option<bool> {
        Some(match self {
            Self::Is(other) => *text == *other.of(seen)?,
            Self::IsNot(other) => *text != *other.of(seen)?,
            Self::Stands(compared, other) => compared.holds(text.cmp(&other.of(seen)?)),
            Self::OneOf(all) => {
                let mut is_one = false;
                for one in all {
                    is_one |= *text == *one.of(seen)?;
                }
                is_one
            }
            Self::Starts(with) => text.starts_with(&*with.of(seen)?),
            Self::Ends(with) => text.ends_with(&*with.of(seen)?),
            Self::Contains(part) => text.contains(&*part.of(seen)?),
            Self::Matches(regex) => regex.is_match(text),
        })
    }
}
