//! Who comes in.

use crate::harness::{House, TOKEN, call, initialize};

#[tokio::test]
async fn without_the_token_nobody_comes_in() {
    let house = House::with_token().await;
    let reply = house.post(&[], &initialize("2025-11-25")).await;
    assert_eq!(
        (reply.status, reply.field("www-authenticate")),
        (401, Some("Bearer"))
    );
    assert!(
        reply.body.contains("Authorization: Bearer"),
        "{}",
        reply.body
    );
    let reply = house
        .post(
            &[("Authorization", "Bearer wrong")],
            &initialize("2025-11-25"),
        )
        .await;
    assert_eq!(reply.status, 401);
    let said = reply.field("www-authenticate").unwrap();
    assert!(said.starts_with("Bearer error=\"invalid_token\""), "{said}");
    for path in [
        "GET /sse",
        "POST /messages?sessionId=x",
        "DELETE /mcp",
        "GET /s/one/mcp",
    ] {
        assert_eq!(
            house.connect().await.request(path, &[], "").await.status,
            401,
            "{path}"
        );
    }
    let bearer = format!("Bearer {TOKEN}");
    let reply = house
        .post(&[("Authorization", &bearer)], &initialize("2025-11-25"))
        .await;
    assert_eq!(reply.status, 200);
    let session = reply.field("mcp-session-id").unwrap();
    let reply = house
        .post(&[("Mcp-Session-Id", session)], &call(1, "echo"))
        .await;
    assert_eq!(reply.status, 401, "a session's id is no token");
    let reply = house
        .post(
            &[("Mcp-Session-Id", session), ("Authorization", &bearer)],
            &call(1, "echo"),
        )
        .await;
    assert_eq!(reply.status, 200);
    house.close().await;
}

#[tokio::test]
async fn pages_of_other_sites_are_kept_out() {
    let house = House::with_token().await;
    let bearer = format!("Bearer {TOKEN}");
    let token = ("Authorization", bearer.as_str());
    for fields in [
        ("Host", "evil.example:8811"),
        ("Origin", "http://evil.example"),
        ("Origin", "null"),
    ] {
        let reply = house
            .post(&[token, fields], &initialize("2025-11-25"))
            .await;
        assert_eq!(reply.status, 403, "{fields:?}");
        let reply = house.connect().await.request("GET /", &[fields], "").await;
        assert_eq!(reply.status, 403, "{fields:?}");
    }
    for fields in [
        ("Host", "gate.example"),
        ("Host", "127.0.0.1:1"),
        ("Origin", "http://localhost:6274"),
    ] {
        let reply = house
            .post(&[token, fields], &initialize("2025-11-25"))
            .await;
        assert_eq!(reply.status, 200, "{fields:?}");
    }
    let mut connection = house.connect().await;
    connection.write("GET /mcp HTTP/1.1\r\n\r\n").await;
    assert_eq!(connection.reply().await.status, 400);
    house.close().await;
}

#[tokio::test]
async fn probes_need_neither_token_nor_name() {
    let house = House::with_token().await;
    for path in ["/health", "/livez", "/readyz"] {
        let reply = house
            .connect()
            .await
            .request(&format!("GET {path}"), &[("Host", "10.0.0.1")], "")
            .await;
        assert_eq!((reply.status, reply.body.as_str()), (200, "ok\n"), "{path}");
    }
    let reply = house.connect().await.request("POST /health", &[], "").await;
    assert_eq!(
        (reply.status, reply.field("allow")),
        (405, Some("GET,HEAD"))
    );
    house.close().await;
}

#[tokio::test]
async fn unknown_paths_say_where_mcp_is() {
    let house = House::with_token().await;
    for path in [
        "/",
        "/mcpp",
        "/metrics",
        "/.well-known/oauth-protected-resource",
    ] {
        let reply = house
            .connect()
            .await
            .request(&format!("GET {path}"), &[], "")
            .await;
        assert_eq!(reply.status, 404, "{path}");
        assert!(reply.body.contains("/mcp"), "{}", reply.body);
    }
    house.close().await;
}

#[tokio::test]
async fn browsers_are_told_what_allowed_pages_may_do() {
    let house = House::with_token().await;
    let page = ("Origin", "http://localhost:6274");
    let ask = ("Access-Control-Request-Method", "POST");
    let fields = (
        "Access-Control-Request-Headers",
        "authorization,mcp-param-x",
    );
    let reply = house
        .connect()
        .await
        .request("OPTIONS /mcp", &[page, ask, fields], "")
        .await;
    assert_eq!(reply.status, 204);
    assert_eq!(reply.field("access-control-allow-origin"), Some(page.1));
    assert_eq!(reply.field("access-control-allow-headers"), Some(fields.1));
    let evil = ("Origin", "http://evil.example");
    let reply = house
        .connect()
        .await
        .request("OPTIONS /mcp", &[evil, ask, fields], "")
        .await;
    assert_eq!(
        (reply.status, reply.field("access-control-allow-origin")),
        (403, None)
    );
    // Also what went wrong may be read, and the id of the session.
    let reply = house.post(&[page], &initialize("2025-11-25")).await;
    assert_eq!(
        (reply.status, reply.field("access-control-allow-origin")),
        (401, Some(page.1))
    );
    let bearer = format!("Bearer {TOKEN}");
    let reply = house
        .post(
            &[page, ("Authorization", &bearer)],
            &initialize("2025-11-25"),
        )
        .await;
    assert!(
        reply
            .field("access-control-expose-headers")
            .unwrap()
            .contains("mcp-session-id")
    );
    // Whoever is no page hears nothing of it.
    let reply = house
        .post(&[("Authorization", &bearer)], &initialize("2025-11-25"))
        .await;
    assert_eq!(reply.field("access-control-allow-origin"), None);
    house.close().await;
}
