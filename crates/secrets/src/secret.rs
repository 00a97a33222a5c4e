//! A value that must not be seen. Refuses what could not travel in a header or an environment: nothing, NUL, other than text.

use std::fmt;
use std::sync::Arc;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::limits::VALUE_BYTES_MAX;

/// A secret value. It cannot be printed, written by serde or compared in a time that tells something: [`reveal`](Self::reveal)
/// is the one way to its text. Clones share one copy, which is overwritten when the last of them goes.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

/// Why something is no secret value. Never says what the value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// There is nothing.
    #[error("the value is empty")]
    Empty,
    /// It is longer than [`VALUE_BYTES_MAX`].
    #[error("the value is longer than {VALUE_BYTES_MAX} bytes")]
    TooLong,
    /// It is no UTF-8.
    #[error("the value is no text (UTF-8); encode it, for example as base64")]
    NotText,
    /// It contains a NUL, which no environment and no header can carry.
    #[error("the value contains a NUL character; encode it, for example as base64")]
    Nul,
}

impl Secret {
    /// A secret of this text. The text that was given stays with the caller.
    pub fn new(text: &str) -> Result<Self, ValueError> {
        if text.is_empty() {
            return Err(ValueError::Empty);
        }
        if text.len() > VALUE_BYTES_MAX {
            return Err(ValueError::TooLong);
        }
        if text.contains('\0') {
            return Err(ValueError::Nul);
        }
        // An exact allocation: nothing grows, so no second copy is left behind.
        Ok(Self(Arc::new(Zeroizing::new(text.to_owned()))))
    }

    /// The same of bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ValueError> {
        if bytes.len() > VALUE_BYTES_MAX {
            return Err(ValueError::TooLong);
        }
        Self::new(std::str::from_utf8(bytes).map_err(|_| ValueError::NotText)?)
    }

    /// The same of what a file, a program or a person's input holds: one line break at its end does not belong to the value.
    pub fn from_input(bytes: &[u8]) -> Result<Self, ValueError> {
        let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        Self::from_bytes(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// The value, to be given to whom it is meant for, and to nobody else.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether this is the value, in a time that does not tell how much of it was right.
    pub fn matches(&self, presented: &str) -> bool {
        self.0.as_bytes().ct_eq(presented.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other.reveal())
    }
}

impl Eq for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_cannot_be_printed() {
        let secret = Secret::new("hunter2-hunter2").unwrap();
        let shown = format!("{secret:?} {:#?}", Some(&secret));
        assert!(!shown.contains("hunter2"), "{shown}");
        assert_eq!(secret.reveal(), "hunter2-hunter2");
    }

    #[test]
    fn it_is_overwritten_when_it_goes() {
        fn goes_clean<T: zeroize::ZeroizeOnDrop>(_: &Arc<T>) {}
        goes_clean(&Secret::new("x").unwrap().0);
    }

    #[test]
    fn it_is_compared_as_a_whole() {
        let secret = Secret::new("abc").unwrap();
        assert!(secret.matches("abc") && secret == secret.clone());
        for other in ["", "ab", "abd", "abcd"] {
            assert!(!secret.matches(other), "{other}");
        }
        assert_ne!(secret, Secret::new("abd").unwrap());
    }

    #[test]
    fn what_is_no_value_is_refused() {
        let no = |bytes: &[u8]| Secret::from_bytes(bytes).unwrap_err();
        assert_eq!(no(b""), ValueError::Empty);
        assert_eq!(no(b"a\0b"), ValueError::Nul);
        assert_eq!(no(b"\xff"), ValueError::NotText);
        assert_eq!(no(&[b'x'; VALUE_BYTES_MAX + 1]), ValueError::TooLong);
        assert!(Secret::from_bytes(&[b'x'; VALUE_BYTES_MAX]).is_ok());
    }

    #[test]
    fn one_line_break_at_the_end_is_dropped() {
        for (input, value) in [
            ("a", "a"),
            ("a\n", "a"),
            ("a\r\n", "a"),
            ("a\n\n", "a\n"),
            (" a \n", " a "),
            ("a\nb\n", "a\nb"),
        ] {
            assert_eq!(
                Secret::from_input(input.as_bytes()).unwrap().reveal(),
                value
            );
        }
        assert_eq!(Secret::from_input(b"\n"), Err(ValueError::Empty));
    }
}
