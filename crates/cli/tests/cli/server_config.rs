//! `portolan config …` and `server enable`: what only a person says.

use serde_json::{Value, json};

use super::home::{BINARY, Home, Piped, initialize};

#[test]
fn values_are_set_read_and_removed() {
    let home = Home::new();
    let done = home.run(&["config", "read"]);
    assert!(done.stderr.contains("Nothing is set"), "{done:#?}");
    assert_eq!(done.ok(), "");
    home.run(&["config", "set", "filesystem.paths", r#"["/srv/a b"]"#])
        .ok();
    assert_eq!(
        home.run(&["config", "read"]).ok(),
        "filesystem.paths = [\"/srv/a b\"]\n"
    );
    let value = home
        .run(&["config", "read", "filesystem", "--format", "json"])
        .json();
    assert_eq!(value, json!({"filesystem": {"paths": ["/srv/a b"]}}));
    let said = home.run(&["config", "read", "filesytem"]).failed(3);
    assert!(said.contains("did you mean `filesystem`?"), "{said}");
    home.run(&["config", "rm", "filesystem.paths"]).ok();
    assert_eq!(
        home.run(&["config", "read", "--format", "json"]).json(),
        json!({})
    );
    let said = home.run(&["config", "rm", "filesystem.paths"]).failed(3);
    assert!(said.contains("nothing is set"), "{said}");
}

#[test]
fn a_value_that_does_not_fit_changes_nothing() {
    let home = Home::new();
    for (words, hint) in [
        (["filesystem.paths", "/srv"], "written as JSON"),
        (["filesystem.pahts", "x"], "did you mean `paths`?"),
        (["filesystem", "x"], "SERVER.KEY"),
        ([".paths", "x"], "SERVER.KEY"),
    ] {
        let said = home.run(&["config", "set", words[0], words[1]]).failed(2);
        assert!(said.contains(hint), "{words:?}: {said}");
    }
    assert!(!home.path("portolan/servers.yaml").exists());
    let done = home.run(&["config", "set", "nobody.key", "7"]);
    assert!(done.stderr.contains("no catalog has a server"), "{done:#?}");
    done.ok();
    let broken = home.write("portolan/servers.yaml", "nobody: [\n");
    let done = home.run(&["config", "set", "nobody.key", "8"]);
    assert!(done.stderr.contains("servers.yaml"), "{done:#?}");
    assert_ne!(done.code, Some(0));
    assert_eq!(std::fs::read_to_string(broken).unwrap(), "nobody: [\n");
}

#[test]
fn a_catalog_of_the_command_line_says_what_fits() {
    let home = Home::unboxed();
    let catalog = home.write(
        "own.yaml",
        &format!(
            "catalog: own\nservers:\n  a.b:\n    command: {BINARY}\n    args: [__demo-server, '{{{{n}}}}']\n    config: {{n: {{type: integer}}}}\n"
        ),
    );
    let set = |value: &str| home.run(&["config", "set", "a.b.n", value, "--catalog", &catalog]);
    let said = set("many").failed(2);
    assert!(said.contains("a.b: `n`"), "{said}");
    let done = set("7");
    assert!(!done.stderr.contains("warning"), "{done:#?}");
    done.ok();
    assert_eq!(home.run(&["config", "read"]).ok(), "a.b.n = 7\n");

    let said = home.run(&["server", "enable", "a.b"]).failed(3);
    assert!(said.contains("--catalog names a file with more"), "{said}");
    let enable = ["server", "enable", "a.b", "--catalog", &catalog];
    home.run(&enable).ok();
    let state = || {
        let words = ["catalog", "search", "a.b", "--catalog", &catalog];
        home.run(&[&words[..], &["--format", "json"]].concat())
            .json()["servers"][0]["state"]
            .clone()
    };
    assert_eq!(state(), "ready");
    home.run(&["server", "disable", "a.b", "--catalog", &catalog])
        .ok();
    assert_eq!(state(), "needs-approval");
    // One wrong name, and none is enabled.
    let words = ["server", "enable", "a.b", "ab", "--catalog", &catalog];
    let said = home.run(&words).failed(3);
    assert!(said.contains("did you mean `a.b`?"), "{said}");
    assert_eq!(state(), "needs-approval");
}

#[test]
fn what_an_approval_is_told_to_mean_is_what_holds_here() {
    let enabled = |home: &Home| {
        let text = format!(
            "catalog: own\nservers:\n  sums: {{command: {BINARY}, args: [__demo-server]}}\n"
        );
        let catalog = home.write("own.yaml", &text);
        let words = ["server", "enable", "sums", "--catalog", &catalog];
        let told = home.run(&words);
        let json = home.run(&[&words[..], &["--format", "json"]].concat());
        (told.stderr.clone(), json.json()["servers"][0].clone())
    };
    let unboxed = |(told, server): (String, Value)| {
        let words = "sums may be started, although it would run without a sandbox\n";
        assert!(told.contains(words), "{told}");
        let concern = &server["concerns"][0];
        assert_eq!(concern, "it would run without a sandbox", "{server}");
        assert_eq!(server.get("covers_unsandboxed"), None, "{server}");
    };
    unboxed(enabled(&Home::unboxed()));
    let (told, server) = enabled(&Home::new());
    // Where no boxes can be made, it is refused as long as nobody allows it to run without one.
    if server.get("refused").is_some() {
        unboxed((told, server));
    } else {
        let words = "sums may be started; here it runs in a sandbox, and you allow it also where there is none\n";
        assert!(told.contains(words), "{told}");
        assert_eq!(server.get("concerns"), None, "{server}");
        assert_eq!(server["covers_unsandboxed"], true, "{server}");
    }
}

#[test]
fn what_is_enabled_but_cannot_run_is_said_to_be_so() {
    let home = Home::unboxed();
    let text = "catalog: own\nservers:\n  whale: {image: 'example/whale:1'}\n";
    let catalog = home.write("own.yaml", text);
    let enabled = home.run(&["server", "enable", "whale", "--catalog", &catalog]);
    assert!(
        enabled.stderr.contains("whale cannot be started here: "),
        "{enabled:#?}"
    );
    let _ = enabled.ok();
}

#[test]
fn configuration_in_yaml_may_be_named_as_a_flag() {
    let home = Home::new();
    let catalog = home.write(
        "own.yaml",
        &format!(
            "catalog: own\nservers:\n  sums:\n    command: {BINARY}\n    args: [__demo-server]\n    env: {{N: '{{{{sums.n}}}}', M: '{{{{sums.m}}}}'}}\n    config: {{n: {{type: integer}}, m: {{type: integer}}}}\n"
        ),
    );
    home.run(&["server", "enable", "sums", "--catalog", &catalog])
        .ok();
    for (key, value) in [("sums.n", "1"), ("sums.m", "2")] {
        home.run(&["config", "set", key, value, "--catalog", &catalog])
            .ok();
    }
    let config = home.write("config.yaml", "sums:\n  n: 7\n");
    let words = ["gateway", "run", "--no-builtin-catalog", "--catalog"];
    let words = [&words[..], &[&catalog, "--config", &config]].concat();
    let mut client = Piped::new(home.command(&words));
    client.ask(&initialize());
    let add = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call",
        "params": {"name": "mcp-add", "arguments": {"name": "sums"}}});
    let added = client.ask(&add);
    assert_eq!(
        added["result"]["structuredContent"]["state"], "active",
        "{added}"
    );
    let listed = home.run(&["server", "ls", "--format", "json"]).json();
    let pid = listed["servers"][0]["pids"][0].as_u64().unwrap();
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
    let environment = String::from_utf8_lossy(&environment).into_owned();
    let variables: Vec<&str> = environment.split('\0').collect();
    assert!(variables.contains(&"N=7") && variables.contains(&"M=2"));
    client.leave();
    // A catalog is named by another flag.
    let said = home
        .run(&["gateway", "run", "--dry-run", "--config", &catalog])
        .failed(64);
    assert!(said.contains("name it with --catalog"), "{said}");
}
