//! A script as a call: what it sees of tools, its calls, and what its client hears of it. An engine runs it, behind the
//! traits of `scripts.rs`.
//!
//! Each inner call passes the pipeline as a call of its own (`script/inner.rs`), with the outer one as its parent. It ends
//! with the future that made it, and with it whatever ends the script. What its server asks goes to the client of the outer
//! call: by requests where there is a handshake, else as the outer call's own questions (`script/questions.rs`), for whose
//! answers the script waits with its clock standing still.

mod inner;
mod questions;
mod running;
mod scope;

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use search::{Document, Index};
use serde_json::value::RawValue;
use tokio::time::MissedTickBehavior;
use wire::{Era, Object, build, meta, method, quote};

pub(crate) use running::Running;
pub(crate) use scope::{Scope, Seen};

use crate::asks::Asks;
use crate::call::Call;
use crate::calls::CallHandle;
use crate::core::Core;
use crate::limits::SCRIPT_PROGRESS_EVERY;
use crate::outbox::lock;
use crate::scripts::{self, BoxFuture, CallError, Calls, Engine, Progress, Ran};
use crate::session::Session;
use crate::trace::Trace;
use crate::workspace::Workspace;
use questions::Questions;

/// What the calls of a script need of the call that runs it.
pub(crate) struct Outer {
    pub(crate) core: Arc<Core>,
    /// Its number in records.
    pub(crate) call: u64,
    pub(crate) era: Era,
    /// Of its request.
    pub(crate) scopes: Option<Arc<str>>,
    pub(crate) session: Option<Arc<Session>>,
    /// In which the script runs.
    pub(crate) workspace: Arc<Workspace>,
    pub(crate) is_endpoint: bool,
    /// The mailbox of the outer call. It stays the same when another request of the client goes on with the call.
    handle: Arc<CallHandle>,
    span: u64,
    /// Who may read what is kept of its result.
    owner: String,
    /// What the script is given, a JSON object, if anything.
    args: Option<Box<RawValue>>,
    said: Mutex<Said>,
    questions: Questions,
    /// How much progress was told.
    told: AtomicU64,
}

/// What the request said that runs the script, or the last one that brought answers for it.
struct Said {
    asks: Asks,
    log_level: Option<u8>,
    /// Raw JSON.
    progress: Option<Box<str>>,
    /// `_meta` of inner calls, raw JSON.
    meta: Option<String>,
}

impl Said {
    fn of(call: &Call, span: u64) -> Self {
        Self {
            asks: call.asks,
            log_level: call.log_level,
            progress: call.progress_token(),
            meta: passed_on(call, span),
        }
    }
}

/// `_meta` of the outer call as its inner calls have it: their progress is nobody's, and their trace goes on from our span.
fn passed_on(call: &Call, span: u64) -> Option<String> {
    let params = call.params().ok()?;
    let meta = params.object("_meta").ok()??;
    let members: Vec<String> = meta
        .iter()
        .filter(|(name, _)| ![meta::PROGRESS_TOKEN, scripts::ARGS_META].contains(name))
        .map(|(name, value)| {
            let trace = (name == meta::TRACEPARENT)
                .then(|| serde_json::from_str::<String>(value).ok())
                .flatten()
                .and_then(|text| Trace::parse(&text));
            match trace {
                Some(trace) => format!("{}:{}", quote(name), quote(&trace.with_span(span))),
                None => format!("{}:{value}", quote(name)),
            }
        })
        .collect();
    (!members.is_empty()).then(|| format!("{{{}}}", members.join(",")))
}

