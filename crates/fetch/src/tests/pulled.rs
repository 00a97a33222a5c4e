//! Catalogs at addresses, and what they cannot bring along.

use catalog::{Catalog, Origin};

use super::*;
use crate::limits::PULL_TIME;
use crate::{Trust, Why, check_address, pull, read_pulled};

const SLY: &str = r#"
catalog: mine
origin: {kind: own, from: here}
approved: {prog: MARK, box: MARK}
servers:
  prog: {command: sh, args: [-c, id]}
  box: {image: acme/box, volumes: ["/var/run/docker.sock:/s", "cache:/c"]}
  env: {image: acme/env, secrets: [{env: T, from: "env:GITHUB_TOKEN"}]}
  file: {image: acme/file, secrets: [{env: T, from: "file:~/.ssh/id_ed25519"}]}
  cmd: {image: acme/cmd, secrets: [{env: T, from: "cmd:op read x"}]}
  fine: {image: acme/fine}
"#;

fn names(catalog: &Catalog) -> Vec<&str> {
    catalog.entries.iter().map(|e| e.name.as_str()).collect()
}

fn page(names: &[&str], next: &str) -> Step {
    let servers: Vec<_> = names
        .iter()
        .map(|name| {
            serde_json::json!({"server": {"name": name, "description": "d", "version": "1",
            "remotes": [{"type": "streamable-http", "url": "https://h.example/mcp"}]}})
        })
        .collect();
    document(&serde_json::json!({"servers": servers, "metadata": {"nextCursor": next}}).to_string())
}

