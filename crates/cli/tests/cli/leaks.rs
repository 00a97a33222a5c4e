//! Twenty secrets are planted, each is used and provoked, and then looked for wherever one could have got to: replies, logs, records,
//! state, command lines and environments of every process but the one that is meant to have it. With a box and without one; the same
//! in a container is tried by `tests/containers`.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus};

use serde_json::{Value, json};

use super::home::{BINARY, Home, Listening, wait_until};

/// What a server is given in its environment.
const GIVEN: usize = 14;

/// A value that occurs nowhere by chance.
fn planted(number: usize) -> String {
    format!("pl4nted{number:02}Zq8r1vWk3mXu7TyB5nLp")
}

/// It has the form of one, and never was one.
const FORMED: &str = "ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8";

/// A server that tells all that it was given: as text, as an error, on stderr, and as its last words.
fn teller(more: &[String]) -> Value {
    let script = r#"tell() { env | jq -Rs .; }
while read -r line; do id=$(printf '%s' "$line" | jq -c .id); case "$line" in
*'"initialize"'*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"logging":{}},"serverInfo":{"name":"x","version":"1"}}}';;
*tools/list*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"tools":[{"name":"tell","inputSchema":{"type":"object"}},{"name":"fail","inputSchema":{"type":"object"}},{"name":"die","inputSchema":{"type":"object"}}]}}';;
*'"tell"'*) env >&2; printf '%s\n' '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","data":'"$(tell)"'}}'; printf '%s\n' '{"jsonrpc":"2.0","id":'$id',"result":{"content":[{"type":"text","text":'"$(tell)"'}]}}';;
*'"fail"'*) printf '%s\n' '{"jsonrpc":"2.0","id":'$id',"error":{"code":-32000,"message":'"$(tell)"'}}';;
*'"die"'*) env >&2; exit 3;;
esac; done"#;
    let env: serde_json::Map<String, Value> = (0..GIVEN)
        .map(|number| (format!("TOKEN_{number}"), json!(planted(number))))
        .collect();
    let words = ["-c", script].map(str::to_owned);
    let args: Vec<&String> = words.iter().chain(more).collect();
    json!({"mcpServers": {"teller": {"command": "sh", "args": args, "env": env}}})
}

fn start(home: &Home, servers: &str) -> Listening {
    let log = std::fs::File::create(home.path("log")).unwrap();
    let words = [
        "gateway",
        "run",
        "--transport",
        "streaming",
        "--port",
        "0",
        "--verbose",
        "--config",
        servers,
    ];
    let child = home.command(&words).stderr(log).spawn().unwrap();
    let opened = || {
        let text = std::fs::read_to_string(home.path("log")).unwrap();
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines
            .into_iter()
            .find(|line| line["message"] == "listening")
    };
    wait_until(|| opened().is_some());
    Listening::of(child, opened().unwrap())
}

/// What stands under `pids`, wherever that is.
fn pids(listed: &Value) -> BTreeSet<u64> {
    match listed {
        Value::Object(members) => {
            let own = members
                .get("pids")
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            let own = own.filter_map(Value::as_u64);
            own.chain(members.values().flat_map(pids)).collect()
        }
        Value::Array(items) => items.iter().flat_map(pids).collect(),
        _ => BTreeSet::new(),
    }
}

/// The processes below this one.
fn below(pid: u32) -> BTreeSet<u32> {
    let children = |pid: u32| {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task"))
            .into_iter()
            .flatten()
            .flatten();
        let lists =
            tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
        lists
            .flat_map(|list| {
                list.split_whitespace()
                    .filter_map(|pid| pid.parse().ok())
                    .collect::<Vec<u32>>()
            })
            .collect::<Vec<u32>>()
    };
    let mut all = BTreeSet::new();
    let mut next = vec![pid];
    while let Some(pid) = next.pop() {
        if all.insert(pid) {
            next.extend(children(pid));
        }
    }
    all
}

/// Everything that lies in a folder, in one text; but not these files.
fn contents(folder: &Path, without: &[&str], all: &mut Vec<u8>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => contents(&entry.path(), without, all),
            kind if kind.is_file() && !without.contains(&name.as_str()) => {
                all.extend(name.as_bytes());
                all.extend(std::fs::read(entry.path()).unwrap());
            }
            _ => {}
        }
    }
}

