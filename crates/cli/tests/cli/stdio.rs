//! `gateway run` for one client, over stdin and stdout.

use serde_json::json;

use super::home::{Home, MENU, Piped, initialize, is_alive, names, signal, tool_names, wait_until};

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
        tool_names(&list),
        [&MENU[..1], &["count-up", "echo", "get-sum"], &MENU[1..]].concat()
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
    for (is_dynamic, tools) in [("true", &MENU[..]), ("false", &[])] {
        let mut command = home.command(&["gateway", "run"]);
        command.env("PORTOLAN_DYNAMIC_TOOLS", is_dynamic);
        let mut client = Piped::new(command);
        client.ask(&initialize());
        let list = client.ask(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}));
        assert_eq!(tool_names(&list), tools);
        assert_eq!(client.leave().code(), Some(0));
    }
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

/// A server that answers its greeting and lists, never its calls, and needs a moment for its end.
const SLOW: &str = r#"
while read -r line; do
  id=$(printf %s "$line" | sed -n 's/.*"id": *\([0-9]*\).*/\1/p')
  case $line in
    *initialize\"*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"slow","version":"1"}}}' ;;
    *tools/list*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"tools":[{"name":"never","inputSchema":{"type":"object"}}]}}' ;;
    *tools/call*) echo called >> "$0" ;;
    *cancelled*) echo cancelled >> "$0" ;;
  esac
done
sleep 0.4
echo ended >> "$0"
"#;

/// How a client of slow servers goes; what each of them did then.
fn left_by(
    go: impl FnOnce(&mut Piped, &dyn Fn(&str) -> bool),
) -> (std::time::Duration, Vec<String>) {
    let home = Home::unboxed();
    let names = ["a", "b", "c"];
    let servers = names.map(|name| {
        let log = home.path(name).display().to_string();
        (
            name.to_owned(),
            json!({"command": "sh", "args": ["-c", SLOW, log]}),
        )
    });
    let servers: serde_json::Map<_, _> = servers.into_iter().collect();
    let config = home.write("s.json", &json!({"mcpServers": servers}).to_string());
    let read = |name: &str| std::fs::read_to_string(home.path(name)).unwrap_or_default();
    let mut client = Piped::over_socket(home.command(&["gateway", "run", "--config", &config]));
    client.ask(&initialize());
    client.ask(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}));
    for (id, name) in names.into_iter().enumerate() {
        client.send(
            &json!({"jsonrpc": "2.0", "id": 10 + id, "method": "tools/call",
            "params": {"name": format!("{name}__never"), "arguments": {}}}),
        );
    }
    let have_said = |word: &str| names.iter().all(|name| read(name).contains(word));
    wait_until(|| have_said("called"));
    let gone = std::time::Instant::now();
    go(&mut client, &have_said);
    client.child.wait().unwrap();
    (gone.elapsed(), names.map(read).to_vec())
}

#[test]
fn told_to_end_it_takes_calls_back_and_waits_for_its_servers() {
    let (took, servers) = left_by(|client, _| {
        signal(client.child.id(), rustix::process::Signal::TERM);
    });
    assert_eq!(servers, ["called\ncancelled\nended\n"; 3]);
    // One after the other they would need 1.2 s, and a call that may finish has 2 s.
    assert!(took < std::time::Duration::from_millis(1900), "{took:?}");
}

#[test]
fn a_client_that_is_gone_is_not_answered() {
    let (took, servers) = left_by(|client, _| client.vanish());
    assert_eq!(servers, ["called\ncancelled\nended\n"; 3]);
    assert!(took < std::time::Duration::from_millis(1900), "{took:?}");
}

#[test]
fn told_twice_it_does_not_wait() {
    let (took, servers) = left_by(|client, have_said| {
        signal(client.child.id(), rustix::process::Signal::TERM);
        // Two signals at once are one.
        wait_until(|| have_said("cancelled"));
        signal(client.child.id(), rustix::process::Signal::TERM);
    });
    assert!(!servers.concat().contains("ended"), "{servers:?}");
    assert!(took < std::time::Duration::from_millis(1900), "{took:?}");
}

/// An upgrade replaces the file while a gateway runs: servers still start behind their guard, and end with us.
#[cfg(target_os = "linux")]
#[test]
fn servers_start_and_end_after_the_binary_was_replaced() {
    let home = Home::new();
    let config = home.servers(&["demo"]);
    let binary = home.path("portolan-of-yesterday");
    std::fs::copy(super::home::BINARY, &binary).unwrap();
    let mut command = home.command_of(&binary, &["gateway", "run", "--config", &config]);
    command.env("PORTOLAN_DYNAMIC_TOOLS", "false");
    let mut client = Piped::new(command);
    client.ask(&initialize());
    std::fs::remove_file(&binary).unwrap();
    let list = client.ask(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}));
    assert_eq!(
        list["result"]["tools"].as_array().map(Vec::len),
        Some(3),
        "{list}"
    );
    let listed = home.run(&["server", "ls", "--format", "json"]).json();
    let pid = listed["servers"][0]["pids"][0].as_u64().unwrap() as u32;
    assert!(is_alive(pid));
    signal(client.child.id(), rustix::process::Signal::KILL);
    wait_until(|| !is_alive(pid));
    assert_eq!(client.leave().code(), None);
}

#[test]
fn every_call_is_told_on_stderr_without_its_arguments() {
    let home = Home::new();
    let config = home.servers(&["demo"]);
    let log = std::fs::File::create(home.path("log")).unwrap();
    let command = home.command(&["gateway", "run", "--verbose", "--config", &config]);
    let mut client = Piped::with_stderr(command, log);
    client.ask(&initialize());
    client.ask(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call",
        "params": {"name": "echo", "arguments": {"message": "a secret"},
        "_meta": {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}}));
    assert_eq!(client.leave().code(), Some(0));
    let log = std::fs::read_to_string(home.path("log")).unwrap();
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |target: &str, name: &str| {
        lines
            .iter()
            .find(|l| l["target"] == target && l["method"] == name)
    };
    let call = of("call", "tools/call").unwrap();
    assert_eq!(
        (&call["server"], &call["name"], &call["outcome"]),
        (&"demo".into(), &"echo".into(), &"ok".into())
    );
    assert_eq!(call["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    assert!(lines.iter().any(|l| l["message"] == "started"), "{log}");
    assert!(!log.contains("a secret"));
}

#[test]
fn the_log_can_be_turned_off() {
    let home = Home::new();
    home.write("portolan/config.toml", "[gateway]\nlog_calls = false\n");
    let log = std::fs::File::create(home.path("log")).unwrap();
    let mut client = Piped::with_stderr(home.command(&["gateway", "run"]), log);
    client.ask(&initialize());
    assert_eq!(client.leave().code(), Some(0));
    assert_eq!(std::fs::read_to_string(home.path("log")).unwrap(), "");
}
