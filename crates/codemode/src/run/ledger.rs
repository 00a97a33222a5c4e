//! What a run has done so far: its calls and its log.

use std::time::Duration;

use serde_json::value::RawValue;

use crate::limits::{LOG_LINES_MAX, Limits};
use crate::outcome::CallRecord;

/// The record of one run.
#[derive(Default)]
pub(super) struct Ledger {
    calls: Vec<Entry>,
    logs: Vec<String>,
    logged: usize,
    ended: u32,
    /// Places in `calls` of those that run, oldest first.
    running: Vec<usize>,
}

struct Entry {
    id: u32,
    record: CallRecord,
    state: State,
}

#[derive(PartialEq)]
enum State {
    Waiting,
    Running,
    Ended,
}

impl Ledger {
    /// A call was made.
    pub(super) fn made(&mut self, id: u32, tool: String) {
        self.calls.push(Entry {
            id,
            record: CallRecord {
                tool,
                ms: 0.0,
                ok: false,
                bytes: 0,
                error: None,
            },
            state: State::Waiting,
        });
    }

    pub(super) fn began(&mut self, id: u32) {
        if let Some(at) = self.place(id) {
            self.calls[at].state = State::Running;
            self.running.push(at);
        }
    }

    /// It has ended; with an error, or a result of so many bytes.
    pub(super) fn finished(&mut self, id: u32, took: Duration, gave: Result<usize, String>) {
        self.ended += 1;
        if let Some(at) = self.place(id) {
            self.running.retain(|running| *running != at);
            let entry = &mut self.calls[at];
            entry.state = State::Ended;
            entry.record.ms = (took.as_secs_f64() * 1e5).round() / 1e2;
            match gave {
                Ok(bytes) => {
                    entry.record.ok = true;
                    entry.record.bytes = bytes;
                }
                Err(error) => entry.record.error = Some(crate::text::cut(error, 500)),
            }
        }
    }

    pub(super) fn count(&self) -> usize {
        self.calls.len()
    }

    pub(super) fn ended(&self) -> u32 {
        self.ended
    }

    pub(super) fn running(&self) -> Vec<&str> {
        let running = self.running.iter().map(|at| &self.calls[*at]);
        running.map(|entry| entry.record.tool.as_str()).collect()
    }

    /// The tool of a call and why it failed, if it did.
    pub(super) fn of(&self, id: u32) -> Option<(&str, Option<&str>)> {
        let entry = &self.calls[self.place(id)?];
        Some((&entry.record.tool, entry.record.error.as_deref()))
    }

    /// Takes in a line; false if a worker that keeps its limits could not have said so much.
    pub(super) fn log(&mut self, level: &str, text: &str, limits: &Limits) -> bool {
        // A few lines are the worker's own.
        const OWN: usize = 1_000;
        self.logged += text.len();
        if self.logged > limits.log_bytes + OWN || self.logs.len() > LOG_LINES_MAX as usize + 8 {
            return false;
        }
        self.logs.push(match level {
            "warn" | "error" | "note" => format!("{level}: {text}"),
            _ => text.to_owned(),
        });
        true
    }

    pub(super) fn note(&mut self, text: &str) {
        self.logs.push(format!("note: {text}"));
    }

    /// Everything, the calls that were cut off marked so.
    pub(super) fn close(self) -> (Vec<CallRecord>, Vec<String>) {
        let calls = self.calls.into_iter().map(|entry| {
            let mut record = entry.record;
            record.error = match entry.state {
                State::Ended => record.error,
                State::Running => {
                    Some("cancelled: the script ended first; it may have taken effect".into())
                }
                State::Waiting => Some("never started: the script ended first".into()),
            };
            record
        });
        (calls.collect(), self.logs)
    }

    fn place(&self, id: u32) -> Option<usize> {
        // Ids count up, with those of lookups between.
        self.calls.binary_search_by_key(&id, |entry| entry.id).ok()
    }
}

/// `args` of a script that was given none.
pub(super) fn no_arguments() -> &'static RawValue {
    static EMPTY: std::sync::LazyLock<Box<RawValue>> = std::sync::LazyLock::new(|| {
        serde_json::from_str("{}").unwrap_or_else(|_| RawValue::NULL.to_owned())
    });
    &EMPTY
}
