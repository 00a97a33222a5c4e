//! Two callers with two clients each, one with a conversation and one of another kind.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use gateway::front::{
    Caller, Door, Event, Gateway, Origin, Reply as Replied, Session, StatelessHeaders,
};
use tokio::task::AbortHandle;
use wire::{Era, Frame, Kind, build, method, quote};

use crate::judge::{self, MARKS};
use crate::request::{Abilities, Head, Id, Reply, Request, Retry, Told, headers};
use crate::words::Json;
use crate::{choose, members, object};

/// A request, and what became of it.
#[derive(Debug)]
pub(crate) struct Heard {
    client: usize,
    pub(crate) mark: &'static str,
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) abilities: Abilities,
    /// Its members but for `_meta` and what answers questions.
    body: Vec<(String, String)>,
    token: Option<String>,
    /// It may be answered by silence.
    may_be_silent: bool,
    has_left: bool,
    answers: usize,
}

struct Party {
    mark: &'static str,
    caller: Caller,
    session: Option<Arc<Session>>,
    is_http: bool,
}

/// A state that a client got.
#[derive(Clone)]
struct State {
    /// The number of the request.
    of: usize,
    text: String,
    keys: Vec<String>,
}

#[derive(Default)]
struct Known {
    heard: Vec<Heard>,
    states: Vec<State>,
    /// Client, and the id of what it was asked.
    questions: Vec<(usize, String)>,
}

pub(crate) struct Clients {
    gateway: Gateway,
    era: Era,
    abilities: Abilities,
    parties: Vec<Party>,
    known: Arc<Mutex<Known>>,
    tasks: Vec<AbortHandle>,
}

impl Clients {
    pub(crate) fn new(gateway: Gateway, era: Era, abilities: u8) -> Self {
        let party = |number: usize| {
            let mark = MARKS[number % MARKS.len()];
            let caller = Caller(mark[1..].into());
            // Of the stateless era over HTTP there are no conversations.
            let door = if (number < 2) == (era == Era::Stateless) {
                Door::Http
            } else {
                Door::Stdio
            };
            let has_session = era == Era::Handshake || door == Door::Stdio;
            Party {
                mark,
                session: has_session
                    .then(|| gateway.open(caller.clone(), door).expect("there is room")),
                caller,
                is_http: door == Door::Http,
            }
        };
        Self {
            parties: (0..4).map(party).collect(),
            gateway,
            era,
            abilities: Abilities(abilities),
            known: Arc::default(),
            tasks: Vec::new(),
        }
    }

    pub(crate) fn requests(&self) -> usize {
        lock(&self.known).heard.len()
    }

    /// A request of which this does not hold.
    pub(crate) fn other_than(&self, is_done: fn(&Heard) -> bool) -> Option<String> {
        let known = lock(&self.known);
        let other = known.heard.iter().find(|heard| !is_done(heard));
        other.map(|heard| format!("{heard:?}"))
    }

    /// Clients of the handshake era say hello, and every conversation is listened to.
    pub(crate) async fn greet(&self) {
        for (number, party) in self.parties.iter().enumerate() {
            let Some(session) = party.session.clone() else {
                continue;
            };
            if self.era == Era::Handshake {
                let hello = format!(
                    r#"{{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{{"name":"c","version":"1"}}}}"#,
                    self.abilities.declared()
                );
                let hello = frame(build::request("0", method::INITIALIZE, Some(&hello)));
                self.gateway.request(&party.origin(None), hello).await;
                let initialized = frame(build::notification(method::INITIALIZED, None));
                self.gateway.notification(&party.origin(None), initialized);
            }
            let (known, era, mark) = (self.known.clone(), self.era, party.mark);
            tokio::spawn(async move {
                while let Some(message) = poll_fn(|cx| session.poll_outbox(cx)).await {
                    lock(&known).message(era, number, mark, None, message);
                }
            });
        }
    }

    // === requests ===

    pub(crate) fn call(&mut self, request: &Request) {
        let (asked, body) = request.made();
        self.send(request, &asked, body);
    }

    fn send(&mut self, request: &Request, asked: &str, body: Vec<(String, String)>) {
        let odd = [
            ("requestState", &request.state),
            ("inputResponses", &request.responses),
        ];
        let odd = odd
            .into_iter()
            .filter_map(|(name, json)| Some((quote(name), json.as_ref()?.text())));
        let client = usize::from(request.client) % self.parties.len();
        self.put(
            client,
            &request.head,
            request.head.abilities,
            asked,
            body,
            odd.collect(),
        );
    }

