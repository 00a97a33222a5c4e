//! One record per call, for the log and whatever else wants to know. Never results; arguments only for a recorder that asks
//! for them ([`Arguments`]).

mod arguments;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub use arguments::Arguments;

/// What is known of a finished request.
#[derive(Clone, Debug)]
pub struct CallRecord {
    /// Unique in this process.
    pub id: u64,
    /// When it ended.
    pub at: SystemTime,
    /// Who called.
    pub caller: Arc<str>,
    /// The client's `name/version`, as it calls itself.
    pub client: Option<Box<str>>,
    /// The JSON-RPC method.
    pub method: Cow<'static, str>,
    /// The server that answered; none where the gateway did.
    pub server: Option<Arc<str>>,
    /// The tool, prompt or URI, as the client named it.
    pub name: Option<Box<str>>,
    /// From the arrival of the request to the departure of its answer.
    pub took: Duration,
    /// `ok`, `tool_error`, a JSON-RPC code, or a fault's tag.
    pub outcome: Outcome,
    /// What the rules made of it.
    pub decision: Decided,
    /// The rule that decided, where one did.
    pub rule: Option<Box<str>>,
    /// What it was called with, for a recorder that wants to know; see [`Recorder::arguments_max`].
    pub arguments: Option<Arguments>,
    /// Bytes of the request.
    pub bytes_in: usize,
    /// Bytes of the answer.
    pub bytes_out: usize,
    /// W3C trace id, as 32 hexadecimal digits.
    pub trace: Option<Box<str>>,
    /// Our span in it, as 16 hexadecimal digits.
    pub span: u64,
    /// The id of the call whose script made it, if one did.
    pub parent: Option<u64>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A result.
    Ok,
    /// A result with `isError`.
    ToolError,
    /// A JSON-RPC error of the server, by its code.
    Error(i64),
    /// The gateway's own reason.
    Fault(&'static str),
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ok => f.write_str("ok"),
            Self::ToolError => f.write_str("tool_error"),
            Self::Error(code) => write!(f, "{code}"),
            Self::Fault(tag) => f.write_str(tag),
        }
    }
}

/// What rules, guards and interceptors made of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decided {
    /// It may be, by a rule or for want of one.
    #[default]
    Allow,
    /// It must not be.
    Deny,
    /// The person was asked.
    Ask,
}

impl Decided {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Ask => "ask",
        }
    }
}

/// What happened to a server.
#[derive(Clone, Debug)]
pub struct StartRecord {
    /// Its name.
    pub server: Arc<str>,
    /// How long the start took.
    pub took: Duration,
    /// Why it failed, if it did.
    pub failure: Option<String>,
}

/// Who takes the records. Called on the call path: it must not block.
pub trait Recorder: Send + Sync {
    /// A request was answered.
    fn call(&self, record: CallRecord);
    /// A server was started, or could not be.
    fn start(&self, record: StartRecord);
    /// A server does something that a person should look at, and how.
    fn odd(&self, _server: &str, _what: &str, _hint: &str) {}
    /// How many bytes of a call's arguments are copied into its record; what is longer is digested at once. None: nothing of
    /// them is in records.
    fn arguments_max(&self) -> Option<usize> {
        None
    }
    /// Something is fetched before a server can be started: what.
    fn preparing(&self, _server: &str, _what: &str) {}
}

/// Keeps nothing.
#[derive(Debug)]
pub struct NoRecorder;

impl Recorder for NoRecorder {
    fn call(&self, _: CallRecord) {}
    fn start(&self, _: StartRecord) {}
}
