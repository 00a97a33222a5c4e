//! Catalogs at addresses, fetched from a server of this machine that a person names.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::sync::{Arc, Condvar, Mutex};

use serde_json::{Value, json};

use super::home::{Home, Piped, initialize};

const CHARTS: &str = "catalog: theirs
origin: {kind: own, from: here}
servers:
  charts: {url: 'https://h.example/mcp', description: Draws sea charts.}
  box: {image: acme/box}
  prog: {command: sh, args: [-c, id], description: Runs anything.}
  env: {image: acme/env, secrets: [{env: T, from: 'env:HOME'}]}
";

/// Documents by path with query. It ends with the test.
pub(crate) struct Site {
    address: SocketAddr,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    documents: HashMap<String, String>,
    asked: usize,
    is_held: bool,
}

impl Site {
    pub(crate) fn new(documents: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let site = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
        };
        for (path, text) in documents {
            site.put(path, text);
        }
        let state = site.state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let state = state.clone();
                std::thread::spawn(move || answer(stream, &state));
            }
        });
        site
    }

    pub(crate) fn put(&self, path: &str, text: &str) {
        let documents = &mut self.state.0.lock().unwrap().documents;
        documents.insert(path.to_owned(), text.to_owned());
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn clear(&self) {
        self.state.0.lock().unwrap().documents.clear();
    }

    /// From now on requests wait, or do no longer.
    fn hold(&self, is_held: bool) {
        self.state.0.lock().unwrap().is_held = is_held;
        self.state.1.notify_all();
    }

    /// Waits for the first request.
    fn asked(&self) {
        let state = self.state.0.lock().unwrap();
        let asked = self.state.1.wait_while(state, |state| state.asked == 0);
        drop(asked.unwrap());
    }
}

fn answer(mut stream: std::net::TcpStream, (state, changed): &(Mutex<State>, Condvar)) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap();
    let mut state = state.lock().unwrap();
    state.asked += 1;
    changed.notify_all();
    let state = changed.wait_while(state, |state| state.is_held).unwrap();
    let (status, body) = match state.documents.get(path) {
        Some(body) => ("200 OK", body.as_str()),
        None => ("404 Not Found", ""),
    };
    let length = body.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}"
    );
}

/// A gateway over stdio, greeted.
fn agent(home: &Home, url: &str) -> Piped {
    let words = ["gateway", "run", "--no-builtin-catalog", "--catalog", url];
    let mut client = Piped::with_stderr(home.command(&words), Stdio::piped());
    client.ask(&initialize());
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    client
}

fn find(query: &str) -> Value {
    let params = json!({"name": "mcp-find", "arguments": {"query": query}});
    json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params})
}

#[test]
fn a_catalog_is_imported_from_its_address_and_renewed_from_there() {
    let home = Home::new();
    let site = Site::new(&[("/charts.yaml?key=hunter2", CHARTS), ("/charts.json", "{}")]);
    let url = site.url("/charts.yaml?key=hunter2");
    let value = home
        .run(&[
            "catalog",
            "import",
            &url,
            "--approve",
            "box,prog",
            "--format",
            "json",
        ])
        .json();
    assert_eq!(
        (&value["catalog"], &value["servers"], &value["approved"]),
        (&"charts".into(), &4.into(), &2.into())
    );
    assert_eq!(value["refused"][0]["server"], "env");
    // Where it comes from is told, and what its address hides is not.
    let listed = home.run(&["catalog", "ls", "--format", "json"]).json();
    let charts = &listed["catalogs"][1];
    assert_eq!(
        (&charts["name"], &charts["origin"]),
        (&"charts".into(), &"url".into())
    );
    assert_eq!(
        charts["from"],
        format!("http://{}/charts.yaml?***", site.address)
    );
    for words in [
        &["catalog", "ls"][..],
        &["catalog", "show", "charts"],
        &["catalog", "show", "box"],
        &["catalog", "show"],
    ] {
        let done = home.run(words);
        assert!(!done.stderr.contains("hunter2"), "{done:#?}");
        assert!(!done.ok().contains("hunter2"), "{words:?}");
    }
    let shown = |name: &str| {
        home.run(&["catalog", "show", name, "--format", "json"])
            .json()
    };
    assert_eq!(shown("box")["trust"], "url");
    assert_eq!(shown("box")["needs"], json!([]));
    assert!(
        shown("env")["needs"][0]
            .as_str()
            .unwrap()
            .contains("would take the secret `env.t` from `env:HOME`")
    );

    // The same address renews it; what has changed is not approved any longer.
    site.put(
        "/charts.yaml?key=hunter2",
        &CHARTS.replace("[-c, id]", "[-c, ls]"),
    );
    let value = home
        .run(&["catalog", "import", &url, "--format", "json"])
        .json();
    assert_eq!(
        (&value["servers"], &value["approved"]),
        (&4.into(), &1.into())
    );
    assert_eq!(shown("box")["needs"], json!([]));
    assert!(
        shown("prog")["needs"][0]
            .as_str()
            .unwrap()
            .contains("would run the command `sh`")
    );
    // Another one does not, and neither does one that is none.
    let other = site.url("/charts.json");
    assert!(
        home.run(&["catalog", "import", &other])
            .failed(1)
            .contains("--force replaces it")
    );
    assert!(
        home.run(&["catalog", "import", &other, "--force"])
            .failed(64)
            .contains("there are no servers in http://")
    );
    assert_eq!(shown("box")["needs"], json!([]));
}

