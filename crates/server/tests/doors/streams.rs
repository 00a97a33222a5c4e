//! Streams of sessions: ids, priming, coming back after a lost connection, the standalone stream.

use crate::harness::{BOTH, EVENTS, House, JSON, call};
use crate::http::data;

#[tokio::test]
async fn streams_begin_with_an_id_where_clients_understand_it() {
    let house = House::open().await;
    for (version, is_primed) in [
        ("2025-11-25", true),
        ("2025-06-18", false),
        ("2025-03-26", false),
    ] {
        let id = house.session(version).await;
        let mut connection = house.connect().await;
        connection
            .send(
                "POST /mcp",
                &[JSON, BOTH, ("Mcp-Session-Id", &id)],
                &call(1, "steps"),
            )
            .await;
        assert_eq!(
            connection.head().await.field("content-type"),
            Some("text/event-stream")
        );
        if is_primed {
            let first = connection.event().await.unwrap();
            assert!(
                first.id.is_some() && first.data.is_empty() && first.name.is_none(),
                "{first:?}"
            );
        }
        let mut ids = Vec::new();
        for _ in 0..4 {
            let event = connection.event().await.unwrap();
            assert!(!event.data.is_empty());
            ids.push(event.id.unwrap());
        }
        ids.dedup();
        assert_eq!(ids.len(), 4, "{version}");
        assert_eq!(connection.event().await, None);
    }
    house.close().await;
}

#[tokio::test]
async fn a_lost_connection_cancels_nothing_and_loses_nothing() {
    let house = House::open().await;
    let id = house.session("2025-11-25").await;
    let session = ("Mcp-Session-Id", id.as_str());
    let mut connection = house.connect().await;
    connection
        .send("POST /mcp", &[JSON, BOTH, session], &call(7, "gated_steps"))
        .await;
    connection.head().await;
    connection.event().await.unwrap();
    let seen = connection.event().await.unwrap();
    assert!(seen.data.contains(r#""progress":1"#));
    drop(connection);
    let mut back = house.connect().await;
    back.send(
        "GET /mcp",
        &[
            EVENTS,
            session,
            ("Last-Event-ID", seen.id.as_deref().unwrap()),
        ],
        "",
    )
    .await;
    assert_eq!(back.head().await.status, 200);
    house.script.release();
    let rest = data(&mut back, 3).await;
    assert!(rest[0].contains(r#""progress":2"#) && rest[1].contains(r#""progress":3"#));
    assert!(rest[2].contains(r#""id":7"#) && rest[2].contains("result"));
    assert_eq!(back.event().await, None);
    assert_eq!(house.script.counts().cancelled, 0);
    // And once more, after the end.
    let mut again = house.connect().await;
    again
        .send(
            "GET /mcp",
            &[
                EVENTS,
                session,
                ("Last-Event-ID", seen.id.as_deref().unwrap()),
            ],
            "",
        )
        .await;
    again.head().await;
    assert_eq!(data(&mut again, 3).await, rest);
    assert_eq!(again.event().await, None);
    house.close().await;
}

#[tokio::test]
async fn a_call_without_a_stream_is_not_cancelled_either() {
    let house = House::open().await;
    let id = house.session("2025-11-25").await;
    let mut connection = house.connect().await;
    connection
        .send(
            "POST /mcp",
            &[JSON, BOTH, ("Mcp-Session-Id", &id)],
            &call(1, "gate"),
        )
        .await;
    house.script.until(|counts| counts.begun == 1).await;
    drop(connection);
    house.script.release();
    house.script.until(|counts| counts.answered == 1).await;
    house.close().await;
}

#[tokio::test]
async fn the_standalone_stream_carries_what_belongs_to_no_call() {
    let house = House::open().await;
    let id = house.session("2025-11-25").await;
    let session = ("Mcp-Session-Id", id.as_str());
    house.post(&[session], &call(1, "echo")).await;
    house.script.poke();
    let mut listening = house.connect().await;
    listening.send("GET /mcp", &[EVENTS, session], "").await;
    let head = listening.head().await;
    assert_eq!(
        (head.status, head.field("content-type")),
        (200, Some("text/event-stream"))
    );
    let last = listening.event_with("poked").await.id.unwrap();
    drop(listening);
    house.script.poke();
    let mut back = house.connect().await;
    back.send("GET /mcp", &[EVENTS, session, ("Last-Event-ID", &last)], "")
        .await;
    assert_eq!(back.head().await.status, 200);
    back.event_with("poked").await;
    // It ends with the session.
    assert_eq!(
        house
            .connect()
            .await
            .request("DELETE /mcp", &[session], "")
            .await
            .status,
        204
    );
    while back.event().await.is_some() {}
    house.close().await;
}

#[tokio::test]
async fn a_second_listener_displaces_the_first() {
    let house = House::open().await;
    let id = house.session("2025-06-18").await;
    let session = ("Mcp-Session-Id", id.as_str());
    house.post(&[session], &call(1, "echo")).await;
    let mut first = house.connect().await;
    first.send("GET /mcp", &[EVENTS, session], "").await;
    first.head().await;
    let mut second = house.connect().await;
    second.send("GET /mcp", &[EVENTS, session], "").await;
    second.head().await;
    while first.event().await.is_some() {}
    house.script.poke();
    second.event_with("poked").await;
    drop(second);
    house.close().await;
}

#[tokio::test]
async fn ids_of_nothing_are_refused() {
    let house = House::open().await;
    let id = house.session("2025-11-25").await;
    for last in ["7-1", "0-99", "nonsense", ""] {
        let fields = [
            EVENTS,
            ("Mcp-Session-Id", id.as_str()),
            ("Last-Event-ID", last),
        ];
        let reply = house.connect().await.request("GET /mcp", &fields, "").await;
        assert_eq!(reply.status, 400, "{last}");
    }
    let html = [("Accept", "text/html"), ("Mcp-Session-Id", id.as_str())];
    assert_eq!(
        house
            .connect()
            .await
            .request("GET /mcp", &html, "")
            .await
            .status,
        406
    );
    house.close().await;
}
