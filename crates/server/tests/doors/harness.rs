//! A gateway with its front door on a free port, and a client that has opened a session.

use std::net::SocketAddr;
use std::sync::Arc;

use catalog::{Entry, ServerName};
use config::token::Token;
use gateway::front::Gateway;
use server::shutdown::Trigger;
use server::{Auth, Names, Options, Pages, ServeError, Server, Shutdown};
use tokio::task::JoinHandle;

use crate::http::{Connection, Reply};
use crate::script::{InMemory, Script};

pub(crate) const JSON: (&str, &str) = ("Content-Type", "application/json");
pub(crate) const BOTH: (&str, &str) = ("Accept", "application/json, text/event-stream");
pub(crate) const EVENTS: (&str, &str) = ("Accept", "text/event-stream");
pub(crate) const MODERN: (&str, &str) = ("MCP-Protocol-Version", "2026-07-28");
pub(crate) const TOKEN: &str = "a-token-for-tests";

pub(crate) struct House {
    pub(crate) address: SocketAddr,
    pub(crate) script: Arc<Script>,
    pub(crate) trigger: Trigger,
    pub(crate) served: JoinHandle<Result<(), ServeError>>,
    pub(crate) pages: Arc<Pages>,
}

impl House {
    /// Without a token.
    pub(crate) async fn open() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Options)) -> Self {
        Self::before(gateway(), change).await
    }

    /// For so many sessions at once.
    pub(crate) async fn for_sessions(max: usize) -> Self {
        Self::before(
            gateway_with(|options| options.settings.sessions_max = max),
            |_| {},
        )
        .await
    }

    /// Where this decides over calls.
    pub(crate) async fn deciding(
        decider: Arc<dyn gateway::Decider>,
        change: impl FnOnce(&mut Options),
    ) -> Self {
        Self::before(gateway_with(|options| options.decider = decider), change).await
    }

    async fn before(
        (gateway, script): (Gateway, Arc<Script>),
        change: impl FnOnce(&mut Options),
    ) -> Self {
        let mut options = Options::new(SocketAddr::from(([127, 0, 0, 1], 0)), Auth::Open);
        options.workers = Some(2);
        change(&mut options);
        let server = Server::bind(options).await.unwrap();
        let address = server.addresses()[0];
        let pages = server.pages();
        let (trigger, shutdown) = Shutdown::new();
        let served = tokio::spawn(server.serve(gateway, shutdown));
        Self {
            address,
            script,
            trigger,
            served,
            pages,
        }
    }

    pub(crate) async fn with_token() -> Self {
        Self::with(|options| {
            options.auth = Auth::Token(Arc::new(Token::new(TOKEN).unwrap()));
            options.hosts = Names::new(["gate.example"]);
        })
        .await
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection::open(self.address).await
    }

    /// A POST to `/mcp` on a connection of its own.
    pub(crate) async fn post(&self, fields: &[(&str, &str)], body: &str) -> Reply {
        self.post_to("/mcp", fields, body).await
    }

    pub(crate) async fn post_to(&self, path: &str, fields: &[(&str, &str)], body: &str) -> Reply {
        let all: Vec<_> = [JSON, BOTH]
            .into_iter()
            .chain(fields.iter().copied())
            .collect();
        self.connect()
            .await
            .request(&format!("POST {path}"), &all, body)
            .await
    }

    /// A session of this version.
    pub(crate) async fn session(&self, version: &str) -> String {
        let reply = self.post(&[], &initialize(version)).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.field("mcp-session-id").unwrap().to_owned()
    }

    /// Ends everything in order.
    pub(crate) async fn close(self) {
        self.trigger.drain();
        self.served.await.unwrap().unwrap();
    }
}

/// A gateway with one server, `one`.
pub(crate) fn gateway() -> (Gateway, Arc<Script>) {
    gateway_with(|_| {})
}

fn gateway_with(change: impl FnOnce(&mut gateway::Options)) -> (Gateway, Arc<Script>) {
    let script = Script::new();
    let name = ServerName::new("one").unwrap();
    let entry = Entry::command(name, "script", Vec::<String>::new());
    let mut options = gateway::Options::new(vec![entry], Arc::new(InMemory(script.clone())));
    change(&mut options);
    (Gateway::new(options).unwrap(), script)
}

pub(crate) fn initialize(version: &str) -> String {
    let client = r#""capabilities":{},"clientInfo":{"name":"test","version":"1"}"#;
    format!(
        r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{"protocolVersion":"{version}",{client}}}}}"#
    )
}

/// A call of a tool, asking for progress.
pub(crate) fn call(id: u32, tool: &str) -> String {
    let params = format!(r#"{{"name":"{tool}","arguments":{{}},"_meta":{{"progressToken":1}}}}"#);
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{params}}}"#)
}

/// The same in the stateless era.
pub(crate) fn modern_call(id: u32, tool: &str) -> String {
    let meta = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}"#;
    let params =
        format!(r#"{{"name":"{tool}","arguments":{{}},"_meta":{{"progressToken":1,{meta}}}}}"#);
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{params}}}"#)
}

pub(crate) fn note(method: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}"}}"#)
}
