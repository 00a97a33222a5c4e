//! What a rule says, as people write it: in `config.toml`, in a profile, in Docker's JSON. Knows nothing of files; reading
//! them is the matter of who knows their format.

use crate::facts::{Asked, Era};

/// One rule. It applies where everything that it says fits; lists are alternatives, and an empty one says nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// What records and messages call it.
    pub name: String,
    /// Where it was written, for messages.
    pub source: Source,
    /// Patterns for callers.
    pub caller: Vec<String>,
    /// Patterns for the `name/version` of clients, or for the name alone.
    pub client: Vec<String>,
    /// Patterns for the catalog of the server.
    pub catalog: Vec<String>,
    /// Patterns for the name of the server.
    pub server: Vec<String>,
    /// Kinds of servers: `command`, `package`, `container`, `remote`.
    pub server_type: Vec<String>,
    /// Patterns for what is started or reached.
    pub server_source: Vec<String>,
    /// Transports: `stdio`, `sse`, `streamable`.
    pub transport: Vec<String>,
    /// Patterns for tools, by the server's own names.
    pub tool: Vec<String>,
    /// Patterns for prompts, by the server's own names.
    pub prompt: Vec<String>,
    /// Patterns for URIs of resources.
    pub resource: Vec<String>,
    /// What tools must say of themselves: `readOnlyHint` and so on.
    pub annotations: Vec<(String, bool)>,
    /// Patterns for the profile that the gateway runs with: elsewhere the rule does not stand; see
    /// [`Policy::of_profile`](crate::Policy::of_profile).
    pub profile: Vec<String>,
    /// The era of the client.
    pub era: Option<Era>,
    /// A condition in CEL.
    pub when: Option<String>,
    /// What follows.
    pub decision: Decision,
    /// Why, for the client.
    pub reason: Option<String>,
    /// Which actions it is about, where that was said; none: what follows from the rest.
    pub actions: Option<Vec<String>>,
    /// Whether a server of which it allows something must still be allowed to be used: so Docker reads its rules.
    pub is_strict: bool,
}

/// Where a rule was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The file.
    pub file: String,
    /// Line and column from 1; 0 where there are none.
    pub line: usize,
    /// The column in characters.
    pub column: usize,
}

/// What follows from a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Allow,
    /// Do not. A rule that says nothing denies.
    #[default]
    Deny,
    /// Ask the person, who may have it remembered for this long at most.
    Ask(Remember),
}

/// For how long an answer of a person holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remember {
    /// For this call.
    Once,
    /// For this workspace.
    Workspace,
    /// Until the rule changes or the answer is taken back.
    Always,
}

impl Decision {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Ask(_) => "ask",
        }
    }
}

impl Remember {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Workspace => "workspace",
            Self::Always => "always",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Once, Self::Workspace, Self::Always]
            .into_iter()
            .find(|one| one.as_str() == word)
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.file)?;
        match self.line {
            0 => Ok(()),
            line => write!(f, ":{line}:{}", self.column),
        }
    }
}

/// What a rule is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Actions(u8);

impl Actions {
    pub(crate) const LOAD: Self = Self(1);
    pub(crate) const CALL: Self = Self(2);
    pub(crate) const PROMPT: Self = Self(4);
    pub(crate) const RESOURCE: Self = Self(8);
    pub(crate) const ALL: Self = Self(31);

    pub(crate) fn of(asked: &Asked<'_>) -> Self {
        match asked {
            Asked::Load => Self::LOAD,
            Asked::Tool { .. } => Self::CALL,
            Asked::Prompt(_) => Self::PROMPT,
            Asked::Resource(_) => Self::RESOURCE,
            Asked::Other => Self(16),
        }
    }

    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Reads a word: those of ours, and `invoke`, as Docker calls a call.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "load" => Self::LOAD,
            "call" | "invoke" => Self::CALL,
            "prompt" => Self::PROMPT,
            "resource" => Self::RESOURCE,
            _ => return None,
        })
    }
}
