//! Connections that are used again, and those that are not.

use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::advance;

use super::*;
use crate::limits::{IDLE_MAX, IDLE_PER_ORIGIN_MAX, IDLE_PER_THREAD_MAX};
use Step::{Closed, Request, Wait};

async fn answers(endpoint: &Endpoint, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(full(ask(endpoint).await.unwrap()));
    }
    all
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n\r\n";
    let server = Server::start(vec![vec![
        Request,
        Step::reply("a"),
        Request,
        Step::send(chunked),
        Request,
        Step::send("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"),
        Request,
        Step::send("HTTP/1.1 500 Oops\r\nContent-Length: 1\r\n\r\nd"),
        Request,
        Step::reply("e"),
    ]])
    .await;
    assert_eq!(
        answers(&endpoint(&server), 5).await,
        ["a", "b", "", "d", "e"]
    );
    assert_eq!(server.used(), [0; 5]);
}

#[tokio::test]
async fn two_endpoints_of_an_origin_share() {
    let server = Server::start(vec![vec![
        Request,
        Step::reply("a"),
        Request,
        Step::reply("b"),
    ]])
    .await;
    for path in ["/one", "/two"] {
        ask(&Endpoint::new(&server.url(path), &[]).unwrap())
            .await
            .unwrap();
    }
    assert_eq!(server.used(), [0, 0]);
}

#[tokio::test]
async fn a_connection_that_ends_is_not() {
    for text in [
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\na",
        "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    ] {
        let server = Server::start(vec![
            vec![Request, Step::send(text), Closed],
            vec![Request, Step::reply("b")],
        ])
        .await;
        assert_eq!(answers(&endpoint(&server), 2).await, ["a", "b"], "{text}");
        assert_eq!(server.used(), [0, 1]);
    }
}

