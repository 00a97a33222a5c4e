//! Several profiles behind one door: `/mcp/p/<profile>`, each with its own servers.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::home::{BINARY, Home, Listening, MENU, initialize, is_alive, tool_names, wait_until};
use super::issuer::Issuer;

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
        Self::open_as(gateway, home.token(), path)
    }

    fn open_as(gateway: &'a Listening, token: String, path: &str) -> Self {
        let path = path.to_owned();
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

/// What the only gateway of a home says at its admin socket.
fn admin(home: &Home, path: &str) -> String {
    let is_socket = |file: &PathBuf| file.extension().is_some_and(|end| end == "sock");
    let files = std::fs::read_dir(home.path("portolan/run")).unwrap();
    let mut files = files.map(|file| file.unwrap().path());
    let mut stream = UnixStream::connect(files.find(is_socket).unwrap()).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
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
    let metrics = admin(&home, "/metrics");
    for line in [
        r#"mcp_server_operation_duration_seconds_count{profile="work",server="sums"} 1"#,
        r#"mcp_server_operation_duration_seconds_count{server="own"} 0"#,
        r#"portolan_sessions{profile="play"} 1"#,
        "portolan_sessions 1",
    ] {
        assert!(
            metrics.lines().any(|told| told == line),
            "{line}\n{metrics}"
        );
    }
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

#[test]
fn a_server_of_a_profile_and_a_workspace_there_have_endpoints_of_their_own() {
    let home = home();
    let gateway = home.listen(&[]);
    let mut alone = At::open(&gateway, &home, "/mcp/p/work/s/sums");
    assert_eq!(alone.listed(), ["count-up", "echo", "get-sum"]);
    let at = |path: &str| At {
        path: path.into(),
        session: None,
        token: home.token(),
        gateway: &gateway,
        id: 0,
    };
    for (path, why) in [
        ("/mcp/p/work/s/more", "no server of this name"),
        ("/mcp/p/none/s/sums", "no profile of this name"),
        ("/mcp/p/work/w/w-1", "no such workspace"),
        ("/s/sums/mcp", "no server of this name"),
    ] {
        let (status, _, body) = at(path).post(&initialize());
        assert!(
            status == 404 && body.contains(why),
            "{path}: {status} {body}"
        );
    }
    // A workspace is one of its profile.
    let mut work = At::open(&gateway, &home, "/mcp/p/work");
    let added = work.ask(
        "tools/call",
        &json!({"name": "mcp-add", "arguments": {"name": "more"}}),
    );
    let handle = added["result"]["structuredContent"]["workspace"].as_str();
    let handle = handle.unwrap_or_else(|| panic!("{added}")).to_owned();
    let listed = |path: &str| {
        let bearer = format!("Bearer {}", home.token());
        let headers = [
            ("Authorization", bearer.as_str()),
            ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"),
            ("MCP-Protocol-Version", "2026-07-28"),
            ("Mcp-Method", "tools/list"),
        ];
        let said = |name: &str| format!("io.modelcontextprotocol/{name}");
        let meta = json!({
            said("protocolVersion"): "2026-07-28",
            said("clientInfo"): {"name": "tester", "version": "1"},
            said("clientCapabilities"): {},
        });
        let list =
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}});
        gateway.http("POST", path, &headers, &list.to_string())
    };
    let (status, _, body) = listed(&format!("/mcp/p/work/w/{handle}"));
    assert!(
        status == 200 && body.contains("\"more__echo\""),
        "{status} {body}"
    );
    assert_eq!(listed(&format!("/mcp/w/{handle}")).0, 404);
}

#[test]
fn a_token_of_an_issuer_opens_the_profiles_that_its_scopes_give() {
    let (home, issuer) = (home(), Issuer::start());
    let auth = format!(
        "[auth]\nissuer = \"{}\"\nscopes = [\"mcp\"]\n[auth.rights]\nworker = {{ profiles = [\"work\"] }}\n",
        issuer.url
    );
    home.write("portolan/config.toml", &auth);
    let gateway = home.listen_with(&[], &[("PORTOLAN_DYNAMIC_TOOLS", "false")]);
    let token = |scope: &str| issuer.token(gateway.url(), &json!({"scope": scope}));
    let tools = ["count-up", "echo", "get-sum"];
    let mut work = At::open_as(&gateway, token("mcp worker"), "/mcp/p/work");
    assert_eq!(work.listed(), tools);
    let echo = json!({"name": "echo", "arguments": {"message": "ahoy"}});
    let said = work.ask("tools/call", &echo);
    assert_eq!(said["result"]["content"][0]["text"], "Echo: ahoy", "{said}");
    // Who could have it by another scope is told which.
    let less = At::open_as(&gateway, token("mcp"), "/mcp/p/work");
    let call = json!({"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": echo});
    let (status, head, body) = less.post(&call);
    assert!(
        status == 403 && head.contains("insufficient_scope") && head.contains("worker"),
        "{status} {head} {body}"
    );
    // What no scope gives is not there.
    let mut play = At::open_as(&gateway, token("mcp worker"), "/mcp/p/play");
    assert!(play.listed().is_empty());
    // Without the scope that everybody needs nobody comes in, and the way in is described.
    let none = At {
        path: "/mcp/p/work".into(),
        session: None,
        token: token("worker"),
        gateway: &gateway,
        id: 0,
    };
    assert_eq!(none.post(&initialize()).0, 403);
    let place = "/.well-known/oauth-protected-resource/mcp/p/work";
    let (status, _, described) = gateway.http("GET", place, &[], "");
    assert!(
        status == 200 && described.contains(&issuer.url),
        "{described}"
    );
}

/// `PROFILES_MAX` of the binary.
const PROFILES_MAX: usize = 64;

#[test]
fn only_so_many_profiles_are_in_use_at_once() {
    let home = home();
    let gateway = home.listen(&[]);
    let asked = |number: usize| {
        let path = format!("/mcp/p/p{number}");
        let at = At {
            path,
            session: None,
            token: home.token(),
            gateway: &gateway,
            id: 0,
        };
        at.post(&initialize())
    };
    for number in 0..=PROFILES_MAX {
        let file = format!("portolan/profiles/p{number}.yaml");
        home.write(&file, &format!("profile: p{number}\n"));
    }
    for number in 0..PROFILES_MAX {
        assert_eq!(asked(number).0, 200, "{number}");
    }
    let (status, _, body) = asked(PROFILES_MAX);
    assert!(
        status == 503 && body.contains("64 others are in use"),
        "{status} {body}"
    );
    // One that is removed makes place.
    std::fs::remove_file(home.path("portolan/profiles/p0.yaml")).unwrap();
    assert_eq!(asked(0).0, 404);
    assert_eq!(asked(PROFILES_MAX).0, 200);
}
