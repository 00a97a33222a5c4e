//! `portolan up` and `down`, and applications whose `gateway run` is handed on to the gateway that all share.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::home::{BINARY, Home, Piped, initialize, is_alive, names, signal, wait_until};

/// A home whose shared gateway runs, and is gone at the end.
struct Up {
    home: Home,
}

impl Up {
    /// With a server `sums` that is like this, and plain processes.
    fn with(server: &str) -> Self {
        let home = Home::unboxed();
        let config = format!(
            "[gateway]\nport = 0\n[servers.sums]\ncommand = {BINARY:?}\nargs = [\"__demo-server\"]\n{server}\n"
        );
        home.write("portolan/config.toml", &config);
        let up = Self { home };
        let said = up.home.run(&["up"]).ok();
        assert!(said.contains(" runs at http://127.0.0.1:"), "{said}");
        up
    }

    /// The gateways that run, and of the first its servers.
    fn status(&self) -> (Vec<Value>, Value) {
        let seen = self.home.run(&["status", "--format", "json"]).json();
        let gateways = seen["gateways"].as_array().unwrap().clone();
        let server = gateways
            .first()
            .map_or(Value::Null, |first| first["servers"][0].clone());
        (gateways, server)
    }

    fn pid(&self) -> u32 {
        let (gateways, _) = self.status();
        assert_eq!(gateways[0]["shared"], true);
        u32::try_from(gateways[0]["pid"].as_u64().unwrap()).unwrap()
    }

    fn servers(&self) -> Vec<u32> {
        let (_, server) = self.status();
        let pids = server["pids"].as_array().unwrap();
        pids.iter()
            .map(|pid| u32::try_from(pid.as_u64().unwrap()).unwrap())
            .collect()
    }

    fn client(&self, words: &[&str]) -> Client {
        Client::of(self.home.command(&[&["gateway", "run"], words].concat()))
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let done = self.home.run(&["down"]);
        if !std::thread::panicking() {
            done.ok();
            // What those leave who were killed is removed by who looks next.
            let _ = self.home.run(&["status"]).ok();
            assert_eq!(names(&self.home.path("portolan/run")), [".registry.lock"]);
        }
    }
}

struct Client {
    piped: Piped,
    asked: u64,
}

impl Client {
    fn of(command: std::process::Command) -> Self {
        let mut piped = Piped::new(command);
        let greeted = piped.ask(&initialize());
        assert_eq!(
            greeted["result"]["serverInfo"]["name"], "portolan",
            "{greeted}"
        );
        piped.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        Self { piped, asked: 1 }
    }

    fn send(&mut self, tool: &str, arguments: &Value) -> Value {
        self.asked += 1;
        let request = json!({"jsonrpc": "2.0", "id": self.asked, "method": "tools/call", "params": {"name": tool, "arguments": arguments}});
        self.piped.send(&request);
        self.asked.into()
    }

    fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        let id = self.send(tool, arguments);
        self.piped
            .hear(|heard| heard["id"] == id && heard.get("method").is_none())
    }

    fn sum(&mut self) {
        let answer = self.call("get-sum", &json!({"a": 2, "b": 40}));
        assert_eq!(
            answer["result"]["content"][0]["text"], "The sum of 2 and 40 is 42.",
            "{answer}"
        );
    }
}

#[test]
fn an_application_is_connected_to_the_one_that_runs() {
    let up = Up::with("");
    let (gateways, _) = up.status();
    let url = gateways[0]["url"].as_str().unwrap().to_owned();
    let words = [
        "client",
        "connect",
        "codex",
        "--global",
        "--transport",
        "http",
    ];
    let done = up.home.run(&words);
    let said = done.stderr.clone();
    done.ok();
    let file = fs::read_to_string(up.home.path(".codex/config.toml")).unwrap();
    assert!(file.contains(&format!("url = {url:?}")), "{url}: {file}");
    let there = format!(
        "the shared gateway listens there already (process {})",
        up.pid()
    );
    assert!(said.contains(&there), "{said}");
    assert!(said.contains("PORTOLAN_AUTH_TOKEN"), "{said}");
    assert!(!said.contains("portolan up"), "{said}");
}

#[test]
fn it_goes_on_by_itself_until_it_is_told_to_stop() {
    let up = Up::with("");
    let again = up.home.run(&["up", "--format", "json"]).json();
    assert_eq!(again["was_running"], true);
    let pid = up.pid();
    assert!(is_alive(pid));
    let log = fs::read_to_string(up.home.path("portolan/state/logs/shared.log")).unwrap();
    assert!(log.contains("listening"), "{log}");
    let said = up.home.run(&["down"]).ok();
    assert!(said.contains("is stopped"), "{said}");
    wait_until(|| !is_alive(pid));
    let none = up.home.run(&["down"]);
    assert!(
        none.stderr.contains("No shared gateway is running"),
        "{none:#?}"
    );
}

#[test]
fn why_it_does_not_start_is_told_as_if_it_ran_here() {
    let home = Home::unboxed();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    home.write(
        "portolan/config.toml",
        &format!("[gateway]\nport = {port}\n"),
    );
    let said = home.run(&["up"]).failed(1);
    assert!(
        said.contains("error: the gateway cannot listen") && said.contains("is in use"),
        "{said}"
    );
    home.write("portolan/config.toml", "[gateway]\nport = true\n");
    let said = home.run(&["up"]).failed(64);
    assert!(said.contains("config.toml:2"), "{said}");
    home.write("portolan/config.toml", "");
    let said = home.run(&["up", "--profile", "none"]).failed(3);
    assert!(said.contains("there is no profile `none`"), "{said}");
}

