//! Servers in boxes, as people ask for them. Where this machine makes no boxes, it must say so instead of starting
//! something unprotected.

use serde_json::{Value, json};

use super::home::{BINARY, Home, Piped, initialize, wait_until};

/// A server that tries to read files before it serves, and tells on stderr what it got.
fn reader(files: &[&str], more: &Value) -> String {
    let tries: String = files
        .iter()
        .map(|file| format!("cat '{file}' >&2 || echo closed >&2; "))
        .collect();
    let mut entry = json!({"command": "sh", "args": ["-c", format!("{tries} echo tried >&2; exec '{BINARY}' __demo-server")]});
    let more = more.as_object().unwrap().clone();
    entry.as_object_mut().unwrap().extend(more);
    json!({"mcpServers": {"s": entry}}).to_string()
}

/// The lines of its log once it has served, or why it was not started.
fn said(home: &Home, config: &str, words: &[&str], variables: &[(&str, &str)]) -> (String, Value) {
    let mut all = vec!["--config", config];
    all.extend(words);
    let mut gateway = home.listen_with(&all, variables);
    let token = home.token();
    gateway.initialize(&token);
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    gateway.mcp(&token, &list);
    // Lists may be remembered; a call is not.
    let call = json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call",
        "params": {"name": "echo", "arguments": {"message": "m"}}});
    gateway.mcp(&token, &call);
    let shown = home.run(&["server", "inspect", "s", "--format", "json"]);
    let server = shown.json()["server"].clone();
    // What it says is read beside its answers, not before them.
    let logs = || home.run(&["server", "logs", "s"]).ok();
    wait_until(|| server["state"] != "ready" || logs().contains("tried\n"));
    (logs().replace("tried\n", ""), server)
}

/// Whether this machine makes boxes that hide files.
fn makes_boxes(server: &Value) -> bool {
    let level = server["isolation"].as_str().unwrap();
    !level.starts_with("none")
}

#[test]
fn a_server_in_a_sandbox_reads_what_it_was_given_and_nothing_else() {
    let home = Home::new();
    let secret = home.write("secret/key", "hunter2\n");
    let given = home.write("given/text", "welcome\n");
    let folder = home.path("given").display().to_string();
    let more = json!({"volumes": [folder, BINARY]});
    let config = home.write("s.json", &reader(&[&secret, &given], &more));

    let (logs, server) = said(&home, &config, &["--runtime", "process"], &[]);
    assert_eq!(logs, "hunter2\nwelcome\n", "without a box it reads both");
    assert_eq!(server["isolation"], "none, it runs with your rights");

    for (words, variables) in [
        (&[][..], &[][..]),
        (&["--runtime", "sandbox"], &[]),
        (&[], &[("PORTOLAN_RUNTIME", "sandbox")]),
    ] {
        let (logs, server) = said(&home, &config, words, variables);
        if !makes_boxes(&server) {
            assert_eq!(server["state"], "failed", "{server}");
            continue;
        }
        assert_eq!(server["state"], "ready", "{server} {logs}");
        assert!(
            !logs.contains("hunter2") && logs.contains("closed\n") && logs.contains("welcome\n"),
            "{logs}"
        );
    }
    let _gateway = home.listen(&["--config", &config, "--runtime", "sandbox"]);
    let shown = home.run(&["server", "inspect", "s"]).ok();
    assert!(shown.contains("\nisolation "), "{shown}");
}

#[test]
fn a_call_from_the_command_line_runs_in_a_box_too() {
    let home = Home::new();
    let secret = home.write("secret/key", "hunter2");
    let config = home.write("s.json", &reader(&[&secret], &json!({"volumes": [BINARY]})));
    let done = home.run(&["tools", "ls", "--config", &config]);
    if done.code != Some(0) {
        assert!(done.stderr.contains("--allow-unsandboxed"), "{done:#?}");
    }
    let wrong = home.run(&["tools", "ls", "--runtime", "dokcer"]).failed(2);
    assert!(
        wrong.contains("there are auto, sandbox, docker, podman, static and process"),
        "{wrong}"
    );
}

