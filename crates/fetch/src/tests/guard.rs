//! What may be reached, by whose wish, and by which ways around nothing else is.

use super::*;
use crate::limits::REDIRECTS_MAX;
use crate::{FetchError, Trust, Why};

fn closed(error: &FetchError) -> IpAddr {
    match &error.why {
        Why::NotPublic(address) => *address,
        _ => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_person_may_name_this_machine_and_nobody_else() {
    let server = Server::start([("/c", document("x"))]).await;
    let fake = Fake::new(&server, &[("localhost", &[&["127.0.0.1"]])]);
    let port = server.address.port();
    for scheme in ["http", "https"] {
        let url = format!("{scheme}://localhost:{port}/c");
        assert!(
            fake.client().get(&url, Trust::Person).await.is_ok(),
            "{url}"
        );
    }
    let before = fake.connected().len();
    for host in [
        "localhost",
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "169.254.169.254",
        "10.0.0.1",
    ] {
        let url = format!("https://{host}:{port}/c");
        let error = fake.client().get(&url, Trust::Outside).await.unwrap_err();
        assert!(!egress::is_public(closed(&error)), "{error}");
    }
    let error = fake
        .client()
        .get(&server.url("/c"), Trust::Outside)
        .await
        .unwrap_err();
    assert!(matches!(error.why, Why::Insecure), "{error}");
    assert_eq!(
        fake.connected().len(),
        before,
        "refused before anything is connected to"
    );
}

#[tokio::test]
async fn one_private_address_spoils_a_name() {
    let server = Server::start([("/c", document("x"))]).await;
    let fake = Fake::new(
        &server,
        &[
            ("good.example", &[&[PUBLIC, "2606:4700::1111"]]),
            ("bad.example", &[&[PUBLIC, "192.168.0.1"]]),
            ("translated.example", &[&["64:ff9b::a9fe:a9fe"]]),
            ("empty.example", &[&[]]),
        ],
    );
    let get = |host: &str| {
        let (client, url) = (fake.client(), format!("https://{host}/c"));
        async move { client.get(&url, Trust::Outside).await }
    };
    assert_eq!(get("good.example").await.unwrap().body, b"x");
    assert_eq!(fake.secured.lock().unwrap().as_slice(), ["good.example"]);
    assert_eq!(
        closed(&get("bad.example").await.unwrap_err()).to_string(),
        "192.168.0.1"
    );
    closed(&get("translated.example").await.unwrap_err());
    assert!(matches!(
        get("empty.example").await.unwrap_err().why,
        Why::Resolve(_)
    ));
    assert!(matches!(
        get("other.example").await.unwrap_err().why,
        Why::Resolve(_)
    ));
}

#[tokio::test]
async fn a_name_that_changes_its_mind_gains_nothing() {
    let server = Server::start([("/c", document("x"))]).await;
    let fake = Fake::new(&server, &[("sly.example", &[&[PUBLIC], &["127.0.0.1"]])]);
    let url = "https://sly.example/c";
    assert!(fake.client().get(url, Trust::Outside).await.is_ok());
    assert_eq!(
        fake.connected(),
        [SocketAddr::new(PUBLIC.parse().unwrap(), 443)]
    );
    // The second time it is looked up it leads inside.
    closed(&fake.client().get(url, Trust::Outside).await.unwrap_err());
    assert_eq!(fake.connected().len(), 1);
}

#[tokio::test]
async fn every_step_is_checked_anew() {
    let inner = Server::start([("/secret", document("the secret"))]).await;
    let port = inner.address.port();
    let (plain, secure) = (
        inner.url("/secret"),
        format!("https://127.0.0.1:{port}/secret"),
    );
    let server = Server::start([
        ("/plain", moved(&plain)),
        ("/secure", moved(&secure)),
        (
            "/named",
            moved(&format!("https://inside.example:{port}/secret")),
        ),
        ("/far", moved("http://good.example/c")),
        ("/user", moved("https://me:x@good.example/c")),
        ("/file", moved("file:///etc/passwd")),
        ("/again", moved("/relative")),
        ("/relative", moved("//good.example/c")),
        ("/c", document("x")),
    ])
    .await;
    let fake = Fake::new(
        &server,
        &[
            ("good.example", &[&[PUBLIC]]),
            ("inside.example", &[&["127.0.0.1"]]),
        ],
    );
    for trust in [Trust::Outside, Trust::Person] {
        let get = |path: &str| {
            let (client, url) = (fake.client(), format!("https://good.example{path}"));
            async move { client.get(&url, trust).await }
        };
        assert_eq!(get("/again").await.unwrap().body, b"x");
        for path in ["/secure", "/named"] {
            let error = get(path).await.unwrap_err();
            assert!(closed(&error).is_loopback());
            assert!(
                error
                    .to_string()
                    .contains(&format!("good.example{path}, which leads to https://")),
                "{error}"
            );
        }
        for path in ["/plain", "/far"] {
            assert!(matches!(get(path).await.unwrap_err().why, Why::Insecure));
        }
        assert!(matches!(
            get("/user").await.unwrap_err().why,
            Why::Credentials
        ));
        assert!(matches!(
            get("/file").await.unwrap_err().why,
            Why::Scheme(_)
        ));
    }
    assert_eq!(inner.heads(), [""; 0]);
}

#[tokio::test]
async fn from_inside_a_way_leads_out_and_not_in_again() {
    let inner = Server::start([
        ("/out", moved("https://good.example/in")),
        ("/other", moved("/c")),
        ("/c", document("x")),
    ])
    .await;
    let server = Server::start([(
        "/in",
        moved(&format!("https://127.0.0.1:{}/c", inner.address.port())),
    )])
    .await;
    let fake = Fake::new(&server, &[("good.example", &[&[PUBLIC]])]);
    let get = |path: &str| {
        let (client, url) = (fake.client(), inner.url(path));
        async move { client.get(&url, Trust::Person).await }
    };
    assert_eq!(get("/other").await.unwrap().body, b"x");
    closed(&get("/out").await.unwrap_err());
}

#[tokio::test]
async fn ways_that_do_not_end_are_left() {
    let server = Server::start([("/round", moved("/round"))]).await;
    let error = Client::default()
        .get(&server.url("/round"), Trust::Person)
        .await
        .unwrap_err();
    assert!(matches!(error.why, Why::Redirects), "{error}");
    assert_eq!(server.heads().len(), REDIRECTS_MAX + 1);
}

#[tokio::test]
async fn addresses_are_tried_one_after_the_other() {
    let server = Server::start([("/c", document("x"))]).await;
    let port = server.address.port();
    let fake = Fake::new(&server, &[("h.test", &[&["127.99.0.1", "127.0.0.1"]])]);
    let url = format!("http://h.test:{port}/c");
    assert!(fake.client().get(&url, Trust::Person).await.is_ok());
    assert_eq!(fake.connected().len(), 2);
    let many: Vec<String> = (1..=20).map(|n| format!("127.99.0.{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let fake = Fake::new(&server, &[("h.test", &[&many])]);
    assert!(fake.client().get(&url, Trust::Person).await.is_err());
    assert_eq!(fake.connected().len(), crate::limits::ADDRESSES_MAX);
}
