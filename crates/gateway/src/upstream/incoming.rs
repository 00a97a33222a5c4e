//! What a server says unasked: notifications to pass on, and questions to its client.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use wire::{Era, Frame, Kind as FrameKind, build, code, meta, method, quote};

use super::{Link, Live, Upstream};
use crate::bridge::{self, Inquiry, Question, Round};
use crate::calls::{Asking, CallHandle};
use crate::labels;
use crate::lists::Kind;
use crate::session::{Session, level_index};

/// The call that a message belongs to.
#[derive(Clone)]
pub(crate) struct About {
    pub(crate) handle: Arc<CallHandle>,
    /// The client's own progress token, raw JSON.
    pub(crate) progress: Option<Box<str>>,
    pub(crate) behalf: Behalf,
}

/// On whose behalf a request goes to a server.
#[derive(Clone)]
pub(crate) enum Behalf {
    /// Our own: lists, greetings.
    Gateway,
    /// A conversation of the handshake era, which can be asked.
    Session(Arc<Session>),
    /// A client of the stateless era, with the least severe log level that it wants to hear.
    Stateless(Option<u8>),
    /// The same before a server that asks by requests.
    Bridged(Arc<Inquiry>),
}

impl Behalf {
    pub(crate) fn session(&self) -> Option<&Arc<Session>> {
        match self {
            Self::Session(session) => Some(session),
            Self::Gateway | Self::Stateless(_) | Self::Bridged(_) => None,
        }
    }

    pub(crate) fn inquiry(&self) -> Option<&Arc<Inquiry>> {
        match self {
            Self::Bridged(inquiry) => Some(inquiry),
            Self::Gateway | Self::Session(_) | Self::Stateless(_) => None,
        }
    }

    /// What comes with a request of our own belongs to nobody's call.
    pub(super) fn is_gateway(&self) -> bool {
        matches!(self, Self::Gateway)
    }

    /// Whether a log message of this level is wanted with the call.
    fn wants_log(&self, level: u8) -> bool {
        match self {
            Self::Gateway => false,
            Self::Session(session) => level >= session.level(),
            Self::Stateless(least) => least.is_some_and(|least| level >= least),
            Self::Bridged(inquiry) => inquiry.level().is_some_and(|least| level >= least),
        }
    }
}

/// Where the answer to a question goes.
#[derive(Clone)]
pub(crate) enum ReplyTo {
    /// To the server that asked by a request.
    Server(ToServer),
    /// Into the next request to a server that asked by a result, under this key.
    Round(Arc<Round>, Box<str>),
}

/// The way back to a server that asked by a request.
#[derive(Clone)]
pub(crate) struct ToServer {
    upstream: u64,
    live: Weak<Live>,
    /// The server's id of the question, raw JSON.
    id: Box<str>,
}

impl ReplyTo {
    /// Gives the client's answer to who asked.
    pub(crate) fn answer(&self, frame: &Frame) {
        match self {
            Self::Server(server) => server.send(frame.with_id(&server.id)),
            Self::Round(round, key) => round.answer(key, frame),
        }
    }

    /// Says that there will be no answer.
    pub(crate) fn refuse(&self, why: &str) {
        match self {
            Self::Server(server) => server.refuse(code::INTERNAL_ERROR, why),
            Self::Round(round, key) => round.refuse(key, why),
        }
    }

    /// Sends a notification about the question. Who asks by results has no ear for it.
    pub(crate) fn notify(&self, notification: Bytes) {
        if let Self::Server(server) = self {
            server.send(notification);
        }
    }

    pub(crate) fn is(&self, upstream: u64, id: &str) -> bool {
        matches!(self, Self::Server(server) if server.is(upstream, id))
    }

    /// Whether it goes with the connection of this upstream.
    pub(crate) fn is_of(&self, upstream: u64) -> bool {
        matches!(self, Self::Server(server) if server.upstream == upstream)
    }
}

impl ToServer {
    /// Answers with a result, raw JSON.
    pub(crate) fn result(&self, result: &str) {
        self.send(build::result(&self.id, result));
    }

    /// Answers with an error.
    pub(crate) fn refuse(&self, code: i64, why: &str) {
        self.send(build::error(Some(&self.id), code, why, None));
    }

    pub(crate) fn is(&self, upstream: u64, id: &str) -> bool {
        self.upstream == upstream && *self.id == *id
    }

    fn send(&self, message: Bytes) {
        if let Some(live) = self.live.upgrade() {
            live.send(message);
        }
    }
}

/// The number in `params.progressToken` of a progress notification.
pub(crate) fn progress_token(frame: &Frame) -> Option<u64> {
    if frame.method() != method::PROGRESS {
        return None;
    }
    frame.params_object().ok()?.u64(meta::PROGRESS_TOKEN).ok()?
}