#[test]
fn what_a_box_cannot_give_is_refused_and_not_left_out() {
    let home = Home::new();
    for (more, why) in [
        (json!({"network": "open"}), "`network` is open, and nobody"),
        (json!({"network": ["*"]}), "would allow too much"),
        (json!({"volumes": ["cache:/c"]}), "is a named one"),
        (json!({"volumes": ["/proc"]}), "is never shared"),
    ] {
        let config = home.write("s.json", &reader(&[], &more));
        let words = ["tools", "ls", "--config", &config, "--runtime", "sandbox"];
        let done = home.run(&words);
        assert!(done.stderr.contains(why), "{done:#?}");
        assert!(done.code != Some(0));
    }
}

#[test]
fn a_limit_that_nothing_keeps_is_told() {
    let home = Home::new();
    let config = home.write("s.json", &reader(&[], &json!({"network": "none"})));
    let done = home.run(&["tools", "ls", "--config", &config, "--runtime", "process"]);
    assert!(
        done.stderr.contains("server `s`: `network` limits nothing")
            && done.stderr.contains("--runtime auto"),
        "{done:#?}"
    );
    assert!(done.ok().contains("echo"));
}

/// A server with one tool, which asks the system's resolver for a host, knows no proxy, and says what it heard there.
pub(crate) const FETCHER: &str = r#"
import json, socket, sys
def get(host, port):
    with socket.create_connection((host, port), 20) as way:
        way.settimeout(20)
        way.sendall(b'GET / HTTP/1.0\r\n\r\n')
        return way.recv(4096).decode().rpartition('\r\n')[2]
for line in sys.stdin:
    asked = json.loads(line)
    if 'id' not in asked:
        continue
    result = {}
    if asked['method'] == 'initialize':
        result = {'protocolVersion': asked['params']['protocolVersion'], 'capabilities': {'tools': {}},
                  'serverInfo': {'name': 'fetcher', 'version': '1'}}
    elif asked['method'] == 'tools/list':
        result = {'tools': [{'name': 'get', 'inputSchema': {'type': 'object'}}]}
    elif asked['method'] == 'tools/call':
        given = asked['params']['arguments']
        try:
            text, failed = get(given['host'], given.get('port', 80)), False
        except OSError as error:
            text, failed = f'cannot get it: {error}', True
        result = {'content': [{'type': 'text', 'text': text}], 'isError': failed}
    print(json.dumps({'jsonrpc': '2.0', 'id': asked['id'], 'result': result}), flush=True)
"#;

fn fetcher(home: &Home) -> String {
    let script = home.write("fetcher.py", FETCHER);
    let config = json!({"mcpServers": {"s": {"command": "/usr/bin/python3", "args": [script]}}});
    home.write("s.json", &config.to_string())
}

/// A web server of this machine.
pub(crate) fn web_server() -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let _ = std::io::Read::read(&mut client, &mut [0; 4096]);
            let _ = std::io::Write::write_all(&mut client, b"HTTP/1.0 200 OK\r\n\r\nwelcome");
        }
    });
    address
}

