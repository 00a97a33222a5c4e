//! Pages for the person: who sees one, what counts as their answer, and that nothing of it stays anywhere.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gateway::{End, Field, Page, Pages as _, Visit};
use server::Pages;

use crate::harness::House;
use crate::http::{Connection, Reply};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

type Kept = Arc<Mutex<Vec<String>>>;

/// A visit for these fields; what it is given is kept here, unless it is `no`.
fn visit(fields: Vec<Field>, life: Duration) -> (Arc<Visit>, Kept) {
    let kept = Kept::default();
    let keeper = kept.clone();
    let page = Page {
        server: "github".to_owned(),
        title: Some("Git<Hub>".to_owned()),
        origin: "the catalog `mine`".to_owned(),
        kept_in: "/home/ann/secrets".to_owned(),
        fields,
        ..Page::default()
    };
    let visit = Visit::new(page, life, move |values| {
        for value in values {
            match value.reveal() {
                "no" => return Err("the disk is full".to_owned()),
                text => keeper.lock().unwrap().push(text.to_owned()),
            }
        }
        Ok(())
    });
    (Arc::new(visit), kept)
}

fn token() -> (Arc<Visit>, Kept) {
    let field = Field {
        name: "github.token".to_owned(),
        about: Some("What <it> is".to_owned()),
        example: Some("ghp_…".to_owned()),
        url: Some("https://h.example/tokens".to_owned()),
    };
    visit(vec![field], Duration::from_secs(600))
}

/// Where a URL leads: an address and a path.
fn parts(url: &str) -> (SocketAddr, String) {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    (host.parse().unwrap(), format!("/{path}"))
}

async fn get(url: &str) -> Reply {
    get_with(url, &[]).await
}

async fn get_with(url: &str, fields: &[(&str, &str)]) -> Reply {
    let (at, path) = parts(url);
    let mut connection = Connection::open(at).await;
    connection.request(&format!("GET {path}"), fields, "").await
}

/// As a browser sends the form of the page.
async fn post(url: &str, body: &str) -> Reply {
    post_with(url, &[("Origin", "http://localhost")], body).await
}

async fn post_with(url: &str, fields: &[(&str, &str)], body: &str) -> Reply {
    let (at, path) = parts(url);
    let fields: Vec<_> = [FORM].into_iter().chain(fields.iter().copied()).collect();
    let mut connection = Connection::open(at).await;
    connection
        .request(&format!("POST {path}"), &fields, body)
        .await
}

#[tokio::test]
async fn what_is_entered_is_kept_once_and_the_link_is_dead() {
    // No token is asked for: the address is the right to it.
    let house = House::with_token().await;
    let (visit, kept) = token();
    let url = house.pages.show(visit.clone()).unwrap().page;
    let (at, path) = parts(&url);
    assert_eq!(at, house.address);
    assert!(path.len() >= "/ask/".len() + 32, "{path}");

    let page = get(&url).await;
    assert_eq!(page.status, 200);
    for part in [
        "Credentials for Git&lt;Hub&gt;",
        "<code>github</code>",
        "the catalog `mine`",
        "What &lt;it&gt; is",
        "ghp_…",
        "href=\"https://h.example/tokens\"",
        "/home/ann/secrets",
        "<label for=\"value-0\">github.token</label>",
        "type=\"password\" id=\"value-0\" name=\"value-0\"",
    ] {
        assert!(page.body.contains(part), "{part} is not in {}", page.body);
    }
    assert!(!page.body.contains("<script") && !page.body.contains("src="));

    let done = post(&url, "value-0=hunter2%26%3D%2B&do=save").await;
    assert_eq!(done.status, 200, "{}", done.body);
    assert!(done.body.contains("You can close this page"));
    assert!(!done.body.contains("hunter2"));
    assert_eq!(visit.over().await, End::Given);
    assert_eq!(*kept.lock().unwrap(), ["hunter2&=+"]);

    for again in [
        get(&url).await,
        post(&url, "value-0=other&do=save").await,
        get(&format!("http://{at}/ask/AAAA")).await,
    ] {
        assert_eq!(again.status, 404);
        assert!(again.body.contains("used, was taken back, or has expired"));
    }
    assert_eq!(kept.lock().unwrap().len(), 1);
    house.close().await;
}

