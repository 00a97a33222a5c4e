//! What the front doors (HTTP, stdio, HTTP+SSE) see of the gateway: frames in, frames out.
//! All meaning is behind this page; a door only moves bytes. Read `pipeline.rs` next.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use catalog::Entry;
use wire::Frame;

use crate::bridge::Parking;
use crate::call::Call;
use crate::core::{Core, Parts};
pub use crate::follow::LogPage;
use crate::limits::END_WAIT;
use crate::options::Options;
use crate::server::Server;
use crate::slot::Step;
use crate::tasks::Tasks;
use crate::{inbound, pipeline, status};

pub use crate::dynamic::{Imported, Refused};
pub use crate::session::Session;

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
    /// What its token is good for, with spaces between, where that is said.
    pub scopes: Option<Arc<str>>,
    /// Its conversation; none for stateless requests over HTTP.
    pub session: Option<Arc<Session>>,
    /// Its headers; only for stateless requests over HTTP.
    pub headers: Option<Arc<StatelessHeaders>>,
    /// Only this server, under its own names (`/s/<server>/mcp`).
    pub only: Option<Arc<str>>,
    /// The workspace whose endpoint it is (`/mcp/w/<workspace>`); only for stateless requests over HTTP.
    pub workspace: Option<Arc<str>>,
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
    /// What the caller's token would have to be good for, where that is all that is missing.
    pub lacks: Option<Box<str>>,
}

impl Answer {
    /// This one.
    pub fn new(frame: Bytes, status: u16) -> Self {
        Self {
            frame,
            status,
            lacks: None,
        }
    }
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
pub struct Events {
    call: Box<Call>,
    first: Option<Step>,
    is_over: bool,
}

impl Events {
    pub(crate) fn new(call: Call) -> Self {
        Self {
            call: Box::new(call),
            first: None,
            is_over: false,
        }
    }

    pub(crate) fn beginning_with(call: Call, step: Step) -> Self {
        Self {
            call: Box::new(call),
            first: Some(step),
            is_over: false,
        }
    }

    /// The next event; `None` after the answer.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let step = match self.first.take() {
            Some(step) => step,
            None => std::task::ready!(self.call.poll_step(cx)),
        };
        Poll::Ready(match step {
            Step::Message(message) => Some(Event::Message(message)),
            Step::Retry(ms) => Some(Event::Retry(ms)),
            Step::Done(outcome) => {
                self.is_over = true;
                Some(Event::Answer(self.call.finish(outcome)))
            }
            // The bridge has made an answer of it.
            Step::Asked => None,
        })
    }

    /// The next event; `None` after the answer.
    pub async fn next(&mut self) -> Option<Event> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }
}

/// The gateway. Clones are the same gateway.
#[derive(Clone)]
pub struct Gateway {
    core: Arc<Core>,
}