#[test]
fn a_host_that_is_refused_is_named_by_the_call_and_allowed_by_the_command_it_names() {
    let home = Home::new();
    let config = fetcher(&home);
    let mut gateway = home.listen(&["--config", &config]);
    let token = home.token();
    gateway.initialize(&token);
    let inspected = |home: &Home| {
        let shown = home.run(&["server", "inspect", "s", "--format", "json"]);
        shown.json()["server"].clone()
    };
    if !makes_boxes(&inspected(&home)) {
        return;
    }
    let mut id = 1;
    let mut get = |host: &str| {
        id += 1;
        let call = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": {"name": "get", "arguments": {"host": host}}});
        gateway.mcp(&token, &call)["result"].clone()
    };
    let failed = get("wanted.test");
    assert_eq!(failed["isError"], true, "{failed}");
    let told = failed["content"][1]["text"].as_str().unwrap();
    assert!(
        told.ends_with("portolan server allow s wanted.test"),
        "{told}"
    );
    let server = inspected(&home);
    assert_eq!(server["network"], "none", "{server}");
    assert_eq!(server["refused"], json!(["wanted.test"]), "{server}");
    // The way to an address of this machine is to say it.
    let rule = format!("wanted.test:80={}", web_server());
    let done = home.run(&["server", "allow", "s", &rule]);
    assert!(
        done.stderr.contains("the next call starts it with that"),
        "{done:#?}"
    );
    let _ = done.ok();
    let heard = get("wanted.test");
    assert_eq!(
        heard["content"],
        json!([{"type": "text", "text": "welcome"}]),
        "{heard}"
    );
    assert_eq!(inspected(&home)["network"], rule);
    let other = get("other.test");
    assert!(
        other.to_string().contains("server allow s other.test"),
        "{other}"
    );
    assert_eq!(
        home.run(&["server", "allow", "s"]).ok(),
        format!("{rule}\n")
    );
    let _ = home.run(&["server", "allow", "s", &rule, "--remove"]).ok();
    assert_eq!(get("wanted.test")["isError"], true);
    for (words, why) in [
        (
            &["server", "allow", "s", "http://a.test/"][..],
            "is no host",
        ),
        (&["server", "allow", "s", "*"], "would allow too much"),
    ] {
        let said = home.run(words).failed(2);
        assert!(said.contains(why), "{said}");
    }
    let gone = home.run(&["server", "allow", "s", "a.test", "--remove"]);
    assert!(gone.stderr.contains("was not allowed"), "{gone:#?}");
}

/// A conversation whose person can be asked, in either era.
struct Asked {
    client: Piped,
    is_stateless: bool,
    id: u64,
}

impl Asked {
    fn of(home: &Home, config: &str, is_stateless: bool) -> Self {
        let command = home.command(&["gateway", "run", "--servers", "s", "--config", config]);
        let mut client = Piped::new(command);
        if !is_stateless {
            let mut hello = initialize();
            hello["params"]["capabilities"] = json!({"elicitation": {}});
            client.ask(&hello);
            client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        }
        Self {
            client,
            is_stateless,
            id: 1,
        }
    }

    fn request(&mut self, host: &str, more: &Value) -> Value {
        self.id += 1;
        let mut params = json!({"name": "get", "arguments": {"host": host}});
        if self.is_stateless {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
            });
        }
        let more = more.as_object().unwrap().clone();
        params.as_object_mut().unwrap().extend(more);
        json!({"jsonrpc": "2.0", "id": self.id, "method": "tools/call", "params": params})
    }

    fn get(&mut self, host: &str) -> Value {
        let request = self.request(host, &json!({}));
        self.client.ask(&request)["result"].take()
    }

    /// Calls, is asked this, and answers; what came of the call.
    fn get_answering(&mut self, host: &str, question: &str, answer: &str) -> Value {
        let request = self.request(host, &json!({}));
        let said = json!({"action": "accept", "content": {"answer": answer}});
        if self.is_stateless {
            let asked = self.client.ask(&request)["result"].take();
            let message = &asked["inputRequests"]["reach"]["params"]["message"];
            assert!(message.as_str().unwrap().contains(question), "{asked}");
            let more =
                json!({"inputResponses": {"reach": said}, "requestState": asked["requestState"]});
            let again = self.request(host, &more);
            return self.client.ask(&again)["result"].take();
        }
        self.client.send(&request);
        let asked = self
            .client
            .hear(|heard| heard["method"] == "elicitation/create");
        let message = asked["params"]["message"].as_str().unwrap();
        assert!(message.contains(question), "{asked}");
        self.client
            .send(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": said}));
        let id = request["id"].clone();
        self.client.hear(|heard| heard["id"] == id)["result"].take()
    }
}

