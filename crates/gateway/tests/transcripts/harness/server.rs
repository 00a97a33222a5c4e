//! The servers of a transcript: what they offer, what they answer by themselves, and what waits for the script.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use catalog::{
    About, Entry, KnownTool, Launch, Network, OAuth, Origin, RemoteKind, SecretSpec, ServerName,
    Share,
};
use launch::{ExitReason, Hold, LaunchError, Launched, Launcher, Link, Process};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use transport::client::Endpoint;
use transport::{BoxFuture, FrameSink, FrameSource, memory};
use wire::{Frame, build, method, quote};

use super::http::{self, Exchange};
use super::log::Log;

/// What stands after the name of a server: what it offers, how it behaves, how it is configured.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Spec {
    tools: Vec<Box<RawValue>>,
    prompts: Vec<Box<RawValue>>,
    resources: Vec<Box<RawValue>>,
    templates: Vec<Box<RawValue>>,
    /// That many tools more: `t0`, `t1`, ….
    many_tools: usize,
    /// Beside those that its lists make.
    capabilities: BTreeMap<String, Value>,
    instructions: Option<String>,
    /// What it answers to `initialize`.
    version: Option<String>,
    /// `stateless`; else the handshake.
    era: Option<String>,
    ttl_ms: Option<u64>,
    cache_scope: Option<String>,
    /// Items per page of its lists.
    page: Option<usize>,
    /// `loop`: always the same cursor; `endless`: always another.
    cursors: Option<String>,
    /// Methods that are left to the script.
    by_hand: Vec<String>,
    /// Methods that are answered with `{}`.
    yes: Vec<String>,
    /// `false`: everything is.
    auto: Option<bool>,
    /// `held`: each start waits for the script.
    launch: Option<String>,
    /// Reached by streamable HTTP.
    pub(crate) http: bool,
    /// Nobody listens at its port.
    is_away: bool,
    /// Gives an `Mcp-Session-Id`.
    sessions: bool,
    kind: Option<String>,
    share: Option<String>,
    only: Option<Vec<String>>,
    exclude: Vec<String>,
    disabled: bool,
    env: Vec<(String, String)>,
    args: Vec<String>,
    headers: Vec<(String, String)>,
    volumes: Vec<String>,
    hosts: Vec<String>,
    /// To be found and added; it is not configured.
    pub(crate) catalog: bool,
    /// To be had by this profile of the person, not to be found.
    pub(crate) profile: Option<String>,
    /// What its entry says of its tools: `name`, `description`, `input_schema`.
    known: Vec<BTreeMap<String, Value>>,
    description: Option<String>,
    tags: Vec<String>,
    /// The schema of its configuration.
    config: Option<Value>,
    /// Names of its credentials; each comes in the variable of its name in capitals.
    secrets: Vec<String>,
    /// The address it was fetched from; else it stands in a catalog of the person's own.
    from: Option<String>,
    oauth: bool,
    /// It would run with the person's own rights.
    unboxed: bool,
    /// Why it cannot be started at all.
    refused: Option<String>,
    idle_timeout_s: Option<u64>,
    calls_at_once: Option<u64>,
    /// It has a process, of which is told what it feels.
    process: bool,
    start_timeout_s: Option<u64>,
    call_timeout_s: Option<u64>,
}

/// One server with all its connections.
pub(crate) struct Server {
    name: String,
    spec: Spec,
    pub(crate) launches: usize,
    /// Command line and environment of its last start.
    pub(crate) ran: String,
    held: VecDeque<oneshot::Sender<Result<(), String>>>,
    pub(crate) conns: Vec<Conn>,
    pub(crate) port: Option<u16>,
    /// HTTP: requests that nobody has looked at, and those that are being answered, by id or method.
    pub(crate) fresh: Vec<Exchange>,
    pub(crate) open: BTreeMap<String, Exchange>,
    /// Ids of the `subscriptions/listen` requests that it has acknowledged by itself.
    listens: Vec<String>,
    /// HTTP: sessions that it knows, and how many it ever gave.
    sessions: Vec<String>,
    sessions_given: usize,
    log: Log,
}

