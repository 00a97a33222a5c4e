//! HTTP+SSE as a pipe.

use std::time::Duration;

use tokio::task::yield_now;

use super::*;
use crate::limits::{POST_HEAD_START, POSTS_MAX};
use crate::pipe::{Pipe, ReadError, SendError};
use Step::{Closed, Request, Wait};

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
const CALL: &[u8] = b"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/list\"}";

fn accepted() -> Step {
    Step::send("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
}

fn begin(address: &str) -> Step {
    Step::send(format!(
        "{HEAD}: hello\n\nevent: endpoint\ndata: {address}\n\n"
    ))
}

async fn connect(server: &Server) -> Result<Pipe, HttpError> {
    sse_pipe(&Endpoint::new(&server.url("/a/sse"), &[("X-Key".into(), "k".into())]).unwrap()).await
}

async fn refused(steps: Vec<Step>) -> String {
    let server = Server::start(vec![steps]).await;
    connect(&server).await.err().unwrap().to_string()
}

#[tokio::test]
async fn both_ways() {
    let server = Server::start(vec![
        vec![
            Request,
            begin("/messages?id=1"),
            Wait,
            Step::send("event: ping\ndata: x\n\nevent: message\ndata: {\"a\":\ndata: 1}\n\ndata: {\"b\":2}\n\n"),
        ],
        vec![Request, accepted(), Request, accepted()],
    ])
    .await;
    let mut pipe = connect(&server).await.unwrap();
    pipe.sink.send(CALL).unwrap();
    pipe.sink.send(b"{\"second\":1}").unwrap();
    while server.seen().len() < 3 {
        yield_now().await;
    }
    let seen = server.seen();
    assert!(
        seen[0].1.starts_with("GET /a/sse HTTP/1.1\r\n")
            && seen[0].1.contains("accept: text/event-stream\r\n")
    );
    assert!(
        seen[1].1.starts_with("POST /messages?id=1 HTTP/1.1\r\n")
            && seen[1].1.contains("x-key: k\r\n")
    );
    assert!(seen[1].1.as_bytes().ends_with(CALL) && seen[2].1.ends_with("{\"second\":1}"));
    server.go_on();
    for expected in ["{\"a\": 1}", "{\"b\":2}"] {
        assert_eq!(pipe.source.recv().await.unwrap().unwrap(), expected);
    }
    assert!(pipe.source.recv().await.is_none());
    while pipe.sink.send(CALL) != Err(SendError::Closed) {
        yield_now().await;
    }
}

#[tokio::test]
async fn servers_of_another_kind() {
    let not_found = Step::send("HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n");
    assert!(
        refused(vec![Request, not_found])
            .await
            .contains("answered with status 405")
    );
    let ends = Step::send(format!("{HEAD}data: {{}}\n\n"));
    assert!(
        refused(vec![Request, ends])
            .await
            .contains("without an endpoint event")
    );
    for other in [
        "http://example.com/",
        "//example.com/m",
        "https://127.0.0.1/m",
    ] {
        assert!(
            refused(vec![Request, begin(other), Closed])
                .await
                .contains("another origin"),
            "{other}"
        );
    }
    assert!(
        refused(vec![Request, begin("http://["), Closed])
            .await
            .contains("of no use")
    );
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_does_not_come() {
    let error = refused(vec![Request, Step::send(HEAD), Closed]).await;
    assert!(
        error.contains("did not go on with its answer within 60s"),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_refused_is_answered_here() {
    let no = || Step::send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    let server = Server::start(vec![
        vec![Request, begin("/m"), Closed],
        vec![Request, no(), Request, no(), Request, accepted()],
    ])
    .await;
    let mut pipe = connect(&server).await.unwrap();
    pipe.sink.send(CALL).unwrap();
    pipe.sink
        .send(b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}")
        .unwrap();
    pipe.sink.send(CALL).unwrap();
    let answer = pipe.source.recv().await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&answer);
    assert!(
        text.contains("\"id\":7") && text.contains("-32603") && text.contains("status 404"),
        "{text}"
    );
    while server.seen().len() < 4 {
        yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_post_that_is_held_open_holds_up_nothing_for_long() {
    let server = Server::start(vec![
        vec![Request, begin("/m"), Closed],
        vec![Request, Wait, accepted()],
        vec![Request, accepted()],
    ])
    .await;
    let pipe = connect(&server).await.unwrap();
    let begun = tokio::time::Instant::now();
    pipe.sink.send(CALL).unwrap();
    pipe.sink.send(CALL).unwrap();
    while server.seen().len() < 3 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(begun.elapsed() >= POST_HEAD_START && begun.elapsed() < 2 * POST_HEAD_START);
}

#[tokio::test(start_paused = true)]
async fn so_many_posts_are_held_open_and_no_more() {
    let mut scripts = vec![vec![Request, begin("/m"), Closed]];
    scripts.extend((0..POSTS_MAX).map(|_| vec![Request, Wait, accepted(), Request, Closed]));
    let server = Server::start(scripts).await;
    let pipe = connect(&server).await.unwrap();
    for _ in 0..=POSTS_MAX {
        pipe.sink.send(CALL).unwrap();
    }
    tokio::time::sleep(POST_HEAD_START * 60).await;
    assert_eq!(server.seen().len(), 1 + POSTS_MAX);
    server.go_on();
    tokio::time::sleep(POST_HEAD_START * 2).await;
    assert_eq!(server.seen().len(), 1 + POSTS_MAX + 1);
}

#[tokio::test]
async fn a_stream_that_breaks_is_told() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 1000\r\n\r\n";
    let server = Server::start(vec![vec![
        Request,
        Step::send(format!("{head}event: endpoint\ndata: /m\n\n")),
        Step::send("data: {}\n\n"),
    ]])
    .await;
    let mut pipe = connect(&server).await.unwrap();
    assert_eq!(pipe.source.recv().await.unwrap().unwrap(), "{}");
    assert!(matches!(
        pipe.source.recv().await,
        Some(Err(ReadError::Io(_)))
    ));
    assert!(pipe.source.recv().await.is_none());
}

#[tokio::test]
async fn closing_the_sink_ends_it_when_all_is_posted() {
    let mut server = Server::start(vec![
        vec![Request, begin("/m"), Closed],
        vec![Request, accepted(), Request, accepted()],
    ])
    .await;
    let mut pipe = connect(&server).await.unwrap();
    pipe.sink.send(CALL).unwrap();
    pipe.sink.send(CALL).unwrap();
    pipe.sink.close();
    assert!(pipe.source.recv().await.is_none());
    assert_eq!(server.used(), [0, 1, 1]);
    server.closed(1).await;
}

#[tokio::test]
async fn dropping_the_source_ends_it_at_once() {
    let mut server = Server::start(vec![
        vec![Request, begin("/m"), Closed],
        vec![Request, Closed],
    ])
    .await;
    let pipe = connect(&server).await.unwrap();
    pipe.sink.send(CALL).unwrap();
    while server.seen().len() < 2 {
        yield_now().await;
    }
    drop(pipe.source);
    server.closed(2).await;
    assert_eq!(pipe.sink.send(CALL), Err(SendError::Closed));
}
