//! Calls of stateless clients whose server waits for an answer: they go on at the server while the client thinks, and
//! meet its next request here.

mod scripts;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

pub(crate) use scripts::{park as park_script, resume as resume_script};
use tokio::time::Instant;
use wire::{Frame, Object, build, code};

use super::ticket::{Seal, Ticket, request_digest};
use super::{Crossing, Resumer, Way};
use crate::call::Call;
use crate::calls::CallHandle;
use crate::error::Fault;
use crate::front::Caller;
use crate::limits::{
    GATHER_WAIT, INQUIRY_QUESTIONS_MAX, PARKED_MAX, PARKED_PER_CALLER_MAX, PARKED_TURN_WAIT,
    PARKED_WAIT,
};
use crate::outbox::lock;
use crate::script::Outer;
use crate::slot::Step;

/// See the module.
pub(crate) struct Parking {
    seal: Seal,
    began: Instant,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    parked: HashMap<u64, Parked>,
    of_callers: HashMap<Caller, usize>,
    last: u64,
}

/// One call that waits.
struct Parked {
    on: On,
    handle: Arc<CallHandle>,
    caller: Caller,
    workspace: u64,
    round: u32,
    has_lent_turn: bool,
    since: Instant,
    until: Instant,
}

/// What waits.
enum On {
    /// The call itself, at its server.
    Server(Box<Crossing>),
    /// Calls of the script that it runs.
    Script(Arc<Outer>),
}

/// What a stateless request brings for a server of the other era.
#[derive(Clone)]
pub(crate) struct Retry {
    pub(crate) state: String,
    /// `inputResponses`, raw JSON.
    pub(crate) responses: Option<String>,
}

/// What is to be done with a request that brings a state.
pub(crate) enum Resumed {
    /// Its call goes on.
    Waiting,
    /// There was no call to go on with: it is made now.
    Anew,
}

impl Parking {
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        Ok(Self {
            seal: Seal::new()?,
            began: Instant::now(),
            inner: Mutex::default(),
        })
    }

    fn now_ms(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    /// A state that expires as late as a parked call would.
    fn sealed(&self, parked: u64, round: u32, call: &Call) -> Result<String, Fault> {
        let request = request_digest(call.frame.method(), &call.params()?);
        self.seal_of(parked, round, &call.workspace.caller, request)
    }

    fn seal_of(
        &self,
        parked: u64,
        round: u32,
        caller: &Caller,
        request: [u8; 32],
    ) -> Result<String, Fault> {
        let ticket = Ticket {
            parked,
            round,
            expires_ms: self.now_ms() + PARKED_WAIT.as_millis() as u64,
            request,
        };
        self.seal
            .seal(&ticket, caller)
            .map_err(|_| Fault::Busy("requests for randomness"))
    }

    /// The state of a request of the gateway's own that is to be made again with answers.
    pub(crate) fn seal_for(&self, caller: &Caller, request: [u8; 32]) -> Result<String, Fault> {
        self.seal_of(0, 0, caller, request)
    }

    /// Whether a state of [`Self::seal_for`] belongs to this caller's request.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn opens(
        &self,
        state: &str,
        caller: &Caller,
        request: [u8; 32],
    ) -> Result<(), &'static str> {
        match self.seal.open(state, caller) {
            None => {
                Err("was not issued here, or not to this caller; make the call again without it")
            }
            Some(ticket) if ticket.request != request || ticket.parked != 0 => {
                Err("belongs to another request; repeat the method and the parameters of that one")
            }
            Some(ticket) if ticket.expires_ms <= self.now_ms() => {
                Err("has expired; make the call again without it")
            }
            Some(_) => Ok(()),
        }
    }

    /// Takes calls back whose clients did not come in time; where they have kept their turn and others wait for it, that is
    /// less time.
    pub(crate) fn sweep(&self) {
        let now = Instant::now();
        self.take_back("the client did not answer in time", |parked| {
            let is_in_the_way = || match &parked.on {
                On::Server(crossing) => !parked.has_lent_turn && crossing.upstream.has_waiting(),
                On::Script(_) => false,
            };
            parked.until <= now
                || now.duration_since(parked.since) >= PARKED_TURN_WAIT && is_in_the_way()
        });
    }

    /// Takes back the calls of a conversation that ends.
    pub(crate) fn leave(&self, workspace: u64) {
        self.take_back("the client has gone", |parked| {
            parked.workspace == workspace
        });
    }

    fn take_back(&self, why: &str, which: impl Fn(&Parked) -> bool) {
        let taken: Vec<Parked> = {
            let mut inner = lock(&self.inner);
            let ids: Vec<u64> = inner
                .parked
                .iter()
                .filter(|(_, parked)| which(parked))
                .map(|(id, _)| *id)
                .collect();
            ids.into_iter().filter_map(|id| inner.take(id)).collect()
        };
        for parked in taken {
            parked.handle.cancel(Some(why));
        }
    }
}