#[tokio::test]
async fn what_comes_while_idle_is_no_answer() {
    let server = Server::start(vec![
        vec![
            Request,
            Step::reply("a"),
            Step::send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"),
            Closed,
        ],
        vec![Request, Step::reply("b")],
    ])
    .await;
    let endpoint = endpoint(&server);
    answers(&endpoint, 1).await;
    for _ in 0..10 {
        yield_now().await;
    }
    assert_eq!(answers(&endpoint, 1).await, ["b"]);
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_noticed() {
    let server = Server::start(vec![
        vec![Request, Step::reply("a")],
        vec![Request, Step::reply("b")],
    ])
    .await;
    let endpoint = endpoint(&server);
    answers(&endpoint, 1).await;
    for _ in 0..10 {
        yield_now().await;
    }
    assert_eq!(answers(&endpoint, 1).await, ["b"]);
    assert_eq!(server.used(), [0, 1]);
}

/// The close crosses the request: the server has read none of it, the client has sent all of it.
#[tokio::test(start_paused = true)]
async fn a_close_that_crosses_the_request_is_made_good() {
    for end in [vec![], vec![Step::Reset]] {
        let mut first = vec![Request, Step::reply("a"), Step::Bytes(1)];
        first.extend(end);
        let server = Server::start(vec![first, vec![Request, Step::reply("b")]]).await;
        assert_eq!(answers(&endpoint(&server), 2).await, ["a", "b"]);
    }
}

#[tokio::test]
async fn a_new_connection_is_not_given_a_second_chance() {
    let server = Server::start(vec![vec![Step::Bytes(1)], vec![Request, Step::reply("b")]]).await;
    let error = ask(&endpoint(&server)).await.unwrap_err();
    assert!(
        matches!(error, HttpError::Closed { .. } | HttpError::Io { .. }),
        "{error}"
    );
    assert_eq!(server.used(), [] as [usize; 0]);
}

#[tokio::test]
async fn a_reply_that_has_begun_is_not_asked_for_again() {
    let server = Server::start(vec![
        vec![Request, Step::reply("a"), Request, Step::send("H")],
        vec![Request, Step::reply("b")],
    ])
    .await;
    let endpoint = endpoint(&server);
    answers(&endpoint, 1).await;
    let error = ask(&endpoint).await.unwrap_err();
    assert!(matches!(error, HttpError::Truncated { .. }), "{error}");
    assert_eq!(server.used(), [0, 0]);
}

/// A server that had the request for a second and then died may have done what it was asked.
#[tokio::test(start_paused = true)]
async fn a_call_that_may_have_happened_is_not_repeated() {
    let scripts = || {
        vec![
            vec![Request, Step::reply("a"), Request, Wait],
            vec![Request, Step::reply("b")],
        ]
    };
    let server = Server::start(scripts()).await;
    let called = endpoint(&server);
    answers(&called, 1).await;
    server.go_on_after(Duration::from_secs(2));
    let error = ask(&called).await.unwrap_err();
    assert!(matches!(error, HttpError::Closed { .. }), "{error}");
    assert_eq!(server.used(), [0, 0]);

    // What is idempotent may.
    let server = Server::start(scripts()).await;
    let read = endpoint(&server);
    answers(&read, 1).await;
    server.go_on_after(Duration::from_secs(2));
    let response = get(&read, &[], &Timeouts::default()).await.unwrap();
    assert_eq!(full(response), "b");
}

#[tokio::test(start_paused = true)]
async fn idle_connections_are_closed_after_a_while() {
    let mut server = Server::start(vec![vec![Request, Step::reply("a"), Closed]]).await;
    answers(&endpoint(&server), 1).await;
    let begun = tokio::time::Instant::now();
    server.closed(1).await;
    let idle = begun.elapsed();
    assert!(
        idle >= IDLE_MAX && idle < IDLE_MAX + Duration::from_secs(30),
        "{idle:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn too_old_a_connection_is_not_used() {
    let server = Server::start(vec![
        vec![Request, Step::reply("a"), Request],
        vec![Request, Step::reply("b")],
    ])
    .await;
    let endpoint = endpoint(&server);
    answers(&endpoint, 1).await;
    advance(IDLE_MAX).await;
    assert_eq!(answers(&endpoint, 1).await, ["b"]);
    assert_eq!(server.used(), [0, 1]);
}

#[tokio::test]
async fn so_many_are_kept_and_no_more() {
    let count = IDLE_PER_ORIGIN_MAX + 2;
    let scripts = (0..count).map(|_| vec![Request, Wait, Step::reply("a"), Closed]);
    let mut server = Server::start(scripts.collect()).await;
    let endpoint = endpoint(&server);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..count {
        let endpoint = endpoint.clone();
        calls.spawn(async move { full(ask(&endpoint).await.unwrap()) });
    }
    while server.seen().len() < count {
        yield_now().await;
    }
    for _ in 0..count {
        server.go_on();
        assert_eq!(calls.join_next().await.unwrap().unwrap(), "a");
    }
    server.closed(2).await;
    for _ in 0..10 {
        yield_now().await;
    }
    assert_eq!(server.closed_so_far(), 2);
}

#[tokio::test]
async fn a_thread_keeps_so_many_and_lets_the_oldest_go() {
    let (origins, each) = (5, 60);
    let mut servers = Vec::new();
    for _ in 0..origins {
        let scripts = (0..each).map(|_| vec![Request, Wait, Step::reply("a"), Closed]);
        servers.push(Server::start(scripts.collect()).await);
    }
    for server in &servers {
        let endpoint = endpoint(server);
        let calls: Vec<_> = (0..each).map(|_| ask(&endpoint)).collect();
        let go_on = async {
            while server.seen().len() < each {
                yield_now().await;
            }
            for _ in 0..each {
                server.go_on();
                yield_now().await;
            }
        };
        let (answered, ()) = tokio::join!(futures_util::future::join_all(calls), go_on);
        assert!(answered.iter().all(Result::is_ok));
    }
    let too_many = origins * each - IDLE_PER_THREAD_MAX;
    servers[0].closed(too_many).await;
    for server in &servers[1..] {
        assert_eq!(server.closed_so_far(), 0);
    }
}

#[tokio::test]
async fn the_last_is_used_first() {
    let script = || vec![Request, Wait, Step::reply("a"), Request, Step::reply("b")];
    let server = Server::start(vec![script(), script()]).await;
    let endpoint = endpoint(&server);
    let (one, other) = tokio::join!(async { answers(&endpoint, 1).await }, async {
        let asking = answers(&endpoint, 1);
        tokio::pin!(asking);
        while server.used() != [0, 1] {
            tokio::select! {
                biased;
                _ = &mut asking => panic!("nobody said go on"),
                () = yield_now() => {}
            }
        }
        server.go_on();
        server.go_on();
        asking.await
    });
    assert_eq!((one, other), (vec!["a".to_owned()], vec!["a".to_owned()]));
    answers(&endpoint, 1).await;
    assert_eq!(server.used().len(), 3);
}

#[test]
fn a_connection_does_not_outlive_its_runtime() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let serving = runtime();
    let scripts = vec![vec![Request, Step::reply("a"), Closed]];
    let server = serving.block_on(Server::start(scripts));
    let endpoint = endpoint(&server);
    let served = std::thread::spawn(move || {
        let mut server = server;
        serving.block_on(server.closed(1));
    });
    let first = runtime();
    assert_eq!(first.block_on(answers(&endpoint, 1)), ["a"]);
    drop(first);
    served.join().unwrap();
}
