//! The server: it answers its greeting and its lists by itself, and everything else as it is told to.

use std::sync::{Arc, Mutex, MutexGuard};

use catalog::Entry;
use launch::{LaunchError, Launched, Launcher, Link};
use tokio::task::AbortHandle;
use transport::{BoxFuture, FrameSink, FrameSource, memory};
use wire::{Era, Frame, Kind, build, method};

use crate::choose;
use crate::judge::{mark_in, one_mark};
use crate::speech::{Answer, Question, Said};

pub(crate) struct Servers {
    era: Era,
    is_shared: bool,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    conns: Vec<Conn>,
    calls: Vec<Pending>,
    /// Questions in their order.
    questions: Vec<Asking>,
    asked: usize,
}

struct Conn {
    sink: Arc<dyn FrameSink>,
    reader: AbortHandle,
    /// The caller whose calls came here, unless several may.
    mark: String,
}

/// A call that was not answered yet.
#[derive(Clone)]
pub(crate) struct Pending {
    conn: usize,
    pub(crate) id: String,
    token: Option<String>,
    pub(crate) mark: String,
}

/// A question, and whose call it was about.
#[derive(Clone)]
struct Asking {
    conn: usize,
    id: String,
    mark: String,
}

const TOOLS: &str = r#"{"tools":[{"name":"x","inputSchema":{"type":"object"},"outputSchema":{"type":"array"}},{"name":"m","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}}]}"#;
const CAPABILITIES: &str =
    r#"{"tools":{"listChanged":true},"prompts":{},"resources":{"subscribe":true},"logging":{}}"#;

impl Launcher for Servers {
    fn launch<'a>(&'a self, _: &'a Entry) -> BoxFuture<'a, Result<Launched, LaunchError>> {
        let (ours, theirs) = memory::pair();
        let mut state = lock(&self.state);
        let serve = serve(
            self.state.clone(),
            self.era,
            self.is_shared,
            state.conns.len(),
            ours.source,
        );
        state.conns.push(Conn {
            sink: ours.sink,
            reader: tokio::spawn(serve).abort_handle(),
            mark: String::new(),
        });
        let launched = Launched {
            link: Link::Pipe(theirs),
            process: None,
        };
        Box::pin(async move { Ok(launched) })
    }
}

async fn serve(
    state: Arc<Mutex<State>>,
    era: Era,
    is_shared: bool,
    conn: usize,
    mut source: Box<dyn FrameSource>,
) {
    while let Some(bytes) = source.recv().await {
        let bytes = bytes.expect("what the gateway sends is not too long");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let frame = Frame::parse(bytes).expect("what the gateway sends is valid");
        lock(&state).hear(era, is_shared, conn, &frame, &text);
    }
    let mut state = lock(&state);
    state.conns[conn].sink.close();
    state.forget(conn);
}

impl State {
    fn hear(&mut self, era: Era, is_shared: bool, conn: usize, frame: &Frame, text: &str) {
        one_mark(text);
        let mark = mark_in(text).unwrap_or_default();
        if !is_shared && !mark.is_empty() {
            let known = &mut self.conns[conn].mark;
            assert!(
                known.is_empty() || known == mark,
                "two callers on one connection: {text}"
            );
            mark.clone_into(known);
        }
        match frame.kind() {
            Kind::Request if mark.is_empty() => {
                let answer = own_answer(era, frame);
                self.send(conn, &answer);
            }
            Kind::Request => {
                let params = frame.params_object().expect("params are an object");
                let meta = params.object("_meta").ok().flatten();
                let token = meta.and_then(|meta| meta.get("progressToken").ok()?);
                self.calls.push(Pending {
                    conn,
                    id: frame.id().expect("a request has an id").to_owned(),
                    token: token.map(str::to_owned),
                    mark: mark.to_owned(),
                });
            }
            Kind::Notification if frame.method() == method::CANCELLED => {
                let params = frame.params_object().expect("params are an object");
                let id = params.get("requestId").ok().flatten();
                self.calls
                    .retain(|call| call.conn != conn || Some(&*call.id) != id);
            }
            Kind::Notification => {}
            Kind::Result | Kind::Error => {
                let asked =
                    |asking: &Asking| asking.conn == conn && Some(&*asking.id) == frame.id();
                let asked = self.questions.iter().position(asked);
                let asking = self
                    .questions
                    .remove(asked.expect("an answer to a question, once"));
                assert!(
                    mark.is_empty() || asking.mark.is_empty() || asking.mark == mark,
                    "a question of {} was answered by another: {text}",
                    asking.mark
                );
            }
        }
    }

    fn forget(&mut self, conn: usize) {
        self.calls.retain(|call| call.conn != conn);
        self.questions.retain(|asking| asking.conn != conn);
    }