    pub(crate) fn retry(&mut self, retry: &Retry) {
        let known = lock(&self.known);
        let Some(State { of, text, keys }) = choose(&known.states, retry.nth).cloned() else {
            return;
        };
        let asked = retry
            .of
            .and_then(|of| choose(&known.heard, of))
            .unwrap_or(&known.heard[of]);
        let (mut body, method) = (asked.body.clone(), asked.method.clone());
        let abilities = if retry.is_able {
            asked.abilities
        } else {
            retry.head.abilities
        };
        let client = retry.by.map_or(known.heard[of].client, |by| {
            usize::from(by) % self.parties.len()
        });
        drop(known);
        body.extend(members(&retry.more));
        let mut text = text.into_bytes();
        if let Some((at, byte)) = retry.spoilt {
            let at = usize::from(at) % text.len().max(1);
            text[at] = b'0' + byte % 75;
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        let mark = self.parties[client].mark;
        let responses = keys.into_iter().enumerate().map(|(n, key)| {
            let odd = retry
                .responses
                .get(n)
                .and_then(Option::as_ref)
                .map(Json::text);
            let good = || format!(r#"{{"action":"accept","mark":"{mark}"}}"#);
            (quote(&key), odd.unwrap_or_else(good))
        });
        let answers = vec![
            (quote("requestState"), quote(&text)),
            (quote("inputResponses"), object(responses)),
        ];
        self.put(client, &retry.head, abilities, &method, body, answers);
    }

    fn put(
        &mut self,
        client: usize,
        head: &Head,
        abilities: Abilities,
        asked: &str,
        body: Vec<(String, String)>,
        answers: Vec<(String, String)>,
    ) {
        let party = &self.parties[client];
        let number = lock(&self.known).heard.len();
        let id = match head.id {
            Id::Next => (1000 + number).to_string(),
            Id::Text => format!("\"r{number}\""),
            Id::Number(number) => number.to_string(),
        };
        let meta = object(head.meta(self.era, party.mark, abilities));
        let params = body
            .iter()
            .cloned()
            .chain(answers)
            .chain([(quote("_meta"), meta)]);
        let Ok(frame) = Frame::parse(build::request(&id, asked, Some(&object(params)))) else {
            // Nested too deep.
            return;
        };
        let origin = party.origin((self.era == Era::Stateless).then(|| headers(&frame)));
        lock(&self.known).heard.push(Heard {
            client,
            mark: party.mark,
            id,
            method: asked.to_owned(),
            abilities,
            body,
            token: head.token.as_ref().map(Json::text),
            may_be_silent: false,
            has_left: false,
            answers: 0,
        });
        let listened = listen(
            self.gateway.clone(),
            self.era,
            origin,
            frame,
            self.known.clone(),
            number,
        );
        self.tasks.push(tokio::spawn(listened).abort_handle());
    }

    // === everything else ===

    pub(crate) fn reply(&self, at: u8, reply: &Reply) {
        let mut known = lock(&self.known);
        if known.questions.is_empty() {
            return;
        }
        let at = usize::from(at) % known.questions.len();
        let (client, id) = known.questions.swap_remove(at);
        drop(known);
        let party = &self.parties[client];
        let message = match reply {
            Reply::Good => build::result(
                &id,
                &format!(r#"{{"action":"accept","mark":"{}"}}"#, party.mark),
            ),
            Reply::Result(json) => build::result(&id, &json.text()),
            Reply::Error(code) => format!(
                r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{},"message":"{}"}}}}"#,
                code.text(),
                party.mark
            )
            .into(),
        };
        if let Ok(frame) = Frame::parse(message) {
            self.gateway.response(&party.origin(None), frame);
        }
    }

    pub(crate) fn tell(&self, at: u8, told: &Told) {
        let party = &self.parties[usize::from(at) % self.parties.len()];
        let notification =
            |method: &str, params: String| build::notification(method, Some(&params));
        let message = match told {
            Told::Cancelled(nth) => {
                let mut known = lock(&self.known);
                let Some((client, id)) =
                    choose(&known.heard, *nth).map(|heard| (heard.client, heard.id.clone()))
                else {
                    return;
                };
                // The id may have been used more than once.
                let same = known
                    .heard
                    .iter_mut()
                    .filter(|heard| heard.client == client && heard.id == id);
                same.for_each(|heard| heard.may_be_silent |= !self.parties[client].is_http);
                let params = format!(r#"{{"requestId":{id}}}"#);
                let frame = frame(notification(method::CANCELLED, params));
                drop(known);
                return self
                    .gateway
                    .notification(&self.parties[client].origin(None), frame);
            }
            Told::Progress(token) => notification(
                method::PROGRESS,
                format!(r#"{{"progressToken":{},"progress":1}}"#, token.text()),
            ),
            Told::RootsChanged => notification(method::ROOTS_LIST_CHANGED, "{}".to_owned()),
            Told::Answer(id) => build::result(&id.text(), "{}"),
        };
        match Frame::parse(message) {
            Ok(frame) if frame.kind() == Kind::Notification => {
                self.gateway.notification(&party.origin(None), frame);
            }
            Ok(frame) => self.gateway.response(&party.origin(None), frame),
            Err(_) => {}
        }
    }

    pub(crate) fn leave(&self, at: u8) {
        if let Some(task) = choose(&self.tasks, at) {
            task.abort();
            let mut known = lock(&self.known);
            let at = usize::from(at) % self.tasks.len();
            known.heard[at].has_left = true;
        }
    }

    pub(crate) fn close(&self, at: u8) {
        let client = usize::from(at) % self.parties.len();
        let Some(session) = &self.parties[client].session else {
            return;
        };
        let mut known = lock(&self.known);
        let own = known
            .heard
            .iter_mut()
            .filter(|heard| heard.client == client);
        own.for_each(|heard| heard.may_be_silent |= !self.parties[client].is_http);
        drop(known);
        self.gateway.close(session);
    }
}

async fn listen(
    gateway: Gateway,
    era: Era,
    origin: Origin,
    frame: Frame,
    known: Arc<Mutex<Known>>,
    number: usize,
) {
    let answered = |bytes: Bytes| lock(&known).answer(era, number, bytes);
    match gateway.request(&origin, frame).await {
        Replied::Done(answer) => answered(answer.frame),
        Replied::Stream(mut events) => {
            while let Some(event) = events.next().await {
                match event {
                    Event::Message(message) => {
                        let mut known = lock(&known);
                        let Heard {
                            client,
                            mark,
                            ref token,
                            ..
                        } = known.heard[number];
                        let token = Some(token.clone().unwrap_or_default());
                        known.message(era, client, mark, token.as_deref(), message);
                    }
                    Event::Retry(_) => panic!("memory breaks no stream"),
                    Event::Answer(answer) => answered(answer.frame),
                }
            }
        }
    }
}

impl Known {
    fn answer(&mut self, era: Era, number: usize, bytes: Bytes) {
        let heard = &mut self.heard[number];
        heard.answers += 1;
        assert_eq!(heard.answers, 1, "{heard:?}");
        if bytes.is_empty() {
            assert!(
                heard.may_be_silent || heard.is_endless(),
                "silence: {heard:?}"
            );
            return;
        }
        let frame = frame(bytes);
        judge::answer(era, heard, &frame);
        let Ok(Some(result)) = frame.result_object() else {
            return;
        };
        if let (Ok(Some(state)), Ok(asked)) = (
            result.string("requestState"),
            result.object("inputRequests"),
        ) {
            let keys = asked
                .iter()
                .flat_map(|asked| asked.iter().map(|(key, _)| key.to_owned()));
            self.states.push(State {
                of: number,
                text: state.into_owned(),
                keys: keys.collect(),
            });
        }
    }

    fn message(&mut self, era: Era, client: usize, mark: &str, token: Option<&str>, bytes: Bytes) {
        let frame = frame(bytes);
        judge::message(era, mark, token, &frame);
        if let Some(id) = frame.id() {
            self.questions.push((client, id.to_owned()));
        }
    }
}

impl Heard {
    /// It was answered, if it is one that gets an answer by itself.
    pub(crate) fn is_settled(&self) -> bool {
        self.is_over() || self.is_endless()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.answers == 1 || self.has_left
    }

    fn is_endless(&self) -> bool {
        self.method == method::SUBSCRIPTIONS_LISTEN
    }
}

impl Party {
    fn origin(&self, headers: Option<StatelessHeaders>) -> Origin {
        Origin {
            workspace: None,
            caller: self.caller.clone(),
            session: self.session.clone(),
            headers: headers.filter(|_| self.session.is_none()).map(Arc::new),
            only: None,
            scopes: None,
        }
    }
}

fn frame(bytes: Bytes) -> Frame {
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Frame::parse(bytes).unwrap_or_else(|error| panic!("{error:?}: {text}"))
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
