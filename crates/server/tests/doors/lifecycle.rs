//! The end of it all: what finishes, what is dropped, and what is said meanwhile.

use std::net::SocketAddr;
use std::time::Duration;

use server::{Auth, Options, ServeError, Server};

use crate::harness::{BOTH, EVENTS, House, JSON, MODERN, call, modern_call};

#[tokio::test]
async fn what_runs_may_finish_and_nothing_new_begins() {
    let house = House::open().await;
    let id = house.session("2025-11-25").await;
    let session = ("Mcp-Session-Id", id.as_str());
    let mut listening = house.connect().await;
    listening.send("GET /mcp", &[EVENTS, session], "").await;
    listening.head().await;
    let mut idle = house.connect().await;
    assert_eq!(idle.request("GET /readyz", &[], "").await.status, 200);
    let mut running = house.connect().await;
    running
        .send("POST /mcp", &[JSON, BOTH, session], &call(1, "gated_steps"))
        .await;
    running.head().await;
    let mut helper = house.connect().await;
    assert_eq!(helper.request("GET /livez", &[], "").await.status, 200);
    house.trigger.drain();
    // Streams that no call waits for end, and so do connections without a request.
    while listening.event().await.is_some() {}
    assert_eq!(idle.rest().await, "");
    assert_eq!(helper.rest().await, "");
    assert!(tokio::net::TcpStream::connect(house.address).await.is_err());
    house.script.release();
    while running.event().await.is_some() {}
    house.served.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_does_not_finish_is_cut_off_and_hears_why() {
    let house = House::with(|options| options.drain = Duration::from_millis(50)).await;
    let mut connection = house.connect().await;
    let fields = [
        JSON,
        BOTH,
        MODERN,
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "hang"),
    ];
    connection
        .send("POST /mcp", &fields, &modern_call(1, "hang"))
        .await;
    house.script.until(|counts| counts.begun == 1).await;
    house.trigger.drain();
    house.served.await.unwrap().unwrap();
    assert!(connection.rest().await.contains("it was stopped"));
}

#[tokio::test]
async fn the_second_signal_waits_for_nothing() {
    let house = House::with(|options| options.drain = Duration::from_secs(3600)).await;
    let mut connection = house.connect().await;
    let fields = [
        JSON,
        BOTH,
        MODERN,
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "hang"),
    ];
    connection
        .send("POST /mcp", &fields, &modern_call(1, "hang"))
        .await;
    house.script.until(|counts| counts.begun == 1).await;
    house.trigger.drain();
    house.trigger.now();
    house.served.await.unwrap().unwrap();
    // Perhaps with an answer, perhaps without: it ends.
    connection.rest().await;
}

#[tokio::test]
async fn a_port_in_use_is_named_and_so_is_the_way_out() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = Server::bind(Options::new(address, Auth::Open))
        .await
        .err()
        .unwrap();
    assert!(matches!(error, ServeError::InUse(_)));
    let text = error.to_string();
    assert!(
        text.contains(&address.to_string()) && text.contains("--port"),
        "{text}"
    );
}

#[tokio::test]
async fn an_address_that_is_not_ours_is_an_error_only_if_there_is_no_other() {
    let foreign = SocketAddr::from(([192, 0, 2, 1], 0));
    let error = Server::bind(Options::new(foreign, Auth::Open))
        .await
        .err()
        .unwrap();
    assert!(matches!(error, ServeError::Bind { .. }), "{error}");
    let mut options = Options::new(foreign, Auth::Open);
    options.listen.push(SocketAddr::from(([127, 0, 0, 1], 0)));
    assert_eq!(Server::bind(options).await.unwrap().addresses().len(), 1);
}

#[tokio::test]
async fn listening_holds_nothing_up() {
    let house = House::with(|options| options.drain = Duration::from_secs(3600)).await;
    let meta = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}"#;
    let listen = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{{"notifications":{{"toolsListChanged":true}},"_meta":{{{meta}}}}}}}"#
    );
    let mut connection = house.connect().await;
    let fields = [JSON, BOTH, MODERN, ("Mcp-Method", "subscriptions/listen")];
    connection.send("POST /mcp", &fields, &listen).await;
    assert_eq!(
        connection.head().await.field("content-type"),
        Some("text/event-stream")
    );
    assert!(
        connection
            .event()
            .await
            .unwrap()
            .data
            .contains("acknowledged")
    );
    house.trigger.drain();
    while connection.event().await.is_some() {}
    house.served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_worker_that_has_nothing_left_to_do_takes_no_server_away_from_the_others() {
    let house = House::open().await;
    let id = house.session("2025-11-25").await;
    let session = ("Mcp-Session-Id", id.as_str());
    // One worker starts the server for this call; the next connection goes to the other.
    assert_eq!(house.post(&[session], &call(1, "echo")).await.status, 200);
    let mut running = house.connect().await;
    running
        .send("POST /mcp", &[JSON, BOTH, session], &call(2, "gated_steps"))
        .await;
    running.head().await;
    house.script.until(|counts| counts.begun == 2).await;
    house.trigger.drain();
    // The door is closed, and with it the idle worker is done.
    while tokio::net::TcpStream::connect(house.address).await.is_ok() {}
    house.script.release();
    running.event_with(r#""text":"gated_steps""#).await;
    while running.event().await.is_some() {}
    house.served.await.unwrap().unwrap();
}
