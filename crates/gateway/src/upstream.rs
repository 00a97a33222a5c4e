//! A live connection to one server for one isolation key: started on the first need, shared by the calls of that
//! key, watched, stopped when idle. What differs by transport is in `pipe` and `http`, how it begins in `start`,
//! what it says unasked in `incoming`.

mod callers;
mod end;
mod greet;
mod http;
mod incoming;
mod kept;
pub(crate) mod lanes;
mod live;
mod pipe;
pub(crate) mod quiet;
mod reading;
mod relist;
mod start;
mod turns;
mod watch;
mod wishes;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use tokio::sync::{Notify, Semaphore};
use transport::BoxFuture;
use wire::{Era, Frame};

use crate::asks::Capabilities;
use crate::bridge::Inquiries;
use crate::calls::CallHandle;
use crate::core::Core;
use crate::error::Fault;
use crate::limits::LEVEL_WAIT;
use crate::lists::Lists;
use crate::outbox::lock;
use crate::server::{Key, Server};
use crate::session::Session;
use crate::slot::Step;
use crate::workspace::Workspace;

pub(crate) use incoming::{Behalf, ReplyTo, ToServer};
use live::Hello;
pub(crate) use live::{Link, Live};
pub(crate) use turns::{Turn, may_ask};

/// See the module.
pub(crate) struct Upstream {
    pub(crate) id: u64,
    pub(crate) server: Arc<Server>,
    pub(crate) key: Key,
    core: Weak<Core>,
    /// The capabilities that a handshake with it declares.
    capabilities: Box<str>,
    live: ArcSwapOption<Live>,
    state: Mutex<State>,
    /// The start that is under way is to be given up.
    is_unwanted: AtomicBool,
    /// It takes no more calls: another one has taken its place, or nobody needs it.
    is_retired: AtomicBool,
    /// Told of each change of `state` and of the first lists.
    turned: Notify,
    lists: ArcSwapOption<Lists>,
    /// Views show its lists from now on.
    is_listed: AtomicBool,
    attached: Mutex<Vec<Weak<Workspace>>>,
    callers: callers::Callers,
    /// Resource subscriptions: how many want each, and whether the server has agreed.
    subscribed: Mutex<HashMap<Box<str>, (usize, bool)>>,
    /// Milliseconds on the gateway's clock.
    last_used: AtomicU64,
    in_flight: AtomicU64,
    turns: turns::Turns,
    /// One reading of lists at a time.
    relist_turn: Semaphore,
    /// Calls of stateless clients before a server that asks by requests, and what it asked before there was one.
    inquiries: Inquiries,
    /// Lists are being read again; those that are to be, as bits (see `relist`).
    relisting: AtomicBool,
    stale: AtomicU8,
    pace: relist::Pace,
    /// When the tools were read last, or were about to be; on the gateway's clock.
    tools_read_ms: AtomicU64,
    /// The stateless era's own `subscriptions/listen` towards the server.
    watch: watch::Watch,
    quiet: quiet::Quiet,
    /// The log level that was asked for last.
    level: Mutex<Option<&'static str>>,
}

enum State {
    Idle,
    Starting,
    Ready,
    Failed(Fault),
    Closed,
}

/// A request on its way to a server.
#[derive(Clone)]
pub(crate) struct Outgoing {
    /// Our id of it; also its progress token.
    pub(crate) id: u64,
    /// The era that it is written for.
    pub(crate) era: Era,
    pub(crate) frame: Bytes,
    pub(crate) method: Cow<'static, str>,
    /// `Mcp-Name` of the stateless era.
    pub(crate) name: Option<String>,
    /// `Mcp-Param-*` of the stateless era.
    pub(crate) params: Vec<(String, String)>,
    /// The token under which the client wants to hear of progress, raw JSON.
    pub(crate) progress: Option<Box<str>>,
    pub(crate) behalf: Behalf,
}

impl Upstream {
    pub(crate) fn new(
        id: u64,
        server: Arc<Server>,
        key: Key,
        core: &Arc<Core>,
        capabilities: Option<&Capabilities>,
    ) -> Self {
        let asks = capabilities.map_or(key.asks, |capabilities| capabilities.asks);
        // The stateless clients of a caller share a workspace, and any of them can have several calls under way.
        let is_shared = key.is_shared() || key.clients == Era::Stateless;
        let takes_turns = is_shared && asks.anything();
        Self {
            id,
            server,
            key,
            core: Arc::downgrade(core),
            capabilities: capabilities.map_or_else(|| asks.declared().into(), |c| c.raw.clone()),
            live: ArcSwapOption::empty(),
            state: Mutex::new(State::Idle),
            is_unwanted: AtomicBool::new(false),
            is_retired: AtomicBool::new(false),
            turned: Notify::new(),
            lists: ArcSwapOption::empty(),
            is_listed: AtomicBool::new(false),
            attached: Mutex::default(),
            callers: callers::Callers::default(),
            subscribed: Mutex::default(),
            last_used: AtomicU64::new(core.now_ms()),
            in_flight: AtomicU64::new(0),
            turns: turns::Turns::new(takes_turns),
            relist_turn: Semaphore::new(1),
            inquiries: Inquiries::default(),
            relisting: AtomicBool::new(false),
            stale: AtomicU8::new(0),
            pace: relist::Pace::default(),
            tools_read_ms: AtomicU64::new(0),
            watch: watch::Watch::default(),
            quiet: quiet::Quiet::default(),
            level: Mutex::default(),
        }
    }

