//! One gateway with its clients and servers, and the clock: carries out the lines of a transcript, one after the other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use catalog::{Catalog, Catalogs, Entry};
use portolan_gateway::front::{Door, Gateway, ServerStatus};
use portolan_gateway::limits::GATHER_WAIT;
use portolan_gateway::{CallRecord, Dynamic, Options, Recorder, Settings, StartRecord};
use serde_json::Value;

use super::client::{Client, Item};
use super::log::Log;
use super::message::{duration, expand, lines, with_meta};
use super::pattern::{self, Kept};
use super::person::Somebody;
use super::server::{Servers, Spec, lock};

/// Turns of the scheduler after which nothing more can be under way in memory.
const TURNS: usize = 200;
/// Turns after which only time can bring what is awaited.
const GATHERED: usize = 2 * TURNS;
/// The most of them for what is awaited.
const TURNS_MAX: usize = 20_000;
/// With sockets there is no such number, so time is what counts: this much between two lines,
const BREATH: Duration = Duration::from_millis(2);
/// this much quiet before it is said that nothing was heard,
const QUIET: Duration = Duration::from_millis(40);
/// and this much patience where something is to be heard.
const PATIENCE: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Default)]
pub(crate) struct World {
    entries: Vec<Entry>,
    /// Entries to be found; with one there are the dynamic tools.
    found: Vec<Entry>,
    pub(crate) person: Somebody,
    servers: Servers,
    settings: Settings,
    tools: Vec<String>,
    changes: Vec<Change>,
    gateway: Option<Gateway>,
    clients: BTreeMap<String, Client>,
    pub(crate) kept: Kept,
    records: Arc<Records>,
    has_sockets: bool,
    /// Time passes by itself.
    is_real: bool,
    down: Option<tokio::task::JoinHandle<()>>,
    log: Log,
    line: String,
}

type Change = Box<dyn FnOnce(&mut Options)>;

/// What the recorder got.
#[derive(Default)]
pub(crate) struct Records {
    pub(crate) calls: Mutex<Vec<CallRecord>>,
    pub(crate) starts: Mutex<Vec<StartRecord>>,
}

impl Recorder for Records {
    fn call(&self, record: CallRecord) {
        lock(&self.calls).push(record);
    }

    fn start(&self, record: StartRecord) {
        lock(&self.starts).push(record);
    }
}

impl World {
    /// One in which things take real time.
    pub(crate) fn real() -> Self {
        Self {
            has_sockets: true,
            is_real: true,
            ..Self::default()
        }
    }

