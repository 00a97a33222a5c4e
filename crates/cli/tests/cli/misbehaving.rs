//! The gateway before every server with a bad habit at once, and two sound ones: the sound ones are not disturbed, each
//! call is answered, each fault is named, and nothing is left.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::home::{Home, Listening, is_alive, wait_until};

const LIST_WAIT: Duration = Duration::from_secs(2);
/// What a busy machine may add to it.
const BUSY: Duration = Duration::from_secs(8);

/// What `server ls` has to say of those that do harm to nobody but themselves.
const REASONS: &[(&str, &str)] = &[
    ("silent", "did not start within 4 s"),
    ("silent-in-calls", "no answer within 2 s"),
    ("silent-in-lists", "did not answer within 2 s"),
    ("crashes-at-start", "exited with code 3"),
    ("crashes-in-lists", "exited with code 4"),
    ("crashes-in-calls", "exited with code 5"),
    ("closes-stdout", "closed its output"),
    ("answers-others", "ids we never use"),
    ("wrong-ids", "ids we never use"),
    ("invalid-utf8", "could not be read"),
    ("no-json", "could not be read"),
    ("deep-answers", "could not be read"),
    ("double-members", "could not be read"),
    ("wrong-types", "no answer within 2 s"),
    ("long-lines", "too long"),
    ("wrong-version", "1999-12-31"),
    ("schema-not-object", "not object"),
    ("schema-deep", "could not be read"),
    ("duplicate-tools", "listed twice"),
    ("illegal-names", "left out"),
    ("endless-pages", "more than we read"),
    ("same-page", "same cursor"),
    ("wrong-lists", "expected a JSON array"),
    ("stalls-in-head", "no answer within 2 s"),
    ("endless-head", "last call failed"),
    ("stalls-in-body", "no answer within 2 s"),
    ("breaks-off", "last call failed"),
    ("redirects-away", "HTTP status 307"),
    ("redirects-in-circles", "HTTP status 308"),
    ("expired", "HTTP status 404"),
    ("accepts-only", "without answering"),
];

/// Those whose calls end with the patience of the client.
const ENDLESS: [&str; 2] = ["endless-stream", "breaks-streams"];

#[test]
fn servers_with_bad_habits_harm_only_themselves() {
    let home = Home::unboxed();
    let habits = habits();
    let (http, port) = every_habit_over_http();
    let mark = home.path("").display().to_string();
    let config = home.write("servers.json", &config(&habits, &port, &mark));
    let mut gateway = home.listen_with(
        &["--config", &config],
        &[
            ("PORTOLAN_LIST_WAIT_S", "2"),
            ("PORTOLAN_START_TIMEOUT_S", "4"),
            ("PORTOLAN_CALL_TIMEOUT_S", "2"),
        ],
    );
    let token = home.token();
    gateway.initialize(&token);

    let begun = Instant::now();
    loop {
        let asked = Instant::now();
        let list = gateway.mcp(
            &token,
            &json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}),
        );
        assert!(asked.elapsed() < LIST_WAIT + BUSY, "{:?}", asked.elapsed());
        let tools = list["result"]["tools"].as_array().unwrap();
        let is_there = |sound: &&str| tools.iter().any(|tool| tool["name"] == **sound);
        let missing: Vec<_> = ["sound-1__echo", "sound-2__echo"]
            .into_iter()
            .filter(|sound| !is_there(sound))
            .collect();
        if missing.is_empty() {
            break;
        }
        // With all of them starting at once, a busy machine may take longer than a list waits.
        assert!(begun.elapsed() < LIST_WAIT + BUSY, "{missing:?}");
        std::thread::park_timeout(Duration::from_millis(100));
    }

    let session = session(&gateway, &token);
    let headers: Vec<(&str, &str)> = session
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    std::thread::scope(|scope| {
        for (name, _) in &habits {
            let (gateway, headers) = (&gateway, &headers);
            scope.spawn(move || match ENDLESS.contains(&name.as_str()) {
                true => leave(gateway, headers, &call(name)),
                false => is_answered(gateway, headers, name),
            });
        }
        // Beside all that, the sound ones answer right.
        for n in 0..20 {
            let name = format!("sound-{}", n % 2 + 1);
            let answer = ask(&gateway, &headers, &call(&name));
            assert_eq!(answer["result"]["content"][0]["text"], name, "{answer}");
        }
    });

    let faults = || -> Vec<String> {
        let states = states(&home);
        let wrong = |(name, reason): &&(&str, &str)| {
            !states[*name]["reason"]
                .as_str()
                .unwrap_or_default()
                .contains(reason)
        };
        let wrong = REASONS.iter().filter(wrong);
        wrong
            .map(|(name, reason)| format!("{reason:?} is not in {}", states[*name]))
            .collect()
    };
    let begun = Instant::now();
    while !faults().is_empty() && begun.elapsed() < BUSY {
        std::thread::park_timeout(Duration::from_millis(100));
    }
    assert_eq!(faults(), [""; 0]);
    let states = states(&home);
    for sound in ["sound-1", "sound-2"] {
        assert_eq!(states[sound]["state"], "ready", "{}", states[sound]);
        assert_eq!(states[sound]["reason"], Value::Null, "{}", states[sound]);
    }

    assert!(gateway.stop().success());
    drop(http);
    wait_until(|| marked(&mark).is_empty());
}

