//! Servers in boxes that take all that they can get, beside one that does not: each is held, its reason told in one line, and
//! the sound one goes on. Where this machine makes no boxes, or has no control groups for them, there is nothing to try.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::home::{BINARY, Home, Listening, wait_until};

/// What each does once it is called, in Python, beside speaking the protocol.
const TAKERS: &[(&str, &str)] = &[
    ("fills", "kept.append(b'x' * (64 << 20))"),
    ("forks", "os.fork() or time.sleep(1000)"),
    ("spins", "pass"),
    ("floods", "sys.stderr.write('x' * 5000 + chr(10))"),
];

const SERVER: &str = r#"
import json, os, sys, time
kept = []
for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked:
        continue
    result = {"initialize": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "t", "version": "1"}},
              "tools/list": {"tools": [{"name": "take", "inputSchema": {"type": "object"}}]}}.get(asked["method"])
    if asked["method"] == "tools/call":
        while True:
            TAKE
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"#;

#[test]
fn who_takes_all_is_held_told_and_alone_in_its_trouble() {
    let home = Home::new();
    let mut servers = json!({"sound": {"command": BINARY, "args": ["__demo-server"]}});
    for (name, take) in TAKERS {
        let script = SERVER.replace("TAKE", take);
        servers[*name] =
            json!({"command": "/usr/bin/python3", "args": ["-c", script], "call_timeout_s": 4});
    }
    let config = home.write("s.json", &json!({"mcpServers": servers}).to_string());
    let words = [
        "--config",
        &config,
        "--runtime",
        "sandbox",
        "--memory",
        "256m",
        "--pids",
        "32",
        "--cpus",
        "0.5",
    ];
    let mut gateway = home.listen(&words);
    let token = home.token();
    gateway.initialize(&token);
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    gateway.mcp(&token, &list);
    let status = |name: &str| -> Value {
        home.run(&["server", "inspect", name, "--format", "json"])
            .json()["server"]
            .clone()
    };
    let isolation = status("sound")["isolation"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    if !isolation.contains("cgroup") {
        return;
    }
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let calls: Vec<_> = TAKERS
            .iter()
            .map(|(name, _)| {
                let (gateway, token) = (&gateway, &token);
                scope.spawn(move || call(gateway, token, &format!("{name}__take")))
            })
            .collect();
        // Meanwhile the sound one answers as ever.
        for _ in 0..20 {
            let began = Instant::now();
            let answer = call(&gateway, &token, "echo");
            assert_eq!(answer["content"][0]["text"], "Echo: m", "{answer}");
            assert!(
                began.elapsed() < Duration::from_secs(2),
                "{:?}",
                began.elapsed()
            );
        }
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    for ((name, _), answer) in TAKERS.iter().zip(&answers) {
        let told = answer["content"][0]["text"].as_str().unwrap_or_default();
        let wanted = match *name {
            "fills" => "used more memory than it may",
            // Python ends when it may have no more of itself.
            "forks" => "Resource temporarily unavailable",
            _ => "did not answer within 4 s",
        };
        assert!(
            answer["isError"] == true && told.contains(wanted),
            "{name}: {answer}"
        );
    }
    // Of what was written without end little is kept.
    let log = home
        .run(&["server", "logs", "floods", "-n", "1000000"])
        .ok();
    assert!(log.len() <= 300 << 10, "{}", log.len());
}

fn call(gateway: &Listening, token: &str, tool: &str) -> Value {
    let call = json!({"jsonrpc": "2.0", "id": tool, "method": "tools/call",
        "params": {"name": tool, "arguments": {"message": "m"}}});
    gateway.exchange(token, &call).0["result"].clone()
}

#[test]
fn a_start_that_hangs_is_seen_as_one() {
    let home = Home::new();
    let servers = json!({"hangs": {"command": "sleep", "args": ["1000"]}, "sound": {"command": BINARY, "args": ["__demo-server"]}});
    let config = home.write("s.json", &json!({"mcpServers": servers}).to_string());
    let variables = [
        ("PORTOLAN_LIST_WAIT_S", "1"),
        ("PORTOLAN_START_TIMEOUT_S", "3"),
    ];
    let mut gateway = home.listen_with(&["--config", &config], &variables);
    let token = home.token();
    gateway.initialize(&token);
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    let tools = gateway.mcp(&token, &list)["result"]["tools"]
        .as_array()
        .unwrap()
        .clone();
    assert!(tools.iter().any(|tool| tool["name"] == "echo"));
    let state = || home.run(&["server", "ls"]).ok();
    assert!(state().contains("hangs   starting"), "{}", state());
    wait_until(|| state().contains("it did not start within 3 s"));
    assert!(state().contains("sound   ready"), "{}", state());
}
