//! HTTP+SSE.

use crate::harness::{House, JSON, call, initialize, note};
use crate::http::Connection;

async fn open(house: &House) -> (Connection, String) {
    let mut stream = house.connect().await;
    stream
        .send("GET /sse", &[("Accept", "text/event-stream")], "")
        .await;
    assert_eq!(
        stream.head().await.field("content-type"),
        Some("text/event-stream")
    );
    let first = stream.event().await.unwrap();
    assert_eq!(first.name.as_deref(), Some("endpoint"));
    assert!(
        first.data.starts_with("/messages?sessionId="),
        "{}",
        first.data
    );
    (stream, first.data)
}

async fn post(house: &House, endpoint: &str, body: &str) -> u16 {
    house
        .connect()
        .await
        .request(&format!("POST {endpoint}"), &[JSON], body)
        .await
        .status
}

#[tokio::test]
async fn a_conversation() {
    let house = House::open().await;
    let (mut stream, endpoint) = open(&house).await;
    assert_eq!(
        post(&house, &endpoint, &initialize("2024-11-05")).await,
        202
    );
    let answer = stream.event().await.unwrap();
    assert_eq!(answer.name.as_deref(), Some("message"));
    assert!(
        answer.data.contains(r#""protocolVersion":"2024-11-05""#),
        "{}",
        answer.data
    );
    assert_eq!(
        post(&house, &endpoint, &note("notifications/initialized")).await,
        202
    );
    assert_eq!(post(&house, &endpoint, &call(1, "steps")).await, 202);
    for _ in 0..3 {
        stream.event_with("progress").await;
    }
    stream.event_with(r#""id":1"#).await;
    house.script.poke();
    stream.event_with("poked").await;
    assert_eq!(post(&house, &endpoint, "{").await, 400);
    // Closing the stream ends the session and what runs in it.
    assert_eq!(post(&house, &endpoint, &call(2, "hang")).await, 202);
    house.script.until(|counts| counts.begun == 2).await;
    drop(stream);
    house.script.until(|counts| counts.cancelled == 1).await;
    while post(&house, &endpoint, &note("notifications/x")).await != 404 {}
    house.close().await;
}

#[tokio::test]
async fn messages_need_an_open_stream() {
    let house = House::open().await;
    assert_eq!(post(&house, "/messages", "{}").await, 400);
    assert_eq!(
        post(&house, "/messages?sessionId=made-up", &call(1, "echo")).await,
        404
    );
    let id = house.session("2025-11-25").await;
    assert_eq!(
        post(
            &house,
            &format!("/messages?sessionId={id}"),
            &call(1, "echo")
        )
        .await,
        404
    );
    for (line, allow) in [("POST /sse", "GET"), ("GET /messages", "POST")] {
        let reply = house.connect().await.request(line, &[], "").await;
        assert_eq!((reply.status, reply.field("allow")), (405, Some(allow)));
    }
    house.close().await;
}

#[tokio::test]
async fn a_session_may_not_have_too_many_requests_running() {
    let house = House::open().await;
    let (mut stream, endpoint) = open(&house).await;
    assert_eq!(
        post(&house, &endpoint, &initialize("2024-11-05")).await,
        202
    );
    // Until it is answered it is one of those that run.
    stream.event_with("protocolVersion").await;
    let mut connection = house.connect().await;
    let line = format!("POST {endpoint}");
    let running = u32::try_from(server::limits::REQUESTS_RUNNING_MAX).unwrap();
    let mut refused = 0;
    for n in 1..=running + 1 {
        refused = connection
            .request(&line, &[JSON], &call(n, "hang"))
            .await
            .status;
    }
    assert_eq!(refused, 503);
    drop(stream);
    house.close().await;
}
