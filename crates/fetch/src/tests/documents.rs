//! What comes back, and what of it is refused.

use std::time::Duration;

use super::*;
use crate::{Trust, Why};

async fn got(step: Step, limits: Limits) -> Result<crate::Document, crate::FetchError> {
    let server = Server::start([("/c.yaml", step)]).await;
    let client = Client::new(limits);
    client.get(&server.url("/c.yaml"), Trust::Person).await
}

#[tokio::test]
async fn a_document_is_fetched_and_nobody_is_told_who_asks() {
    let server = Server::start([("/a/c.yaml?k=1", document("catalog: c"))]).await;
    let got = Client::default()
        .get(&server.url("/a/c.yaml?k=1#part"), Trust::Person)
        .await
        .unwrap();
    assert_eq!(got.body, b"catalog: c");
    assert_eq!(got.media_type.as_deref(), Some("application/yaml"));
    let head = server.heads()[0].to_ascii_lowercase();
    assert!(head.starts_with("get /a/c.yaml?k=1 http/1.1\r\n"), "{head}");
    assert!(
        head.contains(&format!("\r\nhost: {}\r\n", server.address)),
        "{head}"
    );
    assert!(head.contains("\r\nuser-agent: portolan/"), "{head}");
    assert!(head.contains("\r\naccept-encoding: identity\r\n"), "{head}");
    for never in ["cookie", "authorization", "referer"] {
        assert!(!head.contains(never), "{head}");
    }
}

#[tokio::test]
async fn bodies_of_every_framing() {
    for text in [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ncatal\r\n5;x=y\r\nog: c\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\ncatalog: c",
        "HTTP/1.0 200 OK\r\nContent-Encoding: identity\r\n\r\ncatalog: c",
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\ncatalog: cmore",
    ] {
        let body = got(Step::Say(text.into()), Limits::default())
            .await
            .unwrap()
            .body;
        assert_eq!(body, b"catalog: c", "{text:?}");
    }
}

#[tokio::test]
async fn sizes_are_bounded_however_they_are_told() {
    let limits = Limits {
        body_bytes: 1_000,
        ..Limits::default()
    };
    let piece = "x".repeat(400);
    for step in [
        Step::Hold("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n"),
        Step::Endless("HTTP/1.1 200 OK\r\n\r\n", piece.clone()),
        Step::Endless(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            format!("190\r\n{piece}\r\n"),
        ),
    ] {
        let error = got(step, limits).await.unwrap_err();
        assert!(matches!(error.why, Why::Large(1_000)), "{error}");
    }
    let fits = got(document(&"x".repeat(1_000)), limits).await.unwrap();
    assert_eq!(fits.body.len(), 1_000);
}

#[tokio::test]
async fn heads_are_bounded() {
    let line = format!("a: {}\r\n", "b".repeat(1_000));
    for step in [
        Step::Endless("HTTP/1.1 200 OK\r\n", line),
        Step::Endless("HTTP/1.1 200 OK\r\n", "a: b\r\n".into()),
        Step::Say(format!(
            "HTTP/1.1 200 OK\r\n{}\r\n",
            "a: b\r\n".repeat(crate::limits::HEAD_FIELDS_MAX + 1)
        )),
    ] {
        let error = got(step, Limits::default()).await.unwrap_err();
        assert!(matches!(error.why, Why::Reply(_)), "{error}");
    }
}