/// Passes a notification on to whom it concerns.
pub(crate) fn notification(upstream: &Arc<Upstream>, frame: Frame, about: Option<&About>) {
    let about = about.filter(|about| !about.behalf.is_gateway());
    match frame.method() {
        method::PROGRESS => {
            // Progress that nobody asked for, or that comes after the answer, is dropped.
            let Some(about) = about else { return };
            let Some(token) = &about.progress else { return };
            if let Some(message) = with_token(&frame, token) {
                about.handle.slot.message(message);
            }
        }
        method::TOOLS_LIST_CHANGED => upstream.relist(&[Kind::Tools]),
        method::PROMPTS_LIST_CHANGED => upstream.relist(&[Kind::Prompts]),
        method::RESOURCES_LIST_CHANGED => upstream.relist(&[Kind::Resources, Kind::Templates]),
        method::RESOURCES_UPDATED => resource_updated(upstream, &frame),
        method::CANCELLED => withdrawn(upstream, &frame),
        method::MESSAGE => log_message(upstream, frame, about),
        method::SUBSCRIPTIONS_ACKNOWLEDGED => upstream.watch().acknowledged_by(&frame),
        method::TASKS_CHANGED => task_changed(upstream, &frame),
        _ => pass_on(upstream, frame, about),
    }
}

/// The notification with another progress token.
fn with_token(frame: &Frame, token: &str) -> Option<Bytes> {
    let params = frame.params_object().ok()?;
    let old = params.get(meta::PROGRESS_TOKEN).ok()??;
    let mut edits = frame.edit();
    edits.replace(old, token);
    Some(edits.apply())
}

fn resource_updated(upstream: &Arc<Upstream>, frame: &Frame) {
    let Some(params) = frame.params_object().ok() else {
        return;
    };
    let (Ok(Some(uri)), Ok(Some(raw))) = (params.string("uri"), params.get("uri")) else {
        return;
    };
    for workspace in upstream.workspaces() {
        let message = |name: &str| {
            let mut edits = frame.edit();
            if name != uri {
                edits.replace(raw, quote(name));
            }
            if let (Era::Handshake, Ok(Some(meta))) = (upstream.key.clients, params.object("_meta"))
            {
                // It says on which of our streams it came.
                edits.remove(&meta, meta::SUBSCRIPTION_ID);
            }
            edits.apply()
        };
        if let Some(session) = workspace.session()
            && let Some(name) = session.subscribed_as(&upstream.server.name, &uri)
        {
            session.tell(message(&name));
        }
        for listen in workspace.listens() {
            if let Some(name) = listen.wants_uri(upstream.id, &uri) {
                listen.tell(&message(&name));
            }
        }
    }
}

/// The server takes a question back.
fn withdrawn(upstream: &Arc<Upstream>, frame: &Frame) {
    let Some(params) = frame.params_object().ok() else {
        return;
    };
    let Ok(Some(id)) = params.get("requestId") else {
        return;
    };
    if upstream.inquiries().withdraw(upstream.id, id) {
        return;
    }
    for session in upstream
        .workspaces()
        .iter()
        .filter_map(|workspace| workspace.session())
    {
        if let Some((number, asking)) = session.withdraw(upstream.id, id) {
            let mut edits = frame.edit();
            edits.replace(id, number.to_string());
            session.tell_with(asking.as_ref().map(Asking::call), edits.apply());
            return;
        }
    }
}

/// A log message goes with its call where that can be told, else to everybody who wants that level.
fn log_message(upstream: &Arc<Upstream>, frame: Frame, about: Option<&About>) {
    let level = frame
        .params_object()
        .ok()
        .and_then(|params| level_index(&params.string("level").ok()??));
    let level = level.unwrap_or(u8::MAX);
    let live = upstream.current();
    let pipe = live.as_ref().and_then(|live| match &live.link {
        Link::Pipe(pipe) => Some(pipe),
        Link::Http(_) => None,
    });
    // Behind a pipe, whose message it is can only be guessed: calls that were taken back may go on. Between callers
    // nobody guesses.
    if pipe.is_some() && upstream.callers.are_several() {
        return;
    }
    if let Some(about) = about {
        if about.behalf.wants_log(level) {
            about.handle.slot.message(frame.into_bytes());
        }
        return;
    }
    for session in audience(upstream) {
        if session.hello().is_some() && level >= session.level() {
            session.tell(frame.bytes().clone());
        }
    }
    // In the stateless era a message belongs to a call that asked for such; which one, neither a pipe nor the stream of
    // a session tells.
    let Some(pipe) = pipe else {
        if !upstream.callers.are_several() {
            upstream.inquiries().hear(level, frame.bytes());
        }
        return;
    };
    let of_stateless = |about: &&About| {
        matches!(about.behalf, Behalf::Stateless(_) | Behalf::Bridged(_))
            && about.behalf.wants_log(level)
    };
    for about in pipe.under_way().iter().filter(of_stateless) {
        about.handle.slot.message(frame.bytes().clone());
    }
}

/// Who hears what belongs to no call: the conversations of the upstream, unless they are of several callers. Then
/// nobody can tell whom it concerns, and nobody hears it.
fn audience(upstream: &Upstream) -> Vec<Arc<Session>> {
    let workspaces = upstream.workspaces();
    let is_one_caller = workspaces
        .windows(2)
        .all(|pair| pair[0].caller == pair[1].caller);
    let sessions = workspaces
        .iter()
        .filter_map(|workspace| workspace.session());
    sessions.filter(|_| is_one_caller).collect()
}

