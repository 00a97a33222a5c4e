//! The gateway before clients with every bad habit, over HTTP all at once: whoever behaves is served all the while, and
//! nothing is left.

use std::process::{Child, Stdio};

use serde_json::{Value, json};

use super::home::{BINARY, Home, wait_until};
use super::misbehaving::{marked, program};

/// Statuses that a habit must get in both eras, where nothing else will do.
const STATUSES: &[(&str, &[u64])] = &[
    ("huge-bodies", &[413]),
    ("invalid-utf8", &[400]),
    ("deep-json", &[400]),
    ("endless-head", &[431]),
    ("batches", &[400]),
    ("wrong-headers", &[400, 406]),
];

#[test]
fn clients_with_bad_habits_over_http_disturb_nobody() {
    let home = Home::new();
    let config = fixture(&home);
    let mut gateway = home.listen(&["--config", &config, "--allow-unauthenticated"]);
    gateway.initialize("");
    let clients: Vec<(String, Child)> = habits(false)
        .into_iter()
        .map(|habit| {
            let child = client(&habit, &["--http", gateway.address()]);
            (habit, child)
        })
        .collect();
    let told = std::thread::scope(|scope| {
        let told = scope.spawn(|| clients.into_iter().map(told).collect::<Vec<Value>>());
        let mut n = 0;
        while !told.is_finished() || n == 0 {
            n += 1;
            let call = json!({"jsonrpc": "2.0", "id": n, "method": "tools/call",
                "params": {"name": "echo", "arguments": {"text": format!("sound {n}")}}});
            let answer = gateway.mcp("", &call);
            let text = &answer["result"]["content"][0]["text"];
            assert_eq!(*text, format!("sound {n}"), "{answer}");
        }
        told.join().unwrap()
    });
    for (habit, allowed) in STATUSES {
        let told = told.iter().find_map(|told| told.get(*habit)).unwrap();
        for era in ["handshake", "stateless"] {
            let statuses = told[era].as_array().unwrap();
            let is_allowed = |status: &Value| allowed.contains(&status.as_u64().unwrap());
            assert!(
                !statuses.is_empty() && statuses.iter().all(is_allowed),
                "{habit}: {told}"
            );
        }
    }
    assert!(gateway.stop().success());
    wait_until(|| marked(&mark(&home)).is_empty());
}

#[test]
fn clients_with_bad_habits_over_stdio_end_their_gateway_and_its_servers() {
    let home = Home::new();
    let config = fixture(&home);
    let command = home.command(&[]);
    let variables: Vec<(String, String)> = command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_str()?.to_owned(), value?.to_str()?.to_owned())))
        .collect();
    let clients: Vec<(String, Child)> = habits(true)
        .into_iter()
        .map(|habit| {
            let mut words = vec!["--stdio", "/usr/bin/env", "-i"];
            let set: Vec<String> = variables.iter().map(|(n, v)| format!("{n}={v}")).collect();
            words.extend(set.iter().map(String::as_str));
            words.extend([BINARY, "gateway", "run", "--config", &config]);
            let child = client(&habit, &words);
            (habit, child)
        })
        .collect();
    for told in clients.into_iter().map(told) {
        for (habit, eras) in told.as_object().unwrap() {
            for era in ["handshake", "stateless"] {
                assert_eq!(eras[era]["ended"], true, "{habit}: {told}");
            }
        }
    }
    wait_until(|| marked(&mark(&home)).is_empty());
}

fn mark(home: &Home) -> String {
    home.path("").display().to_string()
}

fn fixture(home: &Home) -> String {
    let env = json!({"PORTOLAN_TEST_MARK": mark(home)});
    let server = json!({"command": program("portolan-fixture"), "args": ["--stdio"], "env": env, "share": "all"});
    home.write(
        "servers.json",
        &json!({"mcpServers": {"fixture": server}}).to_string(),
    )
}

/// Names of those that can be had over this transport.
fn habits(over_stdio: bool) -> Vec<String> {
    let listed = start(&["--list"]).wait_with_output().unwrap();
    let text = String::from_utf8(listed.stdout).unwrap();
    let rows = text
        .lines()
        .map(|line| line.split_whitespace().take(2).collect::<Vec<_>>());
    let chosen = rows.filter(|row| !over_stdio || row[1] != "http");
    chosen.map(|row| row[0].to_owned()).collect()
}

fn client(habit: &str, words: &[&str]) -> Child {
    let mut all = vec![habit];
    all.extend(words);
    start(&all)
}

fn start(words: &[&str]) -> Child {
    #[expect(clippy::disallowed_methods, reason = "a client that the test runs")]
    std::process::Command::new(program("portolan-misbehaving-client"))
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What a client tells when it is done.
fn told((habit, client): (String, Child)) -> Value {
    let output = client.wait_with_output().unwrap();
    assert!(output.status.success(), "{habit}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}