impl Inner {
    fn take(&mut self, id: u64) -> Option<Parked> {
        let parked = self.parked.remove(&id)?;
        if let Some(count) = self.of_callers.get_mut(&parked.caller) {
            *count -= 1;
            if *count == 0 {
                self.of_callers.remove(&parked.caller);
            }
        }
        Some(parked)
    }

    fn put(&mut self, id: u64, parked: Parked) {
        *self.of_callers.entry(parked.caller.clone()).or_default() += 1;
        self.parked.insert(id, parked);
    }

    fn has_room(&self, caller: &Caller) -> bool {
        let own = self.of_callers.get(caller).copied().unwrap_or_default();
        self.parked.len() < PARKED_MAX && own < PARKED_PER_CALLER_MAX
    }
}

/// The server of a call has asked something: the client is told with the answer to its request, and the call waits. None
/// if nothing is open any more, or nothing can be asked any more: the call has its answer, or has not been gone on with.
pub(super) fn park(call: &mut Call) -> Option<Step> {
    let crossing = call.crossing.take()?;
    let Way::ToHandshake { inquiry, .. } = &crossing.way else {
        return None;
    };
    let can_ask = !call.handle.slot.is_over() && !inquiry.is_parked();
    let Some(requests) = inquiry.requests().filter(|_| can_ask) else {
        call.crossing = Some(crossing);
        return None;
    };
    if inquiry
        .asked_since()
        .is_some_and(|since| since.elapsed() < GATHER_WAIT)
    {
        look_again(&call.handle);
        call.crossing = Some(crossing);
        return None;
    }
    let (number, answer) = match asking(call, &requests, &crossing.upstream.server.name) {
        Ok(asking) => asking,
        Err(fault) => return Some(Step::Done(Err(fault))),
    };
    let has_lent_turn = crossing.upstream.lend_turn(&inquiry.turn);
    inquiry.set_parked(has_lent_turn);
    let since = inquiry.asked_since();
    wait(call, number, On::Server(crossing), since, has_lent_turn);
    Some(Step::Done(Ok(answer)))
}

/// The number of a call that waits, its round, and the answer that asks its client.
///
/// # Errors
/// Too many wait, or it cannot be asked; the call is taken back.
fn asking(call: &mut Call, requests: &str, asks: &str) -> Result<Asking, Fault> {
    let core = call.core.clone();
    let (id, round) = {
        let mut inner = lock(&core.parking.inner);
        if !inner.has_room(&call.workspace.caller) {
            drop(inner);
            call.handle
                .cancel(Some("too many calls wait for their clients"));
            return Err(Fault::Busy("calls that wait for their clients"));
        }
        match call.parked.take() {
            Some((id, round)) => (id, round + 1),
            None => {
                inner.last += 1;
                (inner.last, 1)
            }
        }
    };
    let sealed = core.parking.sealed(id, round, call);
    let answer = sealed.and_then(|state| input_required(requests, &state, asks));
    match answer {
        Ok(answer) => Ok(((id, round), answer)),
        Err(fault) => {
            call.handle.cancel(Some("its client cannot be asked"));
            Err(fault)
        }
    }
}