/// Notifications that we have never heard of, and those that need nothing from us.
fn pass_on(upstream: &Arc<Upstream>, frame: Frame, about: Option<&About>) {
    let Some(core) = upstream.core_if_up() else {
        return;
    };
    if upstream.era() != upstream.key.clients
        && !bridge::crosses(upstream.key.clients, frame.method())
    {
        return;
    }
    if let Some(about) = about {
        let caller = about.behalf.session().map(|session| &session.caller);
        let bytes = match caller {
            Some(caller) => core.tasks.sealed(&frame, &upstream.server, caller),
            None => frame.into_bytes(),
        };
        about.handle.slot.message(bytes);
        return;
    }
    for session in audience(upstream) {
        session.tell(core.tasks.sealed(&frame, &upstream.server, &session.caller));
    }
}

/// The state of a task (2026-07-28), for the clients that listen to it.
fn task_changed(upstream: &Arc<Upstream>, frame: &Frame) {
    let Some(core) = upstream.core_if_up() else {
        return;
    };
    for workspace in upstream.workspaces() {
        let sealed = core
            .tasks
            .sealed(frame, &upstream.server, &workspace.caller);
        let Ok(sealed_frame) = Frame::parse(sealed.clone()) else {
            continue;
        };
        let Some(params) = sealed_frame.params_object().ok() else {
            continue;
        };
        let Ok(Some(task)) = params.string("taskId") else {
            continue;
        };
        for listen in workspace
            .listens()
            .iter()
            .filter(|listen| listen.wants_task(&task))
        {
            listen.tell(&sealed);
        }
    }
}

/// A request of the server: `ping` is answered here, everything else by its client.
pub(crate) fn question(
    upstream: &Arc<Upstream>,
    live: &Arc<Live>,
    frame: &Frame,
    about: Option<&About>,
) {
    debug_assert!(frame.kind() == FrameKind::Request);
    let about = about.filter(|about| !about.behalf.is_gateway());
    let id = frame.id().unwrap_or("null");
    if frame.method() == method::PING {
        live.send(build::result(id, "{}"));
        return;
    }
    if live.era() == Era::Stateless {
        let why = "a server of revision 2026-07-28 asks by answering with input_required, not with requests";
        live.send(build::error(Some(id), code::INVALID_REQUEST, why, None));
        return;
    }
    let server = ToServer {
        upstream: upstream.id,
        live: Arc::downgrade(live),
        id: id.into(),
    };
    let core = upstream.core_if_up();
    let labelled = core.and_then(|core| labels::question(&core, &upstream.server, frame));
    let frame = labelled.as_ref().unwrap_or(frame);
    if upstream.key.clients == Era::Stateless {
        let inquiry = about.and_then(|about| about.behalf.inquiry());
        if inquiry.is_none() && upstream.callers.are_several() {
            // It may be about a call that another caller took back.
            let why = "no client can be told for which call this question is";
            return server.refuse(code::METHOD_NOT_FOUND, why);
        }
        let asked = Question::new(server.clone(), frame);
        if let Err(why) = upstream.inquiries().ask(inquiry, upstream.key.asks, asked) {
            server.refuse(code::METHOD_NOT_FOUND, &why);
        }
        return;
    }
    let asked = about
        .and_then(|about| about.behalf.session().cloned())
        .or_else(|| upstream.only_session());
    let Some(session) = asked else {
        let why = "no client can be told for which call this question is";
        return server.refuse(code::METHOD_NOT_FOUND, why);
    };
    if let Some(missing) = missing_capability(&session, frame.method()) {
        let why = format!("the client does not support {missing}");
        return server.refuse(code::METHOD_NOT_FOUND, &why);
    }
    let reply = ReplyTo::Server(server);
    let Some(core) = upstream.core_if_up() else {
        return;
    };
    let sealed = core
        .tasks
        .sealed_question(frame, &upstream.server, &session.caller);
    let Ok(frame) = Frame::parse(sealed) else {
        return;
    };
    let params = frame.params_object().ok();
    let meta = params.and_then(|params| params.object("_meta").ok().flatten());
    let token = meta.and_then(|meta| meta.get(meta::PROGRESS_TOKEN).ok().flatten());
    let call = about.map(|about| &about.handle);
    let Some(number) = session.ask(reply.clone(), token.map(Into::into), call) else {
        reply.refuse("the client has too many unanswered questions");
        return;
    };
    let number = number.to_string();
    let mut edits = frame.edit();
    edits.replace(frame.id().unwrap_or_default(), number.clone());
    if let Some(token) = token {
        edits.replace(token, number);
    }
    let message = edits.apply();
    session.tell_with(call.map(|call| &**call), message);
}

/// What a client of the handshake era did not declare. Which kinds of elicitation it knows is not told apart here:
/// revisions before 2025-11-25 had one.
fn missing_capability(session: &Session, method: &str) -> Option<&'static str> {
    let none = wire::Object::empty();
    match session.capabilities()?.asks.missing(method, &none) {
        Some("elicitation") if session.capabilities()?.asks.url() => None,
        missing => missing,
    }
}
