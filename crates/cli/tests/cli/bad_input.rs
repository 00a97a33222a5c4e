//! What people get wrong: each has its clear error and its exit code, and harms nobody else.

use std::net::TcpListener;

use super::home::Home;

#[test]
fn an_unknown_server_is_not_found_and_the_near_one_is_offered() {
    let home = Home::new();
    let config = home.servers(&["github", "time"]);
    let said = home
        .run(&["tools", "ls", "--config", &config, "--servers", "gihtub"])
        .failed(3);
    assert!(
        said.contains("error: there is no server `gihtub`"),
        "{said}"
    );
    assert!(said.contains("hint: did you mean `github`?"), "{said}");
}

#[test]
fn a_tool_of_an_unknown_server_is_not_found() {
    let home = Home::new();
    let config = home.servers(&["time"]);
    let said = home
        .run(&[
            "gateway",
            "run",
            "--config",
            &config,
            "--tools",
            "echo,tmie:*",
        ])
        .failed(3);
    assert!(said.contains("did you mean `time`?"), "{said}");
}

#[test]
fn malformed_files_are_told_with_their_position() {
    let home = Home::new();
    let json = home.write(
        "broken.json",
        "{\n  \"mcpServers\": {\n    \"a\": {\"command\" \"x\"}\n  }\n}\n",
    );
    let said = home.run(&["gateway", "run", "--config", &json]).failed(64);
    assert!(said.contains("broken.json:3:"), "{said}");
    assert!(said.contains("hint:"), "{said}");

    home.write("portolan/config.toml", "[gateway]\nport = \n");
    let said = home.run(&["gateway", "run"]).failed(64);
    assert!(said.contains("config.toml:2:"), "{said}");
}

#[test]
fn settings_outside_their_limits_stop_the_gateway() {
    let home = Home::new();
    home.write("portolan/config.toml", "[gateway]\nport = 99999\n");
    let said = home.run(&["gateway", "run"]).failed(64);
    assert!(said.contains("config.toml:2:8"), "{said}");
}

#[test]
fn a_file_that_is_not_there_stops_the_command_that_names_it() {
    let home = Home::new();
    let said = home
        .run(&["server", "ls", "--config", "nowhere.json"])
        .failed(64);
    assert!(
        said.contains("nowhere.json: cannot read the file"),
        "{said}"
    );
}

#[test]
fn one_bad_entry_is_a_warning_and_the_others_load() {
    let home = Home::new();
    let config = home.write(
        "mixed.json",
        "{\"mcpServers\": {\n  \"good\": {\"command\": \"true\"},\n  \"bad\": {\"command\": {}}\n}}",
    );
    let done = home.run(&["server", "ls", "--config", &config]);
    assert!(
        done.stderr.contains("warning: ")
            && done.stderr.contains("mixed.json:3:")
            && done.stderr.contains("; the server is left out"),
        "{done:#?}"
    );
    let listed = done.ok();
    assert!(
        listed.contains("good") && !listed.contains("bad"),
        "{listed}"
    );
}

#[test]
fn duplicate_names_are_told_with_both_places() {
    let home = Home::new();
    let config = home.write(
        "twice.json",
        "{\"mcpServers\": {\n  \"a\": {\"command\": \"one\"},\n  \"a\": {\"command\": \"two\"}\n}}",
    );
    let done = home.run(&["server", "ls", "--config", &config]);
    assert!(
        done.stderr
            .contains("server `a` is defined twice, at 2:3 and at 3:3")
            && !done.stderr.contains("left out"),
        "{done:#?}"
    );
    assert_eq!(done.ok().matches("configured").count(), 1);
}

#[test]
fn a_port_in_use_is_said_and_no_server_is_started() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let config = home.servers(&["a"]);
    let words = [
        "gateway",
        "run",
        "--transport",
        "http",
        "--port",
        &port,
        "--config",
        &config,
    ];
    let said = home.run(&words).failed(1);
    assert!(
        said.contains(&format!("127.0.0.1:{port} is in use")),
        "{said}"
    );
}

