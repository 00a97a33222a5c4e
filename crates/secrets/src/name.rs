//! Names of secrets. Refuses what could not stand in a reference, a file and a command line alike.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::limits::NAME_CHARS_MAX;

/// The name of a secret: 1 to 128 of `A-Z a-z 0-9 _ . -`, beginning with a letter, a digit or `_`.
///
/// By custom it begins with the server's: `github.personal_access_token`. `/` is kept for scopes (a profile's own secrets).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(Arc<str>);

/// Why a text is no name of a secret. Repeats no more than one character of it: it may have been the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is nothing.
    #[error("a secret needs a name, such as `github.personal_access_token`")]
    Empty,
    /// More than 128 characters.
    #[error("the name of a secret has at most {NAME_CHARS_MAX} characters, this one has {0}")]
    TooLong(usize),
    /// A character that is not allowed there.
    #[error(
        "`{}` cannot stand there in the name of a secret; letters, digits, `_`, `.` and `-` can, the last two not in front",
        .0.escape_debug()
    )]
    Character(char),
}

impl SecretName {
    /// Checks a name.
    pub fn new(name: &str) -> Result<Self, NameError> {
        let first = name.chars().next().ok_or(NameError::Empty)?;
        if !(first.is_ascii_alphanumeric() || first == '_') {
            return Err(NameError::Character(first));
        }
        let is_allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if let Some(wrong) = name.chars().find(|c| !is_allowed(c)) {
            return Err(NameError::Character(wrong));
        }
        if name.len() > NAME_CHARS_MAX {
            return Err(NameError::TooLong(name.len()));
        }
        Ok(Self(name.into()))
    }

    /// What a secret of this name is called that belongs to one profile alone.
    pub fn in_profile(&self, profile: &str) -> Result<Self, NameError> {
        Self::kept(&format!("{profile}/{self}"))
    }

    /// Checks a name that may be one in a profile: `PROFILE/NAME`. Not for names that come from elsewhere.
    pub fn kept(name: &str) -> Result<Self, NameError> {
        let Some((profile, own)) = name.split_once('/') else {
            return Self::new(name);
        };
        Self::new(profile)?;
        Self::new(own)?;
        Ok(Self(name.into()))
    }

    /// The profile that it belongs to, if it does.
    pub fn profile(&self) -> Option<&str> {
        self.0.split_once('/').map(|(profile, _)| profile)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl FromStr for SecretName {
    type Err = NameError;
    fn from_str(name: &str) -> Result<Self, NameError> {
        Self::new(name)
    }
}

impl Borrow<str> for SecretName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_docker_has_them() {
        for good in ["github.personal_access_token", "a", "_x", "9-b.C", "x..y"] {
            assert_eq!(SecretName::new(good).unwrap().as_str(), good);
        }
        assert_eq!(SecretName::new(""), Err(NameError::Empty));
        for (bad, c) in [
            ("..", '.'),
            ("-x", '-'),
            ("a/b", '/'),
            ("a=b", '='),
            ("a b", ' '),
            ("a\nb", '\n'),
            ("é", 'é'),
        ] {
            assert_eq!(SecretName::new(bad), Err(NameError::Character(c)), "{bad}");
        }
        assert!(SecretName::new(&"x".repeat(128)).is_ok());
        assert_eq!(
            SecretName::new(&"x".repeat(129)),
            Err(NameError::TooLong(129))
        );
    }

    #[test]
    fn a_profile_has_names_of_its_own() {
        let name = SecretName::new("github.token").unwrap();
        let own = name.in_profile("work").unwrap();
        assert_eq!(
            (own.as_str(), own.profile()),
            ("work/github.token", Some("work"))
        );
        assert_eq!(
            (SecretName::kept("work/github.token"), name.profile()),
            (Ok(own), None)
        );
        for bad in ["/x", "x/", "a/b/c", "../x", "a/-b"] {
            assert!(SecretName::kept(bad).is_err(), "{bad}");
        }
        assert!(SecretName::new("a/b").is_err() && name.in_profile("a b").is_err());
    }

    #[test]
    fn an_error_prints_no_control_character() {
        let error = SecretName::new("a\u{1b}[2J").unwrap_err().to_string();
        assert!(!error.contains('\u{1b}'), "{error}");
    }
}
