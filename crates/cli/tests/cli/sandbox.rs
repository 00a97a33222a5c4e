//! Servers in boxes, as people ask for them. Where this machine makes no boxes, it must say so instead of starting
//! something unprotected.

use serde_json::{Value, json};

use super::home::{BINARY, Home};

/// A server that tries to read files before it serves, and tells on stderr what it got.
fn reader(files: &[&str], more: &Value) -> String {
    let tries: String = files
        .iter()
        .map(|file| format!("cat '{file}' >&2 || echo closed >&2; "))
        .collect();
    let mut entry =
        json!({"command": "sh", "args": ["-c", format!("{tries} exec '{BINARY}' __demo-server")]});
    let more = more.as_object().unwrap().clone();
    entry.as_object_mut().unwrap().extend(more);
    json!({"mcpServers": {"s": entry}}).to_string()
}

/// The lines of its log once it has served, or why it was not started.
fn said(home: &Home, config: &str, words: &[&str], variables: &[(&str, &str)]) -> (String, Value) {
    let mut all = vec!["--config", config];
    all.extend(words);
    let mut gateway = home.listen_with(&all, variables);
    let token = home.token();
    gateway.initialize(&token);
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    gateway.mcp(&token, &list);
    // Lists may be remembered; a call is not.
    let call = json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call",
        "params": {"name": "echo", "arguments": {"message": "m"}}});
    gateway.mcp(&token, &call);
    let logs = home.run(&["server", "logs", "s"]).ok();
    let shown = home.run(&["server", "inspect", "s", "--format", "json"]);
    (logs, shown.json()["server"].clone())
}

/// Whether this machine makes boxes that hide files.
fn makes_boxes(server: &Value) -> bool {
    let level = server["isolation"].as_str().unwrap();
    !level.starts_with("none")
}

#[test]
fn a_server_in_a_sandbox_reads_what_it_was_given_and_nothing_else() {
    let home = Home::new();
    let secret = home.write("secret/key", "hunter2\n");
    let given = home.write("given/text", "welcome\n");
    let folder = home.path("given").display().to_string();
    let more = json!({"volumes": [folder, BINARY]});
    let config = home.write("s.json", &reader(&[&secret, &given], &more));

    let (logs, server) = said(&home, &config, &["--runtime", "process"], &[]);
    assert_eq!(logs, "hunter2\nwelcome\n", "without a box it reads both");
    assert_eq!(server["isolation"], "none, it runs with your rights");

    for (words, variables) in [
        (&[][..], &[][..]),
        (&["--runtime", "sandbox"], &[]),
        (&[], &[("PORTOLAN_RUNTIME", "sandbox")]),
    ] {
        let (logs, server) = said(&home, &config, words, variables);
        if !makes_boxes(&server) {
            assert_eq!(server["state"], "failed", "{server}");
            continue;
        }
        assert_eq!(server["state"], "ready", "{server} {logs}");
        assert!(
            !logs.contains("hunter2") && logs.contains("closed\n") && logs.contains("welcome\n"),
            "{logs}"
        );
    }
    let _gateway = home.listen(&["--config", &config, "--runtime", "sandbox"]);
    let shown = home.run(&["server", "inspect", "s"]).ok();
    assert!(shown.contains("\nisolation "), "{shown}");
}

#[test]
fn a_call_from_the_command_line_runs_in_a_box_too() {
    let home = Home::new();
    let secret = home.write("secret/key", "hunter2");
    let config = home.write("s.json", &reader(&[&secret], &json!({"volumes": [BINARY]})));
    let done = home.run(&["tools", "ls", "--config", &config]);
    if done.code != Some(0) {
        assert!(done.stderr.contains("--allow-unsandboxed"), "{done:#?}");
    }
    let wrong = home.run(&["tools", "ls", "--runtime", "dokcer"]).failed(2);
    assert!(
        wrong.contains("there are auto, sandbox, docker, podman and process"),
        "{wrong}"
    );
}

#[test]
fn what_a_box_cannot_give_is_refused_and_not_left_out() {
    let home = Home::new();
    for (more, why) in [
        (json!({"network": "open"}), "`network` is open"),
        (json!({"network": ["*"]}), "would allow too much"),
        (json!({"volumes": ["cache:/c"]}), "is a named one"),
        (json!({"volumes": ["/proc"]}), "is never shared"),
    ] {
        let config = home.write("s.json", &reader(&[], &more));
        let words = ["tools", "ls", "--config", &config, "--runtime", "sandbox"];
        let done = home.run(&words);
        assert!(done.stderr.contains(why), "{done:#?}");
        assert!(done.code != Some(0));
    }
}

#[test]
fn a_limit_that_nothing_keeps_is_told() {
    let home = Home::new();
    let config = home.write("s.json", &reader(&[], &json!({"network": "none"})));
    let done = home.run(&["tools", "ls", "--config", &config, "--runtime", "process"]);
    assert!(
        done.stderr.contains("server `s`: `network` limits nothing")
            && done.stderr.contains("--runtime auto"),
        "{done:#?}"
    );
    assert!(done.ok().contains("echo"));
}

#[test]
fn a_host_that_is_not_named_is_told_with_what_would_allow_it() {
    let home = Home::new();
    let script = format!(
        "curl -sS http://closed.test/ >/dev/null 2>&1; curl -sS https://closed.test/ 2>&1 | grep -o 'response 403' >&2; \
         exec '{BINARY}' __demo-server"
    );
    let config = home.write(
        "s.json",
        &json!({"mcpServers": {"s": {"command": "sh", "args": ["-c", script],
            "volumes": [BINARY], "allow_hosts": ["open.test=127.0.0.1:9"]}}})
        .to_string(),
    );
    let (logs, server) = said(&home, &config, &["--runtime", "sandbox"], &[]);
    if makes_boxes(&server) {
        for target in ["closed.test:80", "closed.test:443"] {
            let hint = format!("add \"{target}\" to `network` in {config}");
            assert!(logs.contains(&hint), "{logs}");
        }
    }
}