    // === who uses it ===

    pub(crate) fn attach(&self, workspace: &Arc<Workspace>) {
        self.callers.meet(&workspace.caller);
        let mut attached = lock(&self.attached);
        if !attached
            .iter()
            .any(|known| std::ptr::eq(known.as_ptr(), Arc::as_ptr(workspace)))
        {
            attached.push(Arc::downgrade(workspace));
        }
    }

    /// True if nobody is left.
    pub(crate) fn detach(&self, workspace: &Workspace) -> bool {
        let mut attached = lock(&self.attached);
        attached.retain(|known| {
            known
                .upgrade()
                .is_some_and(|known| known.id != workspace.id)
        });
        attached.is_empty()
    }

    pub(crate) fn workspaces(&self) -> Vec<Arc<Workspace>> {
        lock(&self.attached)
            .iter()
            .filter_map(Weak::upgrade)
            .collect()
    }

    /// The one conversation that it serves; none if there are several, or were some of other callers.
    fn only_session(&self) -> Option<Arc<Session>> {
        if self.callers.are_several() {
            return None;
        }
        let mut sessions = self
            .workspaces()
            .into_iter()
            .filter_map(|workspace| workspace.session());
        let first = sessions.next()?;
        sessions.next().is_none().then_some(first)
    }

    // === calls ===

    /// Sends a request. `Some` is the answer, if it was there at once; else it comes through the handle's slot. A
    /// call that is taken back before it could be sent is not sent.
    pub(crate) async fn call(
        self: &Arc<Self>,
        handle: &Arc<CallHandle>,
        out: Outgoing,
    ) -> Option<Result<(Frame, u16), Fault>> {
        let _busy = Busy::new(&**self);
        // Counted first and looked at then; who retires it does the reverse, so that one of both sees the other.
        if self.is_retired.load(Ordering::SeqCst) {
            return Some(Err(Fault::Replaced {
                server: self.server.name.clone(),
            }));
        }
        let live = match handle.unless_over(self.ready()).await? {
            Ok(live) => live,
            Err(fault) => return Some(Err(fault)),
        };
        if live.era() != out.era {
            return Some(Err(Fault::OtherEra {
                server: self.server.name.clone(),
                speaks: live.era(),
            }));
        }
        let lane = match self.enter_lane(&live, handle, &out.method).await? {
            Ok(lane) => lane,
            Err(fault) => return Some(Err(fault)),
        };
        let inquiry = out.behalf.inquiry().cloned();
        let turn = inquiry
            .as_ref()
            .map_or_else(Turn::default, |i| i.turn.clone());
        if let Err(fault) = self.take_turn(&live, handle, &out.method, &turn).await? {
            return Some(Err(fault));
        }
        if let Some(inquiry) = &inquiry {
            // A server that takes its time with that is not waited for; what it logs until then may be lost.
            let told = tokio::time::timeout(LEVEL_WAIT, self.listen_for(&live, inquiry));
            let _ = handle.unless_over(told).await?;
        }
        if let Some(inquiry) = &inquiry {
            self.inquiries.begin(inquiry);
        }
        let outcome = live.call(self, handle, out).await;
        match outcome {
            // These end with the call, not with its sending.
            None => {
                Self::end_turn_with(handle, turn);
                lane.end_with(handle);
            }
            Some(_) => turn.end(),
        }
        outcome
    }

