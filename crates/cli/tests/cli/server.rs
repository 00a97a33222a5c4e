//! `portolan server …`, against gateways that run.

use serde_json::json;

use super::home::{Home, is_alive, wait_until};

#[test]
fn servers_are_listed_inspected_stopped_and_started_again() {
    let home = Home::new();
    let config = home.servers(&["demo"]);
    let mut gateway = home.listen(&["--config", &config]);
    let token = home.token();
    gateway.initialize(&token);
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    gateway.mcp(&token, &list);

    let listed = home.run(&["server", "ls"]).ok();
    assert!(listed.contains("demo    ready"), "{listed}");
    let pid = || {
        home.run(&["server", "inspect", "demo", "--format", "json"])
            .json()["server"]["pids"][0]
            .as_u64()
    };
    let before = pid().unwrap() as u32;

    let _ = home.run(&["server", "restart", "demo"]).ok();
    wait_until(|| !is_alive(before));
    let call = json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call",
        "params": {"name": "echo", "arguments": {"message": "again"}}});
    assert_eq!(
        gateway.mcp(&token, &call)["result"]["content"][0]["text"],
        "Echo: again"
    );
    assert_ne!(pid().unwrap() as u32, before);

    let _ = home.run(&["server", "stop", "demo"]).ok();
    let shown = home.run(&["server", "inspect", "demo"]).ok();
    assert!(shown.contains("state     stopped"), "{shown}");
    let said = home.run(&["server", "stop", "dmeo"]).failed(3);
    assert!(said.contains("did you mean `demo`?"), "{said}");
}

#[test]
fn the_last_words_of_a_server_are_kept() {
    let home = Home::unboxed();
    let script = format!(
        "echo one >&2; echo two >&2; exec '{}' __demo-server",
        super::home::BINARY
    );
    let config = home.write(
        "s.json",
        &json!({"mcpServers": {"s": {"command": "sh", "args": ["-c", script]}}}).to_string(),
    );
    let mut gateway = home.listen(&["--config", &config]);
    let token = home.token();
    gateway.initialize(&token);
    gateway.mcp(
        &token,
        &json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}),
    );
    assert_eq!(home.run(&["server", "logs", "s"]).ok(), "one\ntwo\n");
    assert_eq!(
        home.run(&["server", "logs", "s", "-n", "1", "--format", "json"])
            .json(),
        json!({"lines": ["two"]})
    );
}

#[test]
fn a_log_is_followed_over_restarts_until_the_gateway_ends() {
    let home = Home::unboxed();
    let script = format!(
        "echo begun >&2; echo \"with $TOKEN\" >&2; exec '{}' __demo-server",
        super::home::BINARY
    );
    let entry =
        json!({"command": "sh", "args": ["-c", script], "env": {"TOKEN": "hunter2-hunter2"}});
    let config = home.write("s.json", &json!({"mcpServers": {"s": entry}}).to_string());
    let mut gateway = home.listen(&["--config", &config]);
    let token = home.token();
    gateway.initialize(&token);
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    gateway.mcp(&token, &list);

    let mut command = home.command(&["server", "logs", "s", "--follow", "--tail", "1"]);
    let mut following = command
        .args(["--format", "json"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufReader::new(following.stdout.take().unwrap());
    let mut lines = std::io::BufRead::lines(lines).map(|line| line.unwrap());
    // Only the last one of what there was, and no secret.
    assert_eq!(lines.next().unwrap(), r#"{"line":"with ***"}"#);
    let _ = home.run(&["server", "restart", "s"]).ok();
    let call = json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call",
        "params": {"name": "echo", "arguments": {"message": "again"}}});
    gateway.mcp(&token, &call);
    assert_eq!(lines.next().unwrap(), r#"{"line":"begun"}"#);
    assert_eq!(lines.next().unwrap(), r#"{"line":"with ***"}"#);
    gateway.stop();
    assert_eq!(lines.next(), None);
    assert_eq!(following.wait().unwrap().code(), Some(0));
    let said = home.run(&["server", "logs", "s", "-f"]).failed(4);
    assert!(said.contains("no gateway is running"), "{said}");
}

#[test]
fn silence_is_told() {
    let home = Home::new();
    let config = home.servers(&["demo"]);
    let none = home.run(&["server", "ls"]);
    assert!(
        none.stderr
            .contains("No gateway is running, and no servers are configured."),
        "{none:#?}"
    );
    let _gateway = home.listen(&["--config", &config]);
    let done = home.run(&["server", "logs", "demo"]);
    assert!(
        done.stderr.contains("demo has written nothing on stderr"),
        "{done:#?}"
    );
    assert_eq!(done.ok(), "");
}

#[test]
fn reasons_of_several_lines_stay_in_their_column() {
    let home = Home::new();
    let script = "echo one >&2; echo two >&2; exit 3";
    let config = home.write(
        "s.json",
        &json!({"mcpServers": {"s": {"command": "sh", "args": ["-c", script]}}}).to_string(),
    );
    let mut gateway = home.listen(&["--config", &config]);
    let token = home.token();
    gateway.initialize(&token);
    gateway.mcp(
        &token,
        &json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}),
    );
    let shown = home.run(&["server", "inspect", "s"]).ok();
    assert!(
        shown.contains("\nwhy       exited with code 3") && shown.contains("\n            two"),
        "{shown}"
    );
}

#[test]
fn of_several_gateways_one_must_be_named() {
    let home = Home::new();
    let config = home.servers(&["demo"]);
    let (one, _two) = (
        home.listen(&["--config", &config]),
        home.listen(&["--config", &config]),
    );
    let listed = home.run(&["server", "ls"]).ok();
    assert!(
        listed.contains(one.id()) && listed.starts_with("gateway"),
        "{listed}"
    );
    let said = home.run(&["server", "inspect", "demo"]).failed(2);
    assert!(
        said.contains("several running gateways have a server `demo`"),
        "{said}"
    );
    let shown = home
        .run(&["server", "inspect", "demo", "--gateway", one.id()])
        .ok();
    assert!(shown.contains(one.id()), "{shown}");
}