#[tokio::test]
async fn nothing_waits_for_ever() {
    let piece = || "x".to_owned();
    for step in [
        Step::Hold(""),
        Step::Hold("HTTP/1.1 200 OK\r\nContent-"),
        Step::Hold("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nc"),
        Step::Endless("", "HTTP/1.1 100 Continue\r\n\r\n".into()),
        Step::Endless("HTTP/1.1 200 OK\r\n\r\n", piece()),
    ] {
        let limits = Limits {
            body_bytes: usize::MAX,
            ..short(0)
        };
        let begun = std::time::Instant::now();
        let error = got(step, limits).await.unwrap_err();
        assert!(matches!(error.why, Why::Slow(_)), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(10));
        assert!(
            error.to_string().contains("it takes longer than 0.3 s"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn what_is_no_document_is_told() {
    let say = |text: &str| Step::Say(text.to_owned());
    for (step, told) in [
        (
            say("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"),
            "it answers with status 401",
        ),
        (say("HTTP/1.1 500 No\r\n\r\n"), "it answers with status 500"),
        (say("HTTP/1.1 304 No\r\n\r\n"), "it answers with status 304"),
        (
            say("HTTP/1.1 302 No\r\nContent-Length: 0\r\n\r\n"),
            "it leads on, and does not say where to",
        ),
        (
            say("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nx"),
            "its reply is compressed",
        ),
        (
            say("HTTP/1.1 200 OK\r\nContent-Encoding: identity, br\r\n\r\nx"),
            "its reply is compressed",
        ),
        (say("SSH-2.0-x\r\n"), "its reply cannot be read"),
        (say(""), "its reply cannot be read"),
        (
            say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"),
            "its reply cannot be read",
        ),
        (
            say("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"),
            "its reply cannot be read",
        ),
    ] {
        let error = got(step, Limits::default()).await.unwrap_err();
        let said = error.to_string();
        assert!(said.starts_with("cannot fetch http://127.0.0.1:"), "{said}");
        assert!(said.contains(told), "{said}");
        assert!(!error.hint().is_empty());
    }
}

#[tokio::test]
async fn errors_show_no_query_and_no_credentials() {
    let server = Server::start([]).await;
    let client = Client::default();
    let error = client
        .get(&server.url("/c?key=hunter2"), Trust::Person)
        .await
        .unwrap_err();
    let said = format!("{error} {}", error.hint());
    assert!(
        said.contains("/c?***: it answers with status 404"),
        "{said}"
    );
    assert!(!said.contains("hunter2"), "{said}");
    for url in [
        "https://me:hunter2@h/c",
        "https://me:hunter2@/?x=hunter2",
        "nonsense?hunter2\n",
    ] {
        let said = client
            .get(url, Trust::Person)
            .await
            .unwrap_err()
            .to_string();
        assert!(!said.contains("hunter2") && !said.contains('\n'), "{said}");
    }
}

#[tokio::test]
async fn nobody_there_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = Client::default()
        .get(&format!("http://{address}/"), Trust::Person)
        .await
        .unwrap_err();
    assert!(matches!(error.why, Why::Connect(_)), "{error}");
}

fn form(authorization: Option<&str>) -> crate::Sending<'_> {
    crate::Sending {
        media_type: "application/x-www-form-urlencoded",
        body: b"a=1",
        authorization,
    }
}

#[tokio::test]
async fn what_is_sent_goes_to_one_address_and_whatever_comes_back_is_told() {
    let refused = "HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer a=b\r\nContent-Length: 2\r\n\r\n{}";
    let server = Server::start([
        ("/token", Step::Say(refused.to_owned())),
        ("/moved", moved("/token")),
        ("/large", document(&"x".repeat(100))),
    ])
    .await;
    let limits = Limits {
        body_bytes: 50,
        ..Limits::default()
    };
    let client = Client::new(limits);
    let post = async |path: &str, sending: crate::Sending<'_>| {
        client
            .post(&server.url(path), Trust::Person, &sending)
            .await
    };
    let reply = post("/token", form(Some("Basic eA=="))).await.unwrap();
    assert_eq!((reply.status, &*reply.body), (401, &b"{}"[..]));
    assert_eq!(reply.challenges, ["Bearer a=b"]);
    assert!(!reply.is_public);
    let head = &server.heads()[0];
    for line in [
        "POST /token HTTP/1.1\r\n",
        "authorization: Basic eA==\r\n",
        "content-type: application/x-www-form-urlencoded\r\n",
        "content-length: 3\r\n",
    ] {
        assert!(head.contains(line), "{line}: {head}");
    }
    // A reply that leads on is one with that status.
    assert_eq!(post("/moved", form(None)).await.unwrap().status, 302);
    assert_eq!(server.heads().len(), 2);
    let error = post("/large", form(None)).await.unwrap_err();
    assert!(matches!(error.why, Why::Large(50)), "{error}");
    let error = post("/token", form(Some("a\nb"))).await.unwrap_err();
    assert!(matches!(error.why, Why::Header), "{error}");
    let error = client
        .post(&server.url("/token"), Trust::Outside, &form(None))
        .await
        .unwrap_err();
    assert!(matches!(error.why, Why::Insecure), "{error}");
}
