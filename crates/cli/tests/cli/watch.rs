//! `gateway run --watch`: files change under a gateway that runs.

use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use super::home::{BINARY, Home, Piped, initialize, is_alive, servers, wait_until};

/// A stdio client of a gateway that watches, and what the gateway says.
struct Watched<'a> {
    home: &'a Home,
    client: Piped,
    asked: u64,
}

impl<'a> Watched<'a> {
    fn new(home: &'a Home, words: &[&str]) -> Self {
        Self::with(home, words, &[])
    }

    fn with(home: &'a Home, words: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut all = vec!["gateway", "run", "--watch"];
        all.extend(words);
        let mut command = home.command(&all);
        // What is listed comes from the files alone.
        command.env("PORTOLAN_DYNAMIC_TOOLS", "false");
        command.envs(variables.iter().copied());
        let log = std::fs::File::create(home.path("log")).unwrap();
        let mut client = Piped::with_stderr(command, log);
        client.ask(&initialize());
        client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        Self {
            home,
            client,
            asked: 1,
        }
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.asked += 1;
        let request =
            json!({"jsonrpc": "2.0", "id": self.asked, "method": method, "params": params});
        self.client.ask(&request)
    }

    fn tools(&mut self) -> Vec<String> {
        let list = self.ask("tools/list", &json!({}));
        let tools = list["result"]["tools"].as_array().unwrap();
        let names = tools.iter().map(|t| t["name"].as_str().unwrap().to_owned());
        names.collect()
    }

    /// Waits for changes to be announced until the list is as it should be.
    fn hear_of(&mut self, is_it: impl Fn(&[String]) -> bool) {
        loop {
            self.client
                .hear(|message| message["method"] == "notifications/tools/list_changed");
            if is_it(&self.tools()) {
                return;
            }
        }
    }

    /// The first line about files that is like this.
    fn line(&self, is_it: impl Fn(&Value) -> bool) -> Value {
        let find = || {
            let log = std::fs::read_to_string(self.home.path("log")).unwrap();
            let lines = log.lines().filter_map(|l| serde_json::from_str(l).ok());
            lines
                .filter(|line: &Value| line["target"] == "config")
                .find(|line| is_it(line))
        };
        wait_until(|| find().is_some());
        find().unwrap()
    }
}

fn has(names: &[String], name: &str) -> bool {
    names.iter().any(|n| n == name)
}

#[test]
fn a_new_server_is_announced_and_its_tools_can_be_called() {
    let home = Home::new();
    let config = home.servers(&["one"]);
    let mut watched = Watched::new(&home, &["--config", &config]);
    assert_eq!(watched.tools().len(), 3);

    home.replace("servers.json", &servers(&["one", "two"]));
    watched.hear_of(|tools| has(tools, "two__echo"));
    let params = json!({"name": "two__echo", "arguments": {"message": "ahoy"}});
    let answer = watched.ask("tools/call", &params);
    assert_eq!(answer["result"]["content"][0]["text"], "Echo: ahoy");
    let line = watched.line(|line| line["added"] == json!(["two"]));
    assert_eq!(
        (&line["message"], &line["changed"], &line["removed"]),
        (&"servers: added two".into(), &json!([]), &json!([]))
    );

    // And gone again, with its process.
    let listed = home.run(&["server", "inspect", "two", "--format", "json"]);
    let pid = listed.json()["server"]["pids"][0].as_u64().unwrap() as u32;
    home.replace("servers.json", &servers(&["one"]));
    watched.hear_of(|tools| !has(tools, "two__echo"));
    assert!(watched.line(|line| line["removed"] == json!(["two"]))["added"] == json!([]));
    wait_until(|| !is_alive(pid));
    assert_eq!(watched.client.leave().code(), Some(0));
}

#[test]
fn a_mistake_changes_nothing_and_is_told_with_its_place() {
    let home = Home::new();
    let config = home.servers(&["one"]);
    let mut watched = Watched::new(&home, &["--config", &config]);
    let before = watched.tools();
    home.replace("servers.json", "{\n  \"mcpServers\": {\n    \"one\" }\n}\n");
    let line = watched.line(|line| line["level"] == "warn");
    assert_eq!(
        (&line["line"], &line["source"]),
        (&3.into(), &config.clone().into())
    );
    let message = line["message"].as_str().unwrap();
    assert!(message.starts_with(&format!("{config}:3:")), "{line}");
    assert!(message.ends_with("; what runs stays as it is"), "{line}");
    assert!(line["hint"].is_string(), "{line}");
    assert_eq!(watched.tools(), before);

    // A file that is gone is no empty one.
    std::fs::remove_file(&config).unwrap();
    let gone = |line: &Value| line["message"].as_str().unwrap().contains("cannot read");
    watched.line(gone);
    assert_eq!(watched.tools(), before);

    // Written in place, and one of two servers is wrong: that one stays what it was.
    let wrong = json!({"mcpServers": {
        "one": {"command": {}},
        "two": {"command": BINARY, "args": ["__demo-server"]}}});
    home.write("servers.json", &wrong.to_string());
    watched.hear_of(|tools| has(tools, "two__echo") && has(tools, "echo"));
    let line = watched.line(|line| line["message"].as_str().unwrap().contains("server `one`"));
    assert_eq!(line["level"], "warn");
    let message = line["message"].as_str().unwrap();
    assert!(message.ends_with("; it stays what it was"), "{message}");
}

