//! `gateway run` for many clients, over HTTP.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::home::{Home, is_alive, wait_until};

#[test]
fn the_door_asks_for_the_token_and_says_where_it_is() {
    let home = Home::new();
    let config = home.servers(&["demo"]);
    let mut gateway = home.listen(&["--config", &config]);
    let token = home.token();
    assert!(!gateway.opened.to_string().contains(&token));
    let file = gateway.opened["token_file"].as_str().unwrap();
    assert_eq!(
        std::fs::metadata(file).unwrap().permissions().mode() & 0o777,
        0o600
    );

    let body = super::home::initialize().to_string();
    let headers = [
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
    ];
    assert_eq!(gateway.http("POST", "/mcp", &headers, &body).0, 401);
    let wrong = [headers[0], headers[1], ("Authorization", "Bearer nonsense")];
    assert_eq!(gateway.http("POST", "/mcp", &wrong, &body).0, 401);
    assert_eq!(gateway.http("GET", "/health", &[], "").0, 200);

    let answer = gateway.initialize(&token);
    assert_eq!(
        answer["result"]["protocolVersion"], "2025-11-25",
        "{answer}"
    );
    let call = json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call",
        "params": {"name": "echo", "arguments": {"message": "ahoy"}}});
    assert_eq!(
        gateway.mcp(&token, &call)["result"]["content"][0]["text"],
        "Echo: ahoy"
    );
    assert_eq!(gateway.stop().code(), Some(0));
}

#[test]
fn the_token_may_come_from_the_environment() {
    let home = Home::new();
    let mut gateway = home.listen_with(&[], &[("MCP_GATEWAY_AUTH_TOKEN", "from-outside")]);
    assert!(gateway.opened["token_file"].is_null());
    assert!(gateway.initialize("from-outside").get("result").is_some());
}

#[test]
fn an_open_door_asks_for_nothing() {
    let home = Home::new();
    let mut gateway = home.listen(&["--allow-unauthenticated"]);
    assert_eq!(gateway.opened["authentication"], false);
    assert!(gateway.initialize("").get("result").is_some());
    assert!(!home.path("portolan/state/auth-token").exists());
}

#[test]
fn no_server_outlives_a_gateway_that_is_killed() {
    let home = Home::new();
    let config = home.servers(&["demo"]);
    let mut gateway = home.listen(&["--config", &config]);
    let token = home.token();
    gateway.initialize(&token);
    gateway.mcp(
        &token,
        &json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}),
    );
    let seen = home
        .run(&["server", "inspect", "demo", "--format", "json"])
        .json();
    let pid = seen["server"]["pids"][0].as_u64().unwrap() as u32;
    assert!(is_alive(pid));
    gateway.kill();
    wait_until(|| !is_alive(pid));
    // Whoever looks next finds nothing, and clears away what was left.
    let done = home.run(&["server", "ls"]);
    assert!(done.stderr.contains("No gateway is running"), "{done:#?}");
}