#[test]
fn a_registry_is_imported_with_all_its_pages() {
    let home = Home::new();
    let page = |name: &str, next: &str| {
        let remote = json!({"type": "streamable-http", "url": "https://h.example/mcp"});
        let server = json!({"name": name, "description": "d", "version": "1", "remotes": [remote]});
        json!({"servers": [{"server": server}], "metadata": {"nextCursor": next}}).to_string()
    };
    let first = "/v0.1/servers?limit=100&version=latest";
    let site = Site::new(&[
        (first, &page("io.github.acme/one", "two")),
        (
            &format!("{first}&cursor=two"),
            &page("io.github.acme/two", ""),
        ),
    ]);
    let url = site.url("/v0.1/servers");
    let value = home
        .run(&[
            "catalog", "import", &url, "--name", "all", "--format", "json",
        ])
        .json();
    assert_eq!(
        (&value["catalog"], &value["servers"]),
        (&"all".into(), &2.into())
    );
    let listed = home.run(&["catalog", "ls", "--format", "json"]).json();
    assert_eq!(listed["catalogs"][1]["origin"], "registry");
    let shown = home
        .run(&["catalog", "show", "two", "--format", "json"])
        .json();
    assert_eq!(shown["trust"], "registry");
    assert!(
        shown["needs"][0]
            .as_str()
            .unwrap()
            .contains("it comes from the registry http://")
    );
}

#[test]
fn an_address_is_looked_at_without_importing_it() {
    let home = Home::new();
    let site = Site::new(&[
        ("/c.yaml", CHARTS),
        (
            "/bad.yaml",
            "catalog: c\nservers: {a: {image: x, args: ['{{b|nope}}']}}",
        ),
    ]);
    let url = site.url("/c.yaml");
    let value = home
        .run(&["catalog", "show", &url, "--format", "json"])
        .json();
    assert_eq!(value["servers"][0]["trust"], "url");
    assert!(
        home.run(&["catalog", "validate", &url])
            .ok()
            .contains("4 servers, 0 errors")
    );
    let done = home.run(&["catalog", "validate", &site.url("/bad.yaml")]);
    assert!(done.stdout.contains("/bad.yaml:2:"), "{done:#?}");
    done.failed(64);
    let words = [
        "catalog",
        "search",
        "--no-builtin-catalog",
        "sea",
        "charts",
        "--format",
        "json",
        "--catalog",
    ];
    let found = home.run(&[&words[..], &[&url]].concat()).json();
    let first = &found["servers"][0];
    assert_eq!(
        (&first["name"], &first["trust"], &first["state"]),
        (&"charts".into(), &"url".into(), &"needs-approval".into())
    );
    let done = home.run(&["server", "enable", "charts", "--catalog", &url]);
    assert!(
        done.stderr.contains("although it comes from http://"),
        "{done:#?}"
    );
    let found = home.run(&[&words[..], &[&url]].concat()).json();
    assert_eq!(found["servers"][0]["state"], "ready");
    assert_eq!(
        home.run(&["catalog", "ls", "--format", "json"]).json()["catalogs"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn what_cannot_be_fetched_is_told() {
    let home = Home::new();
    let site = Site::new(&[("/page", "<html>")]);
    for (url, code, told) in [
        (
            "ftp://h.example/c".to_owned(),
            2,
            "\"ftp\" is fetched by nobody here",
        ),
        (
            "https://me:hunter2@h.example/c".to_owned(),
            2,
            "it holds a user name or password",
        ),
        (site.url("/none"), 3, "it answers with status 404"),
        (site.url("/page"), 1, "it is a web page and no catalog"),
    ] {
        for words in [
            &["catalog", "import"][..],
            &["catalog", "show"],
            &["catalog", "validate"],
        ] {
            let said = home.run(&[words, &[&url]].concat()).failed(code);
            assert!(
                said.contains(told) && said.contains("hint") && !said.contains("hunter2"),
                "{words:?} {url}: {said}"
            );
        }
    }
    for url in ["ftp://h.example/c", "https://me:hunter2@h.example/c"] {
        let said = home.run(&["gateway", "run", "--catalog", url]).failed(2);
        assert!(
            said.contains("cannot fetch") && !said.contains("hunter2"),
            "{said}"
        );
    }
    assert!(!home.path("portolan/catalogs").exists());
}

#[test]
fn a_gateway_answers_while_its_catalog_is_on_its_way() {
    let home = Home::new();
    let site = Site::new(&[("/c.yaml", CHARTS)]);
    site.hold(true);
    let url = site.url("/c.yaml");
    // It greets although the site says nothing, and asks the site although nobody has searched.
    let mut client = agent(&home, &url);
    site.asked();
    client.send(&find("sea charts"));
    client.ask(&json!({"jsonrpc": "2.0", "id": 8, "method": "ping"}));
    site.hold(false);
    let found = client.hear(|heard| heard["id"] == 7);
    let first = &found["result"]["structuredContent"]["servers"][0];
    assert_eq!(
        (&first["name"], &first["trust"], &first["state"]),
        (&"charts".into(), &"url".into(), &"needs-approval".into())
    );
    client.leave();

    // There is nothing any longer: the last copy serves, and it is told.
    site.clear();
    let mut client = agent(&home, &url);
    let found = client.ask(&find("sea charts"));
    assert_eq!(
        found["result"]["structuredContent"]["servers"][0]["name"],
        "charts"
    );
    let mut stderr = client.child.stderr.take().unwrap();
    client.leave();
    let mut told = String::new();
    stderr.read_to_string(&mut told).unwrap();
    assert!(
        told.contains("it answers with status 404; the copy from just now is used"),
        "{told}"
    );
}