#[test]
fn settings_wait_for_a_restart_and_that_is_told() {
    let home = Home::new();
    home.write("portolan/config.toml", "[gateway]\nidle_timeout_s = 60\n");
    let watched = Watched::new(&home, &[]);
    home.replace(
        "portolan/config.toml",
        "[gateway]\nidle_timeout_s = 61\nlog_calls = false\n",
    );
    let line = watched.line(|line| line.get("settings").is_some());
    assert_eq!(line["settings"], json!(["log_calls", "idle_timeout_s"]));
    let message = line["message"].as_str().unwrap();
    assert!(message.contains("after a restart"), "{message}");
}

#[test]
fn folders_and_files_may_come_later_and_come_again() {
    let home = Home::new();
    let folder = home.path("settings");
    let variables = [
        ("PORTOLAN_HOME", ""),
        ("XDG_CONFIG_HOME", folder.to_str().unwrap()),
    ];
    let mut watched = Watched::with(&home, &[], &variables);
    assert_eq!(watched.tools(), [""; 0]);
    let server =
        |name: &str| format!("[servers.{name}]\ncommand = '{BINARY}'\nargs = ['__demo-server']\n");
    home.write("settings/portolan/config.toml", &server("late"));
    watched.hear_of(|tools| has(tools, "echo"));
    watched.line(|line| line["added"] == json!(["late"]));

    // As who unpacks a folder anew does it.
    std::fs::remove_dir_all(&folder).unwrap();
    home.write("settings/portolan/config.toml", &server("later"));
    watched.line(|line| line["added"] == json!(["later"]));
    std::fs::remove_dir_all(folder.join("portolan")).unwrap();
    watched.line(|line| line["removed"] == json!(["later"]));
    watched.hear_of(<[String]>::is_empty);
}

#[test]
fn a_link_may_come_to_lead_elsewhere() {
    let home = Home::new();
    home.write("day-1/servers.json", &servers(&["one"]));
    home.write("day-2/servers.json", &servers(&["one", "two"]));
    std::fs::create_dir(home.path("config")).unwrap();
    // As Kubernetes mounts what it calls a ConfigMap: one rename changes every file.
    symlink("../day-1", home.path("config/data")).unwrap();
    symlink("data/servers.json", home.path("config/servers.json")).unwrap();
    let config = home.path("config/servers.json").display().to_string();
    let mut watched = Watched::new(&home, &["--config", &config]);
    assert_eq!(watched.tools().len(), 3);
    symlink("../day-2", home.path("config/new")).unwrap();
    std::fs::rename(home.path("config/new"), home.path("config/data")).unwrap();
    watched.hear_of(|tools| has(tools, "two__echo"));

    home.write("day-2/servers.json", &servers(&["one"]));
    watched.hear_of(|tools| !has(tools, "two__echo"));
}

#[test]
fn clients_over_http_get_what_is_new() {
    let home = Home::new();
    let config = home.servers(&["one"]);
    let files_alone = [("PORTOLAN_DYNAMIC_TOOLS", "false")];
    let mut gateway = home.listen_with(&["--watch", "--config", &config], &files_alone);
    let token = home.token();
    gateway.initialize(&token);
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    let first = gateway.mcp(&token, &list);
    assert_eq!(first["result"]["tools"].as_array().unwrap().len(), 3);
    home.replace("servers.json", &servers(&["one", "two"]));
    let gateway = std::cell::RefCell::new(gateway);
    wait_until(|| {
        let answer = gateway.borrow_mut().mcp(&token, &list).to_string();
        answer.contains("two__echo")
    });
    assert_eq!(gateway.into_inner().stop().code(), Some(0));
}

#[test]
fn what_can_be_read_once_is_not_watched() {
    let home = Home::new();
    let words = ["gateway", "run", "--watch", "--config", "/dev/null"];
    let said = home.run(&words).failed(2);
    assert!(said.contains("--watch cannot watch /dev/null"), "{said}");
    let _ = home
        .run(&["gateway", "run", "--watch", "--dry-run"])
        .failed(2);
}
