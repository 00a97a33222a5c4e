//! The JavaScript engine, ready for one script.
//!
//! Owns its limits and what is in its world: the language, the prelude (`prelude.js`) and nothing else. There is no
//! loader, so nothing can be imported, and no way to give it bytecode.

use std::io;

use rquickjs::{Context, Ctx, Function, Object, Persistent, Runtime};
use serde_json::value::RawValue;

use super::Duplex;
use super::channel::Channel;
use super::natives::{self, PreludeCell};
use super::state::{Shared, State};
use super::steps::Steps;
use crate::limits::{Limits, STACK_BYTES};
use crate::names::Names;
use crate::protocol::FromWorker;

/// An engine that has seen no script yet.
pub struct Engine {
    // In the order in which they must go: what holds values of the engine before the engine.
    prelude: PreludeCell,
    state: Shared,
    context: Context,
    runtime: Runtime,
}

impl Engine {
    /// An engine whose channel leads to a stand-in.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn over(limits: Limits, duplex: impl Duplex + 'static) -> rquickjs::Result<Self> {
        let engine = Self::new(Channel::new(duplex))?;
        engine.limit(limits);
        Ok(engine)
    }

    pub(crate) fn new(channel: Channel) -> rquickjs::Result<Self> {
        let runtime = Runtime::new()?;
        let context = Context::full(&runtime)?;
        runtime.set_max_stack_size(STACK_BYTES);
        let state = State::new(channel);
        let prelude = PreludeCell::default();
        context.with(|ctx| {
            let made = evaluate(&ctx, &state, &prelude)?;
            *prelude.borrow_mut() = Some(Persistent::save(&ctx, made));
            Ok::<_, rquickjs::Error>(())
        })?;
        natives::track_failures(&runtime, &state, &prelude);
        let shared = state.clone();
        runtime.set_interrupt_handler(Some(Box::new(move || shared.interrupt())));
        Ok(Self {
            prelude,
            state,
            context,
            runtime,
        })
    }

    /// What its script may use. Once, and before it runs.
    pub(crate) fn limit(&self, limits: Limits) {
        self.runtime.set_memory_limit(limits.memory_bytes);
        self.state.limit(limits);
    }

    /// Makes its random numbers its own.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub(crate) fn seed(&self) -> io::Result<()> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        self.state.seed(u64::from_le_bytes(bytes));
        Ok(())
    }

    /// Does what every script does, so that the memory that it needs is this process' own before there is one.
    pub(crate) fn stretch(&self) -> rquickjs::Result<()> {
        let mut options = rquickjs::context::EvalOptions::default();
        options.strict = false;
        options.filename = Some("prelude".into());
        self.context
            .with(|ctx| ctx.eval_with_options::<(), _>(STRETCH, options))?;
        while matches!(self.runtime.execute_pending_job(), Ok(true)) {}
        Ok(())
    }

    /// Runs the script, and says over the channel how it ended.
    ///
    /// # Errors
    /// If the channel breaks.
    pub fn run(&self, script: &str, names: Names, args: &RawValue, left_ms: u64) -> io::Result<()> {
        self.state.left(left_ms);
        *self.state.names.borrow_mut() = names;
        let steps = Steps::new(&self.runtime, &self.context, &self.state, &self.prelude);
        match steps.run(script, args)? {
            Ok(result) => self.state.channel.send(&FromWorker::Done {
                result: std::borrow::Cow::Owned(result),
                unused: self.state.unused.borrow().iter().copied().collect(),
                unheard: self
                    .state
                    .unheard
                    .borrow()
                    .first()
                    .map(|(_, failed)| failed.clone()),
            }),
            Err(failed) => self.state.channel.send(&FromWorker::Failed(failed)),
        }
    }
}

/// Leaves nothing behind, and gives nothing.
const STRETCH: &str = "(async function () {
    try { await Promise.reject(new Error('no')) } catch (error) { error.stack }
    return JSON.stringify(JSON.parse('{\"a\":[1,true,null,\"x\"]}'))
})(); undefined";

impl Drop for Engine {
    fn drop(&mut self) {
        // Values of the engine must not outlive it.
        self.runtime.set_interrupt_handler(None);
        self.runtime.set_host_promise_rejection_tracker(None);
        self.state.unheard.borrow_mut().clear();
        self.state.pending.borrow_mut().clear();
        self.state.timers.borrow_mut().clear();
        self.prelude.borrow_mut().take();
    }
}

fn evaluate<'js>(
    ctx: &Ctx<'js>,
    state: &Shared,
    prelude: &PreludeCell,
) -> rquickjs::Result<Object<'js>> {
    let mut options = rquickjs::context::EvalOptions::default();
    options.filename = Some("prelude".into());
    let make: Function<'js> = ctx.eval_with_options(include_str!("prelude.js"), options)?;
    make.call((natives::object(ctx, state, prelude)?,))
}
