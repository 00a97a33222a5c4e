//! From how a conversation ended to what the agent gets.

use serde_json::value::{RawValue, to_raw_value};

use super::{End, Run};
use crate::hints;
use crate::limits::SHAPE_BYTES_MAX;
use crate::outcome::{Failure, FailureKind, Outcome, Preview};
use crate::pool::Worker;
use crate::protocol::Failed;
use crate::shape::Shape;
use crate::text::cut;

/// What a preview shows of a result, in bytes.
const START_BYTES: usize = 1_500;
const SHAPE_SHOWN_BYTES: usize = 1_000;

/// Signals, by their numbers on Linux.
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;
const SIGSYS: i32 = 31;

impl Run<'_> {
    pub(super) fn conclude(mut self, end: End, worker: &mut Worker) -> Outcome {
        let (result, failure) = match end {
            End::Done {
                result,
                unused,
                unheard,
            } => {
                let failure = self.not_awaited(&unused);
                let failure = failure.or_else(|| unheard.map(|failed| self.unheard(&failed)));
                (Some(result), failure)
            }
            End::Failed(failed) => (None, Some(self.failed(&failed))),
            End::Over => (None, Some(self.over())),
            End::Gone => (None, Some(self.gone(worker.end()))),
            End::Broken(how) => (
                None,
                Some(Failure::new(
                    FailureKind::Worker,
                    format!("the worker was stopped: it said {how}"),
                )),
            ),
        };
        let (result, kept) = match result {
            Some(result) if result.get().len() > self.mode.limits.result_bytes => self.keep(result),
            Some(result) => (result, None),
            None => (RawValue::NULL.to_owned(), None),
        };
        let (calls, logs) = self.ledger.close();
        Outcome {
            ok: failure.is_none(),
            result,
            logs,
            calls,
            error: failure,
            kept,
        }
    }

    /// What became of calls that the script did not wait for.
    fn not_awaited(&mut self, unused: &[u32]) -> Option<Failure> {
        let mut failure = None;
        let mut fine = Vec::new();
        for id in unused {
            let Some((tool, error)) = self.ledger.of(*id) else {
                continue;
            };
            match error {
                Some(error) if failure.is_none() => {
                    let message = format!("{tool} was not awaited, and failed: {error}");
                    let mut failed = Failure::new(FailureKind::NotAwaited, message);
                    failed.hint = Some(format!("write await before {tool}(…)"));
                    failure = Some(failed);
                }
                Some(_) => {}
                None if fine.iter().any(|known| known == tool) => {}
                None => fine.push(tool.to_owned()),
            }
        }
        if !fine.is_empty() {
            let tools = cut(fine.join(", "), 300);
            self.ledger.note(&format!(
                "{tools}: not awaited; the script waited at its end. Write await before calls"
            ));
        }
        failure
    }

    /// What failed in a function that the script did not wait for.
    fn unheard(&self, failed: &Failed) -> Failure {
        let mut failure = self.failed(failed);
        failure.kind = FailureKind::NotAwaited;
        failure.message = format!("nobody awaited what failed: {}", failure.message);
        failure.hint = Some("write await before calls of async functions, for…of in place of forEach, and Promise.all around map".into());
        failure
    }

    fn failed(&self, failed: &Failed) -> Failure {
        let kind = match (failed.kind.as_str(), failed.name.as_str()) {
            ("syntax", _) => FailureKind::Syntax,
            ("time", _) => FailureKind::Time,
            ("memory", _) => FailureKind::Memory,
            ("result", _) => FailureKind::Result,
            ("stuck", _) => FailureKind::Stuck,
            ("worker", _) => FailureKind::Worker,
            (_, "ToolError") => FailureKind::Tool,
            (_, "LimitError") => FailureKind::Limit,
            _ => FailureKind::Thrown,
        };
        let named = match failed.name.as_str() {
            "" | "ToolError" | "LimitError" => failed.message.clone(),
            name if kind == FailureKind::Thrown || kind == FailureKind::Syntax => {
                format!("{}: {}", cut(name.to_owned(), 60), failed.message)
            }
            _ => failed.message.clone(),
        };
        let mut failure = Failure::new(kind, named);
        // A function around the script has a line of its own before it.
        let lines: Vec<&str> = self.text.split('\n').collect();
        failure.line = failed
            .line
            .filter(|line| *line >= 1 && *line as usize <= lines.len());
        failure.column = failed.column.filter(|_| failure.line.is_some());
        let source = failure
            .line
            .and_then(|line| lines.get(line as usize - 1))
            .copied();
        failure.source = source.map(|line| cut(line.trim_end().to_owned(), 160));
        failure.hint = hints::hint(failed, source, &self.scope.names).map(|hint| cut(hint, 1_000));
        failure
    }

    fn over(&self) -> Failure {
        let wall = self.mode.limits.wall.as_secs_f64();
        let running = self.ledger.running();
        let mut failure = Failure::new(
            FailureKind::Time,
            format!("the script took longer than the {wall} s that it may take"),
        );
        if running.is_empty() {
            failure.hint = Some(
                "do less in one script, or look for a loop or a built-in that takes very long"
                    .into(),
            );
        } else {
            failure.message.push_str(&format!(
                ", and was waiting for {}",
                cut(running.join(", "), 300)
            ));
            failure.hint = Some("run calls side by side with Promise.all, or fewer of them".into());
        }
        failure
    }

    fn gone(&self, signal: Option<i32>) -> Failure {
        match signal {
            Some(SIGXCPU) => self.over(),
            Some(SIGKILL) => Failure::new(
                FailureKind::Memory,
                "the worker was killed by the system, most likely for its memory",
            ),
            Some(SIGSYS) => Failure::new(
                FailureKind::Worker,
                "the worker was stopped by its sandbox: the script made the engine do what it may not",
            ),
            Some(signal) => Failure::new(
                FailureKind::Worker,
                format!("the engine crashed (signal {signal}); nothing else was harmed"),
            ),
            None => Failure::new(FailureKind::Worker, "the worker ended without a word"),
        }
    }

    /// Keeps a result, and gives what stands for it.
    fn keep(&mut self, result: Box<RawValue>) -> (Box<RawValue>, Option<Preview>) {
        let text = result.get();
        let bytes = text.len();
        let start = cut(
            text[..text.floor_char_boundary(START_BYTES.min(bytes))].to_owned(),
            START_BYTES,
        );
        let shape = if bytes <= SHAPE_BYTES_MAX * 8 {
            serde_json::from_str(text).map_or_else(
                |_| "any".into(),
                |value| Shape::of(&value).typescript(SHAPE_SHOWN_BYTES),
            )
        } else {
            "any".into()
        };
        let Some(kept) = self.mode.kept.keep(self.script.owner, result) else {
            return (RawValue::NULL.to_owned(), None);
        };
        let preview = Preview {
            read: format!(
                "in another script, const all = await tools.kept(\"{kept}\") is the whole value, to return part of; \
                 await tools.kept(\"{kept}\", {{from: 0, to: 20000}}) is that part of its text"
            ),
            kept,
            bytes,
            shape,
            start,
        };
        (
            to_raw_value(&preview).unwrap_or_else(|_| RawValue::NULL.to_owned()),
            Some(preview),
        )
    }
}
