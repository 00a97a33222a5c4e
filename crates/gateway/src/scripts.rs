//! What runs scripts, as the gateway sees it: an engine behind a trait, and what an engine sees of the gateway: tools and
//! calls, nothing else.
//!
//! Whoever implements [`Calls`] does so for one run: it knows the caller, the workspace and the outer call, so that every
//! inner call passes the same pipeline with the outer one as its parent. A call may take as long as it needs. One that
//! waits for a person says so by [`Call::waits`], and the script's clock stands still meanwhile; how the question reaches
//! the person is the gateway's affair, and the script just waits. Dropping the future of a call cancels it.
//!
//! Refuses to know what a script looks like. Read `script.rs` for how a run is carried out.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use serde_json::value::RawValue;

pub use transport::BoxFuture;

/// The member of `_meta` by which a client hands a script its `args`, a JSON object. It is for people and programs: a model
/// writes what it has to say into the script.
pub const ARGS_META: &str = "portolan/args";

/// Runs scripts.
pub trait Engine: Send + Sync {
    /// Runs a script to its end, whatever it is. Dropping the future cancels the script and every call that it has under
    /// way.
    fn run<'a>(&'a self, script: Script<'a>, calls: &'a dyn Calls) -> BoxFuture<'a, Ran>;

    /// What a script sees of these tools, in at most about `max` bytes.
    fn menu(&self, tools: Vec<Arc<Tool>>, max: usize) -> String;

    /// A script is to be expected: what can be made ready for it is, in the background.
    fn warm(&self);
}

/// A script to run.
#[derive(Debug, Clone, Copy)]
pub struct Script<'a> {
    /// Its text, as it was handed in.
    pub text: &'a str,
    /// What it is given, a JSON object, if anything.
    pub args: Option<&'a RawValue>,
    /// Who may read what is kept of its result.
    pub owner: &'a str,
}

/// How a script ended.
#[derive(Debug, Clone)]
pub struct Ran {
    /// Whether it ran to its end.
    pub is_ok: bool,
    /// What it came to, in words.
    pub text: String,
    /// The same as `{ok, result, logs, calls, error?}`.
    pub facts: Box<RawValue>,
}

/// A tool that a script may call.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// The server's name.
    pub server: String,
    /// The tool's name, as its server knows it.
    pub name: String,
    /// Of whom what is learnt holds: the isolation key and version of the server, in any form. What is observed of one
    /// is not shown for another.
    pub origin: String,
    /// What it does, in the server's words.
    pub description: String,
    /// Schema of its arguments.
    pub input: Arc<Value>,
    /// Schema of its structured result, if it has one.
    pub output: Option<Arc<Value>>,
}

/// A call that a script makes.
#[derive(Debug)]
pub struct Call {
    /// Counts the calls of this script, from 1.
    pub number: u32,
    /// Of what.
    pub tool: Arc<Tool>,
    /// A JSON object, checked against the tool's schema where that is possible.
    pub arguments: Box<RawValue>,
    /// To be told when the call waits for a person.
    pub waits: Waits,
}

/// Why a call gave no result. A tool that failed gives a result, with `isError`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CallError {
    /// What happened: refused by policy, the server died, declined by the person.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl CallError {
    /// An error without advice.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
        }
    }
}

/// What a script can reach.
pub trait Calls: Send + Sync {
    /// Every tool in scope, the tools of a server together. Asked once for each run.
    fn tools(&self) -> Vec<Arc<Tool>>;

    /// Calls a tool. Gives the result object of `tools/call`, as it came.
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Box<RawValue>, CallError>>;

    /// The tools that fit a request, best first: places in what [`tools`](Self::tools) gave.
    fn search(&self, query: &str, limit: usize) -> Vec<usize>;

    /// What the script does now, for whoever watches: told when a call begins or ends.
    fn progress(&self, progress: &Progress<'_>) {
        let _ = progress;
    }
}

/// What a script does now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress<'a> {
    /// Calls that have ended.
    pub ended: u32,
    /// Calls that run, as `server.tool`, oldest first.
    pub running: Vec<&'a str>,
}

impl Progress<'_> {
    /// In one line.
    #[must_use]
    pub fn message(&self) -> String {
        let ended = match self.ended {
            0 => String::new(),
            1 => "1 call done, ".into(),
            many => format!("{many} calls done, "),
        };
        match &self.running[..] {
            [] => format!("{ended}the script runs"),
            [one] => format!("{ended}{one} runs"),
            [first, rest @ ..] => format!("{ended}{first} and {} more run", rest.len()),
        }
    }
}

/// The clock of a script.
pub trait Clock: Send + Sync {
    /// It stands still from now on, once more than before.
    fn pause(&self);

    /// It stands still once less, and goes on if that was the last.
    fn resume(&self);
}

/// Lets a call say that it waits for a person.
#[derive(Clone)]
pub struct Waits(Arc<dyn Clock>);

impl Waits {
    /// Of a script with this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(clock)
    }

    /// The script's clock stands still until this is dropped.
    #[must_use]
    pub fn person(&self) -> PersonWait {
        self.0.pause();
        PersonWait(self.0.clone())
    }
}

impl fmt::Debug for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waits")
    }
}

/// A person is waited for as long as this is held.
pub struct PersonWait(Arc<dyn Clock>);

impl Drop for PersonWait {
    fn drop(&mut self) {
        self.0.resume();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_one_line() {
        let line = |ended, running: &[&'static str]| {
            Progress {
                ended,
                running: running.to_vec(),
            }
            .message()
        };
        assert_eq!(line(0, &[]), "the script runs");
        assert_eq!(line(1, &["a.b"]), "1 call done, a.b runs");
        assert_eq!(
            line(7, &["a.b", "c.d", "c.d"]),
            "7 calls done, a.b and 2 more run"
        );
    }
}
