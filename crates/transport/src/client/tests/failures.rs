//! Servers that stall, lie, vanish or send too much.

use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::limits::{BODY_BYTES_MAX, HEAD_BYTES_MAX, HEAD_FIELDS_MAX};
use Step::{Closed, Pieces, Request, Wait};

#[tokio::test]
async fn truncated() {
    let long = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{}",
        "x".repeat(50_000)
    );
    for text in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "HTTP/1.1 200 OK\r\nConte",
        &long,
    ] {
        let error = answer_to(vec![Request, Step::send(text)])
            .await
            .unwrap_err();
        assert!(
            matches!(error, HttpError::Truncated { .. }),
            "{text}: {error}"
        );
        assert!(!error.is_unsent());
    }
}

#[tokio::test]
async fn no_reply_at_all() {
    let error = answer_to(vec![Request]).await.unwrap_err();
    assert!(matches!(error, HttpError::Closed { .. }), "{error}");
    assert!(
        !error.is_unsent(),
        "the server may have done what it was asked"
    );
    let error = answer_to(vec![Request, Step::Reset]).await.unwrap_err();
    assert!(
        matches!(
            error,
            HttpError::Io {
                phase: Phase::Head,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn nonsense() {
    for text in [
        "SSH-2.0-OpenSSH_9\r\n",
        "\0\0\0\0",
        "HTTP/1.1 101 Switching\r\n\r\n",
    ] {
        let error = answer_to(vec![Request, Step::send(text), Closed])
            .await
            .unwrap_err();
        assert!(matches!(error, HttpError::Head { .. }), "{error}");
    }
    let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello";
    let error = answer_to(vec![Request, Step::send(text), Closed])
        .await
        .unwrap_err();
    assert!(matches!(error, HttpError::Body { .. }), "{error}");
}

#[tokio::test]
async fn too_much() {
    let field = format!("HTTP/1.1 200 OK\r\na: {}", "b".repeat(2 * HEAD_BYTES_MAX));
    let fields = format!(
        "HTTP/1.1 200 OK\r\n{}",
        "a: b\r\n".repeat(HEAD_FIELDS_MAX + 1)
    );
    for text in [field, fields] {
        let error = answer_to(vec![Request, Pieces(text, 10_000)])
            .await
            .unwrap_err();
        assert!(matches!(error, HttpError::Head { .. }), "{error}");
    }
    let announced = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
        BODY_BYTES_MAX + 1
    );
    let error = answer_to(vec![Request, Step::send(announced), Closed])
        .await
        .unwrap_err();
    assert!(matches!(error, HttpError::Head { .. }), "{error}");
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(BODY_BYTES_MAX + 1));
    let error = answer_to(vec![Request, Pieces(endless, 1 << 20), Closed])
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            HttpError::TooLarge {
                limit: BODY_BYTES_MAX,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn nobody_there() {
    let server = Server::start(vec![]).await;
    let endpoint = endpoint(&server);
    drop(server);
    tokio::task::yield_now().await;
    let error = ask(&endpoint).await.unwrap_err();
    assert!(matches!(error, HttpError::Connect { .. }), "{error}");
    assert!(error.is_unsent());
}

#[tokio::test]
async fn every_address_of_a_name_is_tried() {
    // Localhost is often ::1 first, where nobody listens.
    let server = Server::start(vec![vec![Request, Step::reply("here")]]).await;
    let endpoint = Endpoint::new(&format!("http://localhost:{}/", server.port()), &[]).unwrap();
    assert_eq!(full(ask(&endpoint).await.unwrap()), "here");
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come() {
    for text in ["", "HTTP/1.1 200 OK\r\nContent-Le"] {
        let mut server = Server::start(vec![vec![Request, Step::send(text), Closed]]).await;
        let times = Timeouts {
            head: Duration::from_secs(7),
            ..Timeouts::default()
        };
        let begun = Instant::now();
        let error = post(&endpoint(&server), &[], Bytes::new(), &times)
            .await
            .unwrap_err();
        assert!(
            matches!(
                error,
                HttpError::Timeout {
                    phase: Phase::Head,
                    ..
                }
            ),
            "{error}"
        );
        assert!(error.is_timeout() && !error.is_unsent());
        assert_eq!(begun.elapsed().as_secs(), 7);
        server.closed(1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops() {
    let event = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n {\"a\":";
    for text in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        "HTTP/1.1 200 OK\r\n\r\nhel",
        event,
    ] {
        let server = Server::start(vec![vec![Request, Step::send(text), Closed]]).await;
        let times = Timeouts {
            body_idle: Duration::from_secs(3),
            ..Timeouts::default()
        };
        let begun = Instant::now();
        let error = post(&endpoint(&server), &[], Bytes::new(), &times)
            .await
            .unwrap_err();
        assert!(
            matches!(
                error,
                HttpError::Timeout {
                    phase: Phase::Body,
                    ..
                }
            ),
            "{error}"
        );
        assert_eq!(begun.elapsed().as_secs(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn the_timer_of_a_connection_starts_anew_with_each_request() {
    let server = Server::start(vec![vec![
        Request,
        Wait,
        Step::reply("one"),
        Request,
        Wait,
        Step::reply("two"),
    ]])
    .await;
    let endpoint = endpoint(&server);
    let times = Timeouts {
        head: Duration::from_secs(10),
        ..Timeouts::default()
    };
    for expected in ["one", "two"] {
        let answer = async {
            let answered = tokio::join!(post(&endpoint, &[], Bytes::new(), &times), async {
                tokio::time::sleep(Duration::from_secs(9)).await;
                server.go_on();
            });
            full(answered.0.unwrap())
        };
        assert_eq!(answer.await, expected);
    }
    assert_eq!(server.used(), [0, 0]);
}

#[tokio::test]
async fn a_call_that_is_dropped_closes_its_connection() {
    let mut server = Server::start(vec![vec![Request, Closed]]).await;
    let endpoint = endpoint(&server);
    tokio::select! {
        _ = ask(&endpoint) => panic!("nobody answers"),
        () = async { while server.seen().is_empty() { tokio::task::yield_now().await } } => {}
    }
    server.closed(1).await;
}
