//! One conversation with a client: what it said of itself, what waits for it, and what it was asked.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::time::Instant;
use wire::Version;

use crate::asks::Capabilities;
use crate::bridge::Round;
use crate::calls::{Asking, CallHandle};
use crate::front::{Caller, Door};
use crate::limits::{QUESTION_WAIT, QUESTIONS_MAX};
use crate::naming::{self, Owned};
use crate::outbox::{Outbox, lock};
use crate::upstream::ReplyTo;
use crate::workspace::Workspace;

/// See the module.
pub struct Session {
    id: Box<str>,
    pub(crate) caller: Caller,
    pub(crate) door: Door,
    pub(crate) workspace: Arc<Workspace>,
    hello: OnceLock<Hello>,
    /// One more than the level; 0 while none was chosen.
    level: AtomicU8,
    outbox: Outbox,
    calls: Mutex<HashMap<Box<str>, Arc<CallHandle>>>,
    questions: Mutex<HashMap<u64, Question>>,
    next_question: AtomicU64,
    /// The resources that it subscribed to, and what it calls them.
    subscriptions: Mutex<HashMap<Owned, Box<str>>>,
    /// Milliseconds on the gateway's clock.
    pub(crate) last_seen: AtomicU64,
    closed: AtomicBool,
}

/// What the client said in `initialize`.
pub(crate) struct Hello {
    pub(crate) version: Version,
    pub(crate) capabilities: Capabilities,
    /// `name/version`, for people.
    pub(crate) client: Box<str>,
}

/// A request of a server that the client has to answer.
struct Question {
    reply: ReplyTo,
    /// The token under which the server wants to hear of progress.
    progress: Option<Box<str>>,
    asked: Instant,
    /// The call that it belongs to, if that is known.
    asking: Option<Asking>,
}

impl Session {
    pub(crate) fn new(
        id: Box<str>,
        caller: Caller,
        door: Door,
        workspace: Arc<Workspace>,
        now_ms: u64,
    ) -> Self {
        Self {
            id,
            caller,
            door,
            workspace,
            hello: OnceLock::new(),
            level: AtomicU8::new(0),
            outbox: Outbox::default(),
            calls: Mutex::default(),
            questions: Mutex::default(),
            next_question: AtomicU64::new(1),
            subscriptions: Mutex::default(),
            last_seen: AtomicU64::new(now_ms),
            closed: AtomicBool::new(false),
        }
    }

    /// The value of `Mcp-Session-Id`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where its client works: servers of this conversation alone run there, unless their entries say where. To be said once,
    /// before anything is asked.
    pub fn work_in(&self, folder: PathBuf) {
        let _known = self.workspace.folder.set(folder);
    }

    /// The revision agreed on by `initialize`; none before it, and none for stateless clients.
    pub fn version(&self) -> Option<Version> {
        self.hello.get().map(|hello| hello.version)
    }

    /// The next message that belongs to no call: list changes, resource updates, questions, logs.
    /// `None` once the session is closed. One reader at a time: a new one displaces the old.
    pub fn poll_outbox(&self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.outbox.poll_next(cx)
    }

    /// Whether the conversation has ended.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Sends a message that belongs to no call.
    pub(crate) fn tell(&self, message: Bytes) {
        self.outbox.push(message);
    }

    /// Sends a message that belongs to a call on the stream of its answer; if that is not read, like any other.
    pub(crate) fn tell_with(&self, call: Option<&CallHandle>, message: Bytes) {
        if call.is_none_or(|call| !call.slot.message(message.clone())) {
            self.tell(message);
        }
    }

    /// What `initialize` said; set once.
    pub(crate) fn set_hello(&self, hello: Hello) -> bool {
        self.hello.set(hello).is_ok()
    }

    pub(crate) fn hello(&self) -> Option<&Hello> {
        self.hello.get()
    }

    pub(crate) fn capabilities(&self) -> Option<&Capabilities> {
        self.hello.get().map(|hello| &hello.capabilities)
    }

    // === log level ===