#[tokio::test]
async fn nothing_of_a_page_is_kept_by_a_browser_or_shown_in_a_frame() {
    let house = House::open().await;
    let url = house.pages.show(token().0).unwrap().page;
    for reply in [
        get(&url).await,
        post(&url, "value-0=").await,
        get(&format!("{url}x")).await,
        post(&url, "value-0=x&do=save").await,
    ] {
        let field = |name| reply.field(name).unwrap_or_default();
        assert_eq!(field("cache-control"), "no-store");
        assert_eq!(field("referrer-policy"), "same-origin");
        assert_eq!(field("x-frame-options"), "DENY");
        assert_eq!(field("x-content-type-options"), "nosniff");
        assert_eq!(field("access-control-allow-origin"), "");
        let policy = field("content-security-policy");
        for rule in [
            "default-src 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(rule), "{policy}");
        }
        let nonce = policy.split("'nonce-").nth(1).unwrap();
        let nonce = nonce.split('\'').next().unwrap();
        assert!(reply.body.contains(&format!("<style nonce=\"{nonce}\">")));
    }
    house.close().await;
}

#[tokio::test]
async fn only_a_loopback_name_leads_there() {
    let house = House::with(|options| {
        options.hosts = server::Names::new(["gate.example", "*"]);
        options.origins = server::Names::new(["*"]);
    })
    .await;
    let (visit, kept) = token();
    let url = house.pages.show(visit.clone()).unwrap().page;
    for host in [
        "gate.example",
        "10.0.0.1:8811",
        "localhost.evil.example",
        "",
    ] {
        let reply = get_with(&url, &[("Host", host)]).await;
        assert_eq!(reply.status, 403, "{host}");
        let origin = format!("http://{host}");
        let fields = [("Host", host), ("Origin", &*origin)];
        let reply = post_with(&url, &fields, "value-0=x&do=save").await;
        assert_eq!(reply.status, 403, "{host}");
        assert!(!reply.body.contains("github"));
    }
    for host in ["127.0.0.1:8811", "localhost:1", "[::1]:8811", "LOCALHOST"] {
        let reply = get_with(&url, &[("Host", host)]).await;
        assert_eq!(reply.status, 200, "{host}");
    }
    assert!(visit.is_open() && kept.lock().unwrap().is_empty());
    house.close().await;
}

#[tokio::test]
async fn another_page_cannot_send_the_form() {
    let house = House::with(|options| options.origins = server::Names::new(["*"])).await;
    let (visit, kept) = token();
    let url = house.pages.show(visit.clone()).unwrap().page;
    let body = "value-0=evil&do=save";
    for fields in [
        &[] as &[(&str, &str)],
        &[("Origin", "null")],
        &[("Origin", "https://evil.example")],
        &[("Origin", "http://localhost:3000")],
        &[
            ("Origin", "http://localhost"),
            ("Origin", "http://localhost"),
        ],
        &[
            ("Origin", "http://localhost"),
            ("Sec-Fetch-Site", "cross-site"),
        ],
        &[
            ("Origin", "http://localhost"),
            ("Sec-Fetch-Site", "same-site"),
        ],
    ] {
        let reply = post_with(&url, fields, body).await;
        assert_eq!(reply.status, 403, "{fields:?}");
        assert_eq!(reply.field("access-control-allow-origin"), None);
    }
    assert!(visit.is_open() && kept.lock().unwrap().is_empty());
    let fields = [
        ("Origin", "http://LOCALHOST"),
        ("Sec-Fetch-Site", "same-origin"),
    ];
    assert_eq!(post_with(&url, &fields, body).await.status, 200);
    house.close().await;
}

#[tokio::test]
async fn what_is_no_answer_leaves_the_page_open() {
    let house = House::open().await;
    let (visit, kept) = token();
    let url = house.pages.show(visit.clone()).unwrap().page;
    let long = format!("value-0={}", "x".repeat(70 * 1024));
    for (body, status, told) in [
        ("", 422, "the value is empty"),
        ("value-0=&do=save", 422, "the value is empty"),
        ("value-1=x&do=save", 422, "the value is empty"),
        ("value-0=a%00b&do=save", 422, "NUL"),
        (&*long, 422, "longer than"),
        (
            "value-0=no&do=save",
            500,
            "could not be saved: the disk is full",
        ),
    ] {
        let reply = post(&url, body).await;
        assert_eq!(reply.status, status, "{told}");
        assert!(reply.body.contains(told), "{told}: {}", reply.body);
        assert!(!reply.body.contains("value=\"a"));
    }
    let huge = format!("value-0={}", "x".repeat(1024 * 1024));
    assert_eq!(post(&url, &huge).await.status, 413);
    let json = [
        ("Origin", "http://localhost"),
        ("Content-Type", "application/json"),
    ];
    let (at, path) = parts(&url);
    let mut connection = Connection::open(at).await;
    let reply = connection
        .request(&format!("POST {path}"), &json, "{}")
        .await;
    assert_eq!(reply.status, 415);
    let mut connection = Connection::open(at).await;
    let reply = connection
        .request(&format!("PUT {path}"), &json, "{}")
        .await;
    assert_eq!(reply.status, 405);
    assert!(visit.is_open() && kept.lock().unwrap().is_empty());
    house.close().await;
}

