//! Habits in the HTTP around an answer: heads, bodies, streams, redirects, sessions.

use std::time::Duration;

use serde_json::json;

use crate::misbehaving::http::{EVENTS, Exchange, Move, chunk, reply};
use crate::misbehaving::sound;

type Moves = Option<Vec<Move>>;

const JSON: &str = "content-type: application/json\r\n";

/// In the place of the answer to a call; anything else is answered soundly.
fn call(exchange: &Exchange<'_>, moves: impl FnOnce() -> Vec<Move>) -> Moves {
    exchange.asked.is_call().then(moves)
}

fn text(text: &str) -> Move {
    Move::Bytes(text.as_bytes().to_vec())
}

fn answer(exchange: &Exchange<'_>) -> Vec<u8> {
    sound::answer(exchange.asked).to_string().into_bytes()
}

pub(super) fn stalls_in_head(exchange: &Exchange<'_>) -> Moves {
    call(exchange, || {
        vec![text("HTTP/1.1 200 OK\r\ncontent-ty"), Move::Stall]
    })
}

pub(super) fn endless_head(exchange: &Exchange<'_>) -> Moves {
    let field = format!("x-more: {}\r\n", "x".repeat(1000)).into_bytes();
    call(exchange, || {
        vec![
            text("HTTP/1.1 200 OK\r\n"),
            Move::Again(Duration::ZERO, field),
        ]
    })
}

pub(super) fn stalls_in_body(exchange: &Exchange<'_>) -> Moves {
    call(exchange, || {
        let mut whole = reply(200, JSON, &answer(exchange));
        whole.truncate(whole.len() - 10);
        vec![Move::Bytes(whole), Move::Stall]
    })
}

pub(super) fn breaks_off(exchange: &Exchange<'_>) -> Moves {
    call(exchange, || {
        let mut whole = reply(200, JSON, &answer(exchange));
        whole.truncate(whole.len() - 10);
        vec![Move::Bytes(whole), Move::Close]
    })
}

pub(super) fn endless_stream(exchange: &Exchange<'_>) -> Moves {
    call(exchange, || {
        let mut event = chunk(b": still here\n\n");
        event.extend(chunk(
            b"data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/nothing\"}\n\n",
        ));
        vec![text(EVENTS), Move::Again(Duration::from_millis(20), event)]
    })
}

pub(super) fn breaks_streams(exchange: &Exchange<'_>) -> Moves {
    let is_stream = exchange.method == "GET" || exchange.asked.is_call();
    is_stream.then(|| {
        let event = format!("id: {}\nretry: 10\ndata: \n\n", exchange.asked.n);
        vec![
            text(EVENTS),
            Move::Bytes(chunk(event.as_bytes())),
            Move::Close,
        ]
    })
}

pub(super) fn redirects_away(exchange: &Exchange<'_>) -> Moves {
    let port = exchange.port;
    let places = [
        // All of them this machine, under names that are not ours: whoever follows is answered, and seen. Not
        // `http://2130706433`, which by the URL standard is 127.0.0.1 itself.
        format!("http://127.0.0.2:{port}/redirects-away?elsewhere"),
        format!("http://[::ffff:127.0.0.1]:{port}/redirects-away?elsewhere"),
        format!("//localhost:{port}/redirects-away?elsewhere"),
        "file:///etc/hostname".to_owned(),
        "https://127.0.0.1:1/redirects-away?elsewhere".to_owned(),
    ];
    if exchange.path.ends_with("elsewhere") {
        let followed = sound::said(exchange.asked, "followed").to_string();
        return Some(vec![Move::Bytes(reply(200, JSON, followed.as_bytes()))]);
    }
    let place = &places[exchange.asked.n as usize % places.len()];
    call(exchange, || {
        vec![Move::Bytes(reply(
            307,
            &format!("location: {place}\r\n"),
            b"",
        ))]
    })
}

pub(super) fn redirects_in_circles(exchange: &Exchange<'_>) -> Moves {
    let location = format!("location: {}\r\n", exchange.path);
    call(exchange, || vec![Move::Bytes(reply(308, &location, b""))])
}

pub(super) fn expired(exchange: &Exchange<'_>) -> Moves {
    call(exchange, || {
        vec![Move::Bytes(reply(404, "", b"session not found"))]
    })
}

pub(super) fn wrong_headers(exchange: &Exchange<'_>) -> Moves {
    exchange.asked.is_request().then(|| {
        let n = exchange.asked.n;
        let fields = format!(
            "{JSON}mcp-session-id: other-{n}\r\nmcp-session-id: with spaces \u{e9}\r\nmcp-protocol-version: 1999-12-31\r\n\
             mcp-method: tools/destroy\r\nmcp-name: =?base64?!!!?=\r\nmcp-param-x: {}\r\n",
            "y".repeat(4000)
        );
        vec![Move::Bytes(reply(200, &fields, &answer(exchange)))]
    })
}

pub(super) fn header_mismatch(exchange: &Exchange<'_>) -> Moves {
    call(exchange, || {
        let error = json!({"jsonrpc": "2.0", "id": exchange.asked.id(),
            "error": {"code": -32020, "message": "Mcp-Name is not what the body says"}});
        vec![Move::Bytes(reply(400, JSON, error.to_string().as_bytes()))]
    })
}

pub(super) fn wrong_status(exchange: &Exchange<'_>) -> Moves {
    let whole = answer(exchange);
    let html = b"<html>all is well</html>";
    let replies = [
        reply(500, JSON, &whole),
        reply(200, "content-type: text/html\r\n", html),
        reply(200, JSON, html),
        reply(204, "", b""),
        reply(200, "content-type: text/event-stream\r\n", &whole),
        reply(999, JSON, b"{}"),
        reply(
            200,
            "content-type: application/json\r\ncontent-encoding: gzip\r\n",
            &whole,
        ),
        b"ICY 200 OK\r\n\r\n".to_vec(),
    ];
    let one = &replies[exchange.asked.n as usize % replies.len()];
    call(exchange, || vec![Move::Bytes(one.clone()), Move::Close])
}

pub(super) fn accepts_only(exchange: &Exchange<'_>) -> Moves {
    call(exchange, || vec![Move::Bytes(reply(202, "", b""))])
}
