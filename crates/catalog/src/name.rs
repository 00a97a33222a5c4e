//! Names of servers. Refuses what could not stand in a URL, a file name and a command line alike.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::limits::NAME_CHARS_MAX;

/// The name of a server: 1 to 64 of `A-Z a-z 0-9 _ . -`, beginning with a letter, a digit or `_`.
///
/// It stands in URLs, file names and command lines, so it can be none of `..`, `.hidden` and `-flag`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerName(Arc<str>);

/// Why a text is no server name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is nothing.
    #[error("a server needs a name")]
    Empty,
    /// More than 64 characters.
    #[error("a server name has at most {NAME_CHARS_MAX} characters, this one has {0}")]
    TooLong(usize),
    /// A character that is not allowed there.
    #[error(
        "`{0}` cannot stand there in a server name; letters, digits, `_`, `.` and `-` can, the last two not in front"
    )]
    Character(char),
}

impl ServerName {
    /// Checks a name.
    pub fn new(name: &str) -> Result<Self, NameError> {
        let first = name.chars().next().ok_or(NameError::Empty)?;
        if !(first.is_ascii_alphanumeric() || first == '_') {
            return Err(NameError::Character(first));
        }
        if let Some(wrong) = name.chars().find(|c| !is_allowed(*c)) {
            return Err(NameError::Character(wrong));
        }
        if name.len() > NAME_CHARS_MAX {
            return Err(NameError::TooLong(name.len()));
        }
        Ok(Self(name.into()))
    }

    /// The nearest name that is allowed, if anything is left of this one: `My Server (beta)` becomes `My-Server-beta`.
    pub fn repaired(name: &str) -> Option<Self> {
        let mut out = String::new();
        for c in name.chars() {
            if out.len() == NAME_CHARS_MAX {
                break;
            }
            if is_allowed(c) && !(out.is_empty() && matches!(c, '.' | '-')) {
                out.push(c);
            } else if !out.is_empty() && !out.ends_with('-') {
                out.push('-');
            }
        }
        Self::new(out.trim_end_matches('-')).ok()
    }

    /// What a server of this image is called: the last step of its path, without tag and digest.
    pub fn of_image(image: &str) -> Option<Self> {
        let path = image.split('@').next()?;
        let last = path.rsplit('/').next()?;
        Self::repaired(last.split(':').next()?)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl FromStr for ServerName {
    type Err = NameError;
    fn from_str(name: &str) -> Result<Self, NameError> {
        Self::new(name)
    }
}

impl AsRef<str> for ServerName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for ServerName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for ServerName {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for ServerName {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_work_in_urls_files_and_commands() {
        for good in ["a", "github", "io.github.foo_bar-2", "_x", "9"] {
            assert_eq!(ServerName::new(good).unwrap(), good);
        }
        assert_eq!(ServerName::new(""), Err(NameError::Empty));
        for (bad, c) in [
            ("..", '.'),
            (".x", '.'),
            ("-rf", '-'),
            ("a/b", '/'),
            ("a b", ' '),
            ("é", 'é'),
        ] {
            assert_eq!(ServerName::new(bad), Err(NameError::Character(c)), "{bad}");
        }
        assert!(ServerName::new(&"x".repeat(64)).is_ok());
        assert_eq!(
            ServerName::new(&"x".repeat(65)),
            Err(NameError::TooLong(65))
        );
    }

    #[test]
    fn repair_keeps_what_can_be_kept() {
        let repaired = |name| ServerName::repaired(name).map(|n| n.to_string());
        assert_eq!(
            repaired("My Server (beta)").as_deref(),
            Some("My-Server-beta")
        );
        assert_eq!(repaired("@scope/pkg").as_deref(), Some("scope-pkg"));
        assert_eq!(repaired("../../etc").as_deref(), Some("etc"));
        assert_eq!(repaired("日本"), None);
        assert_eq!(
            repaired(&"é x".repeat(99)).map(|n| n.len() <= 64),
            Some(true)
        );
    }

    #[test]
    fn images_name_servers() {
        for (image, name) in [
            ("mcp/fetch", Some("fetch")),
            ("h:5000/acme/x:1.2@sha256:00", Some("x")),
            ("x", Some("x")),
            ("/:", None),
        ] {
            let named = ServerName::of_image(image);
            assert_eq!(named.as_ref().map(ServerName::as_str), name, "{image}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_repaired_is_a_name(text in ".*") {
            if let Some(name) = ServerName::repaired(&text) {
                proptest::prop_assert_eq!(ServerName::new(name.as_str()), Ok(name));
            }
        }
    }
}