/// One connection over a pipe.
pub(crate) struct Conn {
    pub(crate) inbox: VecDeque<Bytes>,
    pub(crate) sink: Arc<dyn FrameSink>,
    /// The gateway closed it.
    pub(crate) is_closed: bool,
    is_asleep: bool,
    /// What was done to its process.
    pub(crate) felt: Arc<Mutex<Vec<&'static str>>>,
    reader: tokio::task::AbortHandle,
}

/// All servers; also starts them.
#[derive(Clone, Default)]
pub(crate) struct Servers(BTreeMap<String, Arc<Mutex<Server>>>);

impl Servers {
    pub(crate) async fn declare(&mut self, name: &str, spec: Spec, log: Log) -> Entry {
        let mut server = Server {
            name: name.to_owned(),
            spec,
            launches: 0,
            ran: String::new(),
            held: VecDeque::new(),
            conns: Vec::new(),
            port: None,
            fresh: Vec::new(),
            open: BTreeMap::new(),
            listens: Vec::new(),
            sessions: Vec::new(),
            sessions_given: 0,
            log,
        };
        let mut listener = None;
        if server.spec.http {
            let bound = TcpListener::bind("127.0.0.1:0")
                .await
                .expect("there is a free port");
            server.port = Some(bound.local_addr().expect("it is bound").port());
            listener = Some(bound).filter(|_| !server.spec.is_away);
        }
        let entry = server.entry();
        let server = Arc::new(Mutex::new(server));
        if let Some(listener) = listener {
            let server = server.clone();
            tokio::spawn(http::serve(listener, move |exchange| {
                lock(&server).take(exchange);
            }));
        }
        self.0.insert(name.to_owned(), server);
        entry
    }

    pub(crate) fn get(&self, name: &str) -> MutexGuard<'_, Server> {
        lock(
            self.0
                .get(name)
                .unwrap_or_else(|| panic!("no server is called {name}")),
        )
    }

    /// What no script has looked at.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let mut left = Vec::new();
        for (name, server) in &self.0 {
            let server = lock(server);
            for (at, conn) in server.conns.iter().enumerate() {
                let text = conn
                    .inbox
                    .iter()
                    .map(|bytes| String::from_utf8_lossy(bytes));
                left.extend(
                    text.map(|text| format!("server {name}.{} has not read {text}", at + 1)),
                );
            }
            let fresh = server.fresh.iter();
            left.extend(fresh.map(|e| {
                format!(
                    "server {name} has not read {} {}",
                    e.method,
                    String::from_utf8_lossy(&e.body)
                )
            }));
        }
        left
    }
}

impl Launcher for Servers {
    fn is_boxed(&self, entry: &Entry) -> bool {
        self.0
            .get(entry.name.as_str())
            .is_none_or(|server| !lock(server).spec.unboxed)
    }

    fn refuses(&self, entry: &Entry) -> Option<String> {
        let server = self.0.get(entry.name.as_str())?;
        lock(server).spec.refused.clone()
    }

    fn launch<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Launched, LaunchError>> {
        let server = self.0[entry.name.as_str()].clone();
        Box::pin(async move {
            lock(&server).ran = command_line(entry);
            let held = lock(&server).launched();
            if let Some(held) = held
                && let Err(reason) = held.await.expect("the script outlives the start")
            {
                return Err(LaunchError::NotFound {
                    command: reason,
                    file: entry.source.clone(),
                });
            }
            let (link, process) = match &entry.launch {
                Launch::Remote { url, headers, .. } => {
                    let endpoint = Endpoint::new(url, headers).expect("the URL is made here");
                    (Link::Http(endpoint), None)
                }
                _ => {
                    let pipe = connect(&server);
                    let process = process(&server, &pipe);
                    (Link::Pipe(pipe), process)
                }
            };
            Ok(Launched { link, process })
        })
    }
}

