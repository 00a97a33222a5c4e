//! Several profiles behind one door: `/mcp/p/<profile>`, each with its own servers.

use serde_json::{Value, json};

use super::home::{BINARY, Home, Listening, MENU, initialize, is_alive, tool_names, wait_until};

fn home() -> Home {
    let home = Home::unboxed();
    let text = format!(
        "catalog: ours\nservers:\n  sums: {{command: {BINARY}, args: [__demo-server]}}\n  more: {{command: {BINARY}, args: [__demo-server], env: {{AGAIN: 'yes'}}}}\n"
    );
    home.write("portolan/catalogs/ours.yaml", &text);
    for (name, server) in [("work", "sums"), ("play", "more")] {
        home.run(&["profile", "create", "--name", name, "--server", server])
            .ok();
        home.run(&["server", "enable", server, "--profile", name])
            .ok();
    }
    home
}

/// A conversation at one path.
struct At<'a> {
    gateway: &'a Listening,
    token: String,
    path: String,
    session: Option<String>,
    id: u64,
}

impl<'a> At<'a> {
    fn open(gateway: &'a Listening, home: &Home, path: &str) -> Self {
        let (token, path) = (home.token(), path.to_owned());
        let mut at = Self {
            gateway,
            token,
            path,
            session: None,
            id: 0,
        };
        let (status, head, _) = at.post(&initialize());
        assert_eq!(status, 200);
        let session = head.lines().filter_map(|line| line.split_once(": "));
        let mut session = session.filter(|(name, _)| name.eq_ignore_ascii_case("mcp-session-id"));
        at.session = session.next().map(|(_, id)| id.to_owned());
        at.post(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        at
    }

    fn post(&self, message: &Value) -> (u16, String, String) {
        let bearer = format!("Bearer {}", self.token);
        let mut headers = vec![
            ("Authorization", bearer.as_str()),
            ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"),
        ];
        if let Some(session) = &self.session {
            headers.push(("Mcp-Session-Id", session));
        }
        self.gateway
            .http("POST", &self.path, &headers, &message.to_string())
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.id += 1;
        let request = json!({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params});
        let (status, _, body) = self.post(&request);
        assert_eq!(status, 200, "{body}");
        let lines = body
            .lines()
            .map(|line| line.strip_prefix("data:").unwrap_or(line).trim());
        let mut answers = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        answers.find(|answer| answer["id"] == self.id).unwrap()
    }

    fn listed(&mut self) -> Vec<String> {
        let list = self.ask("tools/list", &json!({}));
        tool_names(&list).into_iter().map(str::to_owned).collect()
    }
}

#[test]
fn each_profile_is_an_endpoint_with_its_own_servers_and_takes_up_its_changes() {
    let home = home();
    let config = home.servers(&["own"]);
    let gateway = home.listen_with(
        &["--config", &config],
        &[("PORTOLAN_DYNAMIC_TOOLS", "false")],
    );
    let tools = ["count-up", "echo", "get-sum"];
    let clashing = |server: &str| -> Vec<String> {
        let mut names: Vec<String> = ["own", server]
            .iter()
            .flat_map(|name| tools.map(|tool| format!("{name}__{tool}")))
            .collect();
        names.sort_unstable();
        names
    };
    let mut own = At::open(&gateway, &home, "/mcp");
    let mut work = At::open(&gateway, &home, "/mcp/p/work");
    let mut play = At::open(&gateway, &home, "/mcp/p/play");
    assert_eq!(own.listed(), tools);
    assert_eq!(work.listed(), clashing("sums"));
    assert_eq!(play.listed(), clashing("more"));
    let call = json!({"name": "sums__echo", "arguments": {"message": "ahoy"}});
    let said = work.ask("tools/call", &call);
    assert_eq!(said["result"]["content"][0]["text"], "Echo: ahoy", "{said}");
    assert!(play.ask("tools/call", &call).get("error").is_some());
    // A conversation belongs to its endpoint.
    let elsewhere = At {
        session: work.session.clone(),
        path: "/mcp/p/play".into(),
        token: home.token(),
        gateway: &gateway,
        id: 0,
    };
    assert_eq!(
        elsewhere
            .post(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}))
            .0,
        404
    );
    // All of them are looked after.
    let names = |home: &Home| -> Vec<String> {
        let listed = home.run(&["server", "ls", "--format", "json"]).json();
        let servers = listed["servers"].as_array().unwrap().iter();
        let mut names: Vec<_> = servers
            .map(|server| server["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort_unstable();
        names
    };
    assert_eq!(names(&home), ["more", "own", "own", "own", "sums"]);
    let pid = |name: &str| {
        let seen = home
            .run(&["server", "inspect", name, "--format", "json"])
            .json();
        seen["server"]["pids"][0].as_u64().unwrap() as u32
    };
    let more = pid("more");

    // The change of one is no change of the other.
    home.run(&["profile", "tools", "work", "--disable", "sums.echo"])
        .ok();
    let without = clashing("sums")
        .into_iter()
        .filter(|name| name != "sums__echo")
        .collect::<Vec<_>>();
    let work_cell = std::cell::RefCell::new(work);
    wait_until(|| work_cell.borrow_mut().listed() == without);
    assert_eq!(play.listed(), clashing("more"));
    assert!(is_alive(more));

    // One that is gone is not there any more, nor is anything of it.
    let mut work = work_cell.into_inner();
    let sum = json!({"name": "sums__get-sum", "arguments": {"a": 1, "b": 2}});
    assert!(work.ask("tools/call", &sum).get("result").is_some());
    let sums = pid("sums");
    home.run(&["profile", "rm", "work"]).ok();
    let (status, _, body) = work.post(&json!({"jsonrpc": "2.0", "id": 99, "method": "tools/list"}));
    assert!(
        status == 404 && body.contains("no profile of this name"),
        "{status} {body}"
    );
    wait_until(|| !is_alive(sums));
    let broken = home.write("portolan/profiles/broken.yaml", "profile: [\n");
    let at = |path: &str| {
        At {
            path: path.into(),
            session: None,
            token: home.token(),
            gateway: &gateway,
            id: 0,
        }
        .post(&initialize())
    };
    let (status, _, body) = at("/mcp/p/broken");
    assert!(
        status == 503 && body.contains("broken.yaml:"),
        "{status} {body}"
    );
    // And works as soon as it is mended.
    std::fs::write(broken, "profile: broken\n").unwrap();
    assert_eq!(at("/mcp/p/broken").0, 200);
    for path in ["/mcp/p/none", "/mcp/p/..", "/mcp/p/-x", "/mcp/p/a/b"] {
        assert_eq!(at(path).0, 404, "{path}");
    }
    // The end of the gateway is that of all.
    assert_eq!(gateway.stop().code(), Some(0));
    wait_until(|| !is_alive(more));
}

#[test]
fn a_profile_asks_for_the_token_and_has_the_tools_for_agents() {
    let home = home();
    let gateway = home.listen(&[]);
    let headers = [
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
    ];
    let body = initialize().to_string();
    assert_eq!(gateway.http("POST", "/mcp/p/work", &headers, &body).0, 401);
    // Who may not come in learns nothing of which there are.
    assert_eq!(gateway.http("POST", "/mcp/p/none", &headers, &body).0, 401);
    let mut work = At::open(&gateway, &home, "/mcp/p/work");
    let listed = work.listed();
    assert!(
        MENU.iter()
            .all(|name| listed.iter().any(|tool| tool == name)),
        "{listed:?}"
    );
    assert!(listed.iter().any(|tool| tool == "get-sum"), "{listed:?}");
}

#[test]
fn a_rule_of_a_profile_stands_at_its_endpoint_alone() {
    let home = home();
    let rule =
        "[[policy.rules]]\nname = 'quiet'\nprofile = 'play'\ntool = 'echo'\ndecision = 'deny'\n";
    home.write("portolan/config.toml", rule);
    let gateway = home.listen_with(&[], &[("PORTOLAN_DYNAMIC_TOOLS", "false")]);
    let listed = |path: &str| At::open(&gateway, &home, path).listed();
    assert_eq!(listed("/mcp/p/play"), ["count-up", "get-sum"]);
    assert_eq!(listed("/mcp/p/work"), ["count-up", "echo", "get-sum"]);
}