    /// The least severe level it wants to hear, as an index into [`LEVELS`]: the lowest where it did not say.
    pub(crate) fn level(&self) -> u8 {
        self.chosen_level().unwrap_or_default()
    }

    /// The same, if it did say.
    pub(crate) fn chosen_level(&self) -> Option<u8> {
        self.level.load(Ordering::Relaxed).checked_sub(1)
    }

    pub(crate) fn set_level(&self, level: u8) {
        self.level.store(level + 1, Ordering::Relaxed);
    }

    // === calls in flight ===

    /// Notes a call, unless one with this id is under way, there are too many, or the session has ended.
    pub(crate) fn begin(
        &self,
        id: &str,
        call: &Arc<CallHandle>,
        max: usize,
    ) -> Result<(), Refused> {
        let mut calls = lock(&self.calls);
        if self.is_closed() {
            return Err(Refused::Closed);
        }
        if calls.len() >= max {
            return Err(Refused::TooMany);
        }
        match calls.entry(id.into()) {
            std::collections::hash_map::Entry::Occupied(_) => Err(Refused::Duplicate),
            std::collections::hash_map::Entry::Vacant(vacant) => {
                vacant.insert(call.clone());
                Ok(())
            }
        }
    }

    /// A call that is noted goes on in another mailbox.
    pub(crate) fn goes_on(&self, id: &str, call: &Arc<CallHandle>) {
        if let Some(known) = lock(&self.calls).get_mut(id) {
            *known = call.clone();
        }
    }

    pub(crate) fn end(&self, id: &str) {
        lock(&self.calls).remove(id);
    }

    pub(crate) fn call(&self, id: &str) -> Option<Arc<CallHandle>> {
        lock(&self.calls).get(id).cloned()
    }

    pub(crate) fn calls(&self) -> Vec<Arc<CallHandle>> {
        lock(&self.calls).values().cloned().collect()
    }

    pub(crate) fn is_busy(&self) -> bool {
        !lock(&self.calls).is_empty()
    }

    // === questions ===

    /// A number for a question; `None` if too many wait already.
    pub(crate) fn ask(
        &self,
        reply: ReplyTo,
        progress: Option<Box<str>>,
        about: Option<&Arc<CallHandle>>,
    ) -> Option<u64> {
        let mut questions = lock(&self.questions);
        if questions.len() >= QUESTIONS_MAX || self.is_closed() {
            return None;
        }
        let id = self.next_question.fetch_add(1, Ordering::Relaxed);
        questions.insert(
            id,
            Question {
                reply,
                progress,
                asked: Instant::now(),
                asking: about.map(CallHandle::asking),
            },
        );
        Some(id)
    }

    /// The client answered question `id`: where the answer goes.
    pub(crate) fn answered(&self, id: u64) -> Option<ReplyTo> {
        lock(&self.questions)
            .remove(&id)
            .map(|question| question.reply)
    }

    /// The client reports progress on question `id`: whom to tell, under which token.
    pub(crate) fn progress_of(&self, id: u64) -> Option<(ReplyTo, Box<str>)> {
        let questions = lock(&self.questions);
        let question = questions.get(&id)?;
        Some((question.reply.clone(), question.progress.clone()?))
    }

    /// The server took its question back: our number of it.
    pub(crate) fn withdraw(&self, upstream: u64, original: &str) -> Option<(u64, Option<Asking>)> {
        let mut questions = lock(&self.questions);
        let id = *questions
            .iter()
            .find(|(_, q)| q.reply.is(upstream, original))?
            .0;
        Some((id, questions.remove(&id)?.asking))
    }

    /// Takes back the questions that nobody answered in time; who asked is to be told as well.
    pub(crate) fn expire_questions(&self) -> Vec<ReplyTo> {
        self.take_back("nobody answered in time", |question| {
            question.asked.elapsed() >= QUESTION_WAIT
        })
    }

    /// Takes back the questions of an upstream that is gone.
    pub(crate) fn drop_questions(&self, upstream: u64) {
        self.take_back("the server has gone", |question| {
            question.reply.is_of(upstream)
        });
    }

