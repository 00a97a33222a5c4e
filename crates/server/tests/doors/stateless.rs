//! The stateless era: no sessions, headers that say what the body says, and a closed stream that cancels.

use crate::harness::{BOTH, EVENTS, House, JSON, MODERN, initialize, modern_call, note};

const CALL: (&str, &str) = ("Mcp-Method", "tools/call");
const ECHO: (&str, &str) = ("Mcp-Name", "echo");

#[tokio::test]
async fn requests_need_no_session() {
    let house = House::open().await;
    let reply = house
        .post(&[MODERN, CALL, ECHO], &modern_call(1, "echo"))
        .await;
    assert_eq!(
        (reply.status, reply.field("content-type")),
        (200, Some("application/json")),
        "{reply:?}"
    );
    assert_eq!(reply.field("mcp-session-id"), None);
    // What belongs to the other era is ignored.
    let old = ("Mcp-Session-Id", "made-up");
    let last = ("Last-Event-ID", "1-1");
    let reply = house
        .post(&[MODERN, CALL, ECHO, old, last], &modern_call(2, "echo"))
        .await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let cancelled = note("notifications/cancelled");
    assert_eq!(
        house
            .post(
                &[MODERN, ("Mcp-Method", "notifications/cancelled")],
                &cancelled
            )
            .await
            .status,
        202
    );
    house.close().await;
}

#[tokio::test]
async fn the_status_is_the_gateways() {
    let house = House::open().await;
    let reply = house
        .post(
            &[MODERN, ("Mcp-Method", "prompts/get"), ECHO],
            &modern_call(1, "echo"),
        )
        .await;
    assert_eq!(reply.status, 400);
    assert!(reply.body.contains("-32020"), "{}", reply.body);
    let reply = house
        .post(
            &[MODERN, ("Mcp-Method", "initialize")],
            &initialize("2026-07-28"),
        )
        .await;
    assert!(matches!(reply.status, 400 | 404), "{reply:?}");
    assert_eq!(reply.field("mcp-session-id"), None);
    house.close().await;
}

#[tokio::test]
async fn the_body_alone_says_it_too() {
    let house = House::open().await;
    let reply = house.post(&[CALL, ECHO], &modern_call(1, "echo")).await;
    assert!(!reply.body.contains("Mcp-Session-Id"), "{}", reply.body);
    house.close().await;
}

#[tokio::test]
async fn answers_and_batches_do_not_exist() {
    let house = House::open().await;
    let answer = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    assert_eq!(house.post(&[MODERN], answer).await.status, 400);
    assert_eq!(
        house
            .post(&[MODERN, CALL], &format!("[{}]", modern_call(1, "echo")))
            .await
            .status,
        400
    );
    house.close().await;
}

#[tokio::test]
async fn only_post_exists() {
    let house = House::open().await;
    let id = house.session("2025-11-25").await;
    for method in ["GET", "DELETE"] {
        let fields = [EVENTS, MODERN, ("Mcp-Session-Id", id.as_str())];
        let reply = house
            .connect()
            .await
            .request(&format!("{method} /mcp"), &fields, "")
            .await;
        assert_eq!((reply.status, reply.field("allow")), (405, Some("POST")));
    }
    house.close().await;
}

#[tokio::test]
async fn a_stream_has_messages_and_the_answer_and_no_ids() {
    let house = House::open().await;
    let mut connection = house.connect().await;
    let name = ("Mcp-Name", "steps");
    connection
        .send(
            "POST /mcp",
            &[JSON, BOTH, MODERN, CALL, name],
            &modern_call(1, "steps"),
        )
        .await;
    let head = connection.head().await;
    assert_eq!(
        (head.status, head.field("content-type")),
        (200, Some("text/event-stream"))
    );
    assert_eq!(
        (head.field("cache-control"), head.field("x-accel-buffering")),
        (Some("no-cache"), Some("no"))
    );
    for n in 1..=3 {
        let event = connection.event().await.unwrap();
        assert_eq!((event.id, event.name.as_deref()), (None, Some("message")));
        assert!(
            event.data.contains(&format!(r#""progress":{n}"#)),
            "{}",
            event.data
        );
    }
    assert!(
        connection
            .event()
            .await
            .unwrap()
            .data
            .contains(r#""result""#)
    );
    assert_eq!(connection.event().await, None);
    // The connection is good for more.
    let reply = connection
        .request(
            "POST /mcp",
            &[JSON, BOTH, MODERN, CALL, ECHO],
            &modern_call(2, "echo"),
        )
        .await;
    assert_eq!(reply.status, 200);
    house.close().await;
}

#[tokio::test]
async fn a_client_that_goes_away_cancels() {
    let house = House::open().await;
    let mut connection = house.connect().await;
    let fields = [JSON, BOTH, MODERN, CALL, ("Mcp-Name", "hang")];
    connection
        .send("POST /mcp", &fields, &modern_call(1, "hang"))
        .await;
    let mut streaming = house.connect().await;
    let fields = [JSON, BOTH, MODERN, CALL, ("Mcp-Name", "gated_steps")];
    streaming
        .send("POST /mcp", &fields, &modern_call(3, "gated_steps"))
        .await;
    streaming.head().await;
    streaming.event().await.unwrap();
    house.script.until(|counts| counts.begun == 2).await;
    drop(connection);
    drop(streaming);
    house.script.until(|counts| counts.cancelled == 2).await;
    house.close().await;
}
