//! Servers that break every promise, as real programs (clients that do are in [`clients`]): written by hand, because an SDK does not lie.
//!
//! One habit is one small piece of code ([`habits`]): what it does instead of answering properly, as a list of steps
//! ([`Step`]) that [`stdio`] and [`http`] play. Where it has nothing to say, the answer is the sound one ([`sound`]),
//! so that a habit offers a tool as long as it can. Nothing leaves loopback.

pub mod clients;
mod habits;
mod http;
mod process;
mod sound;
mod stdio;

use std::time::Duration;

use serde_json::Value;

pub use self::habits::HABITS;
pub use self::http::serve as serve_http;
pub use self::process::{LEFT_BEHIND, left_behind};
pub use self::stdio::serve as serve_stdio;
use crate::fixture::Era;

/// One way to misbehave.
#[derive(Clone, Copy, Debug)]
pub struct Habit {
    /// How it is asked for.
    pub name: &'static str,
    /// What it does, in one line.
    pub doc: &'static str,
    /// The transports on which it can be done.
    pub over: Over,
    act: Act,
}

/// Transports of a habit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Standard input and output alone.
    Stdio,
    /// Streamable HTTP alone.
    Http,
    /// The one and the other.
    Both,
}

impl Over {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdio => "stdio",
            Self::Http => "http",
            Self::Both => "both",
        }
    }

    /// Whether the habit can be had over stdio.
    #[must_use]
    pub fn stdio(self) -> bool {
        self != Self::Http
    }

    /// Whether the habit can be had over HTTP.
    #[must_use]
    pub fn http(self) -> bool {
        self != Self::Stdio
    }
}

/// Where a habit shows: in what is said, or in the HTTP around it. None: the answer is the sound one.
#[derive(Clone, Copy, Debug)]
enum Act {
    Says(fn(&Asked) -> Option<Vec<Step>>),
    Replies(fn(&http::Exchange<'_>) -> Option<Vec<http::Move>>),
}

/// What a habit is asked: a message of the client, or to begin.
#[derive(Debug)]
struct Asked {
    /// Null at the start of a process, and at that of a stream that belongs to no request.
    message: Value,
    era: Era,
    /// How many messages came before it.
    n: u64,
}

/// What a habit does, one after the other.
#[derive(Clone, Debug)]
enum Step {
    /// A message.
    Say(Value),
    /// Bytes in the place of a message.
    Bytes(Vec<u8>),
    /// The sound answer with a text of so many bytes.
    Long(usize),
    /// A pause.
    Wait(Duration),
    /// These messages for ever, with a pause after each round of them; at most so many rounds.
    Again(Duration, u64, Vec<Value>),
    /// Nothing more.
    Never,
    /// Ends the process, having written these bytes of an answer.
    Exit(u8, &'static str),
    /// Closes the output and goes on.
    CloseOutput,
    /// Leaves the input unread from now on.
    StopReading,
    /// Ignores SIGTERM and the end of the input.
    BeDeaf,
    /// Leaves processes behind.
    Fork,
    /// Writes on stderr for ever.
    Complain,
}

/// The habit of this name.
#[must_use]
pub fn habit(name: &str) -> Option<&'static Habit> {
    HABITS.iter().find(|habit| habit.name == name)
}

impl Habit {
    /// What it does about a message.
    fn steps(&self, asked: &Asked) -> Vec<Step> {
        let own = match self.act {
            Act::Says(says) => says(asked),
            Act::Replies(_) => None,
        };
        own.unwrap_or_else(|| sound::steps(asked))
    }
}

impl Asked {
    fn method(&self) -> &str {
        self.message["method"].as_str().unwrap_or_default()
    }

    /// Whether a process, or a stream without a request, begins.
    fn is_start(&self) -> bool {
        self.message.is_null()
    }

    fn is_call(&self) -> bool {
        self.method() == "tools/call"
    }

    fn is_list(&self) -> bool {
        self.method() == "tools/list"
    }

    fn is_greeting(&self) -> bool {
        matches!(self.method(), "initialize" | "server/discover")
    }

    fn is_request(&self) -> bool {
        self.message.get("id").is_some() && !self.method().is_empty()
    }

    fn id(&self) -> &Value {
        &self.message["id"]
    }

    /// Whether the message is of the stateless era.
    fn is_stateless(&self) -> bool {
        self.message["params"]["_meta"]
            .get("io.modelcontextprotocol/protocolVersion")
            .is_some()
    }
}
