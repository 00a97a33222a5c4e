//! Calls while the profile of a gateway changes: none is lost, each is answered once. By HTTP and over stdio at the same time;
//! one of the servers is another one after each change, one stays what it was, one comes and goes.
//! `PORTOLAN_RELOAD_CALLS` and `PORTOLAN_RELOAD_CHANGES` say how many; `./test --all` makes 10,000 and 100.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use config::Env;
use serde_json::{Value, json};

use super::home::{BINARY, Home, Listening, Piped, initialize, tool_names};

/// Clients over HTTP; there is one more over stdio.
const HTTP: u64 = 4;
/// Requests that the one over stdio has under way at once.
const AT_ONCE: u64 = 8;
/// A call of a name that is not known waits for servers that are starting; on a busy machine that takes longer than usual.
const CONFIG: &str = "[gateway]\nlist_wait_s = 60\n";
/// In the file where the number of the change is.
const LEVEL: &str = "70000";

fn number(name: &str, usual: u64) -> u64 {
    let given = Env::process().text(name);
    given.map_or(usual, |text| text.parse().unwrap())
}

/// What all threads share.
struct Load {
    answered: AtomicU64,
    wanted: u64,
    is_changing: AtomicBool,
    has_failed: AtomicBool,
}

/// Where one fails the others are not to go on for ever.
struct Watched<'a>(&'a Load);

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.has_failed.store(true, Ordering::Relaxed);
        }
    }
}

impl Load {
    /// Until there were enough calls and all changes, or somebody has failed.
    fn goes_on(&self) -> bool {
        let is_short = self.answered.load(Ordering::Relaxed) < self.wanted;
        let is_changing = self.is_changing.load(Ordering::Relaxed);
        (is_changing || is_short) && !self.has_failed.load(Ordering::Relaxed)
    }

    fn count(&self, answer: &Value, id: &str) {
        assert_eq!(answer["id"], id, "{answer}");
        let said = &answer["result"]["content"][0]["text"];
        assert_eq!(said, &format!("Echo: {id}"), "a call was lost: {answer}");
        self.answered.fetch_add(1, Ordering::Relaxed);
    }
}

fn call(number: u64, id: &str) -> Value {
    // One whose server stays, and one whose server is replaced again and again.
    let server = if number.is_multiple_of(2) {
        "sums"
    } else {
        "keyed"
    };
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call",
        "params": {"name": format!("{server}__echo"), "arguments": {"message": id}}})
}

fn over_http(load: &Load, gateway: &Listening, token: &str, client: u64) {
    let _watched = Watched(load);
    for at in 0.. {
        if !load.goes_on() {
            return;
        }
        let id = format!("http-{client}-{at}");
        let (answer, _) = gateway.exchange(token, &call(at, &id));
        load.count(&answer, &id);
    }
}

fn over_stdio(load: &Load, client: &mut Piped) {
    let _watched = Watched(load);
    let mut heard: HashMap<String, u64> = HashMap::new();
    let mut at = 0;
    while load.goes_on() {
        let ids: Vec<String> = (at..at + AT_ONCE).map(|n| format!("stdio-{n}")).collect();
        for (id, number) in ids.iter().zip(at..) {
            client.send(&call(number, id));
        }
        at += AT_ONCE;
        for _ in &ids {
            let answer = client.hear(|heard| heard.get("method").is_none());
            let id = answer["id"].as_str().unwrap().to_owned();
            load.count(&answer, &id);
            *heard.entry(id).or_default() += 1;
        }
    }
    client.ask(&json!({"jsonrpc": "2.0", "id": "end", "method": "ping"}));
    assert_eq!(heard.len() as u64, at, "one was answered twice");
}

/// Changes the profile by renames, each time until everybody can see it.
fn change(home: &Home, load: &Load, gateway: &Listening, token: &str, changes: u64) {
    let _watched = Watched(load);
    let read = |name| std::fs::read_to_string(home.path(name)).unwrap();
    let texts = [read("with"), read("without")];
    for round in 0..changes {
        let text = &texts[(round % 2) as usize];
        let level = (70_001 + round).to_string();
        home.replace("portolan/profiles/work.yaml", &text.replace(LEVEL, &level));
        if round % 10 == 9 {
            // Other files change too, and one is broken for a while.
            home.replace("portolan/config.toml", "[servers.x]\ncommand = ");
            home.replace("portolan/config.toml", CONFIG);
        }
        let list = json!({"jsonrpc": "2.0", "id": format!("list-{round}"), "method": "tools/list"});
        let is_seen = || {
            let (answer, _) = gateway.exchange(token, &list);
            // A newcomer has its own names: those of the others have prefixes from the start.
            let has_more = tool_names(&answer).contains(&"echo");
            has_more == (round % 2 == 0)
        };
        super::home::wait_until(is_seen);
    }
    load.is_changing.store(false, Ordering::Relaxed);
}

#[test]
fn no_call_is_lost_while_the_profile_changes() {
    let home = Home::unboxed();
    let server = |more: &str| format!("{{command: {BINARY}, args: [__demo-server]{more}}}");
    let catalog = format!(
        "catalog: ours\nservers:\n  sums: {}\n  more: {}\n  keyed: {}\n",
        server(""),
        server(""),
        server(", env: {LEVEL: '{{level}}'}, config: {level: {type: integer}}"),
    );
    home.write("portolan/catalogs/ours.yaml", &catalog);
    home.write("portolan/config.toml", CONFIG);
    let run = |words: &[&str]| home.run(words).ok();
    let profile = "portolan/profiles/work.yaml";
    run(&[
        "profile", "create", "--name", "work", "--server", "sums", "--server", "keyed",
    ]);
    run(&[
        "profile",
        "config",
        "work",
        "--set",
        &format!("keyed.level={LEVEL}"),
    ]);
    std::fs::copy(home.path(profile), home.path("without")).unwrap();
    run(&["profile", "server", "add", "work", "--server", "more"]);
    run(&[
        "server",
        "enable",
        "sums",
        "keyed",
        "more",
        "--profile",
        "work",
    ]);
    std::fs::copy(home.path(profile), home.path("with")).unwrap();
    std::fs::copy(home.path("without"), home.path(profile)).unwrap();

    let changes = number("PORTOLAN_RELOAD_CHANGES", 6);
    let load = Load {
        answered: AtomicU64::new(0),
        wanted: number("PORTOLAN_RELOAD_CALLS", 600),
        is_changing: AtomicBool::new(true),
        has_failed: AtomicBool::new(false),
    };
    let mut gateway = home.listen(&["--profile", "work"]);
    let token = home.token();
    gateway.initialize(&token);
    let mut client = Piped::new(home.command(&["gateway", "run", "--profile", "work"]));
    client.ask(&initialize());
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    std::thread::scope(|scope| {
        let (load, gateway, token) = (&load, &gateway, token.as_str());
        for number in 0..HTTP {
            scope.spawn(move || over_http(load, gateway, token, number));
        }
        scope.spawn(|| over_stdio(load, &mut client));
        let home = &home;
        scope.spawn(move || change(home, load, gateway, token, changes));
    });
    println!(
        "{} calls, {changes} changes",
        load.answered.load(Ordering::Relaxed)
    );
    assert!(client.leave().success() && gateway.stop().success());
}
