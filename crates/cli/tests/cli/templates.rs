//! Starter sets, and applications that are connected to a profile.

use serde_json::{Value, json};

use super::home::Home;

#[test]
fn a_starter_set_becomes_a_profile() {
    let home = Home::new();
    let listed = home.run(&["template", "list", "--format", "json"]).json();
    let ids: Vec<&str> = listed["templates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|template| template["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["ai-coding", "dev-workflow", "terminal-control"]);
    let made = home.run(&["template", "use", "ai-coding"]);
    assert!(
        made.stderr.contains("ai-coding is made with 4 servers"),
        "{made:#?}"
    );
    made.ok();
    home.run(&["template", "use", "dev-workflow", "--name", "My Flow"])
        .ok();
    home.run(&[
        "profile",
        "create",
        "--name",
        "x",
        "--from-template",
        "terminal-control",
        "--server",
        "time",
    ])
    .ok();
    let profiles = home.run(&["profile", "ls", "--format", "json"]).json();
    let servers = |at: usize| {
        profiles["profiles"][at]["servers"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((servers(0), servers(1), servers(2)), (4, 3, 4));
    assert_eq!(profiles["profiles"][1]["id"], "my-flow");
    let told = home.run(&["template", "use", "ai-codin"]).failed(3);
    assert!(told.contains("did you mean `ai-coding`?"), "{told}");
    let told = home.run(&["template", "use", "ai-coding"]).failed(1);
    assert!(told.contains("already"), "{told}");
}

#[test]
fn an_application_is_connected_to_a_profile() {
    let home = Home::new();
    let entry = |home: &Home| -> Value {
        let text = std::fs::read_to_string(home.path(".cursor/mcp.json")).unwrap();
        let file: Value = serde_json::from_str(&text).unwrap();
        file["mcpServers"]["portolan"].clone()
    };
    home.run(&[
        "profile",
        "create",
        "--name",
        "work",
        "--server",
        "time",
        "--connect",
        "cursor",
    ])
    .ok();
    assert_eq!(
        entry(&home)["args"],
        json!(["gateway", "run", "--profile", "work"])
    );
    // Nothing is made where the application is not known.
    let told = home
        .run(&["profile", "create", "--name", "other", "--connect", "cursr"])
        .failed(3);
    assert!(told.contains("did you mean cursor"), "{told}");
    home.run(&["profile", "show", "other"]).failed(3);
    let told = home
        .run(&["client", "connect", "cursor", "--profile", "wrok"])
        .failed(3);
    assert!(told.contains("did you mean `work`?"), "{told}");
    let words = [
        "client",
        "connect",
        "cursor",
        "--profile",
        "work",
        "--transport",
        "http",
        "--quiet",
    ];
    let done = home.run(&words);
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("", ""));
    done.ok();
    assert_eq!(entry(&home)["url"], "http://127.0.0.1:8811/mcp/p/work");
}