impl Gateway {
    /// Makes the gateway; no server is started yet. To be called within a runtime that lives as long as the gateway.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn new(options: Options) -> Result<Self, getrandom::Error> {
        let core = Arc::new(Core::new(Parts {
            entries: options.entries,
            tools: options.tools,
            settings: options.settings,
            launcher: options.launcher,
            kept: options.kept,
            store: options.store,
            recorder: options.recorder,
            decider: options.decider,
            admission: options.admission,
            interceptors: options.interceptors.into(),
            tasks: Tasks::new()?,
            parking: Parking::new()?,
            dynamic: options.dynamic,
            features: options.features,
            scripts: options.scripts,
            sign_ins: options.sign_ins,
            profile: options.profile,
        }));
        tokio::spawn(Core::tend(Arc::downgrade(&core)));
        Ok(Self { core })
    }

    /// Whether another one is this one.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.core, &other.core)
    }

    /// Begins a conversation.
    ///
    /// # Errors
    /// [`Busy`] where the limit of sessions is reached or the gateway is shutting down.
    pub fn open(&self, caller: Caller, door: Door) -> Result<Arc<Session>, Busy> {
        self.core.open(caller, door)
    }

    /// The conversation with this id, if it is this caller's.
    pub fn session(&self, id: &str, caller: &Caller) -> Option<Arc<Session>> {
        self.core.session(id, caller)
    }

    /// Ends a conversation: its calls are cancelled, its upstreams stopped.
    pub fn close(&self, session: &Session) {
        self.core.close(session);
    }

    /// Answers a request.
    pub async fn request(&self, from: &Origin, frame: Frame) -> Reply {
        pipeline::request(&self.core, from, frame).await
    }

    /// Takes a notification.
    pub fn notification(&self, from: &Origin, frame: Frame) {
        inbound::notification(&self.core, from, &frame);
    }

    /// Takes the client's answer to a question.
    pub fn response(&self, from: &Origin, frame: Frame) {
        inbound::response(&self.core, from, &frame);
    }

    /// Whether it takes requests: from its beginning until it shuts down.
    pub fn is_ready(&self) -> bool {
        !self.core.is_draining.load(Ordering::Relaxed)
    }

    /// Whether a server of this name is configured.
    pub fn has_server(&self, name: &str) -> bool {
        self.core.server(name).is_some()
    }

    /// Whether this caller has a workspace of this handle.
    pub fn has_workspace(&self, handle: &str, caller: &Caller) -> bool {
        self.core.workspace(handle, caller).is_some()
    }

    /// Servers and their state, for `server ls` and the admin socket.
    pub fn servers(&self) -> Vec<ServerStatus> {
        self.core
            .all_servers()
            .iter()
            .map(|server| status::of(server, &*self.core.launcher))
            .collect()
    }

    /// The clients whose conversations are open, for `status` and the admin socket.
    pub fn clients(&self) -> Vec<ClientStatus> {
        let sessions = self.core.sessions();
        let mut all: Vec<_> = sessions.iter().filter_map(|s| status::client(s)).collect();
        all.sort();
        all
    }

    /// The last lines that a server wrote on stderr, newest last, over all its upstreams.
    pub fn logs(&self, server: &str, lines: usize) -> Option<Vec<String>> {
        let servers = self.core.servers_named(server);
        let logs = servers.iter().map(|server| status::logs(server, lines));
        logs.reduce(|mut all, more| {
            all.extend(more);
            all
        })
    }

    /// What a server has written on stderr after the page that gave this cursor; without one the last lines. None if there is
    /// no such server.
    pub fn follow(&self, server: &str, cursor: Option<&str>, lines: usize) -> Option<LogPage> {
        let servers = self.core.servers_named(server);
        let server = servers.first()?;
        Some(server.logs.page(cursor, lines, &server.secrecy))
    }

    /// Stops a server's upstreams; the next call starts it again. False if there is no such server.
    pub async fn restart(&self, server: &str) -> bool {
        let servers = self.core.servers_named(server);
        for server in &servers {
            stop_all(server).await;
            server.set_stopped(false);
        }
        !servers.is_empty()
    }

    /// Stops a server's upstreams and keeps it stopped until `restart`. False if there is no such server.
    pub async fn stop(&self, server: &str) -> bool {
        let servers = self.core.servers_named(server);
        for server in &servers {
            server.set_stopped(true);
            stop_all(server).await;
        }
        !servers.is_empty()
    }

    /// Takes other entries in place of those it has. Servers whose entry stays the same go on undisturbed.
    pub fn reload(&self, entries: Vec<Entry>) -> Reloaded {
        self.core.reload(entries)
    }

    /// The decider says something else from now on: every conversation is told that its lists may have changed.
    pub fn rules_changed(&self) {
        self.core.rules_changed();
    }

    /// Fetches a catalog on behalf of a model, and takes its servers in for as long as this gateway runs: they are found, and
    /// wait for the person's approval. Nothing takes the place of what is there, and what would use this machine is refused.
    ///
    /// # Errors
    /// Nothing was fetched; why, and what to do.
    pub async fn import(&self, url: &str) -> Result<Imported, String> {
        crate::dynamic::import(&self.core, url).await
    }

    /// The metrics in the OpenMetrics text format.
    pub fn metrics(&self) -> String {
        let servers = self.core.all_servers();
        let upstreams = servers.iter().map(|server| server.upstreams().len() as i64);
        self.core.telemetry.upstreams.set(upstreams.sum());
        self.core.telemetry.text()
    }

    /// The same of several gateways in one process, as one text.
    pub fn metrics_of(all: &[Self]) -> String {
        let texts: Vec<String> = all.iter().map(Self::metrics).collect();
        crate::telemetry::merged(&texts)
    }

    /// Lets running calls finish for at most `grace`, then stops everything.
    pub async fn shutdown(&self, grace: Duration) {
        self.core.is_draining.store(true, Ordering::Relaxed);
        let drained = async {
            while self.core.in_flight.load(Ordering::Relaxed) > 0 {
                // One that was on its way when the end began comes to it too.
                self.core.end_listens();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        // What is still running then is cut off.
        let _ = tokio::time::timeout(grace, drained).await;
        self.core.is_over.store(true, Ordering::Relaxed);
        let upstreams: Vec<_> = self
            .core
            .all_servers()
            .iter()
            .flat_map(|server| server.upstreams())
            .collect();
        for session in self.core.sessions() {
            self.core.close(&session);
        }
        futures_util::future::join_all(upstreams.iter().map(|upstream| upstream.close())).await;
        // And those that nobody finds any more: their clients have just gone, or their entries.
        let _ = tokio::time::timeout(END_WAIT, self.core.endings.over()).await;
        self.core.forget_all();
    }
}

async fn stop_all(server: &Server) {
    let upstreams = server.upstreams();
    futures_util::future::join_all(upstreams.iter().map(|upstream| upstream.stop())).await;
}

/// What a reload did, by the names of the servers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// New ones.
    pub added: Vec<String>,
    /// Those with another entry than before.
    pub changed: Vec<String>,
    /// Those that are gone.
    pub removed: Vec<String>,
}

impl Reloaded {
    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

/// The limit of sessions is reached.
#[derive(Debug, thiserror::Error)]
#[error("too many sessions are open; close one or raise sessions_max")]
pub struct Busy;

/// One client, as people see it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct ClientStatus {
    /// What it calls itself, and its version.
    pub client: String,
    /// `stdio`, `http` or `sse`.
    pub door: &'static str,
    /// The protocol revision that was agreed on.
    pub version: &'static str,
}

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
    /// The protocol revisions that its live upstreams speak.
    pub versions: Vec<&'static str>,
    /// Process ids of local upstreams.
    pub pids: Vec<u32>,
    /// Tools known.
    pub tools: usize,
    /// Calls since the gateway started, and how many of them failed.
    pub calls: u64,
    /// Of these, failed.
    pub errors: u64,
    /// How it is kept from the rest of this machine, if it runs here.
    pub isolation: Option<String>,
    /// What is missing for keeping it better, one sentence each.
    pub missing: Vec<String>,
    /// What of the network it may reach, if it runs here.
    pub network: Option<String>,
    /// What it wanted to reach and may not, in the words in which it would be allowed.
    pub refused: Vec<String>,
    /// The file that configures it.
    pub source: String,
}