/// Everything that others can see of a gateway that is used and provoked, and the secrets that must not be in it. `more` are
/// words that the server's command line gets.
fn seen(home: &Home, more: &[String]) -> (String, Vec<String>) {
    home.write(
        "portolan/config.toml",
        "[gateway]\nrecords_arguments = true\ncall_timeout_s = 10\n",
    );
    let servers = home.write("servers.json", &teller(more).to_string());
    let caller = home.run(&["caller", "add", "ann"]).ok().trim().to_owned();
    let mut gateway = start(home, &servers);
    let mut seen = String::new();
    let token = home.token();
    gateway.initialize(&caller);
    let named = [planted(14), planted(15), planted(16)];
    let arguments =
        json!({"password": named[0], "api_key": named[1], "deep": [{"client_secret": named[2]}]});
    for (id, (tool, arguments)) in [
        ("tell", json!({})),
        ("tell", arguments),
        ("fail", json!({})),
        ("tell", json!({"text": FORMED})),
    ]
    .into_iter()
    .enumerate()
    {
        let call = json!({"jsonrpc":"2.0","id":id + 10,"method":"tools/call","params":{"name":tool,"arguments":arguments}});
        seen.push_str(&gateway.mcp(&caller, &call).to_string());
    }
    assert!(
        seen.contains("TOKEN_3=***"),
        "the server told nothing: {seen}"
    );
    // While everything runs: what others on this machine can see of its processes.
    seen.push_str(&of_processes(home, gateway.pid()));
    let last = json!({"jsonrpc":"2.0","id":20,"method":"tools/call","params":{"name":"die","arguments":{}}});
    seen.push_str(&gateway.mcp(&caller, &last).to_string());
    assert!(seen.contains("last words"), "it did not die of it: {seen}");
    for words in [
        &["server", "logs", "teller"][..],
        &["server", "ls"],
        &["calls", "ls", "--all", "--format", "json"],
        &["caller", "ls"],
        &["secret", "ls"],
        &["tools", "pins", "--all"],
    ] {
        let done = home.run(words);
        seen.push_str(&done.stdout);
        seen.push_str(&done.stderr);
    }
    let bearer = format!("Bearer {caller}");
    for path in ["/mcp", "/health", "/nowhere"] {
        let (_, head, body) = gateway.http("GET", path, &[("Authorization", &bearer)], "");
        seen.push_str(&head);
        seen.push_str(&body);
    }
    assert!(gateway.stop().success());

    // What is left on the disk: but not where the person wrote it, and where the token is kept.
    let mut left = Vec::new();
    contents(
        home.path("").as_path(),
        &["servers.json", "auth-token"],
        &mut left,
    );
    seen.push_str(&String::from_utf8_lossy(&left));
    assert!(
        seen.contains("\"kind\":\"call\"") && seen.contains("call_id"),
        "nothing was recorded or logged"
    );
    let all = (0..17).map(planted);
    let all = all.chain([FORMED.to_owned(), caller, token]);
    (seen, all.collect())
}

/// Command lines, and environments but of those that are meant to have them.
fn of_processes(home: &Home, gateway: u32) -> String {
    let words = ["server", "inspect", "teller", "--format", "json"];
    let mut seen = home.run(&words).ok();
    let own = pids(&serde_json::from_str(&seen).unwrap());
    assert!(!own.is_empty());
    for pid in below(gateway) {
        let read = |name: &str| std::fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
        seen.push_str(&String::from_utf8_lossy(&read("cmdline")));
        if !own.contains(&u64::from(pid)) {
            seen.push_str(&String::from_utf8_lossy(&read("environ")));
        }
    }
    seen
}

/// Where the first of them stands, with what is around it.
fn first_found<'s>(seen: &'s str, secrets: &[String]) -> Option<(usize, &'s str)> {
    let mut found = secrets.iter().enumerate().filter_map(|(number, secret)| {
        let at = seen.find(secret.as_str())?;
        let from = seen.floor_char_boundary(at.saturating_sub(200));
        let to = seen.floor_char_boundary(at + 60);
        Some((number, &seen[from..to]))
    });
    found.next()
}

#[test]
fn no_planted_secret_gets_to_where_it_does_not_belong() {
    let (seen, secrets) = seen(&Home::new(), &[]);
    assert_eq!(secrets.len(), 20);
    assert_eq!(first_found(&seen, &secrets), None);
}

#[test]
fn nor_where_servers_are_plain_processes() {
    let (seen, secrets) = seen(&Home::unboxed(), &[]);
    assert_eq!(secrets.len(), 20);
    assert_eq!(first_found(&seen, &secrets), None);
}

/// What is looked at would show one: here it stands on the command line of a server, which everybody can read.
#[test]
fn one_that_is_planted_in_the_open_is_found() {
    let (seen, secrets) = seen(&Home::unboxed(), &[planted(5)]);
    let (number, around) = first_found(&seen, &secrets).expect("it is found");
    assert_eq!(number, 5, "{around}");
}

/// How a program ends that is killed as a crash would, where images of memory are wanted.
fn crashed(command: &mut Command, when: impl FnOnce()) -> ExitStatus {
    let mut child = command.spawn().unwrap();
    when();
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::ABORT).unwrap();
    child.wait().unwrap()
}

#[test]
fn a_crash_leaves_no_image_of_memory() {
    let home = Home::new();
    let wanting = |words: &[&str]| {
        let script = "ulimit -c unlimited; touch began; exec \"$@\"";
        let mut command = home.command_of(Path::new("/bin/sh"), &["-c", script, "sh"]);
        command.args(words);
        command
    };
    let began = || wait_until(|| home.path("began").exists());
    // Where this machine makes such images at all, it does so of a program that does nothing about it.
    let other = crashed(&mut wanting(&["sleep", "100"]), began);
    std::fs::remove_file(home.path("began")).unwrap();
    let log = std::fs::File::create(home.path("log")).unwrap();
    let words = [
        BINARY,
        "gateway",
        "run",
        "--transport",
        "streaming",
        "--port",
        "0",
    ];
    let listening = || {
        let log = || std::fs::read_to_string(home.path("log")).unwrap();
        wait_until(|| log().contains("listening"));
    };
    let ours = crashed(wanting(&words).stderr(log), listening);
    assert_eq!(ours.signal(), other.signal());
    assert!(!ours.core_dumped(), "an image was left");
}