#[test]
fn two_applications_have_one_server_where_that_keeps_no_state() {
    let up = Up::with("share = \"all\"");
    let (mut one, mut two) = (up.client(&[]), up.client(&[]));
    one.sum();
    two.sum();
    let (gateways, server) = up.status();
    assert_eq!(
        (gateways.len(), &server["upstreams"], &server["calls"]),
        (1, &1.into(), &2.into()),
        "{server:#}"
    );
    let clients = gateways[0]["clients"].as_array().unwrap();
    assert_eq!(clients.len(), 2, "{clients:?}");
    assert!(one.piped.leave().success());
    two.sum();
    assert!(two.piped.leave().success());
}

#[test]
fn workspaces_stay_apart_and_work_where_their_client_does() {
    let up = Up::with("");
    let client = |name: &str| {
        let folder = up.home.path(name);
        fs::create_dir(&folder).unwrap();
        let mut command = up.home.command(&["gateway", "run"]);
        command.current_dir(&folder);
        (folder.canonicalize().unwrap(), Client::of(command))
    };
    let ((here, mut one), (there, mut two)) = (client("here"), client("there"));
    one.sum();
    two.sum();
    let at = |pid: &u32| fs::read_link(format!("/proc/{pid}/cwd")).unwrap();
    let mut folders: Vec<PathBuf> = up.servers().iter().map(at).collect();
    folders.sort();
    assert_eq!(folders, [here, there]);
    assert!(one.piped.leave().success());
    // What was its alone ends with it.
    wait_until(|| up.servers().len() == 1);
    assert!(two.piped.leave().success());
}

#[test]
fn a_gateway_that_is_killed_costs_one_answer() {
    let up = Up::with("");
    let mut client = up.client(&[]);
    client.sum();
    let (gateway, servers) = (up.pid(), up.servers());
    let id = client.send("count-up", &json!({"steps": 100}));
    wait_until(|| up.status().1["calls"] == 1 && is_alive(servers[0]));
    signal(gateway, Signal::KILL);
    let failed = client
        .piped
        .hear(|heard| heard["id"] == id && heard.get("method").is_none());
    assert!(
        failed["error"]["message"]
            .as_str()
            .unwrap()
            .contains("the shared gateway ended"),
        "{failed}"
    );
    client
        .piped
        .hear(|heard| heard["method"] == "notifications/tools/list_changed");
    client.sum();
    // It has one of its own now; of the old one nothing is left.
    let (gateways, _) = up.status();
    assert_eq!(
        (gateways.len(), &gateways[0]["shared"]),
        (1, &false.into()),
        "{gateways:?}"
    );
    wait_until(|| !servers.iter().any(|pid| is_alive(*pid)));
    let own = up.servers();
    assert!(client.piped.leave().success());
    wait_until(|| !own.iter().any(|pid| is_alive(*pid)));
}

#[test]
fn one_that_is_told_to_stop_costs_none_and_another_takes_its_place() {
    let up = Up::with("");
    let mut client = up.client(&[]);
    client.sum();
    let _ = up.home.run(&["down"]).ok();
    client.sum();
    let (gateways, _) = up.status();
    assert_eq!(gateways[0]["shared"], false);
    // Who comes now finds the new one.
    let _ = up.home.run(&["up"]).ok();
    let mut late = up.client(&[]);
    late.sum();
    let (gateways, _) = up.status();
    assert_eq!(gateways.len(), 2, "{gateways:?}");
    assert!(client.piped.leave().success() && late.piped.leave().success());
}

#[test]
fn what_would_be_another_gateway_is_one() {
    let up = Up::with("");
    let own = |command: std::process::Command| {
        let mut client = Client::of(command);
        client.sum();
        let (gateways, _) = up.status();
        assert_eq!(gateways.len(), 2, "{gateways:?}");
        assert!(client.piped.leave().success());
    };
    own(up.home.command(&["gateway", "run", "--private"]));
    own(up.home.command(&["gateway", "run", "--servers", "sums"]));
    let mut command = up.home.command(&["gateway", "run"]);
    command.env("PORTOLAN_CALL_TIMEOUT_S", "77");
    own(command);
    // One of another version says so in the registry.
    let id = up.status().0[0]["id"].as_str().unwrap().to_owned();
    let file = up.home.path(&format!("portolan/run/{id}.json"));
    let info = fs::read_to_string(&file).unwrap();
    fs::write(&file, info.replace(env!("CARGO_PKG_VERSION"), "0.0.1")).unwrap();
    own(up.home.command(&["gateway", "run"]));
    fs::write(&file, info).unwrap();
}

#[test]
fn another_profile_is_served_beside() {
    let up = Up::with("");
    let catalog =
        format!("catalog: ours\nservers:\n  more: {{command: {BINARY}, args: [__demo-server]}}\n");
    up.home.write("portolan/catalogs/ours.yaml", &catalog);
    for words in [
        &["profile", "create", "--name", "work", "--server", "more"][..],
        &["server", "enable", "more", "--profile", "work"],
    ] {
        let _ = up.home.run(words).ok();
    }
    let mut client = up.client(&["--profile", "work"]);
    let answer = client.call("more__get-sum", &json!({"a": 1, "b": 2}));
    assert_eq!(
        answer["result"]["content"][0]["text"], "The sum of 1 and 2 is 3.",
        "{answer}"
    );
    assert_eq!(up.status().0.len(), 1);
    assert!(client.piped.leave().success());
}

#[test]
fn the_unit_starts_this_program() {
    let home = Home::new();
    let unit = home.run(&["up", "--unit", "--profile", "work"]).ok();
    assert!(
        unit.contains(&format!(
            "ExecStart={BINARY} up --foreground --profile work\n"
        )),
        "{unit}"
    );
    assert!(unit.contains("Type=notify\n"), "{unit}");
}
