//! Replies in every form that HTTP/1.1 knows, and in every piece that a network makes of them.

use super::*;
use Step::{Bytes as ReadBytes, Closed, Pieces, Request, Wait};

const JSON: &str = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}";

fn chunked(pieces: &[&str]) -> String {
    let mut text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
    for piece in pieces {
        text += &format!("{:x}\r\n{piece}\r\n", piece.len());
    }
    text + "0\r\n\r\n"
}

#[tokio::test]
async fn what_is_sent() {
    let server = Server::start(vec![vec![Request, Step::reply(JSON)]]).await;
    let endpoint = Endpoint::new(&server.url("/mcp"), &[("X-Static".into(), "s".into())]).unwrap();
    let headers = [("Mcp-Session-Id", "abc"), ("Mcp-Method", "tools/call")];
    let response = post(&endpoint, &headers, JSON.into(), &Timeouts::default())
        .await
        .unwrap();
    assert_eq!((response.status, full(response).as_str()), (200, JSON));
    let (_, request) = server.seen().remove(0);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let expected = format!(
        "POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nuser-agent: portolan/{version}\r\n\
         accept: application/json, text/event-stream\r\ncontent-type: application/json\r\nx-static: s\r\n\
         Mcp-Session-Id: abc\r\nMcp-Method: tools/call\r\ncontent-length: {}",
        server.port(),
        JSON.len()
    );
    assert_eq!((head, body), (expected.as_str(), JSON));
}

#[tokio::test]
async fn get_and_delete() {
    let reply = || Step::send("HTTP/1.1 405 No\r\nAllow: POST\r\nContent-Length: 0\r\n\r\n");
    let server = Server::start(vec![vec![Request, reply(), Request, reply()]]).await;
    let (endpoint, times) = (endpoint(&server), Timeouts::default());
    let response = get(&endpoint, &[("Last-Event-ID", "1-2")], &times)
        .await
        .unwrap();
    assert_eq!(
        (response.status, &response.headers["allow"]),
        (405, &"POST".parse().unwrap())
    );
    assert_eq!(delete(&endpoint, &[], &times).await.unwrap().status, 405);
    let seen = server.seen();
    assert!(
        seen[0].1.starts_with("GET /mcp HTTP/1.1\r\n")
            && seen[0].1.ends_with("\r\nLast-Event-ID: 1-2\r\n\r\n")
    );
    assert!(seen[1].1.starts_with("DELETE /mcp HTTP/1.1\r\n"));
    assert_eq!(server.used(), [0, 0]);
}

#[tokio::test]
async fn headers_that_would_become_others_are_refused() {
    let server = Server::start(vec![]).await;
    for (name, value) in [
        ("a", "b\r\nc: d"),
        ("a\n", "b"),
        ("", "b"),
        ("a b", "c"),
        ("a", "\0"),
        ("a:", "b"),
    ] {
        let refused = post(
            &endpoint(&server),
            &[(name, value)],
            JSON.into(),
            &Timeouts::default(),
        )
        .await;
        assert!(matches!(
            refused,
            Err(HttpError::Header { .. }) | Err(HttpError::Connect { .. })
        ));
    }
}

#[tokio::test]
async fn in_any_pieces() {
    let long = "x".repeat(3000);
    let replies = [
        (chunked(&[JSON]), JSON.to_owned()),
        (chunked(&["{", "\"a\"", ":", "1}"]), "{\"a\":1}".to_owned()),
        (chunked(&[&long, &long]), long.repeat(2)),
        (chunked(&[]), String::new()),
        (
            format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{JSON}",
                JSON.len()
            ),
            JSON.to_owned(),
        ),
        (format!("HTTP/1.1 200 OK\r\n\r\n{JSON}"), JSON.to_owned()),
        (format!("HTTP/1.0 200 OK\r\n\r\n{JSON}"), JSON.to_owned()),
        (
            "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n".to_owned(),
            String::new(),
        ),
        ("HTTP/1.1 204 No Content\r\n\r\n".to_owned(), String::new()),
    ];
    for (text, body) in replies {
        for length in [1, 2, 3, 7, 19, 64, 1500, usize::MAX] {
            let (_, answer) = answer_to(vec![Request, Pieces(text.clone(), length)])
                .await
                .unwrap();
            assert_eq!(answer, body, "in pieces of {length}: {text}");
        }
    }
}

#[tokio::test]
async fn interim_replies_are_passed_over() {
    let text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n\
                HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    for length in [1, 10, 30, usize::MAX] {
        let answer = answer_to(vec![Request, Pieces(text.into(), length)])
            .await
            .unwrap();
        assert_eq!(answer, (200, "ok".into()));
    }
    let endless = "HTTP/1.1 100 Continue\r\n\r\n".repeat(20);
    let refused = answer_to(vec![Request, Step::send(endless), Closed])
        .await
        .unwrap_err();
    assert!(matches!(refused, HttpError::Head { .. }), "{refused}");
}

#[tokio::test]
async fn large_bodies_both_ways() {
    for size in [8 << 10, 64 << 10, (64 << 10) + 100, 5 << 20] {
        let body = "y".repeat(size);
        let halves = chunked(&[&body[..size / 2], &body[size / 2..]]);
        let server = Server::start(vec![vec![
            Request,
            Step::reply(&body),
            Request,
            Step::send(halves),
        ]])
        .await;
        let endpoint = endpoint(&server);
        for _ in 0..2 {
            let response = post(&endpoint, &[], body.clone().into(), &Timeouts::default())
                .await
                .unwrap();
            assert!(full(response) == body);
        }
        for (connection, request) in server.seen() {
            assert_eq!(connection, 0);
            assert!(request.ends_with(&body));
        }
    }
}

#[tokio::test]
async fn a_reply_may_come_before_the_request_is_whole() {
    let body = "y".repeat(12 << 20);
    for last in [Wait, Step::Reset] {
        let refusal = Step::send("HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nmuch");
        let server = Server::start(vec![
            vec![ReadBytes(1000), refusal, last],
            vec![Request, Step::reply("fresh")],
        ])
        .await;
        let endpoint = endpoint(&server);
        let response = post(&endpoint, &[], body.clone().into(), &Timeouts::default()).await;
        // A reset may overtake the reply; that it is not repeated matters all the more then.
        match response {
            Ok(response) => assert_eq!((response.status, full(response).as_str()), (413, "much")),
            Err(error) => assert!(matches!(error, HttpError::Io { .. }), "{error}"),
        }
        assert_eq!(
            full(ask(&endpoint).await.unwrap()),
            "fresh",
            "the rest of the request is not sent after all"
        );
    }
}
