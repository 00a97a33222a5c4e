//! A simulated client: a conversation of the handshake era, or stateless requests with or without one. It asks, reads,
//! answers late, twice or never, repeats what it is asked to repeat, not always honestly, and goes away.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use portolan_gateway::front::{
    Answer, Caller, Door, Event, Gateway, Origin, Reply, Session, StatelessHeaders,
};
use serde_json::{Value, json};
use tokio::task::AbortHandle;
use wire::{Era, Frame, meta, method};

use super::judge::{CALLERS, Duty, Party};
use super::mark::Mark;
use super::program::askable;
use super::rng::Rng;
use super::servers::lock;
use super::world::World;

/// See the module.
pub(crate) struct Client {
    pub(crate) number: usize,
    pub(crate) era: Era,
    pub(crate) door: Option<Door>,
    caller: Caller,
    capabilities: Value,
    pub(crate) session: Option<Arc<Session>>,
    only: Option<Arc<str>>,
    gateway: Gateway,
    world: Arc<World>,
    state: Mutex<State>,
}

struct State {
    rng: Rng,
    requests: usize,
    /// The tasks that wait for answers, by what was sent.
    waiting: BTreeMap<usize, AbortHandle>,
    /// States that servers have given to it, for whoever steals them.
    states: Vec<String>,
}

/// A request before it has an id.
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    pub(crate) params: Value,
    /// The id of one that is under way already.
    pub(crate) id: Option<Value>,
    pub(crate) mark: Option<Mark>,
}

impl Ask {
    pub(crate) fn new(method: &'static str, params: Value) -> Self {
        Self {
            method,
            params,
            id: None,
            mark: None,
        }
    }
}

impl Client {
    /// A new client; none if the gateway takes no more of them.
    pub(crate) fn come(
        world: &Arc<World>,
        gateway: &Gateway,
        only: Option<&str>,
    ) -> Option<Arc<Self>> {
        let number = world.judge().parties.len();
        let mut rng = Rng::of(world.seed, &format!("client {number}"));
        let caller = rng.below(CALLERS.len());
        let (era, door) = rng.weighted(&[
            (4, (Era::Handshake, Some(Door::Stdio))),
            (3, (Era::Handshake, Some(Door::Http))),
            (1, (Era::Handshake, Some(Door::Sse))),
            (2, (Era::Stateless, Some(Door::Stdio))),
            (4, (Era::Stateless, None)),
        ]);
        let all = json!({"elicitation": {}, "sampling": {}, "roots": {}});
        let capabilities = match rng.below(5) {
            0 => json!({}),
            1 => json!({"sampling": {}}),
            2 => json!({"elicitation": {}, "sampling": {}}),
            _ => all,
        };
        let name = CALLERS[caller];
        let id = Caller(name.into());
        let session = match door {
            Some(door) => Some(gateway.open(id.clone(), door).ok()?),
            None => None,
        };
        world.judge().parties.push(Party {
            name: format!("client {number} ({name}, {era:?}, {door:?})"),
            caller,
            era,
            door,
            can: askable(&capabilities),
            is_closed: false,
            subscribed: BTreeMap::new(),
            questions: BTreeMap::new(),
        });
        let client = Arc::new(Self {
            number,
            era,
            door,
            caller: id,
            capabilities,
            session,
            only: only.map(Into::into),
            gateway: gateway.clone(),
            world: world.clone(),
            state: Mutex::new(State {
                rng,
                requests: 0,
                waiting: BTreeMap::new(),
                states: Vec::new(),
            }),
        });
        client.clone().read_outbox();
        if era == Era::Handshake {
            let version = *lock(&client.state).rng.pick(&[
                "2024-11-05",
                "2025-03-26",
                "2025-06-18",
                "2025-11-25",
            ]);
            let hello = json!({"protocolVersion": version, "capabilities": client.capabilities, "clientInfo": {"name": "c", "version": "1"}});
            client.ask(Ask::new(method::INITIALIZE, hello));
            client.tell(method::INITIALIZED, &Value::Null);
        }
        Some(client)
    }

    fn origin(&self, headers: Option<StatelessHeaders>) -> Origin {
        Origin {
            caller: self.caller.clone(),
            scopes: None,
            session: self.session.clone(),
            headers: headers.map(Arc::new),
            only: self.only.clone(),
            workspace: None,
        }
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.session
            .as_ref()
            .is_some_and(|session| session.is_closed())
    }

