//! What has passed between a client and the gateway that it is attached to, as far as the next gateway has to know. Pure: takes
//! frames and gives frames. Owns what can be asked again without harm, and that a late answer of the client reaches no question
//! of another gateway.

use std::collections::{BTreeMap, HashMap, HashSet};

use bytes::Bytes;
use wire::{Edits, Frame, Id, Kind, build, code, method};

use crate::limits::{ATTACHED_PENDING_MAX, ATTACHED_QUESTIONS_MAX, ATTACHED_SUBSCRIPTIONS_MAX};

/// Requests that may be made twice: nothing is different afterwards.
const HARMLESS: [&str; 16] = [
    method::INITIALIZE,
    method::PING,
    method::SERVER_DISCOVER,
    method::TOOLS_LIST,
    method::PROMPTS_LIST,
    method::PROMPTS_GET,
    method::RESOURCES_LIST,
    method::RESOURCES_TEMPLATES_LIST,
    method::RESOURCES_READ,
    method::RESOURCES_DIRECTORY_READ,
    method::RESOURCES_SUBSCRIBE,
    method::RESOURCES_UNSUBSCRIBE,
    method::COMPLETION_COMPLETE,
    method::LOGGING_SET_LEVEL,
    method::TASKS_LIST,
    method::SUBSCRIPTIONS_LISTEN,
];

/// See the module.
#[derive(Default)]
pub(super) struct Ledger {
    /// `initialize`, and whether it was answered.
    hello: Option<(Frame, bool)>,
    initialized: Option<Bytes>,
    level: Option<Frame>,
    /// By the text of their parameters.
    subscriptions: BTreeMap<Box<str>, Frame>,
    pending: HashMap<Id, Pending>,
    /// Lines that this gateway was sent.
    lines: u64,
    /// How many of them it has taken, once it has said so as its last word.
    taken: Option<u64>,
    /// Questions of the gateway that the client has not answered: as the client knows them, and as the gateway does.
    questions: HashMap<Id, Box<str>>,
    /// Our own requests, whose answers are nobody's.
    own: HashSet<Id>,
    /// The one of them that greets.
    greeting: Option<Id>,
    /// How many gateways there were before this one.
    generation: u32,
    numbered: u64,
}

/// A request that is not answered yet.
struct Pending {
    /// Which line it was.
    at: u64,
    request: Bytes,
    is_harmless: bool,
}

/// The last word of a gateway that ends in order, to whoever is attached to it.
pub(crate) const ENDED: &str = "notifications/portolan/ended";

