//! One request from its arrival to its answer: what the phases learn of it, and the one place where it ends.

mod ending;
mod reading;

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use wire::{Era, Frame, Object, meta, method};

use crate::asks::{Asks, Side};
use crate::bridge::{self, Crossing};
use crate::calls::CallHandle;
use crate::core::Core;
use crate::dynamic::Exec;
use crate::error::Fault;
use crate::front::{Answer, Origin, StatelessHeaders};
use crate::intercept::{self, Returning};
use crate::limits::STATELESS_IN_FLIGHT_MAX;
use crate::method::subscriptions::Subscribing;
use crate::phase::{CallFacts, Permit};
use crate::record::{CallRecord, Decided, Outcome};
use crate::script::Outer;
use crate::server::Server;
use crate::session::{Refused, Session};
use crate::slot::Step;
use crate::trace::{self, Trace};
use crate::upstream::Upstream;
use crate::workspace::Workspace;

use reading::speaks_stateless;
pub(crate) use reading::well_known;

/// See the module.
pub(crate) struct Call {
    pub(crate) core: Arc<Core>,
    pub(crate) id: u64,
    pub(crate) era: Era,
    /// What its caller's token is good for, where that is said.
    pub(crate) scopes: Option<Arc<str>>,
    pub(crate) session: Option<Arc<Session>>,
    pub(crate) workspace: Arc<Workspace>,
    pub(crate) only: Option<Arc<str>>,
    /// It came by its workspace's own endpoint.
    pub(crate) is_endpoint: bool,
    /// The tool that it calls in the place of one of ours.
    pub(crate) exec: Option<Box<Exec>>,
    pub(crate) headers: Option<Arc<StatelessHeaders>>,
    pub(crate) frame: Frame,
    pub(crate) handle: Arc<CallHandle>,
    began: Instant,
    /// Where it went.
    pub(crate) server: Option<Arc<Server>>,
    /// What was asked for, as the client named it.
    pub(crate) name: Option<Box<str>>,
    pub(crate) trace: Option<Trace>,
    pub(crate) span: u64,
    /// The number of its `subscriptions/listen` stream.
    pub(crate) listen: Option<u64>,
    /// What it subscribes to, until that is agreed.
    pub(crate) subscribing: Option<Box<Subscribing>>,
    /// What the client can be asked, as far as it says so with the request.
    pub(crate) asks: Asks,
    /// The least severe log level that a stateless request wants to hear of.
    pub(crate) log_level: Option<u8>,
    /// What its upstream turned out to speak, whatever is known of its server.
    pub(crate) speaks: Option<Era>,
    /// Its upstream, if that is of the other era.
    pub(crate) bridged: Option<Arc<Upstream>>,
    /// How it goes on after the first word of its server.
    pub(crate) crossing: Option<Box<Crossing>>,
    /// The number under which it waited for its client, and how often it did.
    pub(crate) parked: Option<(u64, u32)>,
    /// Its answer is not the server's, but questions of the bridge.
    pub(crate) asks_back: bool,
    /// The rule that has decided over it, where one did.
    pub(crate) rule: Option<Box<str>>,
    /// A rule has the person asked about each such call, they allowed this one, and its digest: its server may have questions, too.
    pub(crate) allowed: Option<[u8; 32]>,
    /// What was decided.
    pub(crate) decision: Decided,
    /// What interceptors know of it, once they have seen it.
    pub(crate) facts: Option<Arc<CallFacts>>,
    /// Interceptors are looking at its answer.
    pub(crate) returning: Option<Returning>,
    /// What the script that it runs can ask its client by.
    pub(crate) script: Option<Arc<Outer>>,
    /// The call whose script made it.
    parent: Option<u64>,
    /// What its caller may have under way.
    permit: Option<Permit>,
    is_finished: bool,
}

