//! What a check found.

use serde::{Serialize, Serializer};

use crate::error::Kind;
use crate::ui::Label;

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    /// Which check it is of.
    pub(super) check: &'static str,
    pub(super) state: State,
    /// What is so.
    pub(super) what: String,
    /// The command that mends it, or what else to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mend: Option<String>,
    /// What scripts see, where no call works because of it.
    #[serde(
        rename = "exit_code",
        serialize_with = "code",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) kind: Option<Kind>,
}

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Good,
    /// Worth knowing, and nothing to do.
    Note,
    /// Something does not work, but calls do.
    Warning,
    /// No call works.
    Bad,
}

impl State {
    pub(super) fn label(self) -> Label {
        match self {
            Self::Good => Label::Good,
            Self::Note => Label::Dim,
            Self::Warning => Label::Warning,
            Self::Bad => Label::Bad,
        }
    }

    /// As wide as each other, and told apart without colour.
    pub(super) fn mark(self) -> &'static str {
        match self {
            Self::Good => "+",
            Self::Note => "-",
            Self::Warning => "!",
            Self::Bad => "x",
        }
    }
}

impl Finding {
    pub(super) fn good(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, State::Good, what)
    }

    pub(super) fn note(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, State::Note, what)
    }

    pub(super) fn warning(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, State::Warning, what)
    }

    pub(super) fn bad(check: &'static str, kind: Kind, what: impl Into<String>) -> Self {
        let found = Self::new(check, State::Bad, what);
        Self {
            kind: Some(kind),
            ..found
        }
    }

    fn new(check: &'static str, state: State, what: impl Into<String>) -> Self {
        Self {
            check,
            state,
            what: what.into(),
            mend: None,
            kind: None,
        }
    }

    /// What to do about it.
    pub(super) fn mend(self, mend: impl Into<String>) -> Self {
        Self {
            mend: Some(mend.into()),
            ..self
        }
    }

    /// The same, if there is something to do.
    pub(super) fn mends_from(self, mend: Option<String>) -> Self {
        Self { mend, ..self }
    }
}

fn code<S: Serializer>(kind: &Option<Kind>, serializer: S) -> Result<S::Ok, S::Error> {
    kind.map(Kind::code).serialize(serializer)
}
