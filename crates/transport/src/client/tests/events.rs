//! Replies that are streams of events, and those that only say so.

use std::task::{Context, Waker};

use tokio::task::yield_now;

use super::*;
use crate::limits::BODY_BYTES_MAX;
use Step::{Closed, Pieces, Request, Wait};

const HEAD: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

#[tokio::test]
async fn events_as_they_come() {
    let first = format!("{HEAD}{}", chunk("id: 1-1\nretry: 100\ndata:\n\n"));
    let server = Server::start(vec![vec![
        Request,
        Step::send(HEAD),
        Wait,
        Step::send(&first[HEAD.len()..]),
        Wait,
        Step::send(chunk(
            "event: message\ndata: {\"a\"\ndata: :1}\n\ndata: {}\n\n",
        )),
        Step::send("0\r\n\r\n"),
        Request,
        Step::reply("again"),
    ]])
    .await;
    let endpoint = endpoint(&server);
    let mut events = events(ask(&endpoint).await.unwrap());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(events.poll_next(&mut cx).is_pending());
    server.go_on();
    let event = events.next().await.unwrap().unwrap();
    assert_eq!(
        (event.id.as_deref(), event.retry, event.data.len()),
        (Some("1-1"), Some(100), 0)
    );
    assert!(events.poll_next(&mut cx).is_pending());
    server.go_on();
    assert_eq!(rest(&mut events).await, ["{\"a\"\n:1}", "{}"]);
    assert!(events.next().await.is_none());
    assert_eq!(full(ask(&endpoint).await.unwrap()), "again");
    assert_eq!(
        server.used(),
        [0, 0],
        "a stream that was read to its end leaves its connection"
    );
}

