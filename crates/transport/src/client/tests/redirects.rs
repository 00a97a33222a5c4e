//! Redirects: followed where nothing about the request changes, else handed to the caller.

use super::*;
use crate::limits::REDIRECTS_MAX;
use Step::Request;

fn to(status: u16, location: &str) -> Step {
    Step::send(format!(
        "HTTP/1.1 {status} Go\r\nLocation: {location}\r\nContent-Length: 4\r\n\r\ngone"
    ))
}

fn lines(server: &Server) -> Vec<String> {
    server
        .seen()
        .into_iter()
        .map(|(_, request)| request.split("\r\n").next().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_request_goes_on_as_it_was() {
    let server = Server::start(vec![vec![
        Request,
        to(307, "/other?x=1"),
        Request,
        to(308, "third"),
        Request,
        Step::reply("there"),
    ]])
    .await;
    let endpoint = Endpoint::new(&server.url("/mcp"), &[("X-Key".into(), "k".into())]).unwrap();
    let response = post(
        &endpoint,
        &[("Mcp-Name", "n")],
        "body".into(),
        &Timeouts::default(),
    )
    .await
    .unwrap();
    assert_eq!(full(response), "there");
    assert_eq!(
        lines(&server),
        [
            "POST /mcp HTTP/1.1",
            "POST /other?x=1 HTTP/1.1",
            "POST /third HTTP/1.1"
        ]
    );
    for (connection, request) in server.seen() {
        assert!(
            request.contains("x-key: k\r\n")
                && request.contains("Mcp-Name: n\r\n")
                && request.ends_with("body")
        );
        assert_eq!(connection, 0);
    }
}

#[tokio::test]
async fn another_slash_is_remembered() {
    let server = Server::start(vec![vec![
        Request,
        to(307, "/mcp/"),
        Request,
        Step::reply("a"),
        Request,
        Step::reply("b"),
    ]])
    .await;
    let endpoint = endpoint(&server);
    for expected in ["a", "b"] {
        assert_eq!(full(ask(&endpoint).await.unwrap()), expected);
    }
    assert_eq!(
        lines(&server),
        [
            "POST /mcp HTTP/1.1",
            "POST /mcp/ HTTP/1.1",
            "POST /mcp/ HTTP/1.1"
        ]
    );
}

#[tokio::test]
async fn what_would_change_the_request_is_not_followed() {
    for (status, location) in [
        (301, "/other"),
        (302, "/other"),
        (303, "/other"),
        (307, "http://example.com/"),
        (308, "https://127.0.0.1/"),
        (307, "http://u:p@127.0.0.1/"),
        (307, "http://["),
    ] {
        let server = Server::start(vec![vec![Request, to(status, location)]]).await;
        let response = ask(&endpoint(&server)).await.unwrap();
        assert_eq!(
            (response.status, &response.headers["location"]),
            (status, &location.parse().unwrap())
        );
        assert_eq!(full(response), "gone");
    }
}

#[tokio::test]
async fn circles_end() {
    let mut script = Vec::new();
    for _ in 0..=REDIRECTS_MAX {
        script.extend([Request, to(307, "/circle")]);
    }
    let server = Server::start(vec![script]).await;
    assert_eq!(ask(&endpoint(&server)).await.unwrap().status, 307);
    assert_eq!(lines(&server).len(), REDIRECTS_MAX + 1);
}