    fn send(&self, conn: usize, message: &[u8]) {
        // The gateway may have closed it.
        let _ = self.conns[conn].sink.send(message);
    }
}

impl Servers {
    pub(crate) fn new(era: Era, is_shared: bool) -> Arc<Self> {
        Arc::new(Self {
            era,
            is_shared,
            state: Arc::default(),
        })
    }

    pub(crate) fn answer(&self, at: u8, answer: &Answer) {
        let mut state = lock(&self.state);
        let Some(call) = choose(&state.calls, at).cloned() else {
            return;
        };
        let made = answer.made(&call);
        if let Answer::Stray(_) = answer {
            let stray = if self.is_shared {
                made.replace(&call.mark, "")
            } else {
                made
            };
            return state.send(call.conn, stray.as_bytes());
        }
        state
            .calls
            .retain(|known| (known.conn, &known.id) != (call.conn, &call.id));
        // What is nested too deep is no message, and may count as no answer.
        for _ in 0..1 + u8::from(matches!(answer, Answer::Twice)) {
            state.send(call.conn, made.as_bytes());
        }
    }

    pub(crate) fn ask(&self, at: u8, question: &Question) {
        let mut state = lock(&self.state);
        let call = choose(&state.calls, at).cloned();
        let conn = call.as_ref().map(|call| call.conn);
        let Some(conn) = conn.or(state.conns.len().checked_sub(1)) else {
            return;
        };
        let mark = call.map_or(String::new(), |call| call.mark);
        state.asked += 1;
        let id = format!("\"q{}\"", state.asked);
        let message = build::request(&id, &question.method(), Some(&question.params(&mark)));
        if Frame::parse(message.clone()).is_ok() && state.conns[conn].sink.send(&message).is_ok() {
            state.questions.push(Asking { conn, id, mark });
        }
    }

    pub(crate) fn withdraw(&self, at: u8) {
        let state = lock(&self.state);
        // An answer to it may be under way, so it stays known.
        if let Some(Asking { conn, id, .. }) = choose(&state.questions, at) {
            let params = format!(r#"{{"requestId":{id}}}"#);
            state.send(
                *conn,
                &build::notification(method::CANCELLED, Some(&params)),
            );
        }
    }

    pub(crate) fn say(&self, at: u8, said: &Said) {
        let state = lock(&self.state);
        let call = choose(&state.calls, at);
        let conn = call
            .map(|call| call.conn)
            .or(state.conns.len().checked_sub(1));
        let Some(conn) = conn else { return };
        // On a shared connection only what names its call belongs to somebody.
        let mark = match (said, call) {
            (Said::Progress(None), Some(call)) if call.token.is_some() => &call.mark,
            _ => &state.conns[conn].mark,
        };
        let token = call.and_then(|call| call.token.as_deref());
        let message = said.made(mark, token.unwrap_or("0"));
        state.send(conn, &message);
    }

    pub(crate) fn die(&self, at: u8) {
        let mut state = lock(&self.state);
        if state.conns.is_empty() {
            return;
        }
        let conn = usize::from(at) % state.conns.len();
        state.conns[conn].reader.abort();
        state.conns[conn].sink.close();
        state.forget(conn);
    }
}

fn own_answer(era: Era, frame: &Frame) -> Vec<u8> {
    let id = frame.id().expect("a request has an id");
    let unknown = || {
        build::error(
            Some(id),
            wire::code::METHOD_NOT_FOUND,
            "method not found",
            None,
        )
    };
    let result = |text: &str| build::result(id, text);
    let answer = match (frame.method(), era) {
        (method::INITIALIZE, Era::Handshake) => result(&format!(
            r#"{{"protocolVersion":"2025-11-25","capabilities":{CAPABILITIES},"serverInfo":{{"name":"a","version":"1"}}}}"#
        )),
        (method::SERVER_DISCOVER, Era::Stateless) => result(&format!(
            r#"{{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{CAPABILITIES}}}"#
        )),
        (method::INITIALIZE | method::SERVER_DISCOVER, _) => unknown(),
        (method::TOOLS_LIST, _) => result(TOOLS),
        (method::PROMPTS_LIST, _) => result(r#"{"prompts":[{"name":"p"}]}"#),
        (method::RESOURCES_LIST, _) => result(r#"{"resources":[{"uri":"r://1","name":"r"}]}"#),
        (method::RESOURCES_TEMPLATES_LIST, _) => result(r#"{"resourceTemplates":[]}"#),
        (method::SUBSCRIPTIONS_LISTEN, Era::Stateless) => build::notification(
            method::SUBSCRIPTIONS_ACKNOWLEDGED,
            Some(&format!(
                r#"{{"notifications":{{}},"_meta":{{"{}":{id}}}}}"#,
                wire::meta::SUBSCRIPTION_ID
            )),
        ),
        _ => result("{}"),
    };
    answer.to_vec()
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
