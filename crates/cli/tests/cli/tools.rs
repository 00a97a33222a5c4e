//! `portolan tools …` and `gateway run --dry-run`, with servers that really run.

use serde_json::json;

use super::home::{BINARY, Home, is_alive, signal, wait_until};

#[test]
fn tools_are_listed_counted_and_inspected() {
    let home = Home::new();
    let config = home.servers(&["demo"]);
    let listed = home.run(&["tools", "ls", "--config", &config]).ok();
    assert!(
        listed.starts_with("tool      server  description\n"),
        "{listed}"
    );
    assert!(
        listed.contains("get-sum   demo    Adds two numbers\n"),
        "{listed}"
    );
    assert_eq!(
        home.run(&["tools", "count", "--config", &config]).ok(),
        "3\n"
    );
    let count = home
        .run(&["tools", "count", "--config", &config, "--format", "json"])
        .json();
    assert_eq!(count, json!({"tools": 3, "servers": {"demo": 3}}));
    let shown = home
        .run(&["tools", "inspect", "get-sum", "--config", &config])
        .ok();
    assert!(
        shown.contains("a         number  required  First number"),
        "{shown}"
    );
    let tool = home
        .run(&[
            "tools",
            "inspect",
            "demo:get-sum",
            "--config",
            &config,
            "--format",
            "json",
        ])
        .json();
    assert_eq!(tool["inputSchema"]["required"], json!(["a", "b"]));
}

#[test]
fn a_call_types_its_arguments_by_the_schema() {
    let home = Home::new();
    let config = home.servers(&["demo"]);
    let call = |words: &[&str]| {
        let mut all = vec!["tools", "call", "--config", &config];
        all.extend(words);
        home.run(&all)
    };
    assert_eq!(
        call(&["get-sum", "a=2", "b=40.5"]).ok(),
        "The sum of 2 and 40.5 is 42.5.\n"
    );
    assert_eq!(call(&["echo", "message=7"]).ok(), "Echo: 7\n");
    assert_eq!(
        call(&["echo", "--json", "{\"message\":\"a=b\"}"]).ok(),
        "Echo: a=b\n"
    );
    let whole = call(&["echo", "message=x", "--format", "json"]).json();
    assert_eq!(
        whole["content"][0],
        json!({"type": "text", "text": "Echo: x"})
    );

    let said = call(&["get-sum", "a=2"]).failed(2);
    assert!(
        said.contains("get-sum: an argument is missing: b"),
        "{said}"
    );
    assert!(
        said.contains("b (number, required) - Second number"),
        "{said}"
    );
    let said = call(&["get-sum", "a=two", "b=1"]).failed(2);
    assert!(said.contains("`a` wants number, not `two`"), "{said}");
    let said = call(&["get-smu"]).failed(3);
    assert!(said.contains("did you mean `get-sum`?"), "{said}");
}

#[test]
fn a_call_that_is_refused_fails() {
    let home = Home::new();
    let config = home.servers(&["demo"]);
    let words = [
        "tools",
        "call",
        "get-sum",
        "--config",
        &config,
        "--json",
        "{\"a\": \"x\", \"b\": 1}",
    ];
    let said = home.run(&words).failed(1);
    assert!(said.contains("a and b must be numbers"), "{said}");
    let late = [
        "tools",
        "call",
        "count-up",
        "steps=100",
        "--timeout",
        "50ms",
        "--config",
        &config,
    ];
    let said = home.run(&late).failed(7);
    assert!(said.contains("did not answer within 0.05 s"), "{said}");
}

