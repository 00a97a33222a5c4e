//! `gateway run` for one client, over stdin and stdout.

use serde_json::json;

use super::home::{Home, Piped, initialize, is_alive, names, signal};

#[test]
fn a_client_initializes_lists_calls_and_leaves() {
    let home = Home::new();
    let config = home.servers(&["demo"]);
    let mut client = Piped::new(home.command(&["gateway", "run", "--config", &config]));
    let answer = client.ask(&initialize());
    assert_eq!(
        answer["result"]["protocolVersion"], "2025-11-25",
        "{answer}"
    );
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    let list = client.ask(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}));
    assert_eq!(
        list["result"]["tools"].as_array().unwrap().len(),
        3,
        "{list}"
    );
    let call = json!({"jsonrpc": "2.0", "id": "x", "method": "tools/call",
        "params": {"name": "get-sum", "arguments": {"a": 2, "b": 40}}});
    let sum = client.ask(&call);
    assert_eq!(
        sum["result"]["content"][0]["text"],
        "The sum of 2 and 40 is 42."
    );

    let listed = home.run(&["server", "ls", "--format", "json"]).json();
    assert_eq!(listed["gateways"][0]["transport"], "stdio");
    let pid = listed["servers"][0]["pids"][0].as_u64().unwrap() as u32;
    assert!(is_alive(pid));
    assert_eq!(client.leave().code(), Some(0));
    assert!(!is_alive(pid));
    let left: Vec<String> = names(&home.path("portolan/run"))
        .into_iter()
        .filter(|n| !n.starts_with('.'))
        .collect();
    assert_eq!(left, [""; 0]);
}

#[test]
fn a_gateway_without_servers_answers() {
    let home = Home::new();
    let mut client = Piped::new(home.command(&["gateway", "run"]));
    client.ask(&initialize());
    let list = client.ask(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}));
    assert_eq!(list["result"]["tools"], json!([]));
    assert_eq!(client.leave().code(), Some(0));
}

#[test]
fn a_signal_ends_it_in_order() {
    let home = Home::new();
    let config = home.servers(&["demo"]);
    let mut client = Piped::new(home.command(&["gateway", "run", "--config", &config]));
    client.ask(&initialize());
    client.ask(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}));
    signal(client.child.id(), rustix::process::Signal::TERM);
    assert_eq!(client.child.wait().unwrap().code(), Some(0));
}
