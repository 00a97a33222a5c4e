//! What is asked for: scopes, in the order in which they came, each once.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits::SCOPES_MAX;

/// See the module. What is no scope (RFC 6749, 3.3) is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(Vec<String>);

impl Scopes {
    /// Of a text with spaces between them.
    pub fn parse(text: &str) -> Self {
        Self::of(text.split(' '))
    }

    /// Of these.
    pub fn of<'a>(all: impl IntoIterator<Item = &'a str>) -> Self {
        let mut scopes = Self::default();
        all.into_iter().for_each(|scope| scopes.add(scope));
        scopes
    }

    /// Adds one, if it is one and not there.
    pub fn add(&mut self, scope: &str) {
        let is_scope = !scope.is_empty()
            && scope
                .bytes()
                .all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
        if is_scope && !self.has(scope) && self.0.len() < SCOPES_MAX {
            self.0.push(scope.to_owned());
        }
    }

    /// These, and then those.
    #[must_use]
    pub fn with(&self, others: &Self) -> Self {
        let mut all = self.clone();
        others.0.iter().for_each(|scope| all.add(scope));
        all
    }

    /// Whether it is among them.
    pub fn has(&self, scope: &str) -> bool {
        self.0.iter().any(|known| known == scope)
    }

    /// Whether all of those are among these.
    pub fn cover(&self, others: &Self) -> bool {
        others.0.iter().all(|scope| self.has(scope))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_there_once_and_in_its_order() {
        let scopes = Scopes::parse("read  write read \"x\" a\\b ü");
        assert_eq!(scopes.to_string(), "read write");
        let more = scopes.with(&Scopes::parse("admin write"));
        assert_eq!(more.to_string(), "read write admin");
        assert!(more.cover(&scopes) && !scopes.cover(&more));
        assert!(Scopes::parse("").is_empty() && scopes.cover(&Scopes::default()));
    }

    #[test]
    fn there_are_not_endlessly_many() {
        let many: Vec<String> = (0..SCOPES_MAX + 9).map(|at| format!("s{at}")).collect();
        assert_eq!(
            Scopes::of(many.iter().map(String::as_str)).iter().count(),
            SCOPES_MAX
        );
    }
}
