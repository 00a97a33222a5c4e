//! The one error edge: every failure that reaches a person becomes a [`Failure`] here, and its [`Kind`]
//! decides the exit code. Refuses: exit codes anywhere else. The codes are documented by `portolan --help`.

use std::error::Error;

use clap::builder::StyledStr;

/// Why a command failed, as scripts see it. The numbers are a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The operation failed.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// There is no such server or tool.
    NotFound = 3,
    /// Nothing is running, or it does not answer.
    NotRunning = 4,
    /// A policy says no.
    Denied = 5,
    /// Somebody has to sign in first.
    Unauthenticated = 6,
    /// It took too long.
    Timeout = 7,
    /// A configuration file is wrong.
    Config = 64,
    /// A bug.
    Internal = 70,
    /// Ctrl-C.
    Interrupted = 130,
}

impl Kind {
    /// All of them.
    const ALL: [Self; 10] = [
        Self::Failed,
        Self::Usage,
        Self::NotFound,
        Self::NotRunning,
        Self::Denied,
        Self::Unauthenticated,
        Self::Timeout,
        Self::Config,
        Self::Internal,
        Self::Interrupted,
    ];

    /// The exit code.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    /// The stable name, for programs.
    fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::NotFound => "not-found",
            Self::NotRunning => "not-running",
            Self::Denied => "denied",
            Self::Unauthenticated => "unauthenticated",
            Self::Timeout => "timeout",
            Self::Config => "config",
            Self::Internal => "internal",
            Self::Interrupted => "interrupted",
        }
    }
}

/// What went wrong, why, and what to do about it.
#[derive(Debug)]
pub(crate) struct Failure(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
    usage: Option<StyledStr>,
}

impl Failure {
    /// A failure of this kind.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            causes: Vec::new(),
            hints: Vec::new(),
            usage: None,
        }))
    }

    /// A wrong command line.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message).hint("`--help` after any command shows its flags")
    }

    /// Something that cannot happen, and did.
    pub(crate) fn internal(message: impl Into<String>, error: impl Error) -> Self {
        Self::new(Kind::Internal, message).because(&error)
    }

    /// Adds an error and everything behind it.
    pub(crate) fn because(mut self, error: &dyn Error) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            let text = error.to_string();
            // Many errors repeat their source in their own words.
            if !self
                .0
                .causes
                .last()
                .is_some_and(|last| last.contains(&text))
            {
                self.0.causes.push(text);
            }
            next = error.source();
        }
        self
    }

    /// What another process of ours has said of itself, by [`Self::to_json`].
    pub(crate) fn of_json(line: &str) -> Option<Self> {
        let value: serde_json::Value = serde_json::from_str(line).ok()?;
        let error = value.get("error")?;
        let code = error["exit_code"].as_u64()?;
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| u64::from(kind.code()) == code)?;
        let texts = |name: &str| -> Vec<String> {
            let all = error[name].as_array().into_iter().flatten();
            all.filter_map(|text| text.as_str().map(str::to_owned))
                .collect()
        };
        let mut failure = Self::new(kind, error["message"].as_str()?);
        failure.0.causes = texts("causes");
        failure.0.hints = texts("hints");
        Some(failure)
    }

    /// Adds what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hints.push(hint.into());
        self
    }

    /// Adds what to do next, if there is something.
    pub(crate) fn hints_from(mut self, hints: impl IntoIterator<Item = String>) -> Self {
        self.0.hints.extend(hints);
        self
    }

    /// What scripts see.
    pub(crate) fn kind(&self) -> Kind {
        self.0.kind
    }

    pub(crate) fn message(&self) -> &str {
        &self.0.message
    }

    pub(crate) fn causes(&self) -> impl Iterator<Item = String> {
        self.0.causes.iter().cloned()
    }

    pub(crate) fn hints(&self) -> &[String] {
        &self.0.hints
    }

    /// What clap has to say, where the command line did not parse.
    pub(crate) fn usage_text(&self) -> Option<&StyledStr> {
        self.0.usage.as_ref()
    }

    /// One line for programs.
    pub(crate) fn to_json(&self) -> String {
        serde_json::json!({ "error": {
            "kind": self.0.kind.name(),
            "exit_code": self.0.kind.code(),
            "message": self.0.message,
            "causes": self.0.causes,
            "hints": self.0.hints,
        }})
        .to_string()
    }
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        let mut failure = Self::new(Kind::Usage, "the command line is wrong");
        failure.0.usage = Some(error.render());
        failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read it")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn causes_are_told_once() {
        let inner = std::io::Error::other("disk on fire");
        let failure = Failure::new(Kind::Config, "no settings")
            .because(&Outer(inner))
            .hint("buy a disk");
        assert_eq!(
            failure.causes().collect::<Vec<_>>(),
            ["cannot read it", "disk on fire"]
        );
        let same = Failure::of_json(&failure.to_json()).unwrap();
        assert_eq!(same.to_json(), failure.to_json());
        assert!(Failure::of_json(r#"{"error":{"exit_code":3}}"#).is_none());
        assert_eq!(
            failure.to_json(),
            r#"{"error":{"causes":["cannot read it","disk on fire"],"exit_code":64,"hints":["buy a disk"],"kind":"config","message":"no settings"}}"#
        );
    }
}