#[test]
fn flags_that_cannot_be_meant() {
    let home = Home::new();
    for (words, said) in [
        (
            &["gateway", "run", "--port", "8811"][..],
            "--port means nothing over stdio",
        ),
        (
            &["gateway", "run", "--transport", "stdio", "--host", "::1"],
            "--host means nothing over stdio",
        ),
        (
            &["gateway", "run", "--transport", "carrier-pigeon"],
            "there are stdio, streaming and sse",
        ),
        (
            &["gateway", "run", "--call-timeout", "soon"],
            "write it like 30s",
        ),
        (&["gateway", "run", "--prot", "1"], "--port"),
        (
            &[
                "gateway",
                "run",
                "--transport",
                "http",
                "--host",
                "not a host",
            ],
            "--host: must be a host name",
        ),
        (&["gatewya"], "gateway"),
        (&["tools"], "Usage: portolan tools"),
        (&["tools", "call"], "<NAME>"),
        (&["version", "--format", "xml"], "human, json, yaml"),
    ] {
        let stderr = home.run(words).failed(2);
        assert!(stderr.contains(said), "{words:?}: {stderr}");
    }
}

#[test]
fn a_home_that_is_no_path_is_a_bad_configuration() {
    let home = Home::new();
    let output = home
        .command(&["server", "ls"])
        .env("PORTOLAN_HOME", "somewhere")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no absolute path"));
}

#[test]
fn nothing_runs_and_that_is_said() {
    let home = Home::new();
    for words in [
        &["server", "logs", "a"][..],
        &["server", "stop", "a"],
        &["server", "inspect", "a"],
    ] {
        let said = home.run(words).failed(4);
        assert!(
            said.contains("error: no gateway is running") && said.contains("portolan gateway run"),
            "{said}"
        );
    }
    let said = home.run(&["server", "ls", "--gateway", "7"]).failed(4);
    assert!(said.contains("no gateway `7` is running"), "{said}");
}

#[test]
fn programs_get_their_errors_as_json() {
    let home = Home::new();
    let said = home
        .run(&["server", "logs", "a", "--format", "json"])
        .failed(4);
    let value: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (&value["error"]["kind"], &value["error"]["exit_code"]),
        (&"not-running".into(), &4.into())
    );
}

#[test]
fn commands_of_a_project_wait_until_their_file_is_named() {
    let home = Home::unboxed();
    let file = home.write(
        "portolan.toml",
        "[servers.theirs]\ncommand = \"touch\"\nargs = [\"pwned\"]\n",
    );
    let done = home.run(&["server", "ls"]);
    assert!(
        done.stderr
            .contains("server `theirs` is off: it would run a command")
            && done
                .stderr
                .contains(&format!("hint: if you trust it: --config {file}"))
            && done.stderr.matches("warning:").count() == 1,
        "{done:#?}"
    );
    assert!(!done.ok().contains("theirs"));

    for words in [
        &["tools", "ls", "--servers", "theirs"][..],
        &["gateway", "run", "--dry-run", "--servers", "theirs"],
    ] {
        let said = home.run(words).failed(5);
        assert!(said.contains("does not start by its name alone"), "{said}");
    }
    assert!(!home.path("pwned").exists());

    // Whoever names the file means it.
    let _ = home.run(&["tools", "ls", "--config", &file]);
    assert!(home.path("pwned").exists());
}

#[test]
fn remote_servers_of_a_project_wait_until_they_are_named() {
    let home = Home::new();
    home.write(
        "portolan.toml",
        "[servers.far]\nurl = \"http://127.0.0.1:9/mcp\"\n",
    );
    let done = home.run(&["server", "ls"]);
    assert!(
        done.stderr
            .contains("servers of a project start only when named")
            && done.stderr.contains("to use them: --servers far"),
        "{done:#?}"
    );
    assert!(!done.ok().contains("far"));
    let said = home.run(&["tools", "ls", "--servers", "far"]);
    assert!(
        said.stderr.contains("server `far` does not work"),
        "{said:#?}"
    );
}
