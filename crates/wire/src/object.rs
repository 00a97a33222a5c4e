//! One JSON object (or array), looked at and not into.
//!
//! Owns: reading members by name with their values left as text. Refuses: a member that is asked for and occurs twice,
//! in whatever spelling, because another reader might see the other one. Read next: `edit.rs`, which writes.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use crate::limits::MEMBERS_MAX;
use crate::scan::Items;
use crate::text::{trim, unquote};

/// A shallow view of one JSON object: members in order, values raw. Parsing checks that the whole text is JSON and
/// remembers where the members of the outermost object are.
#[derive(Clone, Debug)]
pub struct Object<'a> {
    raw: &'a str,
    members: Vec<Member<'a>>,
}

/// Where a member stands, and what it is called.
#[derive(Clone, Debug)]
pub(crate) struct Member<'a> {
    /// The literal of the name, quotes included.
    pub(crate) literal: &'a str,
    pub(crate) name: Cow<'a, str>,
    pub(crate) value: &'a str,
}

/// Why an object or array could not be read as wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// The text is JSON, but not an object.
    #[error("expected a JSON object")]
    NotAnObject,
    /// The text is JSON, but not an array.
    #[error("expected a JSON array")]
    NotAnArray,
    /// The text is not JSON.
    #[error("not valid JSON: {0}")]
    Invalid(String),
    /// A member that was asked for occurs twice.
    #[error("member `{0}` occurs more than once; send it once")]
    Duplicate(String),
    /// A member is of another type than the one asked for.
    #[error("member `{name}` must be {expected}")]
    WrongType {
        /// The member.
        name: String,
        /// What it should be, with its article.
        expected: &'static str,
    },
    /// More members or elements than [`MEMBERS_MAX`].
    #[error("more than {MEMBERS_MAX} members in one object or array")]
    TooMany,
    /// Deeper than [`DEPTH_MAX`](crate::limits::DEPTH_MAX).
    #[error("nested deeper than {} levels", crate::limits::DEPTH_MAX)]
    TooDeep,
}

impl<'a> Object<'a> {
    /// Looks at an object.
    ///
    /// # Errors
    /// If the text is not JSON or not an object, or has too many members.
    pub fn parse(raw: &'a str) -> Result<Self, ObjectError> {
        let raw = trim(raw);
        validate(raw)?;
        Self::of_valid(raw)
    }

    /// Looks at an object in a text that is known to be JSON, as every part of a [`Frame`](crate::Frame) is. What its values
    /// hold is not looked at again; of text that is no JSON it may say something or nothing.
    ///
    /// # Errors
    /// If the text is not an object, or has too many members, or anything beside the object.
    pub fn of_json(raw: &'a str) -> Result<Self, ObjectError> {
        let raw = trim(raw);
        let (members, rest) = walk(raw)?;
        match rest {
            "}" => Ok(Self { raw, members }),
            _ => Err(ObjectError::Invalid(
                "it does not end with the object".to_owned(),
            )),
        }
    }