    /// Takes back the questions of a round that is over.
    pub(crate) fn drop_round(&self, round: &Arc<Round>) {
        self.take_back(
            "the call has ended",
            |question| matches!(&question.reply, ReplyTo::Round(of, _) if Arc::ptr_eq(of, round)),
        );
    }

    fn take_back(&self, reason: &str, which: impl Fn(&Question) -> bool) -> Vec<ReplyTo> {
        let taken: Vec<(u64, Question)> = {
            let mut questions = lock(&self.questions);
            let ids: Vec<u64> = questions
                .iter()
                .filter(|(_, question)| which(question))
                .map(|(id, _)| *id)
                .collect();
            ids.into_iter()
                .filter_map(|id| Some((id, questions.remove(&id)?)))
                .collect()
        };
        for (id, question) in &taken {
            let params = format!(r#"{{"requestId":{id},"reason":{}}}"#, wire::quote(reason));
            let message = wire::build::notification(wire::method::CANCELLED, Some(&params));
            self.tell_with(question.asking.as_ref().map(Asking::call), message);
        }
        taken
            .into_iter()
            .map(|(_, question)| question.reply)
            .collect()
    }

    // === resource subscriptions ===

    /// Subscribes to a resource that the client calls `name`; true if that is new.
    pub(crate) fn subscribe(&self, resource: Owned, name: &str) -> bool {
        lock(&self.subscriptions)
            .insert(resource, name.into())
            .is_none()
    }

    /// True if it was there.
    pub(crate) fn unsubscribe(&self, resource: &Owned) -> bool {
        lock(&self.subscriptions).remove(resource).is_some()
    }

    /// What the client calls this resource, if it subscribed to it or to what it is a part of.
    pub(crate) fn subscribed_as(&self, server: &str, uri: &str) -> Option<String> {
        let subscriptions = lock(&self.subscriptions);
        let of_server = subscriptions
            .iter()
            .filter(|(resource, _)| *resource.server == *server);
        of_server
            .filter_map(|(resource, name)| naming::within(uri, &resource.own, name))
            .next()
    }

    /// Those at one server, by its own names.
    pub(crate) fn subscriptions_of(&self, server: &str) -> Vec<Box<str>> {
        let subscriptions = lock(&self.subscriptions);
        let of_server = subscriptions
            .keys()
            .filter(|resource| *resource.server == *server);
        of_server.map(|resource| resource.own.clone()).collect()
    }

    /// Ends all of them.
    pub(crate) fn take_subscriptions(&self) -> Vec<Owned> {
        let mut subscriptions = lock(&self.subscriptions);
        subscriptions
            .drain()
            .map(|(resource, _)| resource)
            .collect()
    }

    /// Ends those of one server.
    pub(crate) fn take_subscriptions_of(&self, server: &str) -> Vec<Owned> {
        let mut subscriptions = lock(&self.subscriptions);
        let of_server = |resource: &Owned, _: &mut Box<str>| *resource.server == *server;
        subscriptions
            .extract_if(of_server)
            .map(|(resource, _)| resource)
            .collect()
    }

    pub(crate) fn subscription_count(&self) -> usize {
        lock(&self.subscriptions).len()
    }

    // === the end ===

    /// Marks the end; true the first time. Open questions are answered for the client by whom this returns to.
    pub(crate) fn shut(&self) -> Option<Vec<ReplyTo>> {
        if self.closed.swap(true, Ordering::Relaxed) {
            return None;
        }
        self.outbox.close();
        Some(
            lock(&self.questions)
                .drain()
                .map(|(_, question)| question.reply)
                .collect(),
        )
    }
}

/// Why a call was not noted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Closed,
    TooMany,
    Duplicate,
}

/// The severities of log messages, least severe first (RFC 5424 names).
pub(crate) const LEVELS: [&str; 8] = [
    "debug",
    "info",
    "notice",
    "warning",
    "error",
    "critical",
    "alert",
    "emergency",
];

/// The index of a level.
pub(crate) fn level_index(name: &str) -> Option<u8> {
    LEVELS
        .iter()
        .position(|level| *level == name)
        .map(|index| index as u8)
}