    /// The next mark.
    pub(crate) fn mark(&self) -> Mark {
        let mut state = lock(&self.state);
        state.requests += 1;
        Mark {
            client: self.number,
            number: state.requests,
        }
    }

    fn read_outbox(self: Arc<Self>) {
        let Some(session) = self.session.clone() else {
            return;
        };
        tokio::spawn(async move {
            while let Some(message) = poll_fn(|cx| session.poll_outbox(cx)).await {
                let duty = self.world.judge().heard_alone(self.number, &message);
                if let Some(duty) = duty {
                    self.clone().attend(duty, None);
                }
            }
            // It may have been idle for too long.
            self.closed();
        });
    }

    // === requests ===

    /// Sends a request; what it was sent as.
    pub(crate) fn ask(self: &Arc<Self>, ask: Ask) -> usize {
        let mark = ask.mark.unwrap_or_else(|| self.mark());
        let mut params = ask.params;
        let mut state = lock(&self.state);
        state.requests += 1;
        let id = ask.id.unwrap_or_else(|| match state.requests % 2 {
            0 => json!(state.requests),
            _ => json!(format!("r{}", state.requests)),
        });
        if params.is_object() && ask.method != method::INITIALIZE {
            self.add_meta(&mut params, mark, &mut state.rng);
        }
        let message = json!({"jsonrpc": "2.0", "id": id, "method": ask.method, "params": params});
        let headers = (self.door.is_none()).then(|| headers(ask.method, &params, &mut state.rng));
        // Over HTTP each request goes its own way.
        let way = match self.door {
            Some(Door::Stdio) => Duration::ZERO,
            _ => state.rng.ms(0..30),
        };
        let text = Bytes::from(message.to_string());
        let at = {
            let mut judge = self.world.judge();
            let name = judge.parties[self.number].name.clone();
            judge.log.add(&name, "->", &text);
            judge.stats.requests += 1;
            if ask.method == method::RESOURCES_SUBSCRIBE {
                let uri = params["uri"].as_str().unwrap_or_default().to_owned();
                judge.parties[self.number].subscribed.insert(uri, None);
            }
            judge.sends(mark, id, ask.method, params)
        };
        let frame = Frame::parse(text).expect("it is a message");
        let task = self.clone().wait(at, frame, headers, way);
        state.waiting.insert(at, tokio::spawn(task).abort_handle());
        at
    }

    fn add_meta(&self, params: &mut Value, mark: Mark, rng: &mut Rng) {
        let mut meta = serde_json::Map::new();
        if self.era == Era::Stateless {
            meta.insert(meta::PROTOCOL_VERSION.to_owned(), json!("2026-07-28"));
            meta.insert(
                meta::CLIENT_CAPABILITIES.to_owned(),
                self.capabilities.clone(),
            );
            if rng.chance(30) {
                meta.insert(
                    meta::LOG_LEVEL.to_owned(),
                    json!(rng.pick(&["debug", "warning"])),
                );
            }
        }
        match rng.below(4) {
            0 => {}
            1 => {
                meta.insert(meta::PROGRESS_TOKEN.to_owned(), json!(mark.number));
            }
            _ => {
                meta.insert(
                    meta::PROGRESS_TOKEN.to_owned(),
                    json!(format!("t{}", mark.number)),
                );
            }
        }
        if params.get("_meta").is_none() && !meta.is_empty() {
            params["_meta"] = meta.into();
        }
    }

    async fn wait(
        self: Arc<Self>,
        at: usize,
        frame: Frame,
        headers: Option<StatelessHeaders>,
        way: Duration,
    ) {
        if !way.is_zero() {
            tokio::time::sleep(way).await;
        }
        let origin = self.origin(headers);
        self.world.judge().sent[at].has_begun = true;
        match self.gateway.request(&origin, frame).await {
            Reply::Done(answer) => self.answered(at, &answer),
            Reply::Stream(mut events) => {
                while let Some(event) = events.next().await {
                    match event {
                        Event::Message(message) => {
                            let duty = self.world.judge().heard_with(at, &message);
                            if let Some(duty) = duty {
                                self.clone().attend(duty, Some(at));
                            }
                        }
                        Event::Retry(_) => self
                            .world
                            .judge()
                            .fault("no server asked to resume".to_owned()),
                        Event::Answer(answer) => self.answered(at, &answer),
                    }
                }
            }
        }
    }