/// Name and whether it is to be had over stdio.
fn habits() -> Vec<(String, bool)> {
    let listed = run(&["--list"]).wait_with_output().unwrap();
    let text = String::from_utf8(listed.stdout).unwrap();
    text.lines()
        .map(|line| {
            let mut words = line.split_whitespace();
            (
                words.next().unwrap().to_owned(),
                words.next() != Some("http"),
            )
        })
        .collect()
}

fn run(arguments: &[&str]) -> Child {
    #[expect(
        clippy::disallowed_methods,
        reason = "a server that the test runs itself"
    )]
    std::process::Command::new(program("portolan-misbehaving"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// A program of `testkit`. With the whole workspace it is built before any test runs; a test of this package alone has
/// to see to that.
pub(crate) fn program(name: &str) -> PathBuf {
    let program = PathBuf::from(super::home::BINARY).with_file_name(name);
    if !program.exists() {
        // Into the folder where we lie, and with the features that the whole workspace has: what it needs is there already
        // then, mostly.
        let folder = program.parent().unwrap();
        let profile = match folder.file_name().unwrap().to_str().unwrap() {
            "debug" => "dev",
            other => other,
        };
        #[expect(clippy::disallowed_methods, reason = "builds what the test needs")]
        let built = std::process::Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--locked", "--workspace"])
            .args(["--bin", name, "--profile", profile, "--target-dir"])
            .arg(folder.parent().unwrap())
            .status()
            .unwrap();
        assert!(
            built.success() && program.exists(),
            "{program:?} is not there"
        );
    }
    program
}

/// Ended with the test, however that ends.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn every_habit_over_http() -> (Ended, String) {
    let mut server = Ended(run(&["all", "--http", "0"]));
    let mut line = String::new();
    let mut stderr = BufReader::new(server.0.stderr.take().unwrap());
    stderr.read_line(&mut line).unwrap();
    let port = line.rsplit_once(':').unwrap().1.split('/').next().unwrap();
    (server, port.to_owned())
}

fn config(habits: &[(String, bool)], port: &str, mark: &str) -> String {
    let env = json!({"PORTOLAN_TEST_MARK": mark});
    let mut servers = serde_json::Map::new();
    for (name, is_stdio) in habits {
        let server = match is_stdio {
            true => json!({"command": program("portolan-misbehaving"), "args": [name], "env": env}),
            false => json!({"type": "http", "url": format!("http://127.0.0.1:{port}/{name}")}),
        };
        servers.insert(name.clone(), server);
    }
    for name in ["sound-1", "sound-2"] {
        let server =
            json!({"command": program("portolan-fixture"), "args": ["--stdio"], "env": env});
        servers.insert(name.to_owned(), server);
    }
    json!({ "mcpServers": servers }).to_string()
}

/// The headers of a further session.
fn session(gateway: &Listening, token: &str) -> Vec<(String, String)> {
    let bearer = format!("Bearer {token}");
    let mut headers = vec![
        ("Authorization".to_owned(), bearer),
        ("Content-Type".to_owned(), "application/json".to_owned()),
        (
            "Accept".to_owned(),
            "application/json, text/event-stream".to_owned(),
        ),
    ];
    let borrowed: Vec<(&str, &str)> = headers
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    let (_, head, _) = gateway.http(
        "POST",
        "/mcp",
        &borrowed,
        &super::home::initialize().to_string(),
    );
    let id = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("mcp-session-id"));
    headers.push(("Mcp-Session-Id".to_owned(), id.unwrap().1.to_owned()));
    headers
}

fn call(server: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": server, "method": "tools/call",
        "params": {"name": format!("{server}__echo"), "arguments": {"text": server}}})
}

/// The one answer.
fn ask(gateway: &Listening, headers: &[(&str, &str)], message: &Value) -> Value {
    let (status, _, body) = gateway.http("POST", "/mcp", headers, &message.to_string());
    let lines = body
        .lines()
        .map(|line| line.strip_prefix("data:").unwrap_or(line));
    let answers: Vec<Value> = lines
        .filter_map(|line| serde_json::from_str::<Value>(line.trim()).ok())
        .filter(|value| value.get("id") == Some(&message["id"]) && value.get("method").is_none())
        .collect();
    assert_eq!(answers.len(), 1, "{message}: {status} {body}");
    answers[0].clone()
}

fn is_answered(gateway: &Listening, headers: &[(&str, &str)], name: &str) {
    let answer = ask(gateway, headers, &call(name));
    let text = &answer["result"]["content"][0]["text"];
    assert_ne!(text, "followed", "a redirect to another host was followed");
    assert_ne!(text, "not for you", "{answer}");
    assert_ne!(text, "on second thoughts, no", "{answer}");
}

/// Calls and goes away.
fn leave(gateway: &Listening, headers: &[(&str, &str)], message: &Value) {
    let body = message.to_string();
    let mut stream = TcpStream::connect(gateway.address()).unwrap();
    let mut head = format!("POST /mcp HTTP/1.1\r\nHost: {}\r\n", gateway.address());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(head.as_bytes()).unwrap();
}

fn states(home: &Home) -> BTreeMap<String, Value> {
    let listed = home.run(&["server", "ls", "--format", "json"]).json();
    let servers = listed["servers"].as_array().unwrap().clone();
    servers
        .into_iter()
        .map(|server| (server["name"].as_str().unwrap().to_owned(), server))
        .collect()
}

/// Processes that have this in their environment.
pub(crate) fn marked(mark: &str) -> Vec<u32> {
    let pids = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let is_marked = environment
            .windows(mark.len())
            .any(|part| part == mark.as_bytes());
        is_marked && is_alive(*pid)
    })
    .collect()
}