impl Call {
    /// Phase 1.
    pub(crate) fn admit(core: &Arc<Core>, from: &Origin, frame: Frame) -> Result<Self, Answer> {
        let is_stateless = from
            .session
            .as_ref()
            .is_none_or(|s| speaks_stateless(s, &frame));
        let era = if is_stateless {
            Era::Stateless
        } else {
            Era::Handshake
        };
        let permit = match &core.admission {
            None => None,
            Some(admission) => match admission.enter(&from.caller.0) {
                Ok(permit) => permit,
                Err(what) => return Err(refused(core, from, &frame, era, &Fault::Busy(what))),
            },
        };
        let handle = CallHandle::new();
        if let Err(fault) = enter(core, from, &frame, &handle) {
            return Err(refused(core, from, &frame, era, &fault));
        }
        core.in_flight.fetch_add(1, Ordering::Relaxed);
        let named = from.workspace.as_ref().filter(|_| from.session.is_none());
        let named = named.and_then(|handle| core.workspace(handle, &from.caller));
        let is_endpoint = named.is_some();
        let workspace = named.unwrap_or_else(|| match &from.session {
            Some(session) => session.workspace.clone(),
            None => core.base(&from.caller),
        });
        Ok(Self {
            core: core.clone(),
            id: core.next_id(),
            era,
            scopes: from.scopes.clone(),
            session: from.session.clone(),
            workspace,
            only: from.only.clone(),
            is_endpoint,
            exec: None,
            headers: from.headers.clone(),
            frame,
            handle,
            began: Instant::now(),
            server: None,
            name: None,
            trace: None,
            span: trace::new_span(),
            listen: None,
            subscribing: None,
            asks: Asks::NONE,
            log_level: None,
            speaks: None,
            bridged: None,
            crossing: None,
            parked: None,
            asks_back: false,
            rule: None,
            allowed: None,
            decision: Decided::Allow,
            facts: None,
            returning: None,
            script: None,
            parent: None,
            permit,
            is_finished: false,
        })
    }

    /// A call that a script makes: admitted with the outer one, of whose client it is.
    pub(crate) fn inner(outer: &Outer, frame: Frame, exec: Exec) -> Self {
        let core = outer.core.clone();
        core.in_flight.fetch_add(1, Ordering::Relaxed);
        let (asks, log_level) = outer.wants();
        Self {
            id: core.next_id(),
            core,
            era: outer.era,
            scopes: outer.scopes.clone(),
            session: outer.session.clone(),
            workspace: outer.workspace.clone(),
            only: None,
            is_endpoint: outer.is_endpoint,
            exec: Some(Box::new(exec)),
            headers: None,
            frame,
            handle: CallHandle::new(),
            began: Instant::now(),
            server: None,
            name: None,
            trace: None,
            span: trace::new_span(),
            listen: None,
            subscribing: None,
            asks,
            log_level,
            speaks: None,
            bridged: None,
            crossing: None,
            parked: None,
            asks_back: false,
            rule: None,
            allowed: None,
            decision: Decided::Allow,
            facts: None,
            returning: None,
            script: None,
            parent: Some(outer.call),
            permit: None,
            is_finished: false,
        }
    }