    fn answered(self: &Arc<Self>, at: usize, answer: &Answer) {
        lock(&self.state).waiting.remove(&at);
        let duty = self
            .world
            .judge()
            .answered(at, &answer.frame, answer.status);
        if let Some(duty) = duty {
            self.clone().attend(duty, Some(at));
        }
    }

    /// What has no answer yet, but for those that were taken back.
    pub(crate) fn open_requests(&self) -> Vec<usize> {
        let waiting: Vec<usize> = lock(&self.state).waiting.keys().copied().collect();
        let judge = self.world.judge();
        waiting
            .into_iter()
            .filter(|at| !judge.sent[*at].is_cancelled)
            .collect()
    }

    /// Takes a request back, or goes away from it where that is the way to do so.
    pub(crate) fn cancel(self: &Arc<Self>, at: usize) {
        let id = {
            let mut judge = self.world.judge();
            // No door lets it overtake its request.
            if !judge.sent[at].has_begun {
                return;
            }
            let id = judge.sent[at].id.clone();
            if self.door.is_some() {
                let same = judge
                    .sent
                    .iter_mut()
                    .filter(|sent| sent.client == self.number && sent.id == id);
                same.for_each(|sent| {
                    sent.is_cancelled = true;
                    sent.take_back();
                });
            }
            id
        };
        match self.door {
            Some(_) => self.tell(
                method::CANCELLED,
                &json!({"requestId": id, "reason": "enough"}),
            ),
            None => self.leave(at),
        }
    }

    /// Does not wait for an answer any more.
    pub(crate) fn leave(&self, at: usize) {
        let Some(task) = lock(&self.state).waiting.remove(&at) else {
            return;
        };
        let mut judge = self.world.judge();
        // In the handshake era a server is left to finish.
        if self.era == Era::Stateless {
            judge.sent[at].take_back();
        }
        judge.sent[at].is_dropped = true;
        let name = judge.parties[self.number].name.clone();
        let id = judge.sent[at].id.to_string();
        judge.note(&name, "leaves", &id);
        task.abort();
    }

    /// Sends a notification.
    pub(crate) fn tell(&self, method: &str, params: &Value) {
        if self.is_gone() {
            return;
        }
        let text = match params.is_null() {
            true => wire::build::notification(method, None),
            false => wire::build::notification(method, Some(&params.to_string())),
        };
        self.log("->", &text);
        let frame = Frame::parse(text).expect("it is a message");
        self.gateway.notification(&self.origin(None), frame);
    }

    fn log(&self, what: &'static str, text: &Bytes) {
        let mut judge = self.world.judge();
        let name = judge.parties[self.number].name.clone();
        judge.log.add(&name, what, text);
    }

    /// Ends the conversation.
    pub(crate) fn close(&self) {
        let Some(session) = &self.session else { return };
        self.log("closes", &Bytes::new());
        self.closed();
        self.gateway.close(session);
    }

    fn closed(&self) {
        let mut judge = self.world.judge();
        judge.parties[self.number].is_closed = true;
        for sent in judge
            .sent
            .iter_mut()
            .filter(|sent| sent.client == self.number)
        {
            sent.is_cancelled = true;
            sent.take_back();
        }
    }

    // === what it is asked ===

    /// Does what it was asked to do, in its own time and way.
    fn attend(self: Arc<Self>, duty: Duty, at: Option<usize>) {
        match duty {
            Duty::Answer { id, method, token } => self.answer(id, &method, token),
            Duty::Repeat(result) => {
                if let Some(at) = at {
                    self.repeat(at, result);
                }
            }
        }
    }

