//! What the front doors (HTTP, stdio, HTTP+SSE) see of the gateway: frames in, frames out.
//! All meaning is behind this page; a door only moves bytes. Read `pipeline.rs` next.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use wire::{Frame, Version};

/// Who speaks: the authenticated party behind a client. Two callers share nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Caller(pub Arc<str>);

/// By which door a client came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// One client on this process' stdin and stdout.
    Stdio,
    /// Streamable HTTP.
    Http,
    /// HTTP+SSE, the transport of 2024-11-05.
    Sse,
}

/// The `Mcp-*` headers of one HTTP request of the stateless era, decoded.
#[derive(Clone, Debug, Default)]
pub struct StatelessHeaders {
    /// `MCP-Protocol-Version`.
    pub version: Option<String>,
    /// `Mcp-Method`.
    pub method: Option<String>,
    /// `Mcp-Name`, as received (may be in the base64 form).
    pub name: Option<String>,
    /// `Mcp-Param-<name>`, names in lower case, values as received.
    pub params: Vec<(String, String)>,
}

/// Where a message came from.
#[derive(Clone)]
pub struct Origin {
    /// Who sent it.
    pub caller: Caller,
    /// Its conversation; none for stateless requests over HTTP.
    pub session: Option<Arc<Session>>,
    /// Its headers; only for stateless requests over HTTP.
    pub headers: Option<Arc<StatelessHeaders>>,
    /// Only this server, under its own names (`/s/<server>/mcp`).
    pub only: Option<Arc<str>>,
}

/// What a request gets.
pub enum Reply {
    /// The answer, whole.
    Done(Answer),
    /// Messages that belong to the request, then the answer.
    Stream(Events),
}

/// The last word on a request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The response frame. Empty when the client cancelled over a transport where nothing is answered then.
    pub frame: Bytes,
    /// The HTTP status it travels with.
    pub status: u16,
}

/// One step of a streamed reply.
pub enum Event {
    /// A notification or a question that belongs to the request.
    Message(Bytes),
    /// The server told the client to come back after so many milliseconds: the HTTP stream ends here
    /// and the rest is read by resuming it. Other doors ignore this.
    Retry(u64),
    /// The answer; nothing follows.
    Answer(Answer),
}

/// The rest of a streamed reply. Dropping it means that the client went away.
pub struct Events {}

impl Events {
    /// The next event; `None` after the answer.
    pub fn poll_next(&mut self, _cx: &mut Context<'_>) -> Poll<Option<Event>> {
        Poll::Ready(None)
    }
}

/// One conversation with a client: a handshake-era session, or the one client of a stdio door.
pub struct Session {}

impl Session {
    /// The value of `Mcp-Session-Id`.
    pub fn id(&self) -> &str {
        ""
    }
    /// The revision agreed on by `initialize`; none before it, and none for stateless clients.
    pub fn version(&self) -> Option<Version> {
        None
    }
    /// The next message that belongs to no call: list changes, resource updates, questions, logs.
    /// `None` once the session is closed. One reader at a time: a new one displaces the old.
    pub fn poll_outbox(&self, _cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        Poll::Pending
    }
}

/// The gateway. Clones are the same gateway.
#[derive(Clone)]
pub struct Gateway {}

impl Gateway {
    /// Begins a conversation.
    pub fn open(&self, _caller: Caller, _door: Door) -> Result<Arc<Session>, Busy> {
        Ok(Arc::new(Session {}))
    }
    /// The conversation with this id, if it is this caller's.
    pub fn session(&self, _id: &str, _caller: &Caller) -> Option<Arc<Session>> {
        None
    }
    /// Ends a conversation: its calls are cancelled, its upstreams stopped.
    pub fn close(&self, _session: &Session) {}
    /// Answers a request.
    pub async fn request(&self, _from: &Origin, _frame: Frame) -> Reply {
        Reply::Done(Answer { frame: Bytes::new(), status: 200 })
    }
    /// Takes a notification.
    pub fn notification(&self, _from: &Origin, _frame: Frame) {}
    /// Takes the client's answer to a question.
    pub fn response(&self, _from: &Origin, _frame: Frame) {}
    /// Whether the first lists of the configured servers are known (readiness).
    pub fn is_ready(&self) -> bool {
        true
    }
    /// Servers and their state, for `server ls` and the admin socket.
    pub fn servers(&self) -> Vec<ServerStatus> {
        Vec::new()
    }
    /// The last lines that a server wrote on stderr, newest last, over all its upstreams.
    pub fn logs(&self, _server: &str, _lines: usize) -> Option<Vec<String>> {
        None
    }
    /// Stops a server's upstreams; the next call starts it again. False if there is no such server.
    pub async fn restart(&self, _server: &str) -> bool {
        false
    }
    /// Stops a server's upstreams and keeps it stopped until `restart`. False if there is no such server.
    pub async fn stop(&self, _server: &str) -> bool {
        false
    }
    /// The metrics in the OpenMetrics text format.
    pub fn metrics(&self) -> String {
        String::new()
    }
    /// Lets running calls finish for at most `grace`, then stops everything.
    pub async fn shutdown(&self, _grace: std::time::Duration) {}
}

/// The limit of sessions is reached.
#[derive(Debug, thiserror::Error)]
#[error("too many sessions are open; close one or raise sessions_max")]
pub struct Busy;

/// One server, as people see it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct ServerStatus {
    /// Its name.
    pub name: String,
    /// `command`, `remote`, ….
    pub kind: &'static str,
    /// `idle`, `starting`, `ready`, `failed`, `stopped` or `disabled`.
    pub state: &'static str,
    /// Why it is in that state, where there is something to say.
    pub reason: Option<String>,
    /// Live upstreams.
    pub upstreams: usize,
    /// Process ids of local upstreams.
    pub pids: Vec<u32>,
    /// Tools known.
    pub tools: usize,
    /// Calls since the gateway started, and how many of them failed.
    pub calls: u64,
    /// Of these, failed.
    pub errors: u64,
    /// The file that configures it.
    pub source: String,
}
