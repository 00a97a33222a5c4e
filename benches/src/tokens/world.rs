//! A gateway in this process, with servers that live in memory and a client that remembers nothing.

use std::collections::HashMap;
use std::error::Error;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use catalog::{Catalog, Catalogs, Entry, Launch, Secret, SecretSpec};
use codemode::CodeMode;
use gateway::front::{Caller, Door, Event, Gateway, Origin, Reply, Session};
use launch::{LaunchError, Launched, Launcher, Link, OwnProcess};
use serde_json::{Map, Value, json};
use transport::{BoxFuture, FrameSink, FrameSource, memory};
use wire::{Era, Frame, Version, build, meta, method};

use crate::servers::Server;
use crate::tasks::Mock;

/// What a call of any tool of any server comes to.
pub(crate) const RESULT: &str = "Done. 3 items:\n1. id 48213, \"Quarterly figures\", open, changed 2026-03-14 by m.lindqvist\n2. id 48190, \"Import of the new price list\", waiting for review, changed 2026-03-12 by j.okafor\n3. id 47988, \"Remove the old endpoint\", closed, changed 2026-02-27 by m.lindqvist\nNo further pages.";

/// Runs on a runtime of its own.
pub(crate) fn run<T>(
    work: impl Future<Output = Result<T, Box<dyn Error>>>,
) -> Result<T, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    tokio::task::LocalSet::new().block_on(&runtime, work)
}

/// A conversation with a gateway of its own.
pub(crate) struct Client {
    gateway: Gateway,
    session: Arc<Session>,
    origin: Origin,
    era: Era,
    requests: u64,
    /// What the gateway said of itself.
    pub(crate) greeting: String,
}

impl Client {
    /// Over the built-in catalog as it is for somebody who has configured nothing.
    pub(crate) async fn over_builtin() -> Result<Self, Box<dyn Error>> {
        let builtin = catalog::builtin().clone();
        Self::open(
            Era::Handshake,
            Vec::new(),
            Some(builtin),
            Servers::default(),
            &[],
        )
        .await
    }

    /// These servers configured, and no tools of the gateway's own. A rule forbids the tools of these names.
    pub(crate) async fn with_all_tools(
        servers: &[Server],
        denied: &[String],
    ) -> Result<Self, Box<dyn Error>> {
        let entries = servers.iter().map(|server| server.entry.clone()).collect();
        Self::open(Era::Handshake, entries, None, Servers::of(servers), denied).await
    }

    /// None configured, these to be found. A rule forbids the tools of these names.
    pub(crate) async fn with_dynamic_tools(
        servers: &[Server],
        era: Era,
        denied: &[String],
    ) -> Result<Self, Box<dyn Error>> {
        let catalog = Catalog {
            name: "bench".to_owned(),
            entries: servers.iter().map(|server| server.entry.clone()).collect(),
            ..Catalog::default()
        };
        Self::open(era, Vec::new(), Some(catalog), Servers::of(servers), denied).await
    }

    async fn open(
        era: Era,
        entries: Vec<Entry>,
        catalog: Option<Catalog>,
        servers: Servers,
        denied: &[String],
    ) -> Result<Self, Box<dyn Error>> {
        let is_trusted = !servers.0.is_empty();
        let options = gateway::Options {
            dynamic: catalog.map(|catalog| gateway::Dynamic {
                catalogs: Arc::new(move || Catalogs::merge([catalog.clone()])),
                person: Arc::new(Nobody { is_trusted }),
                pull: None,
                pages: None,
            }),
            scripts: Some(Arc::new(CodeMode::new(
                Arc::new(Own),
                codemode::Limits::default(),
                0,
            ))),
            decider: Arc::new(Forbids(denied.to_vec())),
            ..gateway::Options::new(entries, Arc::new(servers))
        };
        let gateway = Gateway::new(options)?;
        let caller = Caller(Arc::from("bench"));
        let session = gateway.open(caller.clone(), Door::Stdio)?;
        let mut client = Self {
            gateway,
            origin: Origin {
                caller,
                scopes: None,
                session: Some(Arc::clone(&session)),
                headers: None,
                only: None,
                workspace: None,
            },
            session,
            era,
            requests: 0,
            greeting: String::new(),
        };
        client.greet().await?;
        Ok(client)
    }