    fn answer(self: Arc<Self>, id: u64, method: &str, token: String) {
        let mut rng = Rng::of(
            self.world.seed,
            &format!("client {} answers {token}", self.number),
        );
        let times = rng.weighted(&[(90, 1), (5, 2), (5, 0)]);
        let wait = if rng.chance(10) {
            rng.ms(1000..15_000)
        } else {
            rng.ms(0..400)
        };
        let id = id.to_string();
        let text = if rng.chance(10) {
            wire::build::error(Some(&id), -1, "no", None)
        } else {
            wire::build::result(&id, &answer_to(method, &token).to_string())
        };
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            for _ in 0..times {
                if self.is_gone() {
                    return;
                }
                self.log("->", &text);
                let frame = Frame::parse(text.clone()).expect("it is a message");
                self.gateway.response(&self.origin(None), frame);
            }
        });
    }

    /// Repeats a request with the answers that it wants.
    fn repeat(self: Arc<Self>, at: usize, result: Value) {
        let (mark, asked, mut params) = {
            let judge = self.world.judge();
            let sent = &judge.sent[at];
            (sent.mark, sent.method, sent.params.clone())
        };
        let state = result["requestState"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let mut rng = Rng::of(self.world.seed, &format!("repeats {at} of {mark}"));
        let members = params.as_object_mut().expect("it was an object");
        members.remove("_meta");
        members.remove("inputResponses");
        members.remove("requestState");
        if let Some(asked) = result["inputRequests"].as_object() {
            let answers = asked.iter().map(|(key, one)| {
                let token = one["params"]["token"].as_str().unwrap_or_default();
                let method = one["method"].as_str().unwrap_or_default();
                (key.clone(), answer_to(method, token))
            });
            members.insert(
                "inputResponses".to_owned(),
                Value::Object(answers.collect()),
            );
        }
        if let Some(state) = result["requestState"].as_str() {
            members.insert("requestState".to_owned(), json!(state));
        }
        lock(&self.state).states.push(state.clone());
        let (mut times, mut mark) = (1, mark);
        let mut wait = rng.ms(0..400);
        match rng.weighted(&[(70, 0), (6, 1), (6, 2), (5, 3), (5, 4), (8, 5)]) {
            0 => {}
            // Late, perhaps too late.
            1 => wait = rng.ms(1000..60_000),
            // The same twice.
            2 => times = 2,
            // With a state that nobody gave.
            3 => params["requestState"] = json!(format!("{state}x")),
            // With the state of another request.
            4 => {
                mark = self.mark();
                set_mark(asked, &mut params, mark);
            }
            _ => return,
        }
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            for _ in 0..times {
                if !self.is_gone() {
                    self.ask(Ask {
                        method: asked,
                        params: params.clone(),
                        id: None,
                        mark: Some(mark),
                    });
                }
            }
        });
    }

    /// A state that was given to it.
    pub(crate) fn loot(&self) -> Option<String> {
        lock(&self.state).states.last().cloned()
    }
}

/// Puts another mark into the arguments of a request.
fn set_mark(asked: &str, params: &mut Value, mark: Mark) {
    let mark = mark.to_string();
    match asked {
        method::RESOURCES_READ => {
            let uri = params["uri"].as_str().unwrap_or_default();
            let start = uri.rfind('/').map_or(0, |at| at + 1);
            params["uri"] = json!(format!("{}{mark}", &uri[..start]));
        }
        _ => params["arguments"]["mark"] = json!(mark),
    }
}

/// What a client answers to a question: what it must, and what tells which question it was.
fn answer_to(asked: &str, token: &str) -> Value {
    let mut answer = match asked {
        method::ELICITATION_CREATE => json!({"action": "accept", "content": {}}),
        method::SAMPLING_CREATE_MESSAGE => {
            json!({"role": "assistant", "model": "m", "content": {"type": "text", "text": "yes"}})
        }
        _ => json!({"roots": []}),
    };
    answer["token"] = json!(token);
    answer
}

/// The headers of a stateless request over HTTP; now and then one that is not what the body says.
fn headers(asked: &str, params: &Value, rng: &mut Rng) -> StatelessHeaders {
    let text = |name: &str| params[name].as_str();
    let name = text("name").or_else(|| text("uri"));
    let mut headers = StatelessHeaders {
        version: params["_meta"][meta::PROTOCOL_VERSION]
            .as_str()
            .map(str::to_owned),
        method: Some(asked.to_owned()),
        name: name.map(wire::header_value),
        params: Vec::new(),
    };
    if rng.chance(2) {
        headers.method = Some("tools/odd".to_owned());
    }
    headers
}