/// As a shell would show it: command, arguments, variables; of a remote one the URL and its headers.
fn command_line(entry: &Entry) -> String {
    let mut words = Vec::new();
    match &entry.launch {
        Launch::Command {
            command, args, env, ..
        } => {
            words.push(command.clone());
            words.extend(args.iter().cloned());
            words.extend(env.iter().map(|(name, value)| format!("{name}={value}")));
        }
        Launch::Remote { url, headers, .. } => {
            words.push(url.clone());
            words.extend(
                headers
                    .iter()
                    .map(|(name, value)| format!("{name}: {value}")),
            );
        }
        _ => {}
    }
    words.join(" ")
}

fn connect(server: &Arc<Mutex<Server>>) -> transport::Pipe {
    let (ours, theirs) = memory::pair();
    let number = lock(server).conns.len();
    let reader = tokio::spawn(serve(server.clone(), number, ours.source)).abort_handle();
    lock(server).conns.push(Conn {
        inbox: VecDeque::new(),
        sink: ours.sink,
        is_closed: false,
        is_asleep: false,
        felt: Arc::default(),
        reader,
    });
    theirs
}

/// The process of its last connection, which ends as its pipe closes.
fn process(server: &Arc<Mutex<Server>>, pipe: &transport::Pipe) -> Option<Process> {
    let server = lock(server);
    let conn = server.conns.last().filter(|_| server.spec.process)?;
    let hold = Felt(conn.felt.clone());
    let (tell, exited) = tokio::sync::watch::channel(Some(ExitReason::Code(0)));
    drop(tell);
    Some(Process::elsewhere(
        Arc::new(hold),
        pipe.sink.clone(),
        exited,
    ))
}