/// See [`ENDED`]: so many lines were taken. What came after them was not looked at.
pub(crate) fn ended(taken: u64) -> Bytes {
    build::notification(ENDED, Some(&format!(r#"{{"taken":{taken}}}"#)))
}

/// What is to be done when a gateway is gone.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lost {
    /// For the client: nobody waits for these answers of its any more, and these requests have failed.
    pub(super) told: Vec<Bytes>,
    /// For the next gateway, before anything else: who the client is. It has to answer this.
    pub(super) hello: Option<Bytes>,
    /// For it then: what the client had said, and what can be asked again.
    pub(super) again: Vec<Bytes>,
    /// For the client then: what it knows of lists may be wrong.
    pub(super) news: Vec<Bytes>,
}

impl Ledger {
    /// A frame of the client; what the gateway is to get. An error is for the client.
    pub(super) fn up(&mut self, frame: Frame) -> Result<Option<Bytes>, Bytes> {
        match frame.kind() {
            Kind::Request => {
                self.request(&frame, self.lines + 1)?;
                Ok(Some(self.line(frame.into_bytes())))
            }
            Kind::Notification => {
                match frame.method() {
                    method::INITIALIZED => self.initialized = Some(frame.bytes().clone()),
                    method::CANCELLED => {
                        if let Some(id) = named(&frame) {
                            self.pending.remove(&id);
                        }
                    }
                    _ => {}
                }
                Ok(Some(self.line(frame.into_bytes())))
            }
            Kind::Result | Kind::Error => {
                let answer = self.answer(&frame);
                Ok(answer.map(|answer| self.line(answer)))
            }
        }
    }

    /// A line of the client that is no frame: a batch of them, or something that the gateway will refuse.
    pub(super) fn other(&mut self, frames: impl Iterator<Item = Frame>) {
        self.lines += 1;
        for frame in frames.filter(|frame| frame.kind() == Kind::Request) {
            // A batch is refused as a whole, by the gateway.
            let _kept = self.request(&frame, self.lines);
        }
    }

    /// A frame of the gateway; what the client is to get.
    pub(super) fn down(&mut self, frame: Frame) -> Option<Bytes> {
        match frame.kind() {
            Kind::Request => Some(self.question(&frame)),
            Kind::Notification => match frame.method() {
                method::CANCELLED => self.taken_back(&frame),
                ENDED => {
                    self.taken = taken(&frame);
                    None
                }
                _ => Some(frame.into_bytes()),
            },
            Kind::Result | Kind::Error => {
                let id = frame.to_id();
                if id.as_ref().is_some_and(|id| self.own.remove(id)) {
                    return None;
                }
                if let Some(id) = id {
                    self.pending.remove(&id);
                    if let Some((hello, is_answered)) = &mut self.hello
                        && hello.to_id() == Some(id)
                    {
                        *is_answered = true;
                    }
                }
                Some(frame.into_bytes())
            }
        }
    }

    /// Whether the client waits for an answer.
    pub(super) fn is_waited_for(&self) -> bool {
        !self.pending.is_empty()
    }

    /// A request of ours that changes nothing. Whoever does not know it refuses it, which is an answer, too.
    pub(super) fn ping(&mut self) -> Bytes {
        let name = self.name();
        self.own.extend(Id::parse(&name));
        self.line(build::request(&name, method::PING, None))
    }

    /// Whether the gateway has not answered our own greeting yet.
    pub(super) fn waits_for_greeting(&self) -> bool {
        let greeting = self.greeting.as_ref();
        greeting.is_some_and(|greeting| self.own.contains(greeting))
    }

    /// The gateway is gone.
    pub(super) fn lost(&mut self) -> Lost {
        self.generation += 1;
        let mut lost = Lost::default();
        for (id, _) in self.questions.drain() {
            let params = format!(
                r#"{{"requestId":{},"reason":"the gateway that asked is gone"}}"#,
                id.as_json()
            );
            lost.told
                .push(build::notification(method::CANCELLED, Some(&params)));
        }
        self.own.clear();
        self.lines = 0;
        let taken = self.taken.take();
        let mut repeated = Vec::new();
        for (id, pending) in std::mem::take(&mut self.pending) {
            match pending.is_harmless || taken.is_some_and(|taken| pending.at > taken) {
                true => repeated.push((id, pending)),
                false => lost.told.push(failed(&id)),
            }
        }
        repeated.sort_by_key(|(_, pending)| pending.at);
        if let Some((hello, true)) = self.hello.clone() {
            let hello = self.as_own(&hello);
            self.greeting = self.own.iter().next().cloned();
            lost.hello = Some(hello);
            lost.again.extend(self.initialized.clone());
            let said: Vec<Frame> = self
                .level
                .iter()
                .chain(self.subscriptions.values())
                .cloned()
                .collect();
            let said = said.iter().map(|frame| self.as_own(frame));
            lost.again.extend(said.collect::<Vec<_>>());
            let lists = [
                method::TOOLS_LIST_CHANGED,
                method::PROMPTS_LIST_CHANGED,
                method::RESOURCES_LIST_CHANGED,
            ];
            lost.news = lists
                .map(|method| build::notification(method, None))
                .to_vec();
        }
        self.lines = lost.again.len() as u64 + u64::from(lost.hello.is_some());
        for (id, pending) in repeated {
            let request = self.line(pending.request.clone());
            let at = self.lines;
            self.pending.insert(id, Pending { at, ..pending });
            lost.again.push(request);
        }
        lost
    }

    fn line(&mut self, line: Bytes) -> Bytes {
        self.lines += 1;
        line
    }

    fn request(&mut self, frame: &Frame, at: u64) -> Result<(), Bytes> {
        let Some(id) = frame.to_id() else {
            return Ok(());
        };
        if self.pending.len() >= ATTACHED_PENDING_MAX {
            let why = "too many requests are waiting; wait for some of their answers";
            return Err(build::error(
                Some(id.as_json()),
                code::INTERNAL_ERROR,
                why,
                None,
            ));
        }
        let pending = Pending {
            at,
            request: frame.bytes().clone(),
            is_harmless: HARMLESS.contains(&frame.method()),
        };
        self.pending.insert(id, pending);
        let params = || Box::from(frame.params().unwrap_or_default());
        match frame.method() {
            method::INITIALIZE => self.hello = Some((frame.clone(), false)),
            method::LOGGING_SET_LEVEL => self.level = Some(frame.clone()),
            method::RESOURCES_SUBSCRIBE
                if self.subscriptions.len() < ATTACHED_SUBSCRIPTIONS_MAX =>
            {
                self.subscriptions.insert(params(), frame.clone());
            }
            method::RESOURCES_UNSUBSCRIBE => {
                self.subscriptions.remove(&params());
            }
            _ => {}
        }
        Ok(())
    }

    /// Of a gateway that is gone nobody waits for an answer.
    fn answer(&mut self, frame: &Frame) -> Option<Bytes> {
        let known = self.questions.remove(&frame.to_id()?);
        match (known, self.generation) {
            (_, 0) => Some(frame.bytes().clone()),
            (Some(own), _) => Some(frame.with_id(&own)),
            (None, _) => None,
        }
    }

    /// Later gateways number their questions as the first did, so theirs get other names.
    fn question(&mut self, frame: &Frame) -> Bytes {
        let Some(id) = frame.to_id() else {
            return frame.bytes().clone();
        };
        if self.generation == 0 {
            if self.questions.len() < ATTACHED_QUESTIONS_MAX {
                self.questions.insert(id.clone(), id.as_json().into());
            }
            return frame.bytes().clone();
        }
        let name = self.name();
        let theirs = id.as_json().into();
        if let Ok(name) = Id::parse(&name) {
            self.questions.insert(name, theirs);
        }
        frame.with_id(&name)
    }

    /// A question is taken back by the name that the client knows.
    fn taken_back(&mut self, frame: &Frame) -> Option<Bytes> {
        let id = named(frame)?;
        let known = self
            .questions
            .iter()
            .find(|(_, theirs)| ***theirs == *id.as_json());
        let ours = known.map(|(ours, _)| ours.clone());
        if let Some(ours) = &ours {
            self.questions.remove(ours);
        }
        let text = std::str::from_utf8(frame.bytes()).ok()?;
        match ours.filter(|ours| *ours != id) {
            None => Some(frame.bytes().clone()),
            Some(ours) => {
                let params = frame.params_object().ok()?;
                let mut edits = Edits::new(text);
                edits.replace(params.get("requestId").ok()??, ours.as_json().to_owned());
                Some(edits.apply())
            }
        }
    }

    /// The same request under a name of ours.
    fn as_own(&mut self, frame: &Frame) -> Bytes {
        let name = self.name();
        self.own.extend(Id::parse(&name));
        frame.with_id(&name)
    }

    fn name(&mut self) -> String {
        self.numbered += 1;
        format!("\"portolan-again-{}\"", self.numbered)
    }
}

/// Nobody can tell whether it was carried out.
fn failed(id: &Id) -> Bytes {
    let why = "the shared gateway ended, or hangs, while this was under way, and it is not known whether it was carried out; \
               the next call goes to another one";
    build::error(Some(id.as_json()), code::INTERNAL_ERROR, why, None)
}

/// What a gateway says as its last word.
fn taken(frame: &Frame) -> Option<u64> {
    let params = frame.params_object().ok()?;
    params.get("taken").ok()??.parse().ok()
}

/// The request that a cancellation names.
fn named(frame: &Frame) -> Option<Id> {
    let params = frame.params_object().ok()?;
    Id::parse(params.get("requestId").ok()??).ok()
}

#[cfg(test)]
mod tests;
