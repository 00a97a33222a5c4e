use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::*;

const CATALOG: &str = "catalog: c\nservers: {charts: {image: acme/charts}}";
const PATIENT: Duration = Duration::from_secs(60);

/// Answers each request with the next of these texts, once it may.
fn serve(bodies: Vec<&'static str>) -> (String, SyncSender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "http://{}/c.yaml?key=hunter2",
        listener.local_addr().unwrap()
    );
    let (go_on, wait): (_, Receiver<()>) = sync_channel(8);
    std::thread::spawn(move || {
        for body in bodies {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            if wait.recv().is_err() {
                return;
            }
            let length = body.len();
            let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
            stream.write_all(reply.as_bytes()).unwrap();
        }
    });
    (url, go_on)
}

fn told(catalog: &Catalog) -> String {
    let told: Vec<String> = catalog.problems.iter().map(ToString::to_string).collect();
    assert!(
        !told.iter().any(|line| line.contains("hunter2")),
        "{told:?}"
    );
    told.join("\n")
}

#[test]
fn the_last_copy_stands_in_where_fetching_fails() {
    let home = tempfile::tempdir().unwrap();
    let dirs = Dirs::under(home.path());
    let (url, go_on) = serve(vec![CATALOG, "nothing of the kind"]);
    for _ in 0..2 {
        go_on.send(()).unwrap();
    }
    let fetched = Pending::begin(&dirs, &url).wait(PATIENT);
    assert_eq!((told(&fetched).as_str(), fetched.entries.len()), ("", 1));
    for what in ["this is no catalog of servers", "cannot be connected to"] {
        let copy = Pending::begin(&dirs, &url).wait(PATIENT);
        assert_eq!(copy.entries, fetched.entries);
        assert!(copy.entries[0].origin.is_foreign());
        let told = told(&copy);
        assert!(
            told.contains(what) && told.contains("; the copy from just now is used"),
            "{told}"
        );
        assert!(!copy.problems[0].is_error());
    }
}

#[test]
fn without_a_copy_it_is_missed_and_told() {
    let home = tempfile::tempdir().unwrap();
    let dirs = Dirs::under(home.path());
    let (url, go_on) = serve(vec!["{}"]);
    go_on.send(()).unwrap();
    let catalog = Pending::begin(&dirs, &url).wait(PATIENT);
    assert!(catalog.entries.is_empty() && catalog.problems[0].is_error());
    assert!(told(&catalog).contains("there is no copy of it, so its servers are missing"));
    // What is no catalog is not kept.
    assert_eq!(config::fetched(&dirs, &url), None);
}

#[test]
fn nobody_waits_longer_than_they_want() {
    let home = tempfile::tempdir().unwrap();
    let dirs = Dirs::under(home.path());
    let (url, go_on) = serve(vec![CATALOG]);
    config::keep_fetched(&dirs, &url, "catalog: c\nservers: {old: {image: i}}").unwrap();
    let pending = Pending::begin(&dirs, &url);
    let early = pending.wait(Duration::from_millis(20));
    assert_eq!(early.entries[0].name.as_str(), "old");
    assert!(
        told(&early).contains("it is not here after 0.02 s; the copy from"),
        "{}",
        told(&early)
    );
    go_on.send(()).unwrap();
    assert_eq!(pending.wait(PATIENT).entries[0].name.as_str(), "charts");
    assert!(
        config::fetched(&dirs, &url)
            .unwrap()
            .text
            .contains("charts")
    );
}

#[test]
fn ages_are_told_in_words() {
    let ago = |seconds| age(SystemTime::now() - Duration::from_secs(seconds));
    assert_eq!(
        [ago(5), ago(300), ago(7_200), ago(300_000)],
        ["just now", "5 min ago", "2 h ago", "3 days ago"]
    );
}
