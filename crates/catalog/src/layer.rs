//! Where something was said, in the order of who wins.

use std::fmt;

/// Where a setting or an entry came from, weakest first: what stands later wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Layer {
    /// Nobody said anything.
    #[default]
    Default,
    /// The machine's file, `/etc/portolan/config.toml`.
    System,
    /// The person's own file.
    User,
    /// A file found in or above the working folder: somebody else's text until a person approved it.
    Project,
    /// An environment variable.
    Environment,
    /// The command line, files named there included.
    Flag,
}

impl Layer {
    /// One word, as messages and `--format json` write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::System => "system",
            Self::User => "user",
            Self::Project => "project",
            Self::Environment => "environment",
            Self::Flag => "flag",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
