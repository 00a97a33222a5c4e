//! `portolan calls`: what gateways recorded, whichever process they were.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use super::home::{Home, signal};

const RULES: &str = r#"
[gateway]
records_arguments = true

[[policy.rules]]
name = "no shouting"
tool = "echo"
when = 'arguments.message == "HELLO"'
decision = "deny"
"#;

/// A home in which one call was answered and one was denied.
fn home() -> Home {
    let home = Home::new();
    let config = home.servers(&["demo"]);
    home.write("portolan/config.toml", RULES);
    let call = |message: &str| home.run(&["tools", "call", "--config", &config, "echo", message]);
    call("message=hello").ok();
    call("message=HELLO").failed(5);
    home
}

fn calls(home: &Home, more: &[&str]) -> Vec<Value> {
    let words = [&["calls", "ls", "--format", "json"], more].concat();
    let listed = home.run(&words).json();
    listed["calls"].as_array().unwrap().clone()
}

#[test]
fn calls_of_ended_processes_are_listed_and_shown() {
    let home = home();
    let all = calls(&home, &[]);
    assert_eq!(all.len(), 2, "{all:#?}");
    let (said, denied) = (&all[0], &all[1]);
    assert_eq!(
        (
            &said["server"],
            &said["name"],
            &said["caller"],
            &said["outcome"],
            &said["decision"]
        ),
        (
            &json!("demo"),
            &json!("echo"),
            &json!("cli"),
            &json!("ok"),
            &json!("allow")
        )
    );
    assert_eq!(said["arguments"], json!({"message": "hello"}));
    let digest = said["digest"].as_str().unwrap();
    assert!(
        digest.starts_with("sha256:") && digest.len() == 71,
        "{digest}"
    );
    assert_eq!(
        (&denied["outcome"], &denied["decision"], &denied["rule"]),
        (&json!("denied"), &json!("deny"), &json!("no shouting"))
    );
    assert_ne!(said["gateway"], denied["gateway"]);

    assert_eq!(calls(&home, &["--status", "denied"]).len(), 1);
    assert_eq!(
        calls(&home, &["--status", "ok", "--tool", "ec*", "--since", "1h"]).len(),
        1
    );
    assert_eq!(calls(&home, &["--server", "other"]).len(), 0);
    assert_eq!(calls(&home, &["-n", "1"]), std::slice::from_ref(denied));
    assert!(calls(&home, &["--all"]).len() > 4);

    let id = denied["id"].as_str().unwrap();
    let shown = home.run(&["calls", "show", &id[..12]]).ok();
    assert!(
        shown.contains("no shouting") && shown.contains(digest_of(denied)),
        "{shown}"
    );
    home.run(&["calls", "show", "0000"]).failed(3);
    home.run(&["calls", "show", "no"]).failed(2);
    let listed = home.run(&["calls", "ls"]).ok();
    assert!(listed.contains("deny by \"no shouting\""), "{listed}");
}

fn digest_of(call: &Value) -> &str {
    call["digest"].as_str().unwrap()
}

#[test]
fn who_wants_no_records_has_none() {
    let home = Home::new();
    let config = home.servers(&["demo"]);
    home.write("portolan/config.toml", "[gateway]\nrecords = false\n");
    home.run(&["tools", "call", "--config", &config, "echo", "message=x"])
        .ok();
    assert!(calls(&home, &["--all"]).is_empty());
    let said = home.run(&["calls", "ls"]);
    assert!(
        said.stderr.contains("No such calls are recorded"),
        "{said:#?}"
    );
}

#[test]
fn calls_are_followed_across_processes_until_somebody_stops() {
    let home = home();
    let config = home.servers(&["demo"]);
    let mut tail = home
        .command(&[
            "calls", "tail", "-n", "1", "--tool", "echo", "--format", "json",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["outcome"], "denied");
    let call = ["tools", "call", "--config", &config, "echo", "message=more"];
    home.run(&call).ok();
    let followed = next();
    assert_eq!(
        (&followed["outcome"], &followed["arguments"]["message"]),
        (&json!("ok"), &json!("more"))
    );
    signal(tail.id(), rustix::process::Signal::INT);
    assert_eq!(tail.wait().unwrap().code(), Some(0));
}
