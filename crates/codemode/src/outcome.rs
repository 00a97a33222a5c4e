//! How a script ended, as the agent gets it.
//!
//! The same facts twice: as structured content (`{ok, result, logs, calls, error?}`), and as text for those who read
//! only that. A result over the budget is kept, and what is handed over is its start, its shape, and how to read on.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::text::cut;

mod text;

/// How a script ended.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Whether it ran to its end.
    pub ok: bool,
    /// What it gave; `null` if it failed. If it is kept, a [`Preview`].
    pub result: Box<RawValue>,
    /// What it logged, a line each.
    pub logs: Vec<String>,
    /// The calls it made, in order, also those that failed.
    pub calls: Vec<CallRecord>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// The result is kept and `result` its preview.
    #[serde(skip)]
    pub kept: Option<Preview>,
}

/// A call that was made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallRecord {
    /// `server.tool`, as the script writes it.
    pub tool: String,
    /// How long it took, in milliseconds.
    pub ms: f64,
    /// Whether it gave a result.
    pub ok: bool,
    /// Of its result.
    pub bytes: usize,
    /// Why it gave none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What stands for a result that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// For `tools.kept(handle)`.
    pub kept: String,
    /// How large it is.
    pub bytes: usize,
    /// Its type.
    pub shape: String,
    /// The start of its JSON.
    pub start: String,
    /// How to get at the rest.
    pub read: String,
}

/// Why a script failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Which of the ways.
    pub kind: FailureKind,
    /// What happened.
    pub message: String,
    /// Where in the script, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Where in the line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The ways in which a script fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// It is no script.
    Syntax,
    /// An error that nothing caught.
    Thrown,
    /// A call failed, and nothing caught that.
    Tool,
    /// More calls, lookups or bytes than it may have.
    Limit,
    /// It took too long.
    Time,
    /// It took too much memory.
    Memory,
    /// Its result cannot be handed over.
    Result,
    /// It waits for what cannot come.
    Stuck,
    /// A call that it did not wait for failed.
    NotAwaited,
    /// Its worker could not be started, or ended.
    Worker,
}

impl Outcome {
    /// A script that failed before it ran.
    pub(crate) fn failed(failure: Failure) -> Self {
        Self {
            ok: false,
            result: RawValue::NULL.to_owned(),
            logs: Vec::new(),
            calls: Vec::new(),
            error: Some(failure),
            kept: None,
        }
    }

    /// As structured content.
    #[must_use]
    pub fn structured(&self) -> Box<RawValue> {
        // All of it is text, numbers, and JSON that was checked.
        to_raw_value(self).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }

    /// As text.
    #[must_use]
    pub fn text(&self) -> String {
        text::of(self)
    }
}

impl Failure {
    pub(crate) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: cut(message.into(), crate::limits::MESSAGE_BYTES_MAX),
            line: None,
            column: None,
            source: None,
            hint: None,
        }
    }
}
