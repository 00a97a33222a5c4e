//! `docs/guide/observe.md`

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use rustix::process::Signal;

use super::super::home::signal;
use super::play::{Guide, says};

const RULES: &str = "[[policy.rules]]
tool = \"echo\"
when = 'arguments.message == \"HELLO\"'
decision = \"deny\"
";

#[test]
fn observe() {
    let mut guide = Guide::open("docs/guide/observe.md");
    guide.configured(&["github"]);
    // A call that works, and one that fails.
    let rules = guide.home.write("rules.toml", RULES);
    let call = ["tools", "call", "--config", &rules, "echo", "message=HELLO"];
    guide.home.run(&call).failed(5);
    guide.runs("portolan tools call echo message=x");
    let calls = guide.home.run(&["calls", "ls", "--format", "json"]).json();
    let id = calls["calls"][0]["id"].as_str().unwrap();
    guide.stands_for("3f9c0e21", &id[..8]);
    guide.on(
        "portolan calls ls --status failed --since 1h",
        says("denied"),
    );
    guide.on("portolan calls show 3f9c0e21", says("echo"));
    guide.play_to("portolan calls tail");
    followed(&mut guide);
    let mut gateway = guide.home.listen(&[]);
    let token = guide.home.token();
    gateway.initialize(&token);
    gateway.mcp(
        &token,
        &serde_json::json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}),
    );
    guide.stands_for("NAME", "github");
    guide.on("portolan server ls", says("github"));
    guide.on("portolan server inspect NAME", says("github"));
    let sockets = guide.home.path("portolan/run").display().to_string();
    guide.stands_for("\"$XDG_RUNTIME_DIR\"/portolan", sockets);
    guide.stands_for("ID.sock", format!("{}.sock", gateway.id()));
    guide.on(
        "curl --unix-socket \"$XDG_RUNTIME_DIR\"/portolan/ID.sock http://localhost/metrics",
        says("mcp_server_operation_duration_seconds"),
    );
    guide.play();
}

/// The line that goes on until somebody presses Ctrl-C.
fn followed(guide: &mut Guide) {
    let mut tail = guide.next().stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut tells = |of: &str| lines.any(|line| line.unwrap().contains(of));
    assert!(tells("echo"));
    guide.runs("portolan tools call get-sum a=1 b=2");
    assert!(tells("get-sum"));
    signal(tail.id(), Signal::INT);
    assert!(tail.wait().unwrap().success());
}
