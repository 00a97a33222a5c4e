//! The clients of a transcript: conversations, and callers of the stateless era without one.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use portolan_gateway::front::{
    Answer, Caller, Door, Event, Gateway, Origin, Reply, Session, StatelessHeaders,
};
use serde_json::Value;
use tokio::task::AbortHandle;
use wire::{Frame, Kind, meta};

use super::log::Log;
use super::server::lock;

/// Something that came to a client.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    /// A message, and the HTTP status of an answer.
    Frame(Bytes, Option<u16>),
    /// `silence`: an answer that is none; `retry MS`; `end` of the conversation; `gone`: there is no conversation.
    Word(String),
}

/// What has come, in order for each call and for what belongs to none; between those, order means nothing.
#[derive(Default)]
pub(crate) struct Lanes(pub(crate) Vec<(String, VecDeque<Item>)>);

/// Where the messages of one call, or of none, go.
#[derive(Clone)]
struct Inbox {
    lanes: Arc<Mutex<Lanes>>,
    log: Log,
    client: String,
}

impl Inbox {
    fn put(&self, lane: &str, item: Item) {
        match &item {
            Item::Frame(bytes, Some(status)) if *status != 200 => {
                self.log
                    .add(&format!("{} ({status})", self.client), "<-", bytes);
            }
            Item::Frame(bytes, _) => self.log.add(&self.client, "<-", bytes),
            Item::Word(word) => self.log.add(&self.client, "<-", word.as_bytes()),
        }
        let mut lanes = lock(&self.lanes);
        match lanes.0.iter_mut().find(|(name, _)| name == lane) {
            Some((_, items)) => items.push_back(item),
            None => lanes.0.push((lane.to_owned(), VecDeque::from([item]))),
        }
    }

    fn answer(&self, lane: &str, answer: Answer) {
        self.put(
            lane,
            match answer.frame.is_empty() {
                true => Item::Word("silence".to_owned()),
                false => Item::Frame(answer.frame, Some(answer.status)),
            },
        );
    }
}

/// See the module.
pub(crate) struct Client {
    caller: Caller,
    door: Door,
    only: Option<Arc<str>>,
    /// The workspace at whose endpoint it is.
    pub(crate) workspace: Option<Arc<str>>,
    pub(crate) session: Option<Arc<Session>>,
    pub(crate) lanes: Arc<Mutex<Lanes>>,
    inbox: Inbox,
    requests: HashMap<String, AbortHandle>,
    /// Headers of the next request that are not what its body says.
    pub(crate) odd_headers: Option<Value>,
    calls: usize,
}

impl Client {
    /// A caller of the stateless era, over HTTP.
    pub(crate) fn caller(name: &str, label: &str, log: Log) -> Self {
        let lanes = Arc::new(Mutex::new(Lanes::default()));
        Self {
            caller: Caller(name.into()),
            door: Door::Http,
            only: None,
            workspace: None,
            session: None,
            lanes: lanes.clone(),
            inbox: Inbox {
                lanes,
                log,
                client: label.to_owned(),
            },
            requests: HashMap::new(),
            odd_headers: None,
            calls: 0,
        }
    }

    /// A client with a conversation.
    pub(crate) fn open(
        gateway: &Gateway,
        label: &str,
        caller: &str,
        door: Door,
        only: Option<&str>,
        log: Log,
    ) -> Option<Self> {
        let mut client = Self::caller(caller, label, log);
        let session = gateway.open(client.caller.clone(), door).ok()?;
        client.door = door;
        client.only = only.map(Into::into);
        client.session = Some(session);
        Some(client)
    }

    /// Reads what belongs to no call, until the conversation ends.
    pub(crate) fn read_outbox(&self) {
        let (inbox, session) = (self.inbox.clone(), self.session.clone().unwrap());
        tokio::spawn(async move {
            while let Some(message) = poll_fn(|cx| session.poll_outbox(cx)).await {
                inbox.put("", Item::Frame(message, None));
            }
            inbox.put("", Item::Word("end".to_owned()));
        });
    }

    /// Sends a message, as a door would.
    pub(crate) fn send(&mut self, gateway: &Gateway, text: String) {
        self.inbox
            .log
            .add(&self.inbox.client, "->", text.as_bytes());
        let frame = Frame::parse(Bytes::from(text))
            .unwrap_or_else(|error| panic!("not a message: {error}"));
        if let (Some(session), Door::Http) = (&self.session, self.door)
            && gateway.session(session.id(), &self.caller).is_none()
        {
            return self.inbox.put("", Item::Word("gone".to_owned()));
        }
        let odd = self.odd_headers.take();
        let origin = Origin {
            caller: self.caller.clone(),
            scopes: None,
            session: self.session.clone(),
            headers: self
                .session
                .is_none()
                .then(|| Arc::new(headers(&frame, odd))),
            only: self.only.clone(),
            workspace: self.workspace.clone(),
        };
        match frame.kind() {
            Kind::Notification => gateway.notification(&origin, frame),
            Kind::Result | Kind::Error => gateway.response(&origin, frame),
            Kind::Request => {
                let id = frame.id().expect("a request has an id").to_owned();
                self.calls += 1;
                // Ids can be used again: each use is a lane of its own.
                let lane = format!("{id}/{}", self.calls);
                let task = tokio::spawn(request(
                    gateway.clone(),
                    origin,
                    frame,
                    self.inbox.clone(),
                    lane,
                ));
                self.requests.insert(id, task.abort_handle());
            }
        }
    }

    /// The client goes away from one request.
    pub(crate) fn drop_request(&mut self, id: &str) {
        self.inbox
            .log
            .note(format!("{} drops {id}", self.inbox.client));
        self.requests
            .remove(id)
            .expect("a request with this id was sent")
            .abort();
    }
}

async fn request(gateway: Gateway, origin: Origin, frame: Frame, inbox: Inbox, lane: String) {
    match gateway.request(&origin, frame).await {
        Reply::Done(answer) => inbox.answer(&lane, answer),
        Reply::Stream(mut events) => {
            while let Some(event) = events.next().await {
                match event {
                    Event::Message(message) => inbox.put(&lane, Item::Frame(message, None)),
                    Event::Retry(ms) => inbox.put(&lane, Item::Word(format!("retry {ms}"))),
                    Event::Answer(answer) => inbox.answer(&lane, answer),
                }
            }
        }
    }
}

/// The headers that a request of the stateless era has, but for those that are to be odd.
fn headers(frame: &Frame, odd: Option<Value>) -> StatelessHeaders {
    let params = frame.params_object().ok();
    let text = |name: &str| {
        params
            .as_ref()
            .and_then(|params| params.string(name).ok().flatten())
    };
    let object = |name: &str| {
        params
            .as_ref()
            .and_then(|params| params.object(name).ok().flatten())
    };
    let version = object("_meta")
        .and_then(|meta| Some(meta.string(meta::PROTOCOL_VERSION).ok()??.into_owned()));
    let name = text("name")
        .or_else(|| text("uri"))
        .or_else(|| text("taskId"));
    let mut headers = StatelessHeaders {
        version,
        method: Some(frame.method().to_owned()),
        name: name.map(|name| wire::header_value(&name)),
        params: Vec::new(),
    };
    for (name, value) in odd
        .as_ref()
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let value = value.as_str().map(str::to_owned);
        match (name.as_str(), value) {
            ("version", value) => headers.version = value,
            ("method", value) => headers.method = value,
            ("name", value) => headers.name = value,
            (name, Some(value)) => headers.params.push((name.to_owned(), value)),
            (name, None) => panic!("{name} is not there anyway"),
        }
    }
    headers
}