    /// Changes the options of the gateway before it begins.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Options) + 'static) -> Self {
        self.changes.push(Box::new(change));
        self
    }

    /// Carries out the lines of a transcript.
    pub(crate) async fn run(&mut self, script: &str) {
        for line in lines(script) {
            self.log.note(format!("--- {line}"));
            self.line = line;
            let line = self.line.clone();
            self.step(&line).await;
        }
    }

    /// Nothing may be left that nobody has looked at.
    pub(crate) async fn finish(mut self) {
        self.line = "the end".to_owned();
        self.quiet().await;
        let mut left = self.servers.leftovers();
        for (name, client) in &self.clients {
            for (_, items) in &lock(&client.lanes).0 {
                let items = items
                    .iter()
                    .filter(|item| **item != Item::Word("end".to_owned()));
                left.extend(items.map(|item| format!("{name} has not read {item:?}")));
            }
        }
        if !left.is_empty() {
            self.fail(&left.join("\n  "));
        }
    }

    /// The gateway; begins with the first line that needs it.
    pub(crate) fn gateway(&mut self) -> Gateway {
        if self.gateway.is_none() {
            let mut options = Options::new(
                std::mem::take(&mut self.entries),
                Arc::new(self.servers.clone()),
            );
            options.settings = self.settings.clone();
            options.tools = self.tools.clone();
            options.recorder = self.records.clone();
            if !self.found.is_empty() {
                options.dynamic = Some(self.dynamic());
            }
            for change in self.changes.drain(..) {
                change(&mut options);
            }
            self.gateway = Some(Gateway::new(options).unwrap());
        }
        self.gateway.clone().unwrap()
    }

    fn dynamic(&mut self) -> Dynamic {
        let catalog = Catalog {
            name: "mine".to_owned(),
            entries: std::mem::take(&mut self.found),
            ..Catalog::default()
        };
        let catalogs = Catalogs::merge([catalog]);
        Dynamic {
            catalogs: Arc::new(move || catalogs.clone()),
            person: Arc::new(self.person.clone()),
            pull: None,
            pages: Some(Arc::new(self.person.clone())),
        }
    }

    /// What the recorder got so far.
    pub(crate) fn records(&self) -> Arc<Records> {
        self.records.clone()
    }

    /// What came to a server and was not looked at, with the name of its connection.
    pub(crate) fn heard_by_server(&self, name: &str) -> Vec<(String, Value)> {
        let mut server = self.servers.get(name);
        let conns = server.conns.iter_mut().enumerate();
        conns
            .flat_map(|(at, conn)| {
                let name = format!("{name}.{}", at + 1);
                conn.inbox.drain(..).map(move |bytes| (name.clone(), bytes))
            })
            .map(|(name, bytes)| (name, serde_json::from_slice(&bytes).unwrap()))
            .collect()
    }

    /// What came to a client and was not looked at, with the name of its lane.
    pub(crate) fn heard_by_client(&mut self, name: &str) -> Vec<(String, Item)> {
        let lanes = self.client(name).lanes.clone();
        let mut lanes = lock(&lanes);
        let items = lanes
            .0
            .iter_mut()
            .flat_map(|(lane, items)| items.drain(..).map(|item| (lane.clone(), item)));
        items.collect()
    }

    /// The same for one that may not have said anything yet.
    pub(crate) fn heard_by_client_if_any(&mut self, name: &str) {
        if self.clients.contains_key(name) {
            self.heard_by_client(name);
        }
    }

    /// How many connections of a server are open.
    pub(crate) fn running(&self, name: &str) -> usize {
        let server = self.servers.get(name);
        server.conns.iter().filter(|conn| !conn.is_closed).count()
    }

    /// A connection of a server says something, if it still can.
    pub(crate) fn say(&self, conn: &str, message: &str) {
        let (name, number) = conn.split_once('.').unwrap();
        let text = expand(message);
        self.log
            .add(&format!("server {conn}"), "->", text.as_bytes());
        let server = self.servers.get(name);
        let _ = server.conns[number.parse::<usize>().unwrap() - 1]
            .sink
            .send(text.as_bytes());
    }

    pub(crate) fn client(&mut self, name: &str) -> &mut Client {
        self.clients
            .get_mut(name)
            .unwrap_or_else(|| panic!("there is no {name}"))
    }

    pub(crate) fn status(&mut self, name: &str) -> ServerStatus {
        let all = self.gateway().servers();
        all.into_iter()
            .find(|status| status.name == name)
            .unwrap_or_else(|| panic!("no server is called {name}"))
    }

    fn fail(&self, why: &str) -> ! {
        panic!(
            "the transcript differs at\n  {}\n{why}\n\nwhat happened:\n  {}\n",
            self.line,
            self.log.text()
        );
    }

    // === time ===

    /// Lets everything happen that can without time passing.
    pub(crate) async fn settle(&self) {
        self.turn(BREATH).await;
    }

    /// The same, where what is not heard by then counts as never heard.
    async fn quiet(&self) {
        self.turn(QUIET).await;
    }

    async fn turn(&self, time: Duration) {
        let until = Instant::now() + time;
        let mut turns = 0;
        while turns < TURNS || (self.has_sockets && Instant::now() < until) {
            tokio::task::yield_now().await;
            turns += 1;
        }
    }

    async fn advance(&self, time: Duration) {
        let steps = (time.as_secs_f64().ceil() as u32).clamp(1, 1000);
        for _ in 0..steps {
            tokio::time::advance(time / steps).await;
            for _ in 0..30 {
                tokio::task::yield_now().await;
            }
        }
        self.settle().await;
    }

    /// Tries until it works, or has no chance any more.
    async fn expect(&mut self, mut attempt: impl FnMut(&mut Self) -> Result<(), String>) {
        let until = Instant::now() + PATIENCE;
        let mut advanced = Instant::now();
        for turn in 0.. {
            let Err(why) = attempt(self) else { return };
            let is_over = if self.has_sockets {
                Instant::now() > until
            } else {
                turn > TURNS_MAX
            };
            if is_over {
                self.fail(&why);
            }
            // What a server asks waits a moment for what it asks together with it.
            let is_due = match self.has_sockets {
                true => advanced.elapsed() >= QUIET,
                false => turn == GATHERED,
            };
            if is_due && !self.is_real {
                tokio::time::advance(GATHER_WAIT).await;
                advanced = Instant::now();
            }
            tokio::task::yield_now().await;
        }
    }

    // === lines ===

    async fn step(&mut self, line: &str) {
        let (subject, rest) = line.split_once(' ').unwrap_or((line, ""));
        match subject {
            "server" => {
                let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                self.server(name, rest.trim()).await;
            }
            "client" | "caller" => {
                let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                self.client_line(subject, name, rest.trim()).await;
            }
            "gateway" => self.gateway_line(rest).await,
            "advance" => self.advance(duration(rest)).await,
            "person" => self.person_line(rest).await,
            "recorded" => {
                let wanted = rest.to_owned();
                self.expect(|world| world.try_record(&wanted)).await;
            }
            other => panic!("no line begins with {other}"),
        }
    }

    async fn person_line(&mut self, rest: &str) {
        let rest = pattern::fill(rest, &self.kept);
        match rest.split_once(' ').unwrap_or((&rest, "")) {
            ("has", approved) => {
                let name = approved.strip_prefix("approved ").unwrap();
                assert!(self.person.has_approved(name));
            }
            ("sees", page) => {
                let (url, wanted) = page.split_once(' ').unwrap();
                let page = self.person.page(url.trim_matches('"'));
                let wanted = pattern::parse(wanted);
                if let Err(why) = pattern::compare(&wanted, &page, &mut self.kept) {
                    self.fail(&why.join("\n"));
                }
            }
            _ => self.person.does(&rest),
        }
        self.settle().await;
    }

    async fn gateway_line(&mut self, rest: &str) {
        if rest.starts_with('{') {
            return self.set(&serde_json::from_str(rest).unwrap());
        }
        let gateway = self.gateway();
        match rest.split(' ').collect::<Vec<_>>()[..] {
            ["stops", name] => assert!(gateway.stop(name).await),
            ["restarts", name] => assert!(gateway.restart(name).await),
            ["shuts", "down", grace] => {
                let grace = duration(grace);
                self.down = Some(tokio::spawn(async move { gateway.shutdown(grace).await }));
            }
            ["is", "down"] => {
                let is_down = |world: &Self| {
                    world
                        .down
                        .as_ref()
                        .is_some_and(tokio::task::JoinHandle::is_finished)
                };
                self.expect(|world| {
                    is_down(world)
                        .then_some(())
                        .ok_or("it is still up".to_owned())
                })
                .await;
            }
            ["is", "not", "down"] => {
                self.quiet().await;
                assert!(!self.down.as_ref().unwrap().is_finished());
            }
            _ => panic!("the gateway cannot do that: {rest}"),
        }
        self.settle().await;
    }

    fn set(&mut self, settings: &Value) {
        for (name, value) in settings.as_object().unwrap() {
            let seconds = || Duration::from_secs_f64(value.as_f64().unwrap());
            let count = || value.as_u64().unwrap() as usize;
            match name.as_str() {
                "call_timeout" => self.settings.call_timeout = seconds(),
                "start_timeout" => self.settings.start_timeout = seconds(),
                "list_wait" => self.settings.list_wait = seconds(),
                "idle_timeout" => self.settings.idle_timeout = seconds(),
                "ping_after" => self.settings.ping_after = seconds(),
                "freeze_after" => self.settings.freeze_after = seconds(),
                "servers_max" => self.settings.servers_max = count(),
                "calls_at_once" => self.settings.calls_at_once = count(),
                "prewarm" => self.settings.prewarm = value.as_bool().unwrap(),
                "session_idle" => self.settings.session_idle = seconds(),
                "sessions_max" => self.settings.sessions_max = count(),
                "in_flight_max" => self.settings.in_flight_max = count(),
                "tools" => self.tools = serde_json::from_value(value.clone()).unwrap(),
                other => panic!("no setting is called {other}"),
            }
        }
    }

    async fn server(&mut self, name: &str, rest: &str) {
        if rest.starts_with('{') {
            let spec: Spec =
                serde_json::from_str(rest).unwrap_or_else(|error| panic!("{error}: {rest}"));
            // Catalogs are read by a thread.
            self.has_sockets |= spec.http || spec.catalog;
            let (is_found, profile) = (spec.catalog, spec.profile.clone());
            let entry = self.servers.declare(name, spec, self.log.clone()).await;
            match profile {
                Some(profile) => self.person.chooses(&profile, entry),
                None if is_found => self.found.push(entry),
                None => self.entries.push(entry),
            }
            return;
        }
        let (plain, number) = match name.split_once('.') {
            Some((plain, number)) => (plain, number.parse::<usize>().unwrap()),
            None => (name, 1),
        };
        let (verb, text) = rest.split_once(' ').unwrap_or((rest, ""));
        match verb {
            "has" => self
                .servers
                .get(plain)
                .change(serde_json::from_str(text).unwrap()),
            "is" if text == "not being started" => {
                if self.servers.get(plain).release(Ok(())) {
                    self.fail("it is");
                }
            }
            "is" if text == "held" => {
                self.expect(|world| {
                    let is_held = world.servers.get(plain).is_held();
                    is_held
                        .then_some(())
                        .ok_or("it is not being started".to_owned())
                })
                .await;
            }
            "is" => {
                let wanted = pattern::parse(text);
                self.expect(|world| {
                    let status = serde_json::to_value(world.status(plain)).unwrap();
                    pattern::compare(&wanted, &status, &mut world.kept)
                        .map_err(|why| why.join("\n"))
                })
                .await;
            }
            "starts" => {
                self.expect(|world| freed(world.servers.get(plain).release(Ok(()))))
                    .await;
            }
            "fails" => {
                let reason: String = serde_json::from_str(text).unwrap();
                self.expect(|world| freed(world.servers.get(plain).release(Err(reason.clone()))))
                    .await;
            }
            "launches" => {
                let wanted: usize = text.parse().unwrap();
                self.quiet().await;
                let launches = self.servers.get(plain).launches;
                if launches != wanted {
                    self.fail(&format!("it was launched {launches} times"));
                }
            }
            "ran" => {
                let wanted: String = serde_json::from_str(text).unwrap();
                let ran = self.servers.get(plain).ran.clone();
                if ran != wanted {
                    self.fail(&format!("it ran as {ran:?}"));
                }
            }
            "felt" => {
                let felt = self.servers.get(plain).conns[number - 1].felt.clone();
                let is_it = || lock(&felt).join(" ") == text;
                let told = |is_it: bool| is_it.then_some(()).ok_or("it felt otherwise".to_owned());
                self.expect(|_| told(is_it())).await;
                lock(&felt).clear();
            }
            "sleeps" => self.servers.get(plain).conns[number - 1].sleep(),
            "dies" => self.servers.get(plain).conns[number - 1].die(),
            "ends" => {
                let is_closed =
                    |world: &mut Self| world.servers.get(plain).conns[number - 1].is_closed;
                self.expect(|world| {
                    is_closed(world)
                        .then_some(())
                        .ok_or("it was not closed".to_owned())
                })
                .await;
            }
            "hears" => {
                self.quiet().await;
                let left = self.servers.leftovers();
                let mine: Vec<_> = left
                    .iter()
                    .filter(|l| l.starts_with(&format!("server {plain}")))
                    .collect();
                if !mine.is_empty() {
                    self.fail(&format!("{mine:?}"));
                }
            }
            "<-" if self.servers.get(plain).port.is_some() => {
                let text = text.to_owned();
                self.expect(|world| world.try_http(plain, &text)).await;
            }
            "<-" | "<=" => {
                let (exactly, text) = (verb == "<=", text.to_owned());
                self.expect(|world| world.try_server(plain, number, exactly, &text))
                    .await;
            }
            "->" => {
                let text = pattern::fill(&expand(text), &self.kept);
                self.log
                    .add(&format!("server {name}"), "->", text.as_bytes());
                if self.servers.get(plain).port.is_some() {
                    self.http_answer(plain, text);
                } else {
                    let sent = self.servers.get(plain).conns[number - 1]
                        .sink
                        .send(text.as_bytes());
                    sent.unwrap_or_else(|error| self.fail(&error.to_string()));
                }
            }
            _ => self.http_line(plain, rest).await,
        }
        self.settle().await;
    }

    async fn client_line(&mut self, kind: &str, name: &str, rest: &str) {
        let label = format!("{kind} {name}");
        let gateway = self.gateway();
        if kind == "caller" && !self.clients.contains_key(&label) {
            let caller = Client::caller(
                name.split('.').next().unwrap_or(name),
                &label,
                self.log.clone(),
            );
            self.clients.insert(label.clone(), caller);
        }
        let (verb, text) = rest.split_once(' ').unwrap_or((rest, ""));
        match verb {
            "opens" => {
                let opened = self.open(&gateway, &label, text);
                assert!(opened, "too many sessions");
            }
            "cannot" => assert!(!self.open(&gateway, &label, "")),
            "hello" => self.hello(&gateway, &label, text).await,
            "->" | "~>" => {
                let message = expand(text);
                let message = if verb == "~>" {
                    with_meta(&message)
                } else {
                    message
                };
                let text = pattern::fill(&message, &self.kept);
                self.client(&label).send(&gateway, text);
            }
            "<-" | "<=" => {
                let (exactly, text) = (verb == "<=", text.to_owned());
                self.expect(|world| world.try_client(&label, exactly, &text))
                    .await;
            }
            "headers" => {
                let text = pattern::fill(text, &self.kept);
                self.client(&label).odd_headers = Some(serde_json::from_str(&text).unwrap());
            }
            "enters" => {
                let handle: String =
                    serde_json::from_str(&pattern::fill(text, &self.kept)).unwrap();
                self.client(&label).workspace = Some(handle.into());
            }
            "drops" => self
                .client(&label)
                .drop_request(text.trim_start_matches('#')),
            "closes" => {
                let session = self.client(&label).session.clone().unwrap();
                gateway.close(&session);
            }
            "hears" => {
                self.quiet().await;
                let left: Vec<_> = lock(&self.client(&label).lanes)
                    .0
                    .iter()
                    .flat_map(|(_, items)| items.clone())
                    .collect();
                if !left.is_empty() {
                    self.fail(&format!("{left:?}"));
                }
            }
            _ => panic!("a client cannot do that: {rest}"),
        }
        self.settle().await;
    }

    /// `[http|sse|stdio] [as CALLER] [only SERVER] [unread]`
    fn open(&mut self, gateway: &Gateway, label: &str, words: &str) -> bool {
        let (mut door, mut caller, mut only) = (Door::Stdio, "somebody", None);
        let mut reads = true;
        let mut words = words.split_whitespace();
        while let Some(word) = words.next() {
            match word {
                "http" => door = Door::Http,
                "sse" => door = Door::Sse,
                "stdio" => door = Door::Stdio,
                "as" => caller = words.next().unwrap(),
                "only" => only = words.next(),
                "unread" => reads = false,
                other => panic!("clients do not open {other}"),
            }
        }
        let client = Client::open(gateway, label, caller, door, only, self.log.clone());
        if let Some(client) = client.as_ref().filter(|_| reads) {
            client.read_outbox();
        }
        let is_open = client.is_some();
        self.clients
            .extend(client.map(|client| (label.to_owned(), client)));
        is_open
    }

    /// The whole handshake. `[CAPABILITIES] [VERSION]`
    async fn hello(&mut self, gateway: &Gateway, label: &str, text: &str) {
        if !self.clients.contains_key(label) {
            assert!(self.open(gateway, label, ""));
        }
        let end = text.rfind('}').map_or(0, |at| at + 1);
        let capabilities = if end == 0 { "{}" } else { &text[..end] };
        let version = Some(text[end..].trim())
            .filter(|version| !version.is_empty())
            .unwrap_or("2025-11-25");
        let request = format!(
            r#"#"hello" initialize {{"protocolVersion":"{version}","capabilities":{capabilities},"clientInfo":{{"name":"tester","version":"1"}}}}"#
        );
        self.client(label).send(gateway, expand(&request));
        let answer = format!(r#"#"hello" = {{"protocolVersion":"{version}", ...}}"#);
        self.expect(|world| world.try_client(label, false, &answer))
            .await;
        self.client(label)
            .send(gateway, expand("notifications/initialized"));
    }

    // === attempts ===

    fn try_record(&mut self, wanted: &str) -> Result<(), String> {
        let mut calls = lock(&self.records.calls);
        let shown = calls.first().map(|record| {
            let (server, name) = (
                record.server.as_deref().unwrap_or("-"),
                record.name.as_deref().unwrap_or("-"),
            );
            format!("{} {server} {name} {}", record.method, record.outcome)
        });
        if shown.as_deref() == Some(wanted) {
            calls.remove(0);
            return Ok(());
        }
        Err(format!("recorded was {shown:?}"))
    }

    fn try_server(
        &mut self,
        name: &str,
        number: usize,
        exactly: bool,
        text: &str,
    ) -> Result<(), String> {
        let mut server = self.servers.get(name);
        let Some(conn) = server.conns.get_mut(number - 1) else {
            return Err("it was not started".to_owned());
        };
        let first = conn.inbox.front().ok_or("it heard nothing")?;
        same(exactly, text, first, &mut self.kept)?;
        conn.inbox.pop_front();
        Ok(())
    }

    fn try_client(&mut self, label: &str, exactly: bool, text: &str) -> Result<(), String> {
        let lanes = self.client(label).lanes.clone();
        let mut lanes = lock(&lanes);
        let status = text
            .split_once(' ')
            .filter(|(word, _)| word.len() == 3 && word.parse::<u16>().is_ok());
        let (wanted_status, text) = status.map_or((None, text), |(status, rest)| {
            (status.parse::<u16>().ok(), rest)
        });
        let mut differences = Vec::new();
        for (_, lane) in lanes.0.iter_mut() {
            let outcome = match lane.front() {
                None => continue,
                Some(Item::Word(word)) if word == text => Ok(()),
                Some(Item::Word(word)) => Err(format!("got {word}")),
                Some(Item::Frame(bytes, status)) => same(exactly, text, bytes, &mut self.kept)
                    .and_then(|()| {
                        let is_same = wanted_status.is_none() || wanted_status == *status;
                        is_same
                            .then_some(())
                            .ok_or(format!("the status is {status:?}"))
                    }),
            };
            match outcome {
                Ok(()) => {
                    lane.pop_front();
                    return Ok(());
                }
                Err(why) => differences.push(why),
            }
        }
        Err(if differences.is_empty() {
            "it heard nothing".to_owned()
        } else {
            differences.join("\n  or\n")
        })
    }

    // === HTTP ===

    fn try_http(&mut self, name: &str, text: &str) -> Result<(), String> {
        let mut server = self.servers.get(name);
        let mut differences = Vec::new();
        for at in 0..server.fresh.len() {
            let exchange = &server.fresh[at];
            let outcome = if exchange.body.is_empty() {
                (exchange.method == text)
                    .then_some(())
                    .ok_or(format!("got {}", exchange.method))
            } else {
                same(false, text, &exchange.body, &mut self.kept)
            };
            let Err(why) = outcome else {
                let exchange = server.fresh.remove(at);
                let frame = wire::Frame::parse(exchange.body.clone()).ok();
                let heard = exchange
                    .headers
                    .iter()
                    .map(|(name, value)| (name.clone(), Value::from(value.as_str())));
                self.kept
                    .insert("headers".to_owned(), Value::Object(heard.collect()));
                let key = frame.as_ref().map_or(Some(&*exchange.method), |frame| {
                    frame.id().filter(|_| frame.kind() == wire::Kind::Request)
                });
                match key {
                    Some(key) => drop(server.open.insert(key.to_owned(), exchange)),
                    None => exchange.answer(202, &[], "", b""),
                }
                return Ok(());
            };
            differences.push(why);
        }
        Err(if differences.is_empty() {
            "it heard nothing".to_owned()
        } else {
            differences.join("\n  or\n")
        })
    }

    /// An answer goes to its request, as one body or as the last event.
    fn http_answer(&mut self, name: &str, text: String) {
        let frame = wire::Frame::parse(Bytes::from(text)).unwrap();
        let id = frame
            .id()
            .expect("say on which stream: server NAME on ID -> …");
        let exchange = self.servers.get(name).open.remove(id);
        let mut exchange = exchange.unwrap_or_else(|| self.fail("no such request is open"));
        let text = std::str::from_utf8(frame.bytes()).unwrap();
        if exchange.is_stream {
            exchange.event(None, None, text);
            exchange.end();
        } else {
            exchange.answer(200, &[], "application/json", text.as_bytes());
        }
    }

    /// The open request that this is the answer to.
    fn answered(&self, name: &str, text: &str) -> super::http::Exchange {
        self.log
            .add(&format!("server {name}"), "->", text.as_bytes());
        let frame = wire::Frame::parse(Bytes::from(text.to_owned())).unwrap();
        let id = frame.id().expect("an answer has an id");
        let exchange = self.servers.get(name).open.remove(id);
        exchange.unwrap_or_else(|| self.fail("no such request is open"))
    }

    async fn http_line(&mut self, name: &str, rest: &str) {
        let (verb, text) = rest.split_once(' ').unwrap_or((rest, ""));
        match verb {
            // The headers of the request that was looked at last.
            "heard" => {
                let (wanted, headers) = (pattern::parse(text), self.kept["headers"].clone());
                for (name, value) in wanted.as_object().unwrap() {
                    let got = headers.get(name).unwrap_or(&Value::Null);
                    if let Err(why) = pattern::compare(value, got, &mut self.kept) {
                        self.fail(&format!("{name}{}", why.join("\n")));
                    }
                }
            }
            // An answer with an `Mcp-Session-Id`.
            "gives" => {
                let session = self.servers.get(name).new_session();
                let text = pattern::fill(&expand(text), &self.kept);
                let exchange = self.answered(name, &text);
                exchange.answer(
                    200,
                    &[("Mcp-Session-Id", &session)],
                    "application/json",
                    text.as_bytes(),
                );
            }
            "replies" => {
                let (status, text) = text.split_once(' ').unwrap();
                let text = pattern::fill(&expand(text), &self.kept);
                let exchange = self.answered(name, &text);
                exchange.answer(
                    status.parse().unwrap(),
                    &[],
                    "application/json",
                    text.as_bytes(),
                );
            }
            "forgets" => self.servers.get(name).forget(),
            "on" => {
                let (key, text) = text.split_once(' ').unwrap();
                let key = pattern::fill(key, &self.kept);
                let (verb, text) = text.split_once(' ').unwrap_or((text, ""));
                self.on_stream(name, &key, verb, text).await;
            }
            _ => panic!("a server cannot do that: {rest}"),
        }
    }

    async fn on_stream(&mut self, name: &str, key: &str, verb: &str, text: &str) {
        let gone = |world: &Self| world.servers.get(name).open[key].is_gone();
        if verb == "gone" {
            self.expect(|world| {
                gone(world)
                    .then_some(())
                    .ok_or("it is still open".to_owned())
            })
            .await;
            self.servers.get(name).open.remove(key);
            return;
        }
        let mut server = self.servers.get(name);
        let exchange = server
            .open
            .get_mut(key)
            .unwrap_or_else(|| panic!("no request {key} is open"));
        match verb {
            "->" => {
                let text = pattern::fill(&expand(text), &self.kept);
                self.log
                    .add(&format!("server {name} on {key}"), "->", text.as_bytes());
                exchange.event(None, None, &text);
            }
            "endpoint" => exchange.endpoint(text),
            // A stream, and nothing on it yet.
            "begins" => exchange.begin(),
            // `event ID RETRY MESSAGE`, `-` for none.
            "event" => {
                let parts: Vec<&str> = text.splitn(3, ' ').collect();
                let data = parts.get(2).map_or(String::new(), |text| {
                    pattern::fill(&expand(text), &self.kept)
                });
                self.log
                    .note(format!("server {name} on {key} event {text}"));
                exchange.event(
                    Some(parts[0]).filter(|id| *id != "-"),
                    parts[1].parse().ok(),
                    &data,
                );
            }
            "ends" => {
                exchange.end();
                server.open.remove(key);
            }
            "status" => {
                let (status, body) = text.split_once(' ').unwrap_or((text, ""));
                exchange.answer(status.parse().unwrap(), &[], "text/plain", body.as_bytes());
                server.open.remove(key);
            }
            _ => panic!("streams cannot do that: {verb}"),
        }
    }
}

fn freed(was_held: bool) -> Result<(), String> {
    was_held
        .then_some(())
        .ok_or("it is not being started".to_owned())
}

fn same(exactly: bool, wanted: &str, got: &Bytes, kept: &mut Kept) -> Result<(), String> {
    let text = std::str::from_utf8(got).unwrap();
    if exactly {
        return pattern::compare_exactly(wanted, text, kept);
    }
    let value: Value = serde_json::from_str(text).map_err(|error| format!("{error}: {text}"))?;
    pattern::compare(&pattern::parse(&expand(wanted)), &value, kept).map_err(|why| {
        format!(
            "{}\nin {}",
            why.join("\n"),
            text.chars().take(600).collect::<String>()
        )
    })
}