#[tokio::test]
async fn whoever_does_not_want_to_says_so() {
    let house = House::open().await;
    let (visit, kept) = token();
    let url = house.pages.show(visit.clone()).unwrap().page;
    let reply = post(&url, "value-0=half&do=refuse").await;
    assert_eq!(reply.status, 200);
    assert!(reply.body.contains("Nothing was saved"));
    assert_eq!(visit.over().await, End::Declined);
    assert!(kept.lock().unwrap().is_empty());
    assert_eq!(get(&url).await.status, 404);
    house.close().await;
}

#[tokio::test]
async fn what_has_expired_or_was_taken_back_is_not_there() {
    let house = House::open().await;
    let (late, kept) = visit(vec![Field::default()], Duration::ZERO);
    let (withdrawn, _) = token();
    let late = house.pages.show(late).unwrap().page;
    let url = house.pages.show(withdrawn.clone()).unwrap().page;
    withdrawn.withdraw();
    for url in [&late, &url] {
        assert_eq!(get(url).await.status, 404);
        assert_eq!(post(url, "value-0=x&do=save").await.status, 404);
    }
    assert!(kept.lock().unwrap().is_empty());
    house.close().await;
}

#[tokio::test]
async fn there_is_a_most_of_pages_and_each_has_its_own_address() {
    let house = House::open().await;
    let max = server::limits::PAGES_MAX;
    let shown: Vec<_> = (0..max)
        .map(|_| {
            let (visit, _) = token();
            let url = house.pages.show(visit.clone()).unwrap().page;
            (visit, url)
        })
        .collect();
    let refused = house.pages.show(token().0).unwrap_err();
    assert!(refused.contains("too many"), "{refused}");
    // One that is over makes room.
    shown[7].0.withdraw();
    house.pages.show(token().0).unwrap();
    let urls: std::collections::BTreeSet<_> = shown.iter().map(|(_, url)| url).collect();
    assert_eq!(urls.len(), max);
    house.close().await;
}

#[tokio::test]
async fn without_a_door_there_is_a_port_for_as_long_as_somebody_is_awaited() {
    let pages = Pages::on_own_port();
    let (one, kept) = token();
    let (two, _) = token();
    let (first, second) = (
        pages.show(one.clone()).unwrap().page,
        pages.show(two.clone()).unwrap().page,
    );
    let (at, _) = parts(&first);
    assert_eq!(at, parts(&second).0);
    assert!(at.ip().is_loopback());
    assert_eq!(get(&first).await.status, 200);
    assert_eq!(get(&format!("http://{at}/mcp")).await.status, 404);
    let done = post(&first, "value-0=x&do=save").await;
    assert!(done.body.contains("You can close this page"));
    assert_eq!(*kept.lock().unwrap(), ["x"]);
    // Somebody is awaited still.
    assert_eq!(get(&first).await.status, 404);
    two.withdraw();
    closed(at).await;
    let (three, _) = token();
    let third = pages.show(three).unwrap().page;
    assert_eq!(get(&third).await.status, 200);
    drop(pages);
    closed(parts(&third).0).await;
}