    /// The object without members. It is not part of any message, so [`Edits`](crate::Edits) cannot change it.
    #[must_use]
    pub const fn empty() -> Object<'static> {
        Object {
            raw: "{}",
            members: Vec::new(),
        }
    }

    /// Looks at an object in a text that has been validated, with nothing around it.
    pub(crate) fn of_valid(raw: &'a str) -> Result<Self, ObjectError> {
        walk(raw).map(|(members, _)| Self { raw, members })
    }

    /// The value of a member as JSON text; `null` is `Some("null")`.
    ///
    /// # Errors
    /// If the member occurs more than once.
    pub fn get(&self, name: &str) -> Result<Option<&'a str>, ObjectError> {
        let mut found = self.members.iter().filter(|member| member.name == name);
        let value = found.next().map(|member| member.value);
        if found.next().is_some() {
            return Err(ObjectError::Duplicate(name.to_owned()));
        }
        Ok(value)
    }

    /// A member that is a string, decoded. Absent and `null` are `None`.
    ///
    /// # Errors
    /// If it is something else, or occurs more than once.
    pub fn string(&self, name: &str) -> Result<Option<Cow<'a, str>>, ObjectError> {
        self.typed(name, "a string", unquote)
    }

    /// A member that is an object. Absent and `null` are `None`.
    ///
    /// # Errors
    /// If it is something else, has too many members, or occurs more than once.
    pub fn object(&self, name: &str) -> Result<Option<Self>, ObjectError> {
        let Some(raw) = self.get(name)?.filter(|raw| *raw != "null") else {
            return Ok(None);
        };
        match Object::of_valid(raw) {
            Err(ObjectError::NotAnObject) => Err(wrong_type(name, "an object")),
            other => other.map(Some),
        }
    }

    /// The elements of a member that is an array. Absent and `null` are `None`.
    ///
    /// # Errors
    /// If it is something else, has too many elements, or occurs more than once.
    pub fn array(&self, name: &str) -> Result<Option<Vec<&'a str>>, ObjectError> {
        let Some(raw) = self.get(name)?.filter(|raw| *raw != "null") else {
            return Ok(None);
        };
        match elements_of_valid(raw) {
            Err(ObjectError::NotAnArray) => Err(wrong_type(name, "an array")),
            other => other.map(Some),
        }
    }

    /// A member that is an integer from 0 up. Absent and `null` are `None`.
    ///
    /// # Errors
    /// If it is something else, does not fit, or occurs more than once.
    pub fn u64(&self, name: &str) -> Result<Option<u64>, ObjectError> {
        self.typed(name, "an integer from 0 to 2^64-1", |raw| raw.parse().ok())
    }

    /// A member that is `true` or `false`. Absent and `null` are `None`.
    ///
    /// # Errors
    /// If it is something else, or occurs more than once.
    pub fn bool(&self, name: &str) -> Result<Option<bool>, ObjectError> {
        self.typed(name, "true or false", |raw| raw.parse().ok())
    }

    /// The text of the object, from brace to brace.
    #[must_use]
    pub const fn raw(&self) -> &'a str {
        self.raw
    }

    /// The members in order: the name decoded, the value as JSON text. Duplicates are all there.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &'a str)> {
        self.members
            .iter()
            .map(|member| (&*member.name, member.value))
    }

    /// How many members there are, duplicates counted.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no member.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(crate) fn members(&self) -> &[Member<'a>] {
        &self.members
    }

    fn typed<T>(
        &self,
        name: &str,
        expected: &'static str,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<Option<T>, ObjectError> {
        let Some(raw) = self.get(name)?.filter(|raw| *raw != "null") else {
            return Ok(None);
        };
        read(raw)
            .map(Some)
            .ok_or_else(|| wrong_type(name, expected))
    }
}

/// The members of an object, and what is left after them: the closing brace.
fn walk(raw: &str) -> Result<(Vec<Member<'_>>, &str), ObjectError> {
    if !raw.starts_with('{') {
        return Err(ObjectError::NotAnObject);
    }
    let mut items = Items::of(raw);
    let mut members = Vec::new();
    while !items.is_over() {
        if members.len() == MEMBERS_MAX {
            return Err(ObjectError::TooMany);
        }
        let literal = items.name().ok_or_else(half_a_pair)?;
        let name = unquote(literal).ok_or_else(half_a_pair)?;
        let value = items.value().ok_or_else(half_a_pair)?;
        members.push(Member {
            literal,
            name,
            value,
        });
    }
    Ok((members, items.rest()))
}

/// The elements of a JSON array as JSON texts.
///
/// # Errors
/// If the text is not JSON or not an array, or has too many elements.
pub fn elements(raw: &str) -> Result<Vec<&str>, ObjectError> {
    let raw = trim(raw);
    validate(raw)?;
    elements_of_valid(raw)
}

/// The elements of a JSON array in a text that is known to be JSON; as [`Object::of_json`] is to [`Object::parse`].
///
/// # Errors
/// If the text is not an array, or has too many elements, or anything beside the array.
pub fn elements_of_json(raw: &str) -> Result<Vec<&str>, ObjectError> {
    let raw = trim(raw);
    match raw.ends_with(']') {
        true => elements_of_valid(raw),
        false => Err(ObjectError::NotAnArray),
    }
}

fn elements_of_valid(raw: &str) -> Result<Vec<&str>, ObjectError> {
    if !raw.starts_with('[') {
        return Err(ObjectError::NotAnArray);
    }
    let mut items = Items::of(raw);
    let mut elements = Vec::new();
    while !items.is_over() {
        if elements.len() == MEMBERS_MAX {
            return Err(ObjectError::TooMany);
        }
        elements.push(items.value().ok_or_else(half_a_pair)?);
    }
    Ok(elements)
}

/// Whether a text is one JSON value.
pub(crate) fn validate(raw: &str) -> Result<(), ObjectError> {
    match serde_json::from_str::<IgnoredAny>(raw) {
        Ok(IgnoredAny) => Ok(()),
        Err(error) => Err(ObjectError::Invalid(error.to_string())),
    }
}

/// The one thing that serde_json lets pass in text it only skims.
pub(crate) fn half_a_pair() -> ObjectError {
    ObjectError::Invalid("a member's name holds half a surrogate pair".to_owned())
}

fn wrong_type(name: &str, expected: &'static str) -> ObjectError {
    ObjectError::WrongType {
        name: name.to_owned(),
        expected,
    }
}

#[cfg(test)]
mod tests;
