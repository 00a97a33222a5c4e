//! `portolan feature …`: what is switched stays so, and gateways that start later keep to it.

use serde_json::json;

use super::home::{Home, MENU, Piped, initialize, tool_names};

#[test]
fn features_are_listed_with_who_set_them() {
    let home = Home::new();
    let listed = home.run(&["feature", "ls"]).ok();
    assert!(listed.contains("dynamic-tools     on"), "{listed}");
    assert!(listed.contains("tool-name-prefix  off"), "{listed}");
    let value = home.run(&["feature", "ls", "--format", "json"]).json();
    assert_eq!(
        (&value[0]["enabled"], &value[0]["source"]),
        (&json!(true), &json!("default"))
    );
    let said = home.run(&["feature", "enable", "dynamic-tool"]).failed(3);
    assert!(said.contains("did you mean `dynamic-tools`?"), "{said}");
    assert!(said.contains("there are: dynamic-tools,"), "{said}");
    assert!(!home.path("portolan/config.toml").exists());
}

#[test]
fn what_is_switched_off_stays_off_and_everything_else_as_it_was() {
    let home = Home::new();
    let own = "# mine\n[gateway]\nport = 9000 # busy otherwise\n";
    home.write("portolan/config.toml", own);
    let done = home.run(&["feature", "disable", "dynamic-tools"]);
    assert!(done.stderr.contains("dynamic-tools is off"), "{done:#?}");
    done.ok();
    let file = std::fs::read_to_string(home.path("portolan/config.toml")).unwrap();
    assert!(file.starts_with(own), "{file}");
    let value = home.run(&["feature", "ls", "--format", "json"]).json();
    let source = value[0]["source"].as_str().unwrap();
    assert_eq!(value[0]["enabled"], false);
    assert!(source.contains("config.toml"), "{source}");
    assert_eq!(listed(&home, &[], &[]), [""; 0]);
    assert_eq!(listed(&home, &["--dynamic"], &[]), MENU);
    assert_eq!(
        listed(&home, &[], &[("PORTOLAN_DYNAMIC_TOOLS", "true")]),
        MENU
    );

    let mut command = home.command(&["feature", "enable", "dynamic-tools"]);
    command.env("PORTOLAN_DYNAMIC_TOOLS", "false");
    let output = command.output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("unset PORTOLAN_DYNAMIC_TOOLS"), "{told}");
    assert_eq!(listed(&home, &[], &[]), MENU);
}

#[test]
fn a_file_that_cannot_be_read_is_not_written_over() {
    let home = Home::new();
    home.write("portolan/config.toml", "[gateway\n");
    let said = home.run(&["feature", "disable", "dynamic-tools"]);
    assert!(said.stderr.contains("config.toml"), "{said:#?}");
    assert_ne!(said.code, Some(0));
    let file = std::fs::read_to_string(home.path("portolan/config.toml")).unwrap();
    assert_eq!(file, "[gateway\n");
}

#[test]
fn prefixed_names_are_a_feature() {
    let home = Home::new();
    let config = home.servers(&["demo"]);
    home.run(&["feature", "enable", "tool-name-prefix"]).ok();
    let names = listed(&home, &["--config", &config], &[]);
    assert!(names.contains(&"demo__echo".into()), "{names:?}");
    assert!(names.contains(&"mcp-find".into()), "{names:?}");
}

#[test]
fn who_names_the_servers_has_found_them() {
    let home = Home::new();
    let config = home.servers(&["demo", "other"]);
    let only = ["--config", config.as_str(), "--servers", "demo"];
    assert_eq!(listed(&home, &only, &[]), ["count-up", "echo", "get-sum"]);
    let with = [&only[..], &["--dynamic"]].concat();
    let names = listed(&home, &with, &[]);
    assert_eq!(names.len(), 3 + MENU.len(), "{names:?}");
}

#[test]
fn where_the_tools_are_off_nothing_answers_to_their_names() {
    let home = Home::new();
    let mut command = home.command(&["gateway", "run"]);
    command.env("PORTOLAN_DYNAMIC_TOOLS", "false");
    let mut client = Piped::new(command);
    client.ask(&initialize());
    for (id, name) in (2..).zip(MENU) {
        let call = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": {"name": name, "arguments": {"query": "x", "name": "time"}}});
        let answer = client.ask(&call);
        assert!(answer.get("error").is_some(), "{answer}");
    }
    client.leave();
}

/// The tools of a gateway with these flags and variables, sorted.
fn listed(home: &Home, flags: &[&str], variables: &[(&str, &str)]) -> Vec<String> {
    let words = [&["gateway", "run"], flags].concat();
    let mut command = home.command(&words);
    command.envs(variables.iter().copied());
    let mut client = Piped::new(command);
    client.ask(&initialize());
    let list = client.ask(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}));
    client.leave();
    tool_names(&list).into_iter().map(str::to_owned).collect()
}