#[test]
fn ctrl_c_ends_a_call_and_its_server() {
    let home = Home::unboxed();
    // The server tells its process, and its readiness, by a file: there is nothing else to see it by.
    let (file, call) = (home.path("pid"), "tools call count-up steps=100 --config");
    let script = format!(
        "echo $$ > '{}'; exec '{BINARY}' __demo-server",
        file.display()
    );
    let config =
        json!({"mcpServers": {"slow": {"command": "sh", "args": ["-c", script]}}}).to_string();
    let config = home.write("slow.json", &config);
    let mut words: Vec<&str> = call.split(' ').collect();
    words.push(&config);
    let mut child = home
        .command(&words)
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let pid = || {
        std::fs::read_to_string(&file)
            .ok()
            .and_then(|text| text.trim().parse::<u32>().ok())
    };
    wait_until(|| pid().is_some());
    signal(child.id(), rustix::process::Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    wait_until(|| !is_alive(pid().unwrap()));
}

#[test]
fn arguments_come_from_stdin_too() {
    let home = Home::new();
    let config = home.servers(&["demo"]);
    let words = [
        "tools", "call", "get-sum", "--config", &config, "--json", "-",
    ];
    assert_eq!(
        home.run_with(&words, "{\"a\": 1, \"b\": 2}").ok(),
        "The sum of 1 and 2 is 3.\n"
    );
    let _ = home.run_with(&words, "[1]").failed(2);
}

#[test]
fn a_server_that_does_not_work_is_told_and_the_others_answer() {
    let home = Home::new();
    let config = home.write(
        "some.json",
        &json!({"mcpServers": {
            "works": {"command": BINARY, "args": ["__demo-server"]},
            "missing": {"command": "there-is-no-such-program"},
            "dies": {"command": "sh", "args": ["-c", "echo the-reason >&2; exit 3"]},
        }})
        .to_string(),
    );
    let done = home.run(&["tools", "ls", "--config", &config]);
    assert!(
        done.stderr.contains("server `missing` does not work: "),
        "{done:#?}"
    );
    assert!(
        done.stderr.contains("server `dies` does not work: "),
        "{done:#?}"
    );
    assert!(done.stderr.contains("the-reason"), "{done:#?}");
    assert!(done.ok().contains("get-sum"));

    let dry = ["gateway", "run", "--dry-run", "--config", &config];
    let done = home.run(&dry);
    assert!(
        done.stdout.contains("missing  failed") && done.stdout.contains("works    ready"),
        "{done:#?}"
    );
    let said = done.failed(1);
    assert!(
        said.contains("not every server works: dies, missing"),
        "{said}"
    );

    let words = [
        "gateway",
        "run",
        "--dry-run",
        "--config",
        &config,
        "--servers",
        "works",
        "--format",
        "json",
    ];
    let seen = home.run(&words).json();
    assert_eq!(
        (
            &seen["servers"][0]["tools"],
            seen["tools"].as_array().unwrap().len()
        ),
        (&json!(3), 3)
    );
}

/// A server that is a script, which a test can change under the same entry.
fn script(home: &Home, text: &str) -> String {
    let file = home.write("server.sh", text);
    let all = json!({"mcpServers": {"s": {"command": "sh", "args": [file]}}});
    home.write("script.json", &all.to_string())
}

#[test]
fn a_call_whose_server_does_not_start_is_not_connected() {
    let home = Home::unboxed();
    let config = script(&home, &format!("exec '{BINARY}' __demo-server"));
    let words = ["tools", "call", "echo", "message=x", "--config", &config];
    assert_eq!(home.run(&words).ok(), "Echo: x\n");
    // The list is known by now: it is the call that finds nobody.
    script(&home, "echo the-reason >&2; exit 3");
    let done = home.run(&words);
    assert_eq!(done.stdout, "");
    let said = done.failed(4);
    assert!(
        said.contains("server \"s\" is unavailable") && said.contains("the-reason"),
        "{said}"
    );
}

#[test]
fn broken_servers_are_tried_once_and_alone_they_are_a_failure() {
    let home = Home::unboxed();
    let tries = home.path("tries");
    let config = script(&home, &format!("echo try >> '{}'; exit 3", tries.display()));
    for command in ["ls", "count"] {
        let said = home.run(&["tools", command, "--config", &config]).failed(4);
        assert!(
            said.contains("server `s` does not work") && said.contains("error: no server works"),
            "{said}"
        );
    }
    assert_eq!(std::fs::read_to_string(tries).unwrap(), "try\ntry\n");
}

#[test]
fn without_servers_people_are_told_where_to_name_some() {
    let home = Home::new();
    for words in [&["tools", "ls"][..], &["tools", "count"]] {
        let done = home.run(words);
        assert!(
            done.stderr.contains("warning: no server is configured")
                && done.stderr.contains("portolan/config.toml"),
            "{done:#?}"
        );
        let _ = done.ok();
    }
    // One that is left out is configured.
    let config = home.write(
        "left.json",
        r#"{"mcpServers": {"a": {"command": "a", "args": ["${NOT_SET_HERE}"]}}}"#,
    );
    let done = home.run(&["tools", "ls", "--config", &config]);
    assert!(
        done.stderr.contains("the server is left out")
            && !done.stderr.contains("no server is configured"),
        "{done:#?}"
    );
}

#[test]
fn a_tool_of_a_server_that_is_not_there() {
    let home = Home::new();
    let config = home.servers(&["demo"]);
    let words = ["tools", "call", "dmeo:echo", "--config", &config];
    let said = home.run(&words).failed(3);
    assert!(
        said.contains("there is no server `dmeo`") && said.contains("did you mean `demo`?"),
        "{said}"
    );
}

#[test]
fn only_the_named_tools_are_offered() {
    let home = Home::new();
    let config = home.servers(&["one"]);
    let words = [
        "gateway",
        "run",
        "--dry-run",
        "--config",
        &config,
        "--tools",
        "ONE:Echo",
        "--format",
        "json",
    ];
    let seen = home.run(&words).json();
    assert_eq!(seen["tools"].as_array().unwrap().len(), 1);
    assert_eq!(seen["tools"][0]["tool"]["name"], "echo");
}

#[test]
fn names_that_clash_are_told_apart() {
    let home = Home::new();
    let config = home.servers(&["one", "two"]);
    let listed = home.run(&["tools", "ls", "--config", &config]).ok();
    assert!(
        listed.contains("one__echo") && listed.contains("two__echo"),
        "{listed}"
    );
    let said = home
        .run(&[
            "tools",
            "call",
            "two:echo",
            "message=x",
            "--config",
            &config,
        ])
        .ok();
    assert_eq!(said, "Echo: x\n");
}