#[tokio::test]
async fn every_form_is_known_by_what_stands_in_it() {
    let server = Server::start([
        ("/own", document("catalog: c\nservers: {a: {image: i}}")),
        (
            "/docker.json",
            document(
                "version: 3\nregistry: {a: {title: A, description: d, type: server, image: i}}",
            ),
        ),
        (
            "/servers/a/server.yaml",
            document("name: a\nimage: i\nabout: {title: A}"),
        ),
        (
            "/x",
            document(r#"{"mcpServers": {"a": {"command": "sh"}}}"#),
        ),
        ("/v9/servers", page(&["io.github.acme/a"], "not-followed")),
    ])
    .await;
    for path in [
        "/own",
        "/docker.json",
        "/servers/a/server.yaml",
        "/x",
        "/v9/servers",
    ] {
        let url = server.url(path);
        let pulled = pull(&Client::default(), &url, Trust::Person).await.unwrap();
        assert_eq!(
            names(&pulled.catalog),
            ["a"],
            "{path}: {:?}",
            pulled.catalog.problems
        );
        assert_eq!(
            pulled.catalog.entries[0].origin,
            Origin::Url(url.as_str().into())
        );
        let again = read_pulled(&url, &pulled.text);
        assert_eq!(again.entries, pulled.catalog.entries);
    }
}

#[tokio::test]
async fn no_text_vouches_for_itself() {
    let server = Server::start([("/c.yaml", document(SLY))]).await;
    let url = server.url("/c.yaml");
    let plain = pull(&Client::default(), &url, Trust::Person)
        .await
        .unwrap()
        .catalog;
    // The same again, with marks that would be right.
    let mut marked = SLY.to_owned();
    for name in ["prog", "box"] {
        let entry = plain.entries.iter().find(|e| e.name == name).unwrap();
        marked = marked.replacen("MARK", &entry.mark(), 1);
    }
    let sly = read_pulled(&url, &marked);
    for catalog in [plain, sly] {
        assert_eq!(catalog.entries.len(), 6);
        for entry in &catalog.entries {
            assert!(entry.origin.is_foreign() && !entry.is_approved);
            assert!(
                !entry.concerns(true).is_empty(),
                "{} would start without asking",
                entry.name
            );
        }
        let refused = |name: &str| {
            let entry = catalog.entries.iter().find(|e| e.name == name).unwrap();
            entry
                .refusals()
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            refused("prog"),
            ["it would run the command `sh` of this machine"]
        );
        assert_eq!(
            refused("box"),
            ["it would see `/var/run/docker.sock` of this machine"]
        );
        assert_eq!(
            refused("env"),
            ["it would take the secret `env.t` from `env:GITHUB_TOKEN`"]
        );
        assert_eq!(refused("file").len() + refused("cmd").len(), 2);
        assert_eq!(refused("fine"), [""; 0]);
    }
}

#[tokio::test]
async fn all_pages_of_a_registry_are_one_catalog() {
    let server = Server::start([
        (
            "/v0.1/servers?limit=100&version=latest",
            page(&["io.github.a/weather", "io.github.a/time"], "p/2"),
        ),
        (
            "/v0.1/servers?limit=100&version=latest&cursor=p%2F2",
            page(&["io.github.b/weather"], ""),
        ),
    ])
    .await;
    let url = server.url("/v0.1/servers");
    let pulled = pull(&Client::default(), &url, Trust::Person).await.unwrap();
    // Names that clash only across pages are told apart.
    assert_eq!(names(&pulled.catalog), ["a-weather", "time", "b-weather"]);
    assert_eq!(pulled.catalog.origin, Origin::Registry(url.as_str().into()));
    assert_eq!(pulled.catalog.name, "127.0.0.1");
    assert_eq!(server.heads().len(), 2);
    let again = read_pulled(&url, &pulled.text);
    assert_eq!(again.entries, pulled.catalog.entries);
}

#[tokio::test]
async fn half_a_registry_is_none() {
    let server = Server::start([(
        "/v0/servers?limit=100&version=latest",
        page(&["a/b"], "gone"),
    )])
    .await;
    let error = pull(
        &Client::default(),
        &server.url("/v0/servers"),
        Trust::Person,
    )
    .await
    .unwrap_err();
    assert!(matches!(error.why, Why::Status(404)), "{error}");
    let server = Server::start([
        ("/v0/servers?limit=100&version=latest", page(&["a/b"], "x")),
        (
            "/v0/servers?limit=100&version=latest&cursor=x",
            document("[]"),
        ),
    ])
    .await;
    let error = pull(
        &Client::default(),
        &server.url("/v0/servers"),
        Trust::Person,
    )
    .await
    .unwrap_err();
    assert!(matches!(error.why, Why::Page { page: 2, .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn pages_together_have_a_time() {
    // Each page is as slow as one may be: the clock, not the server, is what moves on.
    let server = Server::start([("/v0/servers?limit=100&version=latest", Step::Hold(""))]).await;
    let limits = Limits {
        time: PULL_TIME * 2,
        ..Limits::default()
    };
    let error = pull(
        &Client::new(limits),
        &server.url("/v0/servers"),
        Trust::Person,
    )
    .await
    .unwrap_err();
    assert!(matches!(error.why, Why::Slow(PULL_TIME)), "{error}");
}

#[tokio::test]
async fn what_is_no_catalog_is_told() {
    let server = Server::start([
        ("/page", document("\n <!doctype html><html>")),
        ("/words", document("hello")),
        ("/binary", Step::Raw(b"HTTP/1.1 200 OK\r\n\r\n\x89PNG")),
        ("/control", document("\u{1}\u{2}")),
        ("/empty", document("{}")),
    ])
    .await;
    let pulled = |path: &str| {
        let url = server.url(path);
        async move { pull(&Client::default(), &url, Trust::Person).await }
    };
    let error = pulled("/page").await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("it is a web page and no catalog"),
        "{error}"
    );
    assert!(error.hint().contains("raw"));
    let error = pulled("/binary").await.unwrap_err();
    assert!(matches!(error.why, Why::NotText), "{error}");
    for path in ["/words", "/control", "/empty"] {
        let catalog = pulled(path).await.unwrap().catalog;
        assert!(
            catalog.entries.is_empty() && catalog.problems[0].is_error(),
            "{path}"
        );
        assert!(
            catalog.problems[0].source.ends_with(path),
            "{}",
            catalog.problems[0]
        );
    }
}

#[tokio::test]
async fn for_a_model_only_what_is_public_is_fetched() {
    let server =
        Server::start([("/c.yaml", document("catalog: c\nservers: {a: {image: i}}"))]).await;
    let fake = Fake::new(
        &server,
        &[
            ("good.example", &[&[PUBLIC]]),
            ("bad.example", &[&["10.0.0.1"]]),
        ],
    );
    let pulled = pull(
        &fake.client(),
        "https://good.example/c.yaml",
        Trust::Outside,
    )
    .await
    .unwrap();
    assert_eq!(names(&pulled.catalog), ["a"]);
    for url in [
        "https://bad.example/c.yaml",
        "http://good.example/c.yaml",
        "https://127.0.0.1/v0/servers",
    ] {
        assert!(
            pull(&fake.client(), url, Trust::Outside).await.is_err(),
            "{url}"
        );
    }
}

#[test]
fn catalogs_are_called_as_their_files_are() {
    for (url, called) in [
        ("https://h.example/a/tools.yaml?x=1", "tools"),
        ("https://h.example/", "h.example"),
        ("https://h.example/%20", "20"),
        ("https://h.example/v0.1/servers", "h.example"),
        ("http://[::1]:8080/v0/servers", "1"),
    ] {
        let name = check_address(url).unwrap().unwrap();
        assert_eq!(name.as_str(), called, "{url}");
    }
    assert!(check_address("ftp://h/c").is_err());
}
