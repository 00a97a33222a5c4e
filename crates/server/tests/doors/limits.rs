//! Clients that want too much.

use crate::harness::{BOTH, House, JSON, call, initialize};

#[tokio::test]
async fn a_body_over_the_limit_is_refused_whether_announced_or_not() {
    let house = House::with(|options| options.body_bytes_max = 10_000).await;
    let mut connection = house.connect().await;
    connection
        .send(
            "POST /mcp",
            &[JSON, BOTH, ("Content-Length", "999999999999")],
            "",
        )
        .await;
    let reply = connection.reply().await;
    assert_eq!(reply.status, 413);
    assert!(reply.body.contains("10000 bytes"), "{}", reply.body);
    assert_eq!(connection.rest().await, "");
    let mut connection = house.connect().await;
    connection
        .send(
            "POST /mcp",
            &[JSON, BOTH, ("Transfer-Encoding", "chunked")],
            "",
        )
        .await;
    let chunk = format!("400\r\n{}\r\n", "x".repeat(1024));
    for _ in 0..40 {
        connection.write(&chunk).await;
    }
    assert_eq!(connection.reply().await.status, 413);
    house.close().await;
}

#[tokio::test]
async fn a_body_in_pieces_is_put_together() {
    let house = House::open().await;
    let id = house.session("2025-11-25").await;
    let body = call(1, "echo");
    let mut connection = house.connect().await;
    let chunked = ("Transfer-Encoding", "chunked");
    connection
        .send(
            "POST /mcp",
            &[JSON, BOTH, chunked, ("Mcp-Session-Id", &id)],
            "",
        )
        .await;
    for piece in body.as_bytes().chunks(7) {
        let piece = std::str::from_utf8(piece).unwrap();
        connection
            .write(&format!("{:x}\r\n{piece}\r\n", piece.len()))
            .await;
        tokio::task::yield_now().await;
    }
    connection.write("0\r\n\r\n").await;
    assert_eq!(connection.reply().await.status, 200);
    house.close().await;
}

#[tokio::test]
async fn a_large_message_passes_whole() {
    let house = House::open().await;
    let id = house.session("2025-11-25").await;
    let body = call(1, "echo").replace("{}", &format!(r#"{{"pad":"{}"}}"#, "x".repeat(3 << 20)));
    assert_eq!(
        house.post(&[("Mcp-Session-Id", &id)], &body).await.status,
        200
    );
    house.close().await;
}

#[tokio::test]
async fn what_is_not_http_is_answered_and_hurts_nobody() {
    let house = House::open().await;
    for nonsense in [
        "nonsense\r\n\r\n",
        "GET /mcp HTTP/9.9\r\n\r\n",
        "POST /mcp HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nxxxxxx",
        "GET /mcp HTTP/1.1\r\nHost localhost\r\n\r\n",
    ] {
        let mut connection = house.connect().await;
        connection.write(nonsense).await;
        assert!(
            connection.rest().await.starts_with("HTTP/1.1 400"),
            "{nonsense:?}"
        );
    }
    let mut connection = house.connect().await;
    connection
        .write("GET /mcp HTTP/1.1\r\nHost: localhost\r\n")
        .await;
    for n in 0..200 {
        connection.write(&format!("X-{n}: y\r\n")).await;
    }
    connection.write("\r\n").await;
    assert!(connection.rest().await.starts_with("HTTP/1.1 431"));
    assert_eq!(house.post(&[], &initialize("2025-11-25")).await.status, 200);
    house.close().await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let house = House::open().await;
    let id = house.session("2025-11-25").await;
    let mut connection = house.connect().await;
    for n in 1..=5 {
        connection
            .send(
                "POST /mcp",
                &[JSON, BOTH, ("Mcp-Session-Id", &id)],
                &call(n, "echo"),
            )
            .await;
    }
    for n in 1..=5 {
        assert!(
            connection
                .reply()
                .await
                .body
                .contains(&format!(r#""id":{n}"#))
        );
    }
    house.close().await;
}

#[tokio::test]
async fn more_connections_than_allowed_are_turned_away() {
    let house = House::with(|options| options.connections_max = 2).await;
    let mut first = house.connect().await;
    let mut second = house.connect().await;
    for connection in [&mut first, &mut second] {
        assert_eq!(connection.request("GET /livez", &[], "").await.status, 200);
    }
    let mut third = house.connect().await;
    assert!(third.rest().await.starts_with("HTTP/1.1 503"));
    drop(first);
    // There is room again once the worker has seen that.
    while house.connect().await.try_request("GET /livez").await != Some(200) {}
    assert_eq!(second.request("GET /livez", &[], "").await.status, 200);
    house.close().await;
}

#[tokio::test]
async fn one_session_too_many_is_asked_to_wait() {
    let house = House::for_sessions(1).await;
    let id = house.session("2025-11-25").await;
    let reply = house.post(&[], &initialize("2025-11-25")).await;
    assert_eq!((reply.status, reply.field("retry-after")), (503, Some("1")));
    assert!(reply.body.contains("sessions_max"), "{}", reply.body);
    let reply = house.connect().await.request("GET /sse", &[], "").await;
    assert_eq!(reply.status, 503);
    let mut connection = house.connect().await;
    let reply = connection
        .request("DELETE /mcp", &[("Mcp-Session-Id", &id)], "")
        .await;
    assert_eq!(reply.status, 204);
    house.session("2025-11-25").await;
    house.close().await;
}