#[tokio::test]
async fn in_any_pieces() {
    let body = "\u{feff}: hi\r\n\r\ndata: a\r\n\r\nid: 1\r\ndata: b\r\n\r\n";
    let chunked: String = body
        .as_bytes()
        .chunks(3)
        .map(|piece| {
            let text: Vec<u8> =
                [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
            // The mark is three bytes, so no piece is cut within a character.
            String::from_utf8(text).unwrap()
        })
        .collect();
    let close = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n";
    let length = format!(
        "{}Content-Length: {}\r\n\r\n",
        &close[..close.len() - 2],
        body.len()
    );
    for text in [
        format!("{HEAD}{chunked}0\r\n\r\n"),
        format!("{close}{body}"),
        format!("{length}{body}"),
    ] {
        for length in [1, 2, 5, 33, usize::MAX] {
            let server = Server::start(vec![vec![Request, Pieces(text.clone(), length)]]).await;
            let response = ask(&endpoint(&server)).await.unwrap();
            assert_eq!(
                rest(&mut events(response)).await,
                ["a", "b"],
                "pieces of {length}"
            );
        }
    }
}

#[tokio::test]
async fn a_stream_that_breaks() {
    let server = Server::start(vec![vec![
        Request,
        Step::send(format!("{HEAD}{}", chunk("data: a\n\ndata: b"))),
    ]])
    .await;
    let mut events = events(ask(&endpoint(&server)).await.unwrap());
    let all = rest(&mut events).await;
    assert_eq!(
        (all.len(), all[0].as_str()),
        (2, "a"),
        "what was cut off is not given out"
    );
    assert!(all[1].contains("in the middle of its reply"), "{all:?}");
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn too_large_an_event_is_skipped() {
    let large = "x".repeat(BODY_BYTES_MAX + 1);
    let text = format!(
        "{HEAD}{}{}0\r\n\r\n",
        chunk(&format!("data: {large}\n\n")),
        chunk("data: b\n\n")
    );
    let server = Server::start(vec![vec![Request, Step::Send(text)]]).await;
    let all = rest(&mut events(ask(&endpoint(&server)).await.unwrap())).await;
    assert_eq!(all.len(), 2);
    assert!(
        all[0].starts_with("error: ") && all[0].contains("16777216"),
        "{}",
        all[0]
    );
    assert_eq!(all[1], "b");
}

#[tokio::test]
async fn json_under_a_wrong_label() {
    let json = " \r\n{\"jsonrpc\": \"2.0\",\n\"id\": 1}\n";
    let plain = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
    let chunked = format!("{HEAD}{}{}0\r\n\r\n", chunk(&json[..9]), chunk(&json[9..]));
    let length = format!("{plain}Content-Length: {}\r\n\r\n{json}", json.len());
    for (text, keeps) in [
        (chunked, true),
        (length, true),
        (format!("{plain}\r\n{json}"), false),
    ] {
        let mut scripts = vec![vec![Request, Step::send(text)]];
        if keeps {
            scripts[0].extend([Request, Step::reply("again")]);
        }
        let server = Server::start(scripts).await;
        let endpoint = endpoint(&server);
        assert_eq!(full(ask(&endpoint).await.unwrap()).trim(), json.trim());
        if keeps {
            assert_eq!(full(ask(&endpoint).await.unwrap()), "again");
        }
    }
    assert_eq!(
        answer_to(vec![Request, Step::send(format!("{plain}\r\n[]"))])
            .await
            .unwrap()
            .1,
        "[]"
    );
}

/// Nobody waits for a body only to find out what it is.
#[tokio::test]
async fn json_under_a_wrong_label_that_comes_late() {
    for length in [1, 100] {
        let server = Server::start(vec![vec![
            Request,
            Step::send(HEAD),
            Wait,
            Pieces(format!("{}0\r\n\r\n", chunk("{\"a\":\n1}")), length),
        ]])
        .await;
        let mut events = events(ask(&endpoint(&server)).await.unwrap());
        server.go_on();
        assert_eq!(rest(&mut events).await, ["{\"a\":\n1}"]);
    }
}

#[tokio::test]
async fn only_a_success_is_a_stream() {
    let text = "HTTP/1.1 400 Bad\r\nContent-Type: text/event-stream\r\nContent-Length: 9\r\n\r\ndata: a\n\n";
    assert_eq!(
        answer_to(vec![Request, Step::send(text)]).await.unwrap(),
        (400, "data: a\n\n".into())
    );
    let empty = "HTTP/1.1 202 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(
        answer_to(vec![Request, Step::send(empty)]).await.unwrap(),
        (202, String::new())
    );
}

#[tokio::test]
async fn dropping_a_stream_closes_its_connection() {
    let mut server = Server::start(vec![vec![
        Request,
        Step::send(format!("{HEAD}{}", chunk("data: a\n\n"))),
        Closed,
    ]])
    .await;
    let mut stream = events(ask(&endpoint(&server)).await.unwrap());
    stream.next().await.unwrap().unwrap();
    drop(stream);
    server.closed(1).await;
}

#[tokio::test]
async fn dropping_a_stream_that_has_ended_does_not() {
    let text = format!("{HEAD}{}0\r\n\r\n", chunk("data: a\n\n"));
    let server = Server::start(vec![vec![
        Request,
        Step::send(text),
        Request,
        Step::reply("again"),
    ]])
    .await;
    let endpoint = endpoint(&server);
    let mut stream = events(ask(&endpoint).await.unwrap());
    stream.next().await.unwrap().unwrap();
    drop(stream);
    assert_eq!(full(ask(&endpoint).await.unwrap()), "again");
    assert_eq!(server.used(), [0, 0]);
}

/// Many servers send the answer and the end of the stream apart.
#[tokio::test]
async fn a_released_stream_leaves_its_connection_when_it_ends() {
    for in_time in [true, false] {
        let server = Server::start(vec![
            vec![
                Request,
                Step::send(format!("{HEAD}{}", chunk("data: a\n\n"))),
                Wait,
                Step::send("0\r\n\r\n"),
                Request,
                Step::reply("again"),
            ],
            vec![Request, Step::reply("another")],
        ])
        .await;
        let endpoint = endpoint(&server);
        let mut stream = events(ask(&endpoint).await.unwrap());
        stream.next().await.unwrap().unwrap();
        stream.release();
        if in_time {
            server.go_on();
            for _ in 0..10 {
                yield_now().await;
            }
            assert_eq!(full(ask(&endpoint).await.unwrap()), "again");
        } else {
            assert_eq!(full(ask(&endpoint).await.unwrap()), "another");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_released_stream_that_does_not_end_is_closed() {
    let mut server = Server::start(vec![vec![
        Request,
        Step::send(format!("{HEAD}{}", chunk("data: a\n\n"))),
        Closed,
    ]])
    .await;
    let mut stream = events(ask(&endpoint(&server)).await.unwrap());
    stream.next().await.unwrap().unwrap();
    stream.release();
    server.closed(1).await;
}

#[tokio::test]
async fn a_released_stream_that_goes_on_is_closed() {
    let endless = chunk("data: b\n\n").repeat(10_000);
    let mut server = Server::start(vec![
        vec![
            Request,
            Step::send(format!("{HEAD}{}", chunk("data: a\n\n"))),
            Wait,
            Step::send(endless),
            Closed,
        ],
        vec![
            Request,
            Step::reply("another"),
            Request,
            Step::reply("another"),
        ],
    ])
    .await;
    let endpoint = endpoint(&server);
    let mut stream = events(ask(&endpoint).await.unwrap());
    stream.next().await.unwrap().unwrap();
    stream.release();
    server.go_on();
    for _ in 0..10 {
        yield_now().await;
    }
    for _ in 0..2 {
        assert_eq!(full(ask(&endpoint).await.unwrap()), "another");
    }
    let _ = &mut server;
}