/// The number of a call that waits, and which of its rounds that is.
type Number = (u64, u32);

type Asking = (Number, (Frame, u16));

/// From here on the end of this request is not the end of the call.
fn wait(call: &mut Call, number: Number, on: On, asked: Option<Instant>, has_lent_turn: bool) {
    let now = Instant::now();
    let (id, round) = number;
    let parked = Parked {
        // Who asks for the same again and again does not get more time.
        until: asked.unwrap_or(now) + PARKED_WAIT,
        has_lent_turn,
        since: now,
        on,
        handle: std::mem::replace(&mut call.handle, CallHandle::new()),
        caller: call.workspace.caller.clone(),
        workspace: call.workspace.id,
        round,
    };
    lock(&call.core.parking.inner).put(id, parked);
    call.asks_back = true;
}

/// Servers ask several things at once by several requests, which come one after the other.
fn look_again(handle: &Arc<CallHandle>) {
    let handle = handle.clone();
    tokio::spawn(async move {
        tokio::time::sleep(GATHER_WAIT).await;
        handle.slot.put(Step::Asked);
    });
}

/// Questions that came alone can be too deep, or together too large, for an answer.
fn input_required(requests: &str, state: &str, asks: &str) -> Result<(Frame, u16), Fault> {
    let result = format!(
        r#"{{"resultType":"input_required","inputRequests":{requests},"requestState":"{state}"}}"#
    );
    match Frame::parse(build::result("0", &result)) {
        Ok(frame) => Ok((frame, 0)),
        Err(error) => Err(Fault::Crossing {
            server: asks.into(),
            why: format!("its questions do not fit into an answer: {error}"),
        }),
    }
}

/// An error of a server that a stateless client is told otherwise: that a question could not be asked, which it failed
/// for, or that the person has to visit URLs first. What else a server answers stays as it is.
pub(super) fn answer(
    call: &mut Call,
    outcome: Result<(Frame, u16), Fault>,
) -> Result<(Frame, u16), Fault> {
    let Ok((frame, _)) = &outcome else {
        return outcome;
    };
    if frame.error().is_none() {
        return outcome;
    }
    if let Some(answer) = lacking(call, frame) {
        return Ok((answer, 0));
    }
    visits(call, outcome)
}

