//! Sessions over streamable HTTP: begin, requests, notifications, batches, end, and what is refused.

use crate::harness::{BOTH, House, JSON, call, initialize, note};

#[tokio::test]
async fn a_session_from_begin_to_end() {
    let house = House::open().await;
    let mut connection = house.connect().await;
    let reply = connection
        .request("POST /mcp", &[JSON, BOTH], &initialize("2025-06-18"))
        .await;
    assert_eq!(
        (reply.status, reply.field("content-type")),
        (200, Some("application/json"))
    );
    assert!(
        reply.body.contains(r#""protocolVersion":"2025-06-18""#),
        "{}",
        reply.body
    );
    let id = reply.field("mcp-session-id").unwrap().to_owned();
    let session = ("Mcp-Session-Id", id.as_str());
    let version = ("MCP-Protocol-Version", "2025-06-18");
    let reply = connection
        .request(
            "POST /mcp",
            &[JSON, session, version],
            &note("notifications/initialized"),
        )
        .await;
    assert_eq!((reply.status, reply.body.as_str()), (202, ""));
    // On the same connection, one after the other.
    for n in 1..4 {
        let reply = connection
            .request(
                "POST /mcp",
                &[JSON, BOTH, session, version],
                &call(n, "echo"),
            )
            .await;
        assert_eq!(reply.status, 200);
        assert!(
            reply.body.contains(&format!(r#""id":{n}"#)) && reply.body.contains("echo"),
            "{}",
            reply.body
        );
        assert_eq!(
            reply.field("content-length"),
            Some(reply.body.len().to_string().as_str())
        );
    }
    let reply = connection.request("DELETE /mcp", &[session], "").await;
    assert_eq!(reply.status, 204);
    let reply = connection
        .request("POST /mcp", &[JSON, BOTH, session], &call(9, "echo"))
        .await;
    assert_eq!(reply.status, 404);
    assert!(
        reply.body.contains(r#""id":9"#) && reply.body.contains("initialize"),
        "{}",
        reply.body
    );
    assert_eq!(
        connection
            .request("DELETE /mcp", &[session], "")
            .await
            .status,
        404
    );
    house.close().await;
}

#[tokio::test]
async fn no_session_no_service() {
    let house = House::open().await;
    let reply = house.post(&[], &call(4, "echo")).await;
    assert_eq!(reply.status, 400);
    assert!(
        reply.body.contains("Mcp-Session-Id") && reply.body.contains(r#""id":4"#),
        "{}",
        reply.body
    );
    assert_eq!(
        house
            .post(&[("Mcp-Session-Id", "made-up")], &call(4, "echo"))
            .await
            .status,
        404
    );
    assert_eq!(
        house
            .post(&[], &note("notifications/initialized"))
            .await
            .status,
        400
    );
    for method in ["GET", "DELETE"] {
        let reply = house
            .connect()
            .await
            .request(&format!("{method} /mcp"), &[], "")
            .await;
        assert_eq!(
            (reply.status, reply.field("allow")),
            (405, Some("POST, GET, DELETE"))
        );
    }
    let reply = house
        .connect()
        .await
        .request("PUT /mcp", &[JSON], "{}")
        .await;
    assert_eq!(
        (reply.status, reply.field("allow")),
        (405, Some("POST, GET, DELETE"))
    );
    house.close().await;
}

#[tokio::test]
async fn initialize_with_nonsense_is_answered() {
    let house = House::open().await;
    for params in [
        "[]",
        "{}",
        r#"{"protocolVersion":7,"capabilities":[],"clientInfo":"x"}"#,
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{params}}}"#);
        let reply = house.post(&[], &body).await;
        assert_eq!(reply.status, 200, "{params}");
        assert!(reply.body.contains(r#""id":0"#), "{}", reply.body);
        // A session where it went well, none where it did not.
        let went_well = reply.body.contains(r#""result""#);
        assert_eq!(
            reply.field("mcp-session-id").is_some(),
            went_well,
            "{reply:?}"
        );
    }
    house.close().await;
}

#[tokio::test]
async fn a_session_speaks_its_own_era() {
    let house = House::open().await;
    let id = house.session("2025-03-26").await;
    let session = ("Mcp-Session-Id", id.as_str());
    assert_eq!(house.post(&[session], &call(1, "echo")).await.status, 200);
    for version in ["2025-03-26", "2025-11-25"] {
        let reply = house
            .post(
                &[session, ("MCP-Protocol-Version", version)],
                &call(1, "echo"),
            )
            .await;
        assert_eq!(reply.status, 200, "{version}");
    }
    for version in ["2025-01-01", "nonsense", ""] {
        let reply = house
            .post(
                &[session, ("MCP-Protocol-Version", version)],
                &call(1, "echo"),
            )
            .await;
        assert_eq!(reply.status, 400, "{version}");
    }
    house.close().await;
}

#[tokio::test]
async fn one_server_alone_has_its_own_endpoint() {
    let house = House::open().await;
    let reply = house
        .post_to("/s/one/mcp", &[], &initialize("2025-11-25"))
        .await;
    let id = reply.field("mcp-session-id").unwrap();
    let reply = house
        .post_to("/s/one/mcp", &[("Mcp-Session-Id", id)], &call(1, "echo"))
        .await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let reply = house
        .post_to("/s/two/mcp", &[], &initialize("2025-11-25"))
        .await;
    assert_eq!(reply.status, 404);
    house.close().await;
}

#[tokio::test]
async fn malformed_messages_have_their_errors() {
    let house = House::open().await;
    for (body, code) in [
        ("", "-32700"),
        ("{", "-32700"),
        ("nonsense", "-32700"),
        (r#""text""#, "-32600"),
        (r#"{"id":1,"method":"x"}"#, "-32600"),
        (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"x"}"#, "-32600"),
        ("[]", "-32600"),
        ("[", "-32700"),
    ] {
        let reply = house
            .post(&[("Content-Length", &body.len().to_string())], body)
            .await;
        assert_eq!(reply.status, 400, "{body}");
        assert!(reply.body.contains(code), "{body}: {}", reply.body);
    }
    house.close().await;
}

#[tokio::test]
async fn what_is_not_json_or_cannot_be_answered_is_refused() {
    let house = House::open().await;
    let body = initialize("2025-11-25");
    let mut connection = house.connect().await;
    let plain = ("Content-Type", "text/plain");
    assert_eq!(
        connection
            .request("POST /mcp", &[plain, BOTH], &body)
            .await
            .status,
        415
    );
    let html = ("Accept", "text/html");
    assert_eq!(
        house
            .connect()
            .await
            .request("POST /mcp", &[JSON, html], &body)
            .await
            .status,
        406
    );
    for accept in [None, Some(("Accept", "*/*"))] {
        let fields: Vec<_> = [JSON].into_iter().chain(accept).collect();
        assert_eq!(
            house
                .connect()
                .await
                .request("POST /mcp", &fields, &body)
                .await
                .status,
            200
        );
    }
    house.close().await;
}

#[tokio::test]
async fn batches_belong_to_one_revision() {
    let house = House::open().await;
    let batch = format!(
        "[{},{},{}]",
        call(1, "echo"),
        note("notifications/x"),
        call(2, "echo")
    );
    for version in ["2024-11-05", "2025-06-18", "2025-11-25"] {
        let id = house.session(version).await;
        let reply = house.post(&[("Mcp-Session-Id", &id)], &batch).await;
        assert_eq!(reply.status, 400, "{version}");
        assert!(reply.body.contains("2025-03-26"), "{}", reply.body);
    }
    assert_eq!(house.post(&[], &batch).await.status, 400);
    let id = house.session("2025-03-26").await;
    let session = ("Mcp-Session-Id", id.as_str());
    let reply = house.post(&[session], &batch).await;
    assert_eq!(
        (reply.status, reply.field("content-type")),
        (200, Some("application/json"))
    );
    assert!(
        reply.body.starts_with('[') && reply.body.ends_with(']'),
        "{}",
        reply.body
    );
    assert!(
        reply.body.contains(r#""id":1"#) && reply.body.contains(r#""id":2"#),
        "{}",
        reply.body
    );
    let reply = house
        .post(&[session], &format!("[{}]", note("notifications/x")))
        .await;
    assert_eq!((reply.status, reply.body.as_str()), (202, ""));
    let reply = house
        .post(&[session], &format!("[1,{}]", call(3, "echo")))
        .await;
    assert!(
        reply.body.contains("-32600") && reply.body.contains(r#""id":3"#),
        "{}",
        reply.body
    );
    house.close().await;
}

#[tokio::test]
async fn a_batch_with_progress_becomes_a_stream() {
    let house = House::open().await;
    let id = house.session("2025-03-26").await;
    let fields = [JSON, BOTH, ("Mcp-Session-Id", id.as_str())];
    let mut connection = house.connect().await;
    connection
        .send(
            "POST /mcp",
            &fields,
            &format!("[{},{}]", call(1, "echo"), call(2, "steps")),
        )
        .await;
    assert_eq!(
        connection.head().await.field("content-type"),
        Some("text/event-stream")
    );
    for _ in 0..3 {
        assert!(
            connection
                .event()
                .await
                .unwrap()
                .data
                .contains("notifications/progress")
        );
    }
    let last = connection.event().await.unwrap().data;
    assert!(
        last.starts_with('[') && last.contains(r#""id":1"#) && last.contains(r#""id":2"#),
        "{last}"
    );
    assert_eq!(connection.event().await, None);
    house.close().await;
}
