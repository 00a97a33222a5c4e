//! The only outside world of a script, as a trait that its host implements.
//!
//! A script sees tools and calls them, nothing else. Whoever implements [`Calls`] does so for one run: it knows the
//! caller, the workspace and the outer call, so that every inner call passes the same pipeline with the outer one as
//! its parent. A call may take as long as it needs. One that waits for a person says so by [`Call::waits`], and the
//! script's clock stands still meanwhile; how the question reaches the person is the host's affair, and the script
//! just waits. Dropping the future of a call cancels it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::clock::Clock;

/// A future that is returned by a trait.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

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

/// Lets a call say that it waits for a person.
#[derive(Debug, Clone)]
pub struct Waits {
    pub(crate) clock: Arc<Clock>,
}

impl Waits {
    /// The script's clock stands still until this is dropped.
    #[must_use]
    pub fn person(&self) -> PersonWait {
        self.clock.pause();
        PersonWait {
            clock: self.clock.clone(),
        }
    }
}

/// A person is waited for as long as this is held.
#[derive(Debug)]
pub struct PersonWait {
    clock: Arc<Clock>,
}

impl Drop for PersonWait {
    fn drop(&mut self) {
        self.clock.resume();
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
