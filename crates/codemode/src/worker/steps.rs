//! The run of one script: evaluate, then jobs, answers and timers in turn until its promise is settled.
//!
//! Owns what happens between: what comes in over the channel is given to the script, and nothing is waited for that cannot
//! come. How a script becomes a program is `forms`.

use std::io;
use std::time::{Duration, Instant};

use rquickjs::promise::PromiseState;
use rquickjs::{Context, Ctx, Function, Object, Persistent, Promise, Runtime, Value};
use serde_json::value::RawValue;

use super::bridge::{Refused, to_json};
use super::natives::{PreludeCell, helpers};
use super::show;
use super::state::{Interrupt, Shared, Waiting};
use crate::limits::{FRAME_EXTRA_BYTES, Limits};
use crate::protocol::{Failed, ToWorker, Why};

pub(super) struct Steps<'a> {
    runtime: &'a Runtime,
    context: &'a Context,
    pub(super) state: &'a Shared,
    prelude: &'a PreludeCell,
}

pub(super) type Outcome<T> = Result<T, Failed>;
type Settled = Persistent<Promise<'static>>;

/// Jobs in a chain after which its breaking off is no mistake of the script, but want of memory.
const CHAIN_JOBS: u32 = 10_000;

impl<'a> Steps<'a> {
    pub(super) fn new(
        runtime: &'a Runtime,
        context: &'a Context,
        state: &'a Shared,
        prelude: &'a PreludeCell,
    ) -> Self {
        Self {
            runtime,
            context,
            state,
            prelude,
        }
    }

    pub(super) fn run(&self, script: &str, args: &RawValue) -> io::Result<Outcome<Box<RawValue>>> {
        let begun = match self.context.with(|ctx| self.begin(&ctx, script, args)) {
            Ok(begun) => begun,
            Err(failed) => return Ok(Err(failed)),
        };
        if let Err(failed) = self.settle(&begun)? {
            return Ok(Err(failed));
        }
        let finishing = match self.context.with(|ctx| self.finish(&ctx, begun, args)) {
            Ok(finishing) => finishing,
            Err(failed) => return Ok(Err(failed)),
        };
        if let Err(failed) = self.settle(&finishing)? {
            return Ok(Err(failed));
        }
        if let Err(failed) = self.drain()? {
            return Ok(Err(failed));
        }
        Ok(self.context.with(|ctx| self.result(&ctx, &finishing)))
    }

    /// Calls that nobody awaited were made all the same: their ends are waited for as long as there is time, and what
    /// follows from them happens.
    fn drain(&self) -> io::Result<Outcome<()>> {
        let mut is_noted = false;
        while self.state.has_open_calls() {
            let used = self.state.unused.borrow().is_empty();
            if used && !is_noted {
                is_noted = true;
                let note = "calls were under way when the script returned, and it waited for them: \
                            for…of or Promise.all wait, forEach does not";
                self.state.log("note", note.into());
            }
            let deadline = self.state.deadline.get();
            if Instant::now() >= deadline {
                break;
            }
            if let Err(failed) = self.answer(Some(deadline))? {
                return Ok(Err(failed));
            }
            if let Err(failed) = self.jobs() {
                return Ok(Err(failed));
            }
        }
        Ok(Ok(()))
    }

    fn begin(&self, ctx: &Ctx<'_>, script: &str, args: &RawValue) -> Outcome<Settled> {
        let prelude = self.prelude_of(ctx)?;
        let caught = |error| self.caught(ctx, error);
        let given: Value<'_> = ctx.json_parse(args.get()).map_err(caught)?;
        let servers: Vec<String> = self
            .state
            .names
            .borrow()
            .servers
            .iter()
            .map(|server| server.ident.clone())
            .collect();
        let begin: Function<'_> = prelude.get("begin").map_err(caught)?;
        begin.call::<_, ()>((servers, given)).map_err(caught)?;
        let program = self.evaluated(ctx, script)?;
        let promise = match program.as_promise() {
            Some(promise) => promise.clone(),
            // A function: `finish` calls it.
            None => {
                let (promise, resolve, _) = ctx.promise().map_err(caught)?;
                let boxed = Object::new(ctx.clone()).map_err(caught)?;
                boxed.set("value", program).map_err(caught)?;
                resolve.call::<_, ()>((boxed,)).map_err(caught)?;
                promise
            }
        };
        Ok(Persistent::save(ctx, promise))
    }