/// The failure of a call whose client could not be asked, in the words of the stateless era.
fn lacking(call: &Call, frame: &Frame) -> Option<Frame> {
    let Way::ToHandshake { inquiry, .. } = &call.crossing.as_ref()?.way else {
        return None;
    };
    let data = format!(r#"{{"requiredCapabilities":{}}}"#, inquiry.lacks()?);
    let error = frame.error_object().ok()??;
    let message = error.string("message").ok()?.unwrap_or_default();
    let id = frame.id();
    Frame::parse(build::error(
        id,
        code::MISSING_CAPABILITY,
        &message,
        Some(&data),
    ))
    .ok()
}

/// The answer of a server that wants the person to visit URLs first (2025-11-25), as a question to a stateless client.
fn visits(call: &mut Call, outcome: Result<(Frame, u16), Fault>) -> Result<(Frame, u16), Fault> {
    let Ok((frame, _)) = &outcome else {
        return outcome;
    };
    if !call.asks.url() {
        return outcome;
    }
    let requests = || {
        let error = frame.error_object().ok()??;
        let number = code::read(error.get("code").ok()??)?;
        if number != code::URL_ELICITATION_REQUIRED {
            return None;
        }
        let all = error.object("data").ok()??.array("elicitations").ok()??;
        let all = all.iter().take(INQUIRY_QUESTIONS_MAX).enumerate();
        let entries = all.filter_map(|(n, params)| {
            let object = Object::parse(params).ok()?;
            let mut edits = wire::Edits::new(params);
            edits.remove(&object, "elicitationId");
            edits.set(&object, "mode", r#""url""#);
            let params = String::from_utf8(edits.apply().to_vec()).ok()?;
            Some(format!(
                r#""q{}":{{"method":"{}","params":{params}}}"#,
                n + 1,
                wire::method::ELICITATION_CREATE
            ))
        });
        let entries: Vec<String> = entries.collect();
        (!entries.is_empty()).then(|| format!("{{{}}}", entries.join(",")))
    };
    match requests() {
        Some(requests) => {
            let state = call.core.parking.sealed(0, 0, call)?;
            let crossing = call.crossing.as_ref().ok_or(Fault::Cancelled)?;
            let answer = input_required(&requests, &state, &crossing.upstream.server.name)?;
            call.asks_back = true;
            Ok(answer)
        }
        None => outcome,
    }
}

/// Goes on with the call that a state stands for: the questions get their answers, and this request will get that of
/// the call.
///
/// # Errors
/// The state is none of this caller's, of another request, used or expired.
pub(crate) fn resume(call: &mut Call, retry: &Retry) -> Result<Resumed, Fault> {
    let Some((number, parked)) = taken(call, retry)? else {
        return Ok(Resumed::Anew);
    };
    let On::Server(mut crossing) = parked.on else {
        return Err(refused(
            "belongs to a script; make the call again without it",
        ));
    };
    if let Way::ToHandshake { resumed, .. } = &mut crossing.way {
        let (token, level) = (call.progress_token(), call.log_level);
        *resumed = Some(Resumer { token, level });
    }
    call.parked = Some(number);
    call.crossing = Some(crossing);
    call.goes_on(parked.handle);
    Ok(Resumed::Waiting)
}

/// What a state stands for: a call that waits, and its number and round; none where the request is simply made again.
fn taken(call: &Call, retry: &Retry) -> Result<Option<(Number, Parked)>, Fault> {
    let core = &call.core;
    let ticket = core
        .parking
        .seal
        .open(&retry.state, &call.workspace.caller)
        .ok_or_else(|| {
            refused("was not issued here, or not to this caller; make the call again without it")
        })?;
    if ticket.request != request_digest(call.frame.method(), &call.params()?) {
        return Err(refused(
            "belongs to another request; repeat the method and the parameters of that one",
        ));
    }
    if ticket.expires_ms <= core.parking.now_ms() {
        return Err(refused("has expired; make the call again without it"));
    }
    if ticket.parked == 0 {
        return Ok(None);
    }
    let parked = {
        let mut inner = lock(&core.parking.inner);
        match inner.parked.get(&ticket.parked) {
            Some(parked) if parked.round == ticket.round => inner.take(ticket.parked),
            _ => None,
        }
    };
    match parked {
        Some(parked) => Ok(Some(((ticket.parked, ticket.round), parked))),
        None => Err(refused(
            "was used already, or its call has ended; make the call again without it",
        )),
    }
}

fn refused(why: &str) -> Fault {
    Fault::Params(format!("requestState {why}"))
}

/// Gives the server of a resumed call what its client answered, as soon as it is its turn again. None if the call is over.
pub(crate) async fn deliver(call: &mut Call, retry: &Retry) -> Option<Result<(), Fault>> {
    let crossing = call.crossing.as_ref()?;
    let Way::ToHandshake { inquiry, .. } = &crossing.way else {
        return Some(Ok(()));
    };
    if inquiry.is_parked() {
        let upstream = crossing.upstream.clone();
        // Where the connection is gone, the call's mailbox says so.
        let live = upstream.current()?;
        let asked = call.frame.method();
        let taken = upstream.take_turn(&live, &call.handle, asked, &inquiry.turn);
        if let Err(fault) = taken.await? {
            call.handle
                .cancel(Some("too many calls wait for one another"));
            return Some(Err(fault));
        }
        inquiry.set_parked(false);
    }
    let responses = retry.responses.as_deref().map(Object::parse);
    let responses = responses.and_then(Result::ok);
    inquiry.answer(responses.as_ref(), call.asks, call.log_level);
    if inquiry.requests().is_some() {
        // Some are left: they are asked again.
        call.handle.slot.put(Step::Asked);
    }
    Some(Ok(()))
}