    async fn greet(&mut self) -> Result<(), Box<dyn Error>> {
        if self.era == Era::Stateless {
            self.greeting = self.request(method::SERVER_DISCOVER, &json!({})).await?;
            return Ok(());
        }
        let hello = json!({
            "protocolVersion": Version::LATEST_HANDSHAKE.as_str(),
            "capabilities": {},
            "clientInfo": {"name": "bench", "version": "1"},
        });
        self.greeting = self.request(method::INITIALIZE, &hello).await?;
        let done = Frame::parse(build::notification(method::INITIALIZED, None))?;
        self.gateway.notification(&self.origin, done);
        Ok(())
    }

    /// The raw result of a request.
    pub(crate) async fn request(
        &mut self,
        method: &str,
        params: &Value,
    ) -> Result<String, Box<dyn Error>> {
        self.requests += 1;
        let id = self.requests.to_string();
        let mut params = params.clone();
        if self.era == Era::Stateless {
            params["_meta"] = json!({
                meta::PROTOCOL_VERSION: Version::LATEST.as_str(),
                meta::CLIENT_CAPABILITIES: {},
            });
        }
        let frame = Frame::parse(build::request(&id, method, Some(&params.to_string())))?;
        let answer = match self.gateway.request(&self.origin, frame).await {
            Reply::Done(answer) => answer,
            Reply::Stream(mut events) => loop {
                match events.next().await {
                    Some(Event::Answer(answer)) => break answer,
                    Some(_) => {}
                    None => return Err(format!("{method} was not answered").into()),
                }
            },
        };
        let answer = Frame::parse(answer.frame)?;
        let result = answer.result().map(str::to_owned);
        result.ok_or_else(|| format!("{method}: {}", answer.error().unwrap_or_default()).into())
    }

    /// The result of a call of a tool, whatever it is.
    pub(crate) async fn attempt(
        &mut self,
        tool: &str,
        arguments: &Value,
    ) -> Result<Value, Box<dyn Error>> {
        let params = json!({"name": tool, "arguments": arguments});
        let result = self.request(method::TOOLS_CALL, &params).await?;
        Ok(serde_json::from_str(&result)?)
    }

    /// The result of a call of a tool; that it is an error too is one.
    pub(crate) async fn call(
        &mut self,
        tool: &str,
        arguments: &Value,
    ) -> Result<Value, Box<dyn Error>> {
        let result = self.attempt(tool, arguments).await?;
        match result.get("isError") {
            Some(Value::Bool(true)) => Err(format!("{tool} {arguments}: {result}").into()),
            _ => Ok(result),
        }
    }

    /// The definitions of all tools, as they are listed.
    pub(crate) async fn tools(&mut self) -> Result<Vec<Value>, Box<dyn Error>> {
        let mut tools = Vec::new();
        let mut params = json!({});
        loop {
            let page = self.request(method::TOOLS_LIST, &params).await?;
            let mut page: Value = serde_json::from_str(&page)?;
            if let Value::Array(listed) = page["tools"].take() {
                tools.extend(listed);
            }
            match page["nextCursor"].take() {
                Value::String(cursor) => params = json!({"cursor": cursor}),
                _ => return Ok(tools),
            }
        }
    }

    /// Ends the conversation and what was started for it.
    pub(crate) async fn close(self) {
        self.gateway.close(&self.session);
        self.gateway.shutdown(std::time::Duration::ZERO).await;
    }
}

/// Somebody who has set nothing.
struct Nobody {
    is_trusted: bool,
}

impl gateway::Person for Nobody {
    fn has_secret(&self, _: &Entry, _: &SecretSpec) -> bool {
        false
    }

    fn secret(&self, _: &Entry, _: &SecretSpec) -> Result<Option<Secret>, String> {
        Ok(None)
    }

    fn config(&self, _: &str) -> Map<String, Value> {
        Map::new()
    }

    fn is_approved(&self, _: &Entry) -> bool {
        self.is_trusted
    }

    fn approve(&self, _: &Entry) -> Result<(), String> {
        Err("nobody is there to agree".to_owned())
    }