    fn finish(&self, ctx: &Ctx<'_>, begun: Settled, args: &RawValue) -> Outcome<Settled> {
        let prelude = self.prelude_of(ctx)?;
        let caught = |error| self.caught(ctx, error);
        let promise = begun.restore(ctx).map_err(caught)?;
        let boxed: Object<'_> = match promise.result() {
            Some(boxed) => boxed.map_err(caught)?,
            None => return Err(Failed::default()),
        };
        let value: Value<'_> = boxed.get("value").map_err(caught)?;
        let given: Value<'_> = ctx.json_parse(args.get()).map_err(caught)?;
        let finish: Function<'_> = prelude.get("finish").map_err(caught)?;
        let promise: Promise<'_> = finish.call((value, given)).map_err(caught)?;
        Ok(Persistent::save(ctx, promise))
    }

    fn result(&self, ctx: &Ctx<'_>, finished: &Settled) -> Outcome<Box<RawValue>> {
        let caught = |error| self.caught(ctx, error);
        let prelude = self.prelude_of(ctx)?;
        let helpers = helpers(&prelude).map_err(caught)?;
        let promise = finished.clone().restore(ctx).map_err(caught)?;
        let value: Value<'_> = match promise.result() {
            Some(value) => value.map_err(caught)?,
            None => Value::new_undefined(ctx.clone()),
        };
        let text = match to_json(&helpers, &value, "result", self.state.limits().value_bytes) {
            Ok((text, lost)) => {
                if let Some(place) = lost.not_a_number {
                    self.state.log(
                        "note",
                        format!("{place}, which JSON does not have: it is null"),
                    );
                }
                text
            }
            Err(Refused::Value(message)) => {
                return Err(Failed {
                    kind: "result".into(),
                    name: "TypeError".into(),
                    message,
                    ..Failed::default()
                });
            }
            Err(Refused::Thrown(error)) => return Err(caught(error)),
        };
        let text = text.unwrap_or_else(|| "null".into());
        RawValue::from_string(text).map_err(|error| Failed {
            kind: "result".into(),
            message: error.to_string(),
            ..Failed::default()
        })
    }

    /// Until the promise is settled; its failure is the script's.
    fn settle(&self, promise: &Settled) -> io::Result<Outcome<()>> {
        loop {
            if let Err(failed) = self.jobs() {
                return Ok(Err(failed));
            }
            let state = self.context.with(|ctx| {
                let promise = promise
                    .clone()
                    .restore(&ctx)
                    .map_err(|error| self.caught(&ctx, error))?;
                if let PromiseState::Rejected = promise.state() {
                    let error = match promise.result::<Value<'_>>() {
                        Some(Err(error)) => error,
                        _ => rquickjs::Error::Unknown,
                    };
                    return Err(self.caught(&ctx, error));
                }
                Ok(matches!(promise.state(), PromiseState::Resolved))
            });
            match state {
                Ok(true) => return Ok(Ok(())),
                Ok(false) => {}
                Err(failed) => return Ok(Err(failed)),
            }
            let due = self
                .state
                .timers
                .borrow()
                .keys()
                .next()
                .map(|(due, _)| *due);
            if due.is_none() && self.state.pending.borrow().is_empty() {
                return Ok(Err(self.stuck()));
            }
            if let Err(failed) = self.answer(due)? {
                return Ok(Err(failed));
            }
        }
    }

    /// Nothing is left that could happen.
    fn stuck(&self) -> Failed {
        // A chain of promises that finds no memory breaks without a word.
        let used = self.runtime.memory_usage().malloc_size;
        let limit = self.state.limits().memory_bytes;
        // What it held may be free again by now; none that long ends by itself.
        let is_long = self.state.chain.get() > CHAIN_JOBS;
        if is_long || usize::try_from(used).is_ok_and(|used| used > limit / 2) {
            return self.out_of_memory(Failed::default());
        }
        Failed {
            kind: "stuck".into(),
            message: "the script waits for a promise that nothing can settle any more".into(),
            ..Failed::default()
        }
    }

    fn out_of_memory(&self, failed: Failed) -> Failed {
        Failed {
            kind: "memory".into(),
            message: format!(
                "the script needs more memory than the {} that it may have",
                megabytes(self.state.limits())
            ),
            ..failed
        }
    }

    /// Every job that can run now.
    fn jobs(&self) -> Outcome<()> {
        let mut count = 0_u32;
        loop {
            match self.runtime.execute_pending_job() {
                Ok(true) => {}
                Ok(false) => break,
                Err(exception) => {
                    let thrown = exception
                        .0
                        .with(|ctx| self.caught(&ctx, rquickjs::Error::Exception));
                    if self.state.interrupted.get().is_some() || thrown.kind == "memory" {
                        return Err(thrown);
                    }
                }
            }
            // Jobs without a loop in them never ask.
            count = count.wrapping_add(1);
            self.state.chain.set(self.state.chain.get().max(count));
            if count.is_multiple_of(1024) && self.state.interrupt() {
                return Err(self.interrupted(Failed::default()));
            }
        }
        if self.state.interrupted.get().is_some() {
            return Err(self.interrupted(Failed::default()));
        }
        Ok(())
    }

    /// Waits for an answer or a timer, and gives it to the script.
    fn answer(&self, due: Option<Instant>) -> io::Result<Outcome<()>> {
        let wait = due.map(|due| {
            due.saturating_duration_since(Instant::now())
                .min(Duration::from_secs(3600))
        });
        if !self.state.channel.wait(wait)? {
            return Ok(self.wake());
        }
        let max = self.state.limits().value_bytes + FRAME_EXTRA_BYTES;
        let body = self.state.channel.receive(max)?;
        match serde_json::from_slice(&body) {
            Ok(ToWorker::Value { id, value, left_ms }) => {
                self.state.left(left_ms);
                Ok(self.give(id, |ctx, (resolve, reject)| {
                    if let Ok(value) = ctx.json_parse(value.get()) {
                        return resolve.restore(ctx)?.call::<_, ()>((value,));
                    }
                    // It is JSON, so only its size can be wrong.
                    ctx.catch();
                    let why = why_object(ctx, &unreadable())?;
                    reject.restore(ctx)?.call::<_, ()>((why,))
                }))
            }
            Ok(ToWorker::Failure { id, why, left_ms }) => {
                self.state.left(left_ms);
                Ok(self.give(id, |ctx, (_, reject)| {
                    reject
                        .restore(ctx)?
                        .call::<_, ()>((why_object(ctx, &why)?,))
                }))
            }
            Ok(ToWorker::Time { left_ms }) => {
                self.state.left(left_ms);
                Ok(Ok(()))
            }
            Ok(ToWorker::Prepare(_) | ToWorker::Run { .. }) | Err(_) => {
                Err(io::ErrorKind::InvalidData.into())
            }
        }
    }

    fn give(
        &self,
        id: u32,
        settle: impl FnOnce(&Ctx<'_>, (Waiting, Waiting)) -> rquickjs::Result<()>,
    ) -> Outcome<()> {
        let Some(waiting) = self.state.pending.borrow_mut().remove(&id) else {
            return Ok(());
        };
        self.context
            .with(|ctx| settle(&ctx, waiting).map_err(|error| self.caught(&ctx, error)))
    }

    fn wake(&self) -> Outcome<()> {
        let now = Instant::now();
        loop {
            let due = {
                let mut timers = self.state.timers.borrow_mut();
                match timers.first_entry() {
                    Some(first) if first.key().0 <= now => first.remove(),
                    _ => return Ok(()),
                }
            };
            self.context.with(|ctx| {
                let woken = due.restore(&ctx).and_then(|wake| wake.call::<_, ()>(()));
                woken.map_err(|error| self.caught(&ctx, error))
            })?;
        }
    }

    pub(super) fn prelude_of<'js>(&self, ctx: &Ctx<'js>) -> Outcome<Object<'js>> {
        let prelude = self.prelude.borrow().clone();
        prelude
            .ok_or_else(Failed::default)?
            .restore(ctx)
            .map_err(|error| self.caught(ctx, error))
    }

    /// What an error of the engine means.
    pub(super) fn caught(&self, ctx: &Ctx<'_>, error: rquickjs::Error) -> Failed {
        let mut failed = Failed {
            kind: "thrown".into(),
            name: "Error".into(),
            message: error.to_string(),
            ..Failed::default()
        };
        if error.is_exception() {
            let value = ctx.catch();
            let found = self
                .prelude_of_quietly(ctx)
                .and_then(|prelude| helpers(&prelude).ok());
            if let Some(helpers) = found {
                failed = show::error(ctx, &helpers, &value);
                self.state.shift(&mut failed);
            }
            // Too little was left to make an error of it.
            if value.is_null() && failed.message.contains("null") {
                failed.name = "InternalError".into();
                failed.message = "out of memory".into();
            }
        }
        if self.state.interrupted.get().is_some() {
            return self.interrupted(failed);
        }
        if failed.name == "InternalError" && failed.message == "out of memory" {
            failed = self.out_of_memory(failed);
        }
        failed
    }

    fn prelude_of_quietly<'js>(&self, ctx: &Ctx<'js>) -> Option<Object<'js>> {
        let prelude = self.prelude.borrow().clone();
        prelude?.restore(ctx).ok()
    }

    fn interrupted(&self, failed: Failed) -> Failed {
        let kind = match self.state.interrupted.get() {
            Some(Interrupt::Gone) => "worker",
            Some(Interrupt::Deadline) | None => "time",
        };
        Failed {
            kind: kind.into(),
            name: String::new(),
            message: format!(
                "the script took longer than the {} that it may take",
                seconds(self.state.limits())
            ),
            hint: None,
            line: failed.line,
            column: failed.column,
        }
    }
}

fn why_object<'js>(ctx: &Ctx<'js>, why: &Why) -> rquickjs::Result<Object<'js>> {
    let object = Object::new(ctx.clone())?;
    object.set("kind", &*why.kind)?;
    object.set("message", why.message.as_str())?;
    object.set("hint", why.hint.as_deref())?;
    if let (Some(server), Some(tool)) = (&why.server, &why.tool) {
        object.set("server", server.as_str())?;
        object.set("tool", tool.as_str())?;
    }
    Ok(object)
}

/// Of a result that the engine cannot take in.
fn unreadable() -> Why {
    Why {
        kind: "limit".into(),
        message: "the result is nested too deeply, or larger than the memory that is left".into(),
        hint: None,
        server: None,
        tool: None,
    }
}

fn megabytes(limits: &Limits) -> String {
    format!("{} MiB", limits.memory_bytes >> 20)
}

fn seconds(limits: &Limits) -> String {
    format!("{} s", limits.wall.as_secs_f64())
}
