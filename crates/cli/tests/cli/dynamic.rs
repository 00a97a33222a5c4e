//! `gateway run` with its own tools: what an agent does with servers of a catalog file, over stdio.

use std::process::Stdio;

use serde_json::{Value, json};

use super::home::{BINARY, Home, MENU, Piped, initialize, is_alive, tool_names, wait_until};

/// Our own small server, a server that dies at once, and an entry that nobody can read.
fn catalog(home: &Home) -> String {
    let text = format!(
        "catalog: ours
servers:
  sums:
    command: {BINARY}
    args: [__demo-server]
    description: Adds numbers.
  dies:
    command: sh
    args: [-c, 'echo the first line >&2; echo no licence was found >&2; exit 3']
    description: Ends as soon as it starts.
  bad: {{image: x, args: ['{{{{b|nope}}}}']}}
"
    );
    home.write("ours.yaml", &text)
}

struct Agent {
    client: Piped,
    id: u64,
}

impl Agent {
    fn of(home: &Home, catalog: &str) -> Self {
        let words = ["gateway", "run", "--no-builtin-catalog", "--catalog"];
        let command = home.command(&[&words[..], &[catalog]].concat());
        let mut client = Piped::new(command);
        client.ask(&initialize());
        client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        Self { client, id: 1 }
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.id += 1;
        let request = json!({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params});
        self.client.ask(&request)
    }

    fn call(&mut self, name: &str, arguments: Value) -> Value {
        let params = json!({"name": name, "arguments": arguments});
        self.ask("tools/call", &params)["result"].take()
    }

    fn listed(&mut self) -> Vec<String> {
        let list = self.ask("tools/list", &json!({}));
        tool_names(&list).into_iter().map(str::to_owned).collect()
    }
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap()
}

#[test]
fn an_agent_finds_adds_calls_and_removes() {
    let home = Home::new();
    let catalog = catalog(&home);
    home.run(&["server", "enable", "sums", "--catalog", &catalog])
        .ok();
    let mut agent = Agent::of(&home, &catalog);
    assert_eq!(agent.listed(), MENU);
    let found = agent.call("mcp-find", json!({"query": "add numbers"}));
    let first = &found["structuredContent"]["servers"][0];
    assert_eq!(
        (&first["name"], &first["state"]),
        (&"sums".into(), &"ready".into())
    );
    let added = agent.call("mcp-add", json!({"name": "sums"}));
    assert_eq!(added["structuredContent"]["state"], "active", "{added}");
    assert_eq!(agent.listed().len(), MENU.len() + 3);
    let sum = agent.call("get-sum", json!({"a": 2, "b": 40}));
    assert_eq!(text(&sum), "The sum of 2 and 40 is 42.");

    let listed = home.run(&["server", "ls", "--format", "json"]).json();
    let pid = listed["servers"][0]["pids"][0].as_u64().unwrap() as u32;
    assert!(is_alive(pid));
    // Another conversation of the same person has not added anything.
    let mut other = Agent::of(&home, &catalog);
    assert_eq!(other.listed(), MENU);
    other.client.leave();
    agent.call("mcp-remove", json!({"name": "sums"}));
    assert_eq!(agent.listed(), MENU);
    wait_until(|| !is_alive(pid));
    assert_eq!(agent.client.leave().code(), Some(0));
}

#[test]
fn what_nobody_approved_is_not_started_and_says_which_command_would() {
    let home = Home::unboxed();
    let catalog = catalog(&home);
    let mut agent = Agent::of(&home, &catalog);
    let refused = agent.call("mcp-add", json!({"name": "sums"}));
    assert_eq!(refused["isError"], true, "{refused}");
    // The command as it has to be written for an entry that only this gateway was given.
    let command = format!("portolan server enable sums --catalog {catalog}");
    assert!(text(&refused).ends_with(&command), "{refused}");
    assert_eq!(agent.listed(), MENU);
    // The person does so while the conversation goes on.
    home.run(&["server", "enable", "sums", "--catalog", &catalog])
        .ok();
    let added = agent.call("mcp-add", json!({"name": "sums"}));
    assert_eq!(added["structuredContent"]["state"], "active", "{added}");
    agent.client.leave();
}

#[test]
fn a_server_of_a_named_catalog_that_runs_in_a_box_starts_without_asking() {
    let home = Home::new();
    let catalog = catalog(&home);
    let mut agent = Agent::of(&home, &catalog);
    let added = agent.call("mcp-add", json!({"name": "sums"}));
    let shown = home.run(&["server", "ls", "--format", "json"]).json();
    match shown["servers"][0]["isolation"].as_str() {
        Some(level) if !level.starts_with("none") => {
            assert_eq!(added["structuredContent"]["state"], "active", "{added}");
        }
        // Where there are no boxes, what would run without one waits for its approval.
        _ => assert_eq!(added["isError"], true, "{added}"),
    }
    agent.client.leave();
}

#[test]
fn a_server_that_dies_at_its_start_says_what_it_said() {
    let home = Home::new();
    let catalog = catalog(&home);
    home.run(&["server", "enable", "dies", "--catalog", &catalog])
        .ok();
    let mut agent = Agent::of(&home, &catalog);
    let failed = agent.call("mcp-add", json!({"name": "dies"}));
    assert_eq!(failed["isError"], true, "{failed}");
    for part in ["dies does not start", "code 3", "no licence was found"] {
        assert!(text(&failed).contains(part), "{part}: {failed}");
    }
    assert_eq!(agent.listed(), MENU);
    agent.client.leave();
}

#[test]
fn a_bad_entry_costs_itself_and_is_told_in_the_log() {
    let home = Home::new();
    let catalog = catalog(&home);
    let log = std::fs::File::create(home.path("log")).unwrap();
    let words = ["gateway", "run", "--catalog", &catalog];
    let mut client = Piped::with_stderr(home.command(&words), Stdio::from(log));
    client.ask(&initialize());
    let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call",
        "params": {"name": "mcp-find", "arguments": {"query": "sums adds numbers"}}});
    let found = client.ask(&call);
    let names: Vec<&str> = found["result"]["structuredContent"]["servers"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|server| server["name"].as_str())
        .collect();
    assert!(
        names.contains(&"sums") && !names.contains(&"bad"),
        "{names:?}"
    );
    client.leave();
    let told = std::fs::read_to_string(home.path("log")).unwrap();
    assert!(
        told.contains("ours.yaml") && told.contains("nope"),
        "{told}"
    );
}
