//! Request ids: a string or an integer, kept as the JSON text they are.
//!
//! Owns: which ids are ids, and when two are the same. Refuses: `null`, fractions, exponents (7 and 7.0 would be the same id
//! to some peers only). Read next: `frame.rs`.

use std::borrow::Cow;
use std::fmt;

use crate::limits::ID_BYTES_MAX;
use crate::text::{quote, unquote};

/// The id of a request, as JSON text. Two ids are equal if they say the same: a string is kept in its plainest spelling,
/// because peers may answer `"a/b"` as `"a\/b"`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(Box<str>);

/// Why a JSON text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Neither a string nor an integer.
    #[error("an id must be a string or an integer")]
    NotAnId,
    /// Longer than [`ID_BYTES_MAX`].
    #[error("an id may have at most {ID_BYTES_MAX} bytes")]
    TooLong,
}

impl Id {
    /// The integer id `number`.
    #[must_use]
    pub fn number(number: u64) -> Self {
        Self(number.to_string().into())
    }

    /// The id that this JSON text is.
    ///
    /// # Errors
    /// If it is neither a string nor an integer, or too long.
    pub fn parse(raw: &str) -> Result<Self, IdError> {
        check(raw)?;
        let plainest: Cow<'_, str> = match unquote(raw) {
            Some(Cow::Owned(text)) => quote(&text).into(),
            _ => raw.into(),
        };
        Ok(Self(plainest.into()))
    }

    /// The id as JSON text.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// The id as a number, if it is one that fits.
    #[must_use]
    pub fn as_number(&self) -> Option<u64> {
        // `u64::from_str` would take a leading `+`, but no id has one.
        self.0.parse().ok()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({})", self.0)
    }
}

impl From<u64> for Id {
    fn from(number: u64) -> Self {
        Self::number(number)
    }
}

/// Whether this JSON text is an id, without making one.
pub(crate) fn check(raw: &str) -> Result<(), IdError> {
    if raw.len() > ID_BYTES_MAX {
        return Err(IdError::TooLong);
    }
    if is_integer(raw) || unquote(raw).is_some() {
        Ok(())
    } else {
        Err(IdError::NotAnId)
    }
}

fn is_integer(raw: &str) -> bool {
    match raw.strip_prefix('-').unwrap_or(raw).as_bytes() {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_strings_are_ids() {
        for raw in [
            "0",
            "7",
            "-1",
            "18446744073709551616",
            "\"\"",
            "\"a\"",
            "\"é\"",
            "\"a b\"",
        ] {
            assert_eq!(Id::parse(raw).unwrap().as_json(), raw);
        }
    }

    #[test]
    fn everything_else_is_not() {
        for raw in [
            "",
            "null",
            "true",
            "1.5",
            "7.0",
            "1e3",
            "007",
            "+7",
            "-",
            "-01",
            "{}",
            "[1]",
            "\"a",
            "a",
            " 7",
            "7 ",
            "\"\\ud800\"",
        ] {
            assert_eq!(Id::parse(raw), Err(IdError::NotAnId), "{raw}");
        }
    }

    #[test]
    fn spelling_does_not_matter() {
        assert_eq!(Id::parse(r#""a\/b""#), Id::parse(r#""a/b""#));
        assert_eq!(Id::parse(r#""\u0061""#), Id::parse(r#""a""#));
        assert_eq!(Id::parse(r#""a\"b""#).unwrap().as_json(), r#""a\"b""#);
        assert_ne!(Id::parse("7"), Id::parse("\"7\""));
    }

    #[test]
    fn numbers_go_there_and_back() {
        assert_eq!(Id::number(42).as_json(), "42");
        assert_eq!(Id::number(u64::MAX).as_number(), Some(u64::MAX));
        assert_eq!(Id::parse("-1").unwrap().as_number(), None);
        assert_eq!(Id::parse("\"1\"").unwrap().as_number(), None);
        assert_eq!(Id::parse("18446744073709551616").unwrap().as_number(), None);
    }

    #[test]
    fn length_has_a_limit() {
        let fits = quote(&"a".repeat(ID_BYTES_MAX - 2));
        assert!(Id::parse(&fits).is_ok());
        let over = quote(&"a".repeat(ID_BYTES_MAX - 1));
        assert_eq!(Id::parse(&over), Err(IdError::TooLong));
        assert_eq!(
            Id::parse(&"1".repeat(ID_BYTES_MAX + 1)),
            Err(IdError::TooLong)
        );
    }
}
