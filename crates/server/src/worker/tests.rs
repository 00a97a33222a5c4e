//! What takes time, on a clock that does not: connections that stall, and calls that say nothing.

use std::net::SocketAddr;

use catalog::{Entry, ServerName};
use gateway::front::Gateway;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::*;
use crate::guard::{Auth, Guard, Names};
use crate::health::{self, Health};
use crate::intake::Budget;
use crate::limits;
use crate::readiness::Readiness;
use crate::shutdown::Trigger;
use http::Connection;
use script::{InMemory, Script};

#[expect(dead_code, reason = "shared with the tests from outside")]
#[path = "../../tests/doors/http.rs"]
mod http;
#[expect(dead_code, reason = "shared with the tests from outside")]
#[path = "../../tests/doors/script.rs"]
mod script;

/// A worker on this test's own runtime, and with it on its clock.
struct House {
    listener: TcpListener,
    handoffs: mpsc::Sender<Handoff>,
    _trigger: Trigger,
}

impl House {
    async fn open() -> Self {
        let entry = Entry::command(
            ServerName::new("one").unwrap(),
            "script",
            Vec::<String>::new(),
        );
        let options = gateway::Options::new(vec![entry], Arc::new(InMemory(Script::new())));
        let gateway = Gateway::new(options).unwrap();
        let readiness = Readiness::default();
        let door = Door {
            gateway: gateway.clone(),
            guard: Arc::new(Guard::new(Auth::Open, Names::default(), Names::default())),
            bodies: Arc::new(Budget::new(limits::BODY_BYTES_MAX)),
            sessions: Arc::default(),
            letterboxes: Arc::default(),
            readiness: readiness.clone(),
            rest: health::front(Health { gateway, readiness }, Arc::default()),
            tls: None,
            profiles: None,
        };
        let (handoffs, receiver) = mpsc::channel(8);
        let (trigger, shutdown) = Shutdown::new();
        let tally = Tally {
            open: Arc::default(),
            busy: watch::Sender::new(1),
        };
        tokio::spawn(run(receiver, Arc::new(door), tally, shutdown));
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .unwrap();
        Self {
            listener,
            handoffs,
            _trigger: trigger,
        }
    }

    async fn connect(&self) -> Connection {
        let connection = Connection::open(self.listener.local_addr().unwrap()).await;
        let (stream, _) = self.listener.accept().await.unwrap();
        let handoff = Handoff {
            stream: stream.into_std().unwrap(),
            share: Share::default(),
        };
        assert!(self.handoffs.send(handoff).await.is_ok());
        connection
    }

    async fn session(&self) -> String {
        let body = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#;
        let fields = [("Content-Type", "application/json")];
        let reply = self
            .connect()
            .await
            .request("POST /mcp", &fields, body)
            .await;
        reply.field("mcp-session-id").unwrap().to_owned()
    }
}

/// Waits until the other side closes; how long that took, and what it said.
async fn until_closed(connection: &mut Connection) -> (Duration, String) {
    let began = Instant::now();
    let rest = connection.rest().await;
    (began.elapsed(), rest)
}

fn is_about(took: Duration, seconds: u32) -> bool {
    let seconds = u64::from(seconds);
    (Duration::from_secs(seconds)..=Duration::from_secs(seconds + 3)).contains(&took)
}

#[tokio::test(start_paused = true)]
async fn heads_and_bodies_that_do_not_end_are_given_up() {
    let house = House::open().await;
    let mut head = house.connect().await;
    head.write("POST /mcp HTTP/1.1\r\nHost: local").await;
    let (took, rest) = until_closed(&mut head).await;
    assert!(
        is_about(took, limits::HEAD_SECONDS_MAX) && rest.is_empty(),
        "{took:?} {rest}"
    );
    let mut body = house.connect().await;
    body.send(
        "POST /mcp",
        &[
            ("Content-Type", "application/json"),
            ("Content-Length", "100"),
        ],
        "{",
    )
    .await;
    let (took, rest) = until_closed(&mut body).await;
    assert!(
        is_about(took, limits::BODY_SECONDS_MAX) && rest.is_empty(),
        "{took:?} {rest}"
    );
}

#[tokio::test(start_paused = true)]
async fn idle_connections_are_closed_in_the_end() {
    let house = House::open().await;
    let mut fresh = house.connect().await;
    let (took, _) = until_closed(&mut fresh).await;
    assert!(is_about(took, limits::IDLE_SECONDS_MAX), "{took:?}");
    let mut used = house.connect().await;
    assert_eq!(used.request("GET /livez", &[], "").await.status, 200);
    let (took, _) = until_closed(&mut used).await;
    assert!(is_about(took, limits::IDLE_SECONDS_MAX), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_says_nothing_becomes_a_stream_that_is_kept_alive() {
    let house = House::open().await;
    let session = house.session().await;
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hang","arguments":{},"_meta":{"progressToken":1}}}"#;
    let fields = [
        ("Content-Type", "application/json"),
        ("Mcp-Session-Id", session.as_str()),
    ];
    let mut connection = house.connect().await;
    connection.send("POST /mcp", &fields, call).await;
    let began = Instant::now();
    assert_eq!(
        connection.head().await.field("content-type"),
        Some("text/event-stream")
    );
    assert!(is_about(began.elapsed(), limits::KEEP_ALIVE_SECONDS));
    let primed = connection.event().await.unwrap();
    assert!(primed.id.is_some() && primed.data.is_empty());
    for _ in 0..3 {
        let began = Instant::now();
        assert_eq!(connection.raw_chunk().await, ":\n\n");
        assert!(is_about(began.elapsed(), limits::KEEP_ALIVE_SECONDS - 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_standalone_stream_is_kept_alive() {
    let house = House::open().await;
    let session = house.session().await;
    let mut connection = house.connect().await;
    connection
        .send("GET /mcp", &[("Mcp-Session-Id", session.as_str())], "")
        .await;
    connection.head().await;
    connection.event().await.unwrap();
    for _ in 0..50 {
        assert_eq!(connection.raw_chunk().await, ":\n\n");
    }
}