impl Outer {
    /// Of this call, whose script runs in this workspace; `is_nameless` where that is the caller's own for calls without one.
    pub(crate) fn of(call: &mut Call, workspace: &Arc<Workspace>, is_nameless: bool) -> Arc<Self> {
        let traceparent = |params: Object<'_>| {
            let meta = params.object("_meta").ok()??;
            Trace::parse(&meta.string(meta::TRACEPARENT).ok()??)
        };
        call.trace = call.params().ok().and_then(traceparent);
        let args = |params: Object<'_>| {
            let meta = params.object("_meta").ok()??;
            let args = meta.object(scripts::ARGS_META).ok()??;
            RawValue::from_string(args.raw().to_owned()).ok()
        };
        let outer = Arc::new(Self {
            core: call.core.clone(),
            call: call.id,
            era: call.era,
            scopes: call.scopes.clone(),
            session: call.session.clone(),
            workspace: workspace.clone(),
            is_endpoint: call.is_endpoint,
            handle: call.handle.clone(),
            owner: match is_nameless {
                true => workspace.caller.0.to_string(),
                false => format!("{}/{}", workspace.id, workspace.caller.0),
            },
            span: call.span,
            args: call.params().ok().and_then(args),
            said: Mutex::new(Said::of(call, call.span)),
            questions: Questions::default(),
            told: AtomicU64::new(0),
        });
        if call.era == Era::Stateless {
            call.script = Some(outer.clone());
        }
        outer
    }

    /// What the client can be asked, and the least severe log level that it wants to hear of.
    pub(crate) fn wants(&self) -> (Asks, Option<u8>) {
        let said = lock(&self.said);
        (said.asks, said.log_level)
    }

    /// What waits for the client of a stateless call.
    pub(crate) fn questions(&self) -> &Questions {
        &self.questions
    }

    /// Another request of the client goes on with the call, and brings answers.
    pub(crate) fn goes_on(&self, call: &Call, responses: Option<&Object<'_>>) {
        *lock(&self.said) = Said::of(call, self.span);
        self.questions.answer(responses);
        if self.questions.requests().is_some() {
            // Some are left: they are asked again.
            self.handle.slot.put(crate::slot::Step::Asked);
        }
    }

    /// What a server says with an inner call goes to the client with the outer one.
    fn forward(&self, message: Bytes) {
        match &self.session {
            Some(session) => session.tell_with(Some(&self.handle), message),
            // What nobody reads is dropped.
            None => drop(self.handle.slot.message(message)),
        }
    }

    /// Tells how far the script is, if the client wants to hear of it.
    fn tell_progress(&self, far: u64, message: &str) {
        let token = lock(&self.said).progress.clone();
        let Some(token) = token.filter(|_| self.told.swap(far, Ordering::Relaxed) < far) else {
            return;
        };
        let params = format!(
            r#"{{"progressToken":{token},"progress":{far},"message":{}}}"#,
            quote(message)
        );
        self.forward(build::notification(method::PROGRESS, Some(&params)));
    }
}

/// Runs a script over these tools. Dropping this cancels it.
pub(crate) async fn run(engine: &dyn Engine, outer: &Outer, scope: Scope, text: &str) -> Ran {
    let script = scripts::Script {
        text,
        args: outer.args.as_deref(),
        owner: &outer.owner,
    };
    let run = Run {
        outer,
        scope,
        index: OnceLock::new(),
        now: Mutex::default(),
    };
    let mut work = pin!(engine.run(script, &run));
    let mut tick = tokio::time::interval(SCRIPT_PROGRESS_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            ran = &mut work => return ran,
            _ = tick.tick() => run.tell(),
        }
    }
}

/// One run, as the engine sees it.
struct Run<'a> {
    outer: &'a Outer,
    scope: Scope,
    /// Of the tools, once somebody searches.
    index: OnceLock<Index>,
    /// How far it is, and what that is in words.
    now: Mutex<(u64, String)>,
}

impl Run<'_> {
    fn tell(&self) {
        let (far, message) = lock(&self.now).clone();
        if far > 0 {
            self.outer.tell_progress(far, &message);
        }
    }
}

impl Calls for Run<'_> {
    fn tools(&self) -> Vec<Arc<scripts::Tool>> {
        self.scope.tools()
    }

    fn call(&self, call: scripts::Call) -> BoxFuture<'_, Result<Box<RawValue>, CallError>> {
        Box::pin(async move {
            let target = self.scope.target(&call.tool);
            let target = target.ok_or_else(|| CallError::new("the tool is gone"))?;
            inner::call(self.outer, target, call).await
        })
    }

    fn search(&self, query: &str, limit: usize) -> Vec<usize> {
        let index = self.index.get_or_init(|| {
            let tools = self.scope.tools();
            Index::build(tools.iter().enumerate().map(|(at, tool)| Document {
                name: at.to_string(),
                title: tool.name.clone(),
                description: tool.description.clone(),
                tags: vec![tool.server.clone()],
                ..Document::default()
            }))
        });
        let found = index.search(query, limit, |_| true);
        found
            .hits
            .iter()
            .filter_map(|hit| hit.name.parse().ok())
            .collect()
    }

    /// How far is what only grows: calls that began and calls that ended.
    fn progress(&self, progress: &Progress<'_>) {
        let far = 2 * u64::from(progress.ended) + progress.running.len() as u64;
        *lock(&self.now) = (far, progress.message());
    }
}