/// Notes what is done to a process.
struct Felt(Arc<Mutex<Vec<&'static str>>>);

impl Hold for Felt {
    fn pid(&self) -> u32 {
        1
    }
    fn term(&self) {
        lock(&self.0).push("term");
    }
    fn kill(&self) {
        lock(&self.0).push("kill");
    }
    fn freeze(&self) {
        lock(&self.0).push("freeze");
    }
    fn thaw(&self) {
        lock(&self.0).push("thaw");
    }
}

async fn serve(server: Arc<Mutex<Server>>, number: usize, mut source: Box<dyn FrameSource>) {
    while let Some(Ok(bytes)) = source.recv().await {
        if lock(&server).conns[number].is_asleep {
            return std::future::pending().await;
        }
        let frame = Frame::parse(bytes.clone()).expect("what the gateway sends is valid");
        let mut server = lock(&server);
        let answers = server.answers(&frame);
        let name = format!("server {}.{}", server.name, number + 1);
        server.log.add(&name, "<-", &bytes);
        match answers {
            Some(answers) => {
                for answer in answers {
                    server.log.add(&name, "->", &answer);
                    // It may have been told to stop reading.
                    let _ = server.conns[number].sink.send(&answer);
                }
            }
            None => server.conns[number].inbox.push_back(bytes),
        }
    }
    let mut server = lock(&server);
    server.conns[number].is_closed = true;
    server.conns[number].sink.close();
}

impl Conn {
    /// It does not read its input any more.
    pub(crate) fn sleep(&mut self) {
        self.is_asleep = true;
    }

    /// It goes away without a word.
    pub(crate) fn die(&self) {
        self.reader.abort();
        self.sink.close();
    }
}

impl Server {
    fn entry(&self) -> Entry {
        let spec = &self.spec;
        let launch = match self.port {
            Some(port) => Launch::Remote {
                url: format!("http://127.0.0.1:{port}/mcp"),
                headers: spec.headers.clone(),
                kind: match spec.kind.as_deref() {
                    Some("auto") => RemoteKind::Auto,
                    Some("sse") => RemoteKind::Sse,
                    _ => RemoteKind::Streamable,
                },
            },
            None => Launch::Command {
                command: self.name.clone(),
                args: spec.args.clone(),
                env: spec.env.clone(),
                cwd: None,
            },
        };
        let share = spec.share.as_deref().map(|share| match share {
            "workspace" => Share::Workspace,
            "caller" => Share::Caller,
            "all" => Share::All,
            other => panic!("nobody shares by {other}"),
        });
        let secrets = spec.secrets.iter().map(|name| SecretSpec {
            name: name.clone(),
            env: name.to_uppercase().replace('.', "_"),
            description: None,
            example: None,
            url: None,
            required: !spec.oauth,
            from: None,
        });
        let known = spec.known.iter().map(|tool| {
            let text = |name: &str| tool.get(name).and_then(Value::as_str).unwrap_or_default();
            KnownTool {
                name: text("name").into(),
                description: text("description").into(),
                input_schema: tool.get("input_schema").map(|it| it.to_string().into()),
            }
        });
        let about = About {
            tags: spec.tags.clone(),
            tools: known.collect(),
            config: spec.config.clone(),
            secrets: secrets.collect(),
            oauth: spec.oauth.then(|| OAuth {
                provider: None,
                secret: spec.secrets.first().cloned(),
                scopes: Vec::new(),
                ..OAuth::default()
            }),
            ..About::default()
        };
        let is_found = spec.catalog || spec.profile.is_some();
        let origin = match (&spec.from, is_found) {
            (Some(url), _) => Origin::Url(url.as_str().into()),
            (None, true) => Origin::Catalog("mine".into()),
            (None, false) => Origin::Own,
        };
        Entry {
            description: spec.description.clone(),
            is_template: is_found,
            volumes: spec.volumes.clone(),
            network: match spec.hosts.is_empty() {
                true => Network::Unsaid,
                false => Network::Hosts(spec.hosts.clone()),
            },
            origin,
            about: Arc::new(about),
            tools: spec.only.clone(),
            exclude_tools: spec.exclude.clone(),
            share,
            disabled: spec.disabled,
            idle_timeout_s: spec.idle_timeout_s,
            calls_at_once: spec.calls_at_once,
            start_timeout_s: spec.start_timeout_s,
            call_timeout_s: spec.call_timeout_s,
            source: "servers.json".to_owned(),
            ..Entry::new(ServerName::new(&self.name).expect("a good name"), launch)
        }
    }

    /// Changes what it offers.
    pub(crate) fn change(&mut self, spec: Spec) {
        self.spec = Spec {
            http: self.spec.http,
            ..spec
        };
    }

    fn launched(&mut self) -> Option<oneshot::Receiver<Result<(), String>>> {
        self.launches += 1;
        self.log.note(format!("server {} is launched", self.name));
        (self.spec.launch.as_deref() == Some("held")).then(|| {
            let (tell, told) = oneshot::channel();
            self.held.push_back(tell);
            told
        })
    }

    pub(crate) fn is_held(&self) -> bool {
        !self.held.is_empty()
    }

    /// Lets a held start go on; false if there is none.
    pub(crate) fn release(&mut self, outcome: Result<(), String>) -> bool {
        self.held
            .pop_front()
            .is_some_and(|held| held.send(outcome).is_ok())
    }

    // === what it answers by itself ===

    fn is_by_hand(&self, method: &str) -> bool {
        self.spec.auto == Some(false) || self.spec.by_hand.iter().any(|name| name == method)
    }

    /// The answers to a message that needs no script.
    fn answers(&mut self, frame: &Frame) -> Option<Vec<Bytes>> {
        if self.is_by_hand(frame.method()) {
            return None;
        }
        let is_stateless = self.spec.era.as_deref() == Some("stateless");
        let id = frame.id().unwrap_or("null");
        let result = |result: &str| Some(vec![build::result(id, result)]);
        if self.spec.yes.iter().any(|name| name == frame.method()) {
            return result("{}");
        }
        match frame.method() {
            method::INITIALIZED => Some(Vec::new()),
            method::INITIALIZE if !is_stateless => result(&self.hello()),
            method::SERVER_DISCOVER if is_stateless => result(&self.discovered()),
            method::INITIALIZE | method::SERVER_DISCOVER => Some(vec![build::error(
                Some(id),
                wire::code::METHOD_NOT_FOUND,
                "method not found",
                None,
            )]),
            method::TOOLS_LIST => result(&self.page(frame, "tools", "name", &self.tools())),
            method::PROMPTS_LIST => {
                result(&self.page(frame, "prompts", "name", &self.spec.prompts))
            }
            method::RESOURCES_LIST => {
                result(&self.page(frame, "resources", "uri", &self.spec.resources))
            }
            method::RESOURCES_TEMPLATES_LIST => result(&self.page(
                frame,
                "resourceTemplates",
                "uriTemplate",
                &self.spec.templates,
            )),
            method::CANCELLED => {
                let params = frame.params_object().ok()?;
                let id = params.get("requestId").ok()??;
                let known = self.listens.iter().position(|known| known == id)?;
                self.listens.remove(known);
                Some(Vec::new())
            }
            method::SUBSCRIPTIONS_LISTEN => {
                self.listens.push(id.to_owned());
                let params = frame.params_object().expect("params are an object");
                let wanted = params
                    .get("notifications")
                    .expect("once")
                    .expect("the filter is there");
                let stamp = format!(
                    r#"{{"notifications":{wanted},"_meta":{{"{}":{id}}}}}"#,
                    wire::meta::SUBSCRIPTION_ID
                );
                Some(vec![build::notification(
                    method::SUBSCRIPTIONS_ACKNOWLEDGED,
                    Some(&stamp),
                )])
            }
            _ => None,
        }
    }

    fn tools(&self) -> Vec<Box<RawValue>> {
        let more = (0..self.spec.many_tools)
            .map(|n| RawValue::from_string(format!("\"t{n}\"")).expect("a string"));
        self.spec.tools.iter().cloned().chain(more).collect()
    }

    fn capabilities(&self) -> String {
        let mut all = self.spec.capabilities.clone();
        let mut add = |name: &str, value: &str| {
            all.entry(name.to_owned())
                .or_insert_with(|| serde_json::from_str(value).expect("JSON"));
        };
        if !self.tools().is_empty() {
            add("tools", r#"{"listChanged":true}"#);
        }
        if !self.spec.prompts.is_empty() {
            add("prompts", r#"{"listChanged":true}"#);
        }
        if !self.spec.resources.is_empty() || !self.spec.templates.is_empty() {
            add("resources", r#"{"listChanged":true,"subscribe":true}"#);
        }
        serde_json::to_string(&all).expect("JSON")
    }

    fn instructions(&self) -> String {
        let text = self.spec.instructions.as_deref();
        text.map_or(String::new(), |text| {
            format!(r#","instructions":{}"#, quote(text))
        })
    }

    fn hello(&self) -> String {
        let version = self.spec.version.as_deref().unwrap_or("2025-11-25");
        let (capabilities, instructions) = (self.capabilities(), self.instructions());
        format!(
            r#"{{"protocolVersion":"{version}","capabilities":{capabilities},"serverInfo":{{"name":"{}","version":"1"}}{instructions}}}"#,
            self.name
        )
    }

    fn discovered(&self) -> String {
        let (capabilities, instructions, hints) =
            (self.capabilities(), self.instructions(), self.hints());
        format!(
            r#"{{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{capabilities}{instructions}{hints}}}"#
        )
    }

    fn hints(&self) -> String {
        let ttl = self
            .spec
            .ttl_ms
            .map_or(String::new(), |ttl| format!(r#","ttlMs":{ttl}"#));
        let scope = self.spec.cache_scope.as_deref();
        ttl + &scope.map_or(String::new(), |scope| format!(r#","cacheScope":"{scope}""#))
    }

    fn page(&self, frame: &Frame, member: &str, key: &str, items: &[Box<RawValue>]) -> String {
        let params = frame.params_object().expect("params are an object");
        let cursor = params.string("cursor").expect("a cursor is a string");
        let at: usize = cursor.as_deref().map_or(0, |cursor| {
            cursor.trim_start_matches('c').parse().unwrap_or(0)
        });
        let size = self.spec.page.unwrap_or(usize::MAX);
        let slice = items.iter().skip(at).take(size);
        let texts: Vec<String> = slice
            .map(|item| long(item.get(), key, member == "tools"))
            .collect();
        let next = at.saturating_add(size);
        let next = match self.spec.cursors.as_deref() {
            Some("loop") => Some("again".to_owned()),
            Some("endless") => Some(format!("c{}", at + 1)),
            _ => (next < items.len()).then(|| format!("c{next}")),
        };
        let next = next.map_or(String::new(), |next| format!(r#","nextCursor":"{next}""#));
        format!(
            r#"{{"{member}":[{}]{next}{}}}"#,
            texts.join(","),
            self.hints()
        )
    }

    // === HTTP ===

    fn take(&mut self, exchange: Exchange) {
        let name = format!("server {}", self.name);
        let body = if exchange.body.is_empty() {
            exchange.method.as_bytes()
        } else {
            &exchange.body
        };
        self.log.add(&name, "<-", body);
        let session = exchange.header("mcp-session-id");
        if session.is_some_and(|session| !self.sessions.iter().any(|known| known == session)) {
            self.log.note(format!("{name} does not know the session"));
            return exchange.answer(404, &[], "text/plain", b"session not found");
        }
        let frame = Frame::parse(exchange.body.clone()).ok();
        match &frame {
            None if self.is_by_hand(&exchange.method) => self.fresh.push(exchange),
            None if exchange.method == "DELETE" => exchange.answer(200, &[], "", b""),
            None => exchange.answer(405, &[], "", b""),
            Some(frame) => match self.answers(frame) {
                None => self.fresh.push(exchange),
                Some(answers) => self.reply(exchange, frame, &answers),
            },
        }
    }

    fn reply(&mut self, mut exchange: Exchange, frame: &Frame, answers: &[Bytes]) {
        for answer in answers {
            self.log.add(&format!("server {}", self.name), "->", answer);
        }
        match answers {
            [] => exchange.answer(202, &[], "", b""),
            [ack] if frame.method() == method::SUBSCRIPTIONS_LISTEN => {
                exchange.event(None, None, std::str::from_utf8(ack).expect("text"));
                self.open.insert("listen".to_owned(), exchange);
            }
            [answer, ..] => {
                let session = (self.spec.sessions && frame.method() == method::INITIALIZE)
                    .then(|| self.new_session());
                let headers: Vec<(&str, &str)> = session
                    .iter()
                    .map(|id| ("Mcp-Session-Id", id.as_str()))
                    .collect();
                exchange.answer(200, &headers, "application/json", answer);
            }
        }
    }

    pub(crate) fn new_session(&mut self) -> String {
        self.sessions_given += 1;
        let id = format!("s{}", self.sessions_given);
        self.sessions.push(id.clone());
        id
    }

    /// It knows none of its sessions any more.
    pub(crate) fn forget(&mut self) {
        self.sessions.clear();
    }
}

/// An item of a list: a string is its name alone.
fn long(item: &str, key: &str, is_tool: bool) -> String {
    let schema = if is_tool {
        r#","inputSchema":{"type":"object"}"#
    } else {
        ""
    };
    let name = if is_tool || key == "name" {
        String::new()
    } else {
        format!(r#","name":{item}"#)
    };
    if item.starts_with('"') {
        format!(r#"{{"{key}":{item}{name}{schema}}}"#)
    } else {
        item.to_owned()
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
