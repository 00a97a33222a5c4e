//! Calls and lookups of a script, and what it hears of them.

use std::borrow::Cow;
use std::time::Duration;

use gateway::scripts::{Call, Tool};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{Answer, End, Run};
use crate::declare;
use crate::limits::{FOUND_MAX, LOOKUPS_MAX, MESSAGE_BYTES_MAX};
use crate::protocol::{Lookup, ToWorker, Why, frame};
use crate::text::first_sentence;
use crate::unwrap::{Meaning, unwrap};

/// A tool that was found.
#[derive(Serialize)]
struct Found {
    path: String,
    summary: String,
}

impl Run<'_> {
    /// Begins a call, or says at once why not.
    pub(super) fn call(
        &mut self,
        id: u32,
        server: u32,
        tool: u32,
        args: &RawValue,
    ) -> Result<Option<Vec<u8>>, End> {
        self.next_id(id)?;
        if self.ledger.count() >= self.mode.limits.calls as usize {
            return Err(End::Broken("more calls than there may be"));
        }
        let (server, place) = (server as usize, tool as usize);
        let Some(tool) = self.scope.at(server, place) else {
            return Err(End::Broken("a tool that is not there"));
        };
        let label = self.scope.names.label(server, place);
        self.ledger.made(id, label.clone());
        let Ok(arguments) = serde_json::from_str(args.get()) else {
            return Err(End::Broken("arguments that are no JSON"));
        };
        if let Some(wrong) = self.mode.schemas.check(&tool.input, &arguments) {
            let why = Why {
                kind: "arguments".into(),
                message: format!("{label}: {wrong}"),
                hint: Some(format!(
                    "call it as {}",
                    declare::short_signature(&label, tool)
                )),
                server: Some(tool.server.clone()),
                tool: Some(tool.name.clone()),
            };
            self.ledger
                .finished(id, Duration::ZERO, Err(format!("not sent: {wrong}")));
            return Ok(Some(self.failure(id, why)));
        }
        let call = Call {
            number: self.ledger.count().try_into().unwrap_or(u32::MAX),
            tool: tool.clone(),
            arguments: args.to_owned(),
            waits: self.waits(),
        };
        self.waiting.push_back((id, call));
        self.begin_waiting();
        Ok(None)
    }

    /// What the script hears of a call that has ended.
    pub(super) fn answer(&mut self, answer: Answer) -> Vec<u8> {
        let Answer {
            id,
            tool,
            gave,
            took,
        } = answer;
        let label = self.ledger.of(id).map(|(label, _)| label.to_owned());
        let label = label.unwrap_or_default();
        let max = self.mode.limits.value_bytes;
        let why = |kind: &'static str, message: String, hint: Option<String>| Why {
            kind: kind.into(),
            message: format!("{label}: {message}"),
            hint,
            server: Some(tool.server.clone()),
            tool: Some(tool.name.clone()),
        };
        let given = match gave {
            Err(error) => Err(why("call", error.message, error.hint)),
            Ok(result) => match unwrap(&result) {
                Ok(Meaning::Value(value)) if value.get().len() > max => Err(why(
                    "limit",
                    format!(
                        "the result has {} bytes, and a value may have {max}",
                        value.get().len()
                    ),
                    Some("ask for less: a page, a filter, fewer fields".into()),
                )),
                Ok(Meaning::Value(value)) => Ok(value),
                Ok(Meaning::Failure(message)) => {
                    let hint = about_arguments(&message)
                        .then(|| format!("call it as {}", declare::short_signature(&label, &tool)));
                    Err(why("tool", message, hint))
                }
                Err(error) => Err(why(
                    "call",
                    format!("the server gave what is no result of a tool: {error}"),
                    None,
                )),
            },
        };
        let frame = match given {
            Ok(value) => {
                self.mode.shapes.learn(&tool, &value);
                self.ledger.finished(id, took, Ok(value.get().len()));
                self.value(id, &value)
            }
            Err(why) => {
                self.ledger.finished(id, took, Err(why.message.clone()));
                self.failure(id, why)
            }
        };
        self.tell_progress();
        frame
    }

    /// Answers a question about tools.
    pub(super) fn lookup(&mut self, id: u32, what: &Lookup) -> Result<Vec<u8>, End> {
        self.next_id(id)?;
        self.lookups += 1;
        if self.lookups > LOOKUPS_MAX {
            return Err(End::Broken("more lookups than there may be"));
        }
        let (text, limit) = match what {
            Lookup::Search { query, limit } => (query, *limit),
            Lookup::Describe { path } => (path, 0),
            Lookup::Kept { handle, .. } => (handle, 0),
        };
        // No worker that keeps to the rules asks so.
        if text.len() > MESSAGE_BYTES_MAX || limit > FOUND_MAX {
            return Err(End::Broken("a question too large"));
        }
        let found = match what {
            Lookup::Search { query, limit } => self.search(query, *limit as usize),
            Lookup::Describe { path } => self.describe(path),
            Lookup::Kept { handle, from, to } => self.kept(handle, *from, *to),
        };
        Ok(match found {
            Ok(value) => self.value(id, &value),
            Err(message) => self.failure(
                id,
                Why {
                    kind: "call".into(),
                    message,
                    hint: None,
                    server: None,
                    tool: None,
                },
            ),
        })
    }

    fn search(&self, query: &str, limit: usize) -> Result<Box<RawValue>, String> {
        let found: Vec<Found> = self
            .calls
            .search(query, limit)
            .into_iter()
            .take(limit)
            .filter_map(|at| self.scope.given(at))
            .map(|(tool, path)| Found {
                path,
                summary: first_sentence(&tool.description, 200),
            })
            .collect();
        to_raw_value(&found).map_err(|error| error.to_string())
    }

    fn describe(&self, path: &str) -> Result<Box<RawValue>, String> {
        let tool = |server: usize, tool: usize| -> Option<&Tool> {
            self.scope.at(server, tool).map(|tool| &**tool)
        };
        let text = match self.scope.names.path(path) {
            Ok((server, place)) => {
                let label = self.scope.names.label(server, place);
                let tool = tool(server, place).ok_or("there is no such tool")?;
                declare::declaration(&label, tool, &self.mode.shapes.gives(tool))
            }
            // A server alone: the signatures of its tools.
            Err(message) => {
                let server = self.scope.names.server(path).map_err(|_| message)?;
                let count = self
                    .scope
                    .names
                    .servers
                    .get(server)
                    .map_or(0, |server| server.tools.len());
                let lines: Vec<String> = (0..count)
                    .filter_map(|place| {
                        let label = self.scope.names.label(server, place);
                        let tool = tool(server, place)?;
                        Some(declare::signature(
                            &label,
                            tool,
                            &self.mode.shapes.gives(tool),
                        ))
                    })
                    .collect();
                crate::text::cut(lines.join("\n"), self.mode.limits.result_bytes)
            }
        };
        to_raw_value(&text).map_err(|error| error.to_string())
    }

    fn kept(
        &self,
        handle: &str,
        from: Option<u64>,
        to: Option<u64>,
    ) -> Result<Box<RawValue>, String> {
        let kept = self.mode.kept.get(self.script.owner, handle).ok_or_else(|| {
            format!("nothing is kept as \"{}\": it was forgotten, so run the script that made it again", crate::text::cut(handle.to_owned(), 60))
        })?;
        if from.is_none() && to.is_none() {
            return Ok(kept);
        }
        let offset = |at: Option<u64>, or: usize| {
            at.map_or(or, |at| usize::try_from(at).unwrap_or(usize::MAX))
        };
        let part = crate::kept::range(kept.get(), offset(from, 0), offset(to, usize::MAX));
        to_raw_value(part).map_err(|error| error.to_string())
    }

    fn value(&self, id: u32, value: &RawValue) -> Vec<u8> {
        frame(&ToWorker::Value {
            id,
            value: Cow::Borrowed(value),
            left_ms: self.left_ms(),
        })
    }

    fn failure(&self, id: u32, why: Why) -> Vec<u8> {
        frame(&ToWorker::Failure {
            id,
            why,
            left_ms: self.left_ms(),
        })
    }

    /// Ids count up; whoever repeats one could give a call the answer of another.
    fn next_id(&mut self, id: u32) -> Result<(), End> {
        if id <= self.last_id {
            return Err(End::Broken("an id twice"));
        }
        self.last_id = id;
        Ok(())
    }
}

/// Whether a tool complains about what it was called with.
fn about_arguments(message: &str) -> bool {
    let message = message.to_lowercase();
    [
        "argument",
        "parameter",
        "required",
        "invalid",
        "schema",
        "missing",
        "validation",
    ]
    .iter()
    .any(|word| message.contains(word))
}