    fn keep_secret(&self, _: &Entry, _: &SecretSpec, _: &secrets::Secret) -> Result<(), String> {
        Err("nobody keeps anything".to_owned())
    }

    fn keeps_secrets_in(&self) -> String {
        "nothing".to_owned()
    }
}

/// A rule that forbids tools.
struct Forbids(Vec<String>);

impl gateway::Decider for Forbids {
    fn decide(&self, facts: &policy::Facts<'_>) -> gateway::Decision {
        match facts.asked {
            policy::Asked::Tool { name, .. } if self.0.iter().any(|one| one == name) => {
                gateway::Decision::Deny(gateway::Denial {
                    rule: None,
                    reason: format!("a rule forbids {name}"),
                })
            }
            _ => gateway::Decision::Allow,
        }
    }
}

/// The argument that makes this program run one script, and nothing else.
pub(crate) const WORKER: &str = "__script";

/// Workers of code mode: this program, started again.
struct Own;

impl codemode::Start for Own {
    fn start(&self, channel: OwnedFd) -> std::io::Result<Box<dyn codemode::Process>> {
        let program = Path::new("/proc/self/exe");
        let process = OwnProcess::start(program, &[WORKER], channel)?;
        Ok(Box::new(Worker(process)))
    }
}

struct Worker(OwnProcess);

impl codemode::Process for Worker {
    fn end(&mut self) -> Option<i32> {
        self.0.end()
    }
}

/// Starts servers in memory: by name, what each offers and answers.
#[derive(Default)]
struct Servers(HashMap<String, Offers>);

#[derive(Clone)]
struct Offers {
    /// The raw list of its tools.
    list: Arc<str>,
    mock: Option<Arc<Mock>>,
}

impl Servers {
    fn of(servers: &[Server]) -> Self {
        let lists = servers.iter().map(|server| {
            let tools = json!({"tools": server.tools}).to_string();
            let offers = Offers {
                list: Arc::from(tools),
                mock: server.mock.clone(),
            };
            (server.entry.name.to_string(), offers)
        });
        Self(lists.collect())
    }
}

impl Launcher for Servers {
    fn launch<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Launched, LaunchError>> {
        Box::pin(async move {
            let Some(offers) = self.0.get(entry.name.as_str()).cloned() else {
                return Err(LaunchError::NotProgram);
            };
            let (ours, theirs) = memory::pair();
            tokio::spawn(serve(ours.sink, ours.source, offers));
            Ok(Launched {
                link: Link::Pipe(theirs),
                process: None,
            })
        })
    }

    fn is_boxed(&self, _: &Entry) -> bool {
        true
    }
}

/// An entry that leads to a server in memory.
pub(crate) fn in_memory(entry: &Entry) -> Launch {
    Launch::Command {
        command: entry.name.to_string(),
        args: Vec::new(),
        env: Vec::new(),
        cwd: None,
    }
}

async fn serve(sink: Arc<dyn FrameSink>, mut source: Box<dyn FrameSource>, offers: Offers) {
    while let Some(Ok(bytes)) = source.recv().await {
        let Ok(frame) = Frame::parse(bytes) else {
            return;
        };
        let Some(id) = frame.id() else { continue };
        let result = match frame.method() {
            method::INITIALIZE => format!(
                r#"{{"protocolVersion":"{}","capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"bench","version":"1"}}}}"#,
                Version::LATEST_HANDSHAKE.as_str()
            ),
            method::TOOLS_LIST => offers.list.to_string(),
            method::TOOLS_CALL => match &offers.mock {
                Some(mock) => answer(mock, &frame),
                None => json!({"content": [{"type": "text", "text": RESULT}]}).to_string(),
            },
            _ => "{}".to_owned(),
        };
        if sink.send(&build::result(id, &result)).is_err() {
            return;
        }
    }
}

fn answer(mock: &Mock, call: &Frame) -> String {
    let params: Value = serde_json::from_str(call.params().unwrap_or("{}")).unwrap_or_default();
    let none = Map::new();
    let arguments = params["arguments"].as_object().unwrap_or(&none);
    mock.answer(params["name"].as_str().unwrap_or_default(), arguments)
}