#[tokio::test]
async fn its_connections_are_counted() {
    let pages = Pages::on_own_port();
    let url = pages.show(token().0).unwrap().page;
    let (at, path) = parts(&url);
    let mut silent = Vec::new();
    for _ in 0..server::limits::PAGE_CONNECTIONS_MAX {
        silent.push(Connection::open(at).await);
    }
    let mut late = Connection::open(at).await;
    late.send(&format!("GET {path}"), &[], "").await;
    let mut reply = std::pin::pin!(late.reply());
    for _ in 0..1_000 {
        let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(reply.as_mut().poll(cx)));
        assert!(polled.await.is_pending(), "there was room for one more");
        tokio::task::yield_now().await;
    }
    silent.pop();
    assert_eq!(reply.await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_not_waited_for() {
    use tokio::io::AsyncReadExt as _;

    let pages = Pages::on_own_port();
    let (visit, _) = token();
    let url = pages.show(visit.clone()).unwrap().page;
    let (at, _) = parts(&url);
    let begun = tokio::time::Instant::now();
    let mut rest = Vec::new();
    let mut silent = tokio::net::TcpStream::connect(at).await.unwrap();
    let _closed = silent.read_to_end(&mut rest).await;
    let head = u64::from(server::limits::HEAD_SECONDS_MAX);
    assert_eq!(begun.elapsed().as_secs(), head);

    // Nor is it when nobody is awaited any more.
    let mut silent = tokio::net::TcpStream::connect(at).await.unwrap();
    assert_eq!(get(&url).await.status, 200);
    let begun = tokio::time::Instant::now();
    visit.withdraw();
    let _closed = silent.read_to_end(&mut rest).await;
    let linger = server::limits::PAGE_LINGER;
    assert_eq!(begun.elapsed().as_secs(), linger.as_secs());
    closed(at).await;
}

/// Waits until nobody listens there.
async fn closed(at: SocketAddr) {
    while tokio::net::TcpStream::connect(at).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

/// A visit that leads away, and what comes back to it.
fn led(answer: Result<(), gateway::Unfinished>) -> Arc<Visit> {
    let page = Page {
        server: "cloud".to_owned(),
        origin: "a <b>file</b>".to_owned(),
        ..Page::default()
    };
    let visit = Arc::new(Visit::away(page, Duration::from_secs(600)));
    visit.lead(gateway::Away {
        url: "https://id.example/authorize?a=1&state=\"S".to_owned(),
        issuer: "https://id.example".to_owned(),
        scopes: vec!["read".to_owned()],
        is_answered_by: Box::new(|query| query.contains("state=S")),
        finish: Box::new(move |_| {
            let answer = answer.clone();
            Box::pin(async move { answer })
        }),
    });
    visit
}

#[tokio::test]
async fn a_page_leads_to_a_sign_in_and_the_browser_comes_back_once() {
    let house = House::with_token().await;
    let visit = led(Ok(()));
    let place = house.pages.show(visit.clone()).unwrap();
    assert!(place.callback.ends_with("/oauth/callback"), "{place:?}");
    let page = get(&place.page).await;
    assert_eq!(page.status, 200);
    for part in [
        "Sign in for cloud",
        "<code>https://id.example</code>",
        "<code>read</code>",
        "href=\"https://id.example/authorize?a=1&amp;state=&quot;S\"",
        "a &lt;b&gt;file",
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    // Who does not bring the state has nothing to do with it.
    let back = async |query: &str| get(&format!("{}?{query}", place.callback)).await;
    assert_eq!(back("code=x&state=other").await.status, 404);
    assert!(visit.is_open());
    let done = back("code=x&state=S").await;
    assert!(done.status == 200 && done.body.contains("Signed in"));
    assert_eq!(visit.ended(), Some(End::Given));
    // The same answer once more is nobody's.
    assert_eq!(back("code=x&state=S").await.status, 404);
    assert_eq!(get(&place.page).await.status, 404);
    house.close().await;
}

#[tokio::test]
async fn a_sign_in_that_fails_says_why_and_is_over() {
    let house = House::with_token().await;
    for (answer, status, end) in [
        (
            gateway::Unfinished::Declined("access_denied".into()),
            200,
            End::Declined,
        ),
        (
            gateway::Unfinished::Failed("<b>no</b>".into()),
            502,
            End::Failed,
        ),
    ] {
        let visit = led(Err(answer));
        let place = house.pages.show(visit.clone()).unwrap();
        let said = get(&format!("{}?state=S", place.callback)).await;
        assert!(
            said.status == status && !said.body.contains("<b>"),
            "{}",
            said.body
        );
        assert_eq!(visit.ended(), Some(end));
    }
    house.close().await;
}

#[tokio::test]
async fn browsers_come_back_by_loopback_names_only() {
    let house = House::with_token().await;
    let visit = led(Ok(()));
    let place = house.pages.show(visit.clone()).unwrap();
    let url = format!("{}?state=S", place.callback);
    let reply = get_with(&url, &[("Host", "evil.example")]).await;
    assert!(reply.status == 403 && visit.is_open());
    house.close().await;
}