    /// `params`, shallowly; an absent one is empty.
    pub(crate) fn params(&self) -> Result<Object<'_>, Fault> {
        self.frame
            .params_object()
            .map_err(|e| Fault::Params(e.to_string()))
    }

    /// From where it sees the servers.
    pub(crate) fn side(&self) -> Side<'_> {
        Side {
            workspace: &self.workspace,
            era: self.era,
            only: self.only.as_ref(),
            is_endpoint: self.is_endpoint,
            asks: self.asks,
        }
    }

    /// The token under which the client wants to hear of progress, raw JSON.
    pub(crate) fn progress_token(&self) -> Option<Box<str>> {
        let token = self.meta()?.get(meta::PROGRESS_TOKEN).ok()??;
        (token != "null").then(|| token.into())
    }

    fn meta(&self) -> Option<Object<'_>> {
        self.frame.params_object().ok()?.object("_meta").ok()?
    }

    /// The answer will come to another mailbox.
    pub(crate) fn goes_on(&mut self, handle: Arc<CallHandle>) {
        if let Some(session) = self.session.as_ref().filter(|_| self.parent.is_none()) {
            session.goes_on(self.raw_id(), &handle);
        }
        let before = std::mem::replace(&mut self.handle, handle);
        // Taken back in between: whoever did that knew the old mailbox only.
        if before.is_taken_back() || self.session.as_ref().is_some_and(|s| s.is_closed()) {
            self.handle.cancel(None);
        }
    }

    /// The client's id of the request, raw JSON.
    pub(crate) fn raw_id(&self) -> &str {
        self.frame.id().unwrap_or("null")
    }

    /// The next thing that happens to the call, as far as it concerns the client.
    pub(crate) fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        loop {
            if let Some(returning) = &mut self.returning {
                let outcome = match self.handle.poll_taken_back(cx) {
                    Poll::Ready(()) => Err(Fault::Cancelled),
                    Poll::Pending => {
                        let returning = returning.get_mut().unwrap_or_else(PoisonError::into_inner);
                        std::task::ready!(returning.as_mut().poll(cx))
                    }
                };
                self.returning = None;
                return Poll::Ready(Step::Done(outcome));
            }
            let step = std::task::ready!(self.handle.slot.poll_next(cx));
            if let Some(step) = self.read(step) {
                return Poll::Ready(step);
            }
        }
    }

    /// What a step of its server means for the client: nothing yet, where it is for the bridge or for interceptors.
    pub(crate) fn read(&mut self, step: Step) -> Option<Step> {
        match bridge::read(self, step)? {
            Step::Done(Ok(done)) if self.facts.is_some() => intercept::after(self, done),
            step => Some(step),
        }
    }
}

impl Drop for Call {
    /// The client went away before the answer. In the stateless era that takes the request back; in the handshake era
    /// it does not, nobody is there to read the answer though.
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        match (self.parent, self.era) {
            (Some(_), _) => self.handle.cancel(Some("the script has ended")),
            (None, Era::Stateless) => self.handle.cancel(Some("the client has gone")),
            (None, Era::Handshake) => self.handle.abandon(),
        }
        self.record(Outcome::Fault("abandoned"), 0);
    }
}

/// Whether there is room for one more request, and what it is noted by is free.
fn enter(core: &Core, from: &Origin, frame: &Frame, handle: &Arc<CallHandle>) -> Result<(), Fault> {
    if core.is_draining.load(Ordering::Relaxed) {
        return Err(Fault::ShuttingDown);
    }
    let session = from.session.as_ref();
    let Some(session) = session else {
        return match core.in_flight.load(Ordering::Relaxed) {
            0..STATELESS_IN_FLIGHT_MAX => Ok(()),
            _ => Err(Fault::Busy("requests under way")),
        };
    };
    // It comes once and is answered at once: an idle session needs no table of calls.
    if frame.method() == method::INITIALIZE {
        return Ok(());
    }
    let id = frame.id().unwrap_or("null");
    session
        .begin(id, handle, core.settings.in_flight_max)
        .map_err(|refused| match refused {
            Refused::Closed => Fault::Invalid("the session has ended".to_owned()),
            Refused::TooMany => Fault::Busy("requests under way"),
            Refused::Duplicate => {
                Fault::Invalid(format!("a request with id {id} is under way already"))
            }
        })
}

/// The answer to a request that did not become a call. It is recorded all the same.
fn refused(core: &Core, from: &Origin, frame: &Frame, era: Era, fault: &Fault) -> Answer {
    let answer = fault.answer(frame.id().unwrap_or("null"), era, false);
    core.recorder.call(CallRecord {
        id: core.next_id(),
        at: core.wall_clock(Instant::now()),
        caller: from.caller.0.clone(),
        client: from
            .session
            .as_ref()
            .and_then(|s| Some(s.hello()?.client.clone())),
        method: well_known(frame.method()),
        server: None,
        name: None,
        took: Duration::ZERO,
        outcome: Outcome::Fault(fault.tag()),
        decision: Decided::Allow,
        rule: None,
        arguments: None,
        bytes_in: frame.bytes().len(),
        bytes_out: answer.frame.len(),
        trace: None,
        span: trace::new_span(),
        parent: None,
    });
    answer
}