    /// A request of the gateway itself.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        live: &Arc<Live>,
        method: &str,
        params: Option<&str>,
        wait: Duration,
    ) -> Result<Frame, Fault> {
        let answer = self.ask_for_all(live, method, params, wait).await;
        answer.map(|(frame, _)| frame)
    }

    /// The same with the HTTP status of the answer (0: none). Boxed: opening a lost session again asks from within a
    /// call.
    fn ask_for_all<'a>(
        self: &'a Arc<Self>,
        live: &'a Arc<Live>,
        method: &'a str,
        params: Option<&'a str>,
        wait: Duration,
    ) -> BoxFuture<'a, Result<(Frame, u16), Fault>> {
        Box::pin(async move {
            let handle = CallHandle::new();
            let id = self.core()?.next_id();
            let frame = wire::build::request(&id.to_string(), method, params);
            let out = Outgoing {
                id,
                era: match method {
                    wire::method::INITIALIZE => Era::Handshake,
                    wire::method::SERVER_DISCOVER => Era::Stateless,
                    _ => live.era(),
                },
                frame,
                method: method.to_owned().into(),
                name: None,
                params: Vec::new(),
                progress: None,
                behalf: Behalf::Gateway,
            };
            let answer = async {
                if let Some(outcome) = live.call(self, &handle, out).await {
                    return outcome;
                }
                loop {
                    if let Step::Done(outcome) = handle.slot.next().await {
                        return outcome;
                    }
                }
            };
            match tokio::time::timeout(wait, answer).await {
                Ok(outcome) => outcome,
                Err(_) => {
                    handle.cancel(Some("no answer in time"));
                    Err(Fault::TimedOut {
                        server: live.server.clone(),
                        after_s: wait.as_secs(),
                    })
                }
            }
        })
    }

    fn core(&self) -> Result<Arc<Core>, Fault> {
        self.core.upgrade().ok_or(Fault::ShuttingDown)
    }

    fn core_if_up(&self) -> Option<Arc<Core>> {
        self.core.upgrade()
    }

    /// The started connection, started now if need be.
    pub(crate) async fn ready(self: &Arc<Self>) -> Result<Arc<Live>, Fault> {
        if let Some(live) = self.current() {
            return Ok(live);
        }
        let mut waited = false;
        loop {
            let turned = self.turned.notified();
            tokio::pin!(turned);
            turned.as_mut().enable();
            if let Some(live) = self.current() {
                return Ok(live);
            }
            self.begin(waited)?;
            turned.await;
            waited = true;
        }
    }

    /// The era that is spoken with the server: that of the connection, else the one that it will probably be.
    pub(crate) fn era(&self) -> Era {
        let live = self.live.load();
        let spoken = live.as_ref().and_then(|live| live.hello());
        spoken.map_or_else(
            || {
                let wire = self.server.eras.wire(self.key.clients);
                wire.unwrap_or(self.key.clients)
            },
            |hello| hello.version.era(),
        )
    }

    /// The connection, if it is up.
    pub(crate) fn current(&self) -> Option<Arc<Live>> {
        self.live.load_full().filter(|live| !live.is_dead())
    }

    /// Sees to it that a start is under way. With `waited` a failure is the answer instead.
    fn begin(self: &Arc<Self>, waited: bool) -> Result<(), Fault> {
        if self.core()?.is_over.load(Ordering::Relaxed) {
            return Err(Fault::ShuttingDown);
        }
        let mut state = lock(&self.state);
        match &*state {
            State::Starting => return Ok(()),
            State::Closed => return Err(Fault::ShuttingDown),
            State::Failed(fault) if waited => return Err(fault.clone()),
            State::Failed(_) | State::Idle | State::Ready => {}
        }
        if let Some(reason) = self.server.barred() {
            return Err(Fault::Unavailable {
                server: self.server.name.clone(),
                reason,
            });
        }
        *state = State::Starting;
        self.is_unwanted.store(false, Ordering::Relaxed);
        drop(state);
        let (upstream, ending) = (self.clone(), self.ending());
        tokio::spawn(async move {
            upstream.start(ending).await;
        });
        Ok(())
    }

    /// `idle`, `starting`, `ready`, `failed` or `closed`.
    pub(crate) fn state(&self) -> &'static str {
        match &*lock(&self.state) {
            State::Idle => "idle",
            State::Starting => "starting",
            State::Ready if self.current().is_some() => "ready",
            State::Ready => "idle",
            State::Failed(_) => "failed",
            State::Closed => "closed",
        }
    }

    /// Whether calls wait for a turn.
    pub(crate) fn has_waiting(&self) -> bool {
        self.turns.are_awaited()
    }

    // === lists ===

    /// What it listed.
    pub(crate) fn lists(&self) -> Option<Arc<Lists>> {
        self.lists.load_full()
    }

    /// Starts it if need be and waits until its first lists are there for views that are made from then on, or it turns out
    /// that they will not come.
    pub(crate) async fn listed(self: &Arc<Self>) -> Result<(), Fault> {
        self.ready().await?;
        loop {
            let turned = self.turned.notified();
            tokio::pin!(turned);
            turned.as_mut().enable();
            if self.is_listed.load(Ordering::Acquire) {
                return Ok(());
            }
            if self.current().is_none() {
                return Err(self.gone());
            }
            turned.await;
        }
    }

    fn gone(&self) -> Fault {
        if let State::Failed(fault @ Fault::SignIn { .. }) = &*lock(&self.state) {
            return fault.clone();
        }
        let reason = self
            .server
            .failure()
            .unwrap_or_else(|| "it went away".to_owned());
        Fault::Unavailable {
            server: self.server.name.clone(),
            reason,
        }
    }

    // === questions to stateless clients ===

    pub(crate) fn inquiries(&self) -> &Inquiries {
        &self.inquiries
    }

    // === the stateless era's listen ===

    pub(crate) fn watch(&self) -> &watch::Watch {
        &self.watch
    }
}

/// Counts a call for as long as it is being sent or awaited here.
struct Busy<U: Deref<Target = Upstream>>(U);

impl<U: Deref<Target = Upstream>> Busy<U> {
    fn new(upstream: U) -> Self {
        upstream.in_flight.fetch_add(1, Ordering::SeqCst);
        Self(upstream)
    }
}

impl<U: Deref<Target = Upstream>> Drop for Busy<U> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        if let Some(core) = self.0.core.upgrade() {
            self.0.touch(core.now_ms());
        }
    }
}
