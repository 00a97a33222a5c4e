//! The protocol revisions we speak, and which era each belongs to.
//!
//! Refuses: revisions that nobody has published. Read next: the gateway's era bridge, which is the only place that
//! turns one era into the other.

use std::fmt;

/// How a revision opens a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Era {
    /// `initialize` first, state per session: 2024-11-05 to 2025-11-25.
    Handshake,
    /// Every request says all there is to know: 2026-07-28.
    Stateless,
}

/// A published revision of the Model Context Protocol, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// The first one: stdio and HTTP+SSE.
    V2024_11_05,
    /// Streamable HTTP; the only revision with batches.
    V2025_03_26,
    /// Structured results, elicitation; no more batches.
    V2025_06_18,
    /// Tasks, icons, URL elicitation.
    V2025_11_25,
    /// No sessions, no handshake.
    V2026_07_28,
}

impl Version {
    /// Every revision, oldest first.
    pub const ALL: [Self; 5] = [
        Self::V2024_11_05,
        Self::V2025_03_26,
        Self::V2025_06_18,
        Self::V2025_11_25,
        Self::V2026_07_28,
    ];

    /// The newest revision that begins with `initialize`.
    pub const LATEST_HANDSHAKE: Self = Self::V2025_11_25;

    /// The newest revision.
    pub const LATEST: Self = Self::V2026_07_28;

    /// The revision of that exact name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|version| version.as_str() == text)
    }

    /// What `initialize` is answered with: the requested revision if it is a known one of the handshake era, else the
    /// newest of that era.
    #[must_use]
    pub fn negotiate(requested: &str) -> Self {
        Self::parse(requested)
            .filter(|version| version.era() == Era::Handshake)
            .unwrap_or(Self::LATEST_HANDSHAKE)
    }

    /// The name as it stands in messages and headers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// The era it belongs to.
    #[must_use]
    pub const fn era(self) -> Era {
        match self {
            Self::V2024_11_05 | Self::V2025_03_26 | Self::V2025_06_18 | Self::V2025_11_25 => {
                Era::Handshake
            }
            Self::V2026_07_28 => Era::Stateless,
        }
    }

    /// Whether several messages may travel as one JSON array.
    #[must_use]
    pub const fn has_batches(self) -> bool {
        matches!(self, Self::V2025_03_26)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_are_the_same_thing() {
        for version in Version::ALL {
            assert_eq!(Version::parse(version.as_str()), Some(version));
        }
        assert_eq!(Version::parse("2026-07-29"), None);
        assert_eq!(Version::parse(" 2026-07-28"), None);
        assert_eq!(Version::parse(""), None);
    }

    #[test]
    fn order_is_the_order_of_publication() {
        assert!(Version::ALL.is_sorted());
        assert!(Version::ALL.is_sorted_by_key(|version| version.as_str()));
        assert_eq!(Version::ALL.last(), Some(&Version::LATEST));
        assert_eq!(Version::LATEST_HANDSHAKE.era(), Era::Handshake);
        assert_eq!(Version::LATEST.era(), Era::Stateless);
    }

    #[test]
    fn the_handshake_is_answered_with_what_was_asked_or_the_newest() {
        assert_eq!(Version::negotiate("2024-11-05"), Version::V2024_11_05);
        assert_eq!(Version::negotiate("2025-11-25"), Version::V2025_11_25);
        assert_eq!(Version::negotiate("2026-07-28"), Version::LATEST_HANDSHAKE);
        assert_eq!(Version::negotiate("1.0.0"), Version::LATEST_HANDSHAKE);
        assert_eq!(Version::negotiate(""), Version::LATEST_HANDSHAKE);
    }

    #[test]
    fn one_revision_has_batches() {
        let with: Vec<_> = Version::ALL
            .into_iter()
            .filter(|version| version.has_batches())
            .collect();
        assert_eq!(with, [Version::V2025_03_26]);
    }
}