#[test]
fn the_person_is_asked_about_a_refused_host_by_the_next_call() {
    for is_stateless in [false, true] {
        let home = Home::new();
        let config = fetcher(&home);
        let mut asked = Asked::of(&home, &config, is_stateless);
        let failed = asked.get("wanted.test");
        if !failed
            .to_string()
            .contains("portolan server allow s wanted.test")
        {
            // Where there are no boxes the name is not known to anybody.
            let shown = home
                .run(&["server", "inspect", "s", "--format", "json"])
                .json();
            assert!(!makes_boxes(&shown["server"]), "{failed}");
            return;
        }
        // It leads nowhere: what is seen is that it is not refused any more.
        let question = "May s reach wanted.test?";
        let once = asked.get_answering("wanted.test", question, "once");
        assert!(!once.to_string().contains("server allow"), "{once}");
        assert_eq!(home.run(&["server", "allow", "s"]).ok(), "");
        asked.get("kept.test");
        let always = asked.get_answering("kept.test", "May s reach kept.test?", "always");
        assert!(!always.to_string().contains("server allow"), "{always}");
        assert_eq!(home.run(&["server", "allow", "s"]).ok(), "kept.test\n");
        asked.get("other.test");
        let never = asked.get_answering("other.test", "May s reach other.test?", "never");
        assert!(
            never.to_string().contains("server allow s other.test"),
            "{never}"
        );
        // Nobody is asked again, in this conversation or another one.
        for mut asked in [asked, Asked::of(&home, &config, is_stateless)] {
            for _ in 0..2 {
                assert_eq!(asked.get("other.test")["isError"], true);
            }
            assert!(asked.client.leave().success());
        }
    }
}

#[test]
fn the_whole_network_takes_the_entry_and_the_settings() {
    let home = Home::new();
    let config = home.write(
        "s.json",
        &reader(&[], &json!({"network": "open", "volumes": [BINARY]})),
    );
    let words = ["tools", "ls", "--config", &config];
    let refused = home.run(&words);
    if refused.stderr.contains("--allow-unsandboxed") {
        return;
    }
    assert!(
        refused
            .stderr
            .contains("open_network = [\"s\"] under [gateway]"),
        "{refused:#?}"
    );
    assert!(refused.code != Some(0));
    let gateway = home.listen_with(&["--config", &config], &[("PORTOLAN_OPEN_NETWORK", "s")]);
    let shown = home
        .run(&["server", "inspect", "s", "--format", "json"])
        .json();
    assert_eq!(shown["server"]["network"], "open");
    let listed = home.run(&["server", "ls"]).ok();
    assert!(listed.contains("command, open network"), "{listed}");
    drop(gateway);
}

#[test]
fn a_host_that_is_not_named_is_told_with_what_would_allow_it() {
    let home = Home::new();
    let script = format!(
        "curl -sS http://closed.test/ >/dev/null 2>&1; curl -sS https://closed.test/ 2>&1 | grep -o 'response 403' >&2; \
         echo tried >&2; exec '{BINARY}' __demo-server"
    );
    let config = home.write(
        "s.json",
        &json!({"mcpServers": {"s": {"command": "sh", "args": ["-c", script],
            "volumes": [BINARY], "allow_hosts": ["open.test=127.0.0.1:9"]}}})
        .to_string(),
    );
    let (logs, server) = said(&home, &config, &["--runtime", "sandbox"], &[]);
    if makes_boxes(&server) {
        for target in ["closed.test:80", "closed.test:443"] {
            let told = format!("\"{target}\" was refused");
            assert!(logs.contains(&told), "{logs}");
        }
        assert!(
            logs.contains("portolan server allow s closed.test"),
            "{logs}"
        );
    }
}
