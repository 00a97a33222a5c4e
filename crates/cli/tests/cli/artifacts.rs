//! Profiles and catalogs in a registry of images.

use serde_json::{Value, json};

use super::home::{BINARY, Home, Piped, initialize, tool_names};
use super::image_registry::Registry;

const PROFILE: &str = "application/vnd.docker.mcp.profile.v1+json";
const CATALOG: &str = "application/vnd.docker.mcp.catalog.v1+json";

/// What a gateway that runs with a profile offers.
fn served(home: &Home, profile: &str) -> Vec<String> {
    let mut command = home.command(&["gateway", "run", "--profile", profile]);
    command.env("PORTOLAN_DYNAMIC_TOOLS", "false");
    let mut client = Piped::new(command);
    client.ask(&initialize());
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    let list = client.ask(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}));
    tool_names(&list).into_iter().map(str::to_owned).collect()
}

#[test]
fn a_profile_that_was_pushed_serves_the_same_tools_in_another_home() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let home = Home::unboxed();
    let ours = format!(
        "catalog: ours\nservers:\n  sums: {{command: {BINARY}, args: [__demo-server], env: {{WORD: '{{{{word}}}}'}}, tools: [get-sum, echo, count-up], config: {{word: {{type: string}}}}, secrets: [{{env: KEY, name: sums.key}}]}}\n"
    );
    home.write("portolan/catalogs/ours.yaml", &ours);
    home.run(&["profile", "create", "--name", "Work", "--server", "sums"])
        .ok();
    home.run(&["profile", "tools", "work", "--disable", "sums.echo"])
        .ok();
    home.run(&["profile", "config", "work", "--set", "sums.word=hello"])
        .ok();
    home.run(&["server", "enable", "sums", "--profile", "work"])
        .ok();
    home.run_with(&["secret", "set", "sums.key"], "hunter2\n")
        .ok();
    let wanted = served(&home, "work");
    assert_eq!(wanted, ["count-up", "get-sum"]);

    let at = registry.named("team/work:1");
    let pushed = home.run(&["profile", "push", "work", &at, "--format", "json"]);
    assert!(
        pushed.stderr.contains("only Portolan can read sums"),
        "{pushed:#?}"
    );
    let pushed = pushed.json();
    assert_eq!(pushed["ref"], at);

    let other = Home::unboxed();
    let pulled = other.run(&["profile", "pull", &at]);
    assert!(
        pulled.stderr.contains("work imported with 1 server"),
        "{pulled:#?}"
    );
    assert!(
        pulled
            .stderr
            .contains("portolan server enable sums --profile work"),
        "{pulled:#?}"
    );
    pulled.ok();
    // It is somebody else's text there: nothing starts, and no secret is given, before that is said.
    let shown = other
        .run(&["profile", "show", "work", "--format", "json"])
        .json();
    let origin = &shown["servers"]["sums"]["origin"];
    assert_eq!(*origin, json!({"kind": "oci", "from": at}));
    other
        .run_with(&["secret", "set", "sums.key"], "theirs\n")
        .ok();
    assert_eq!(served(&other, "work"), [""; 0]);
    other
        .run(&["server", "enable", "sums", "--profile", "work"])
        .ok();
    assert_eq!(served(&other, "work"), wanted);
    // By its digest, it is this one and no other.
    let pinned = format!(
        "{}@{}",
        registry.named("team/work"),
        pushed["digest"].as_str().unwrap()
    );
    let told = other.run(&["profile", "pull", &pinned]).failed(1);
    assert!(told.contains("--force"), "{told}");
    other
        .run(&["profile", "pull", &pinned, "--id", "pinned"])
        .ok();
    // Where a catalog has the very same server, it is known.
    home.run(&["profile", "pull", &at, "--force"]).ok();
    let shown = home
        .run(&["profile", "show", "work", "--format", "json"])
        .json();
    assert_eq!(shown["servers"]["sums"]["origin"]["kind"], "catalog");
}

#[test]
fn catalogs_are_pushed_and_pulled_and_renewed() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let home = Home::new();
    let at = registry.named("team/ours:1");
    home.run(&[
        "catalog",
        "create",
        &at,
        "--title",
        "Ours",
        "--server",
        "time",
        "--server",
        "docker://acme/notes:1",
    ])
    .ok();
    home.run(&["catalog", "push", &at]).ok();
    let other = Home::new();
    let pulled = other
        .run(&[
            "catalog",
            "pull",
            &at,
            "--approve",
            "notes",
            "--format",
            "json",
        ])
        .json();
    assert_eq!(
        (&pulled["catalog"], &pulled["servers"]),
        (&json!("ours"), &json!(2))
    );
    let listed = other.run(&["catalog", "ls", "--format", "json"]).json();
    assert_eq!(
        (
            &listed["catalogs"][1]["origin"],
            &listed["catalogs"][1]["title"]
        ),
        (&json!("oci"), &json!("Ours"))
    );
    let servers = |word: &str, more: &[&str]| -> Vec<Value> {
        let words = [&["catalog", "show", word, "--format", "json"], more].concat();
        let shown = other.run(&words).json();
        shown["servers"].as_array().unwrap().clone()
    };
    assert_eq!(servers(&at, &[]).len(), 2);
    home.run(&["catalog", "server", "add", "ours", "--server", "fetch"])
        .ok();
    home.run(&["catalog", "push", "ours"]).ok();
    assert_eq!(servers("ours", &["--pull", "missing"]).len(), 2);
    assert_eq!(servers("ours", &["--pull", "exists@1h"]).len(), 2);
    let renewed = servers("ours", &["--pull", "exists"]);
    assert_eq!(renewed.len(), 3);
    // What was approved is still the same.
    let notes = renewed.iter().find(|one| one["name"] == "notes").unwrap();
    assert_eq!(
        (&notes["trust"], &notes["needs"]),
        (&json!("oci"), &json!([]))
    );
    let third = Home::new();
    let told = third.run(&["catalog", "show", &at]).failed(3);
    assert!(
        told.contains(&format!("portolan catalog pull {at}")),
        "{told}"
    );
    third
        .run(&["catalog", "show", &at, "--pull", "missing"])
        .ok();
}

#[test]
fn what_docker_pushed_is_pulled_and_what_is_none_is_told() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let home = Home::new();
    let snapshot = json!({"name": "notes", "type": "server", "image": "acme/notes:1", "title": "Notes", "description": "Keeps notes.",
        "command": ["--dir={{notes.dir}}"], "volumes": ["/srv:/srv"], "secrets": [{"name": "notes.token", "env": "TOKEN"}],
        "config": [{"name": "notes", "type": "object", "properties": {"dir": {"type": "string"}}}]});
    let server = json!({"type": "image", "image": "acme/notes:1", "config": {"dir": "/x"}, "secrets": "default", "tools": ["read"],
        "catalog_ref": "mcp/docker-mcp-catalog", "snapshot": {"server": snapshot}});
    let remote = json!({"type": "remote", "endpoint": "https://far.example/mcp", "snapshot": {"server": {"name": "far", "type": "remote",
        "title": "Far", "remote": {"url": "https://far.example/mcp", "transport_type": "streamable-http"}}}});
    let profile = json!({"version": 1, "id": "team", "name": "Team", "servers": [server, remote],
        "secrets": {"default": {"provider": "docker-desktop-store"}}});
    registry.artifact("their/team", "1", PROFILE, &profile.to_string());
    home.run(&["profile", "pull", &registry.named("their/team:1")])
        .ok();
    let shown = home
        .run(&["profile", "show", "team", "--format", "json"])
        .json();
    let notes = &shown["servers"]["notes"];
    assert_eq!(
        (&notes["config"], &notes["tools"]),
        (&json!({"dir": "/x"}), &json!(["read"]))
    );
    assert_eq!(notes["entry"]["image"], "acme/notes:1");
    assert_eq!(
        shown["servers"]["far"]["entry"]["url"],
        "https://far.example/mcp"
    );

    let catalog = json!({"title": "Theirs", "servers": [{"type": "image", "image": "acme/notes:1", "snapshot": {"server": snapshot}}]});
    registry.artifact("their/catalog", "1", CATALOG, &catalog.to_string());
    let pulled = home
        .run(&[
            "catalog",
            "pull",
            &registry.named("their/catalog:1"),
            "--format",
            "json",
        ])
        .json();
    assert_eq!(
        pulled["refused"][0]["concerns"][0],
        "it would see `/srv` of this machine"
    );

    let later = PROFILE.replace("v1", "v2");
    registry.artifact("their/later", "1", &later, "{}");
    registry.artifact(
        "their/newer",
        "1",
        PROFILE,
        &profile
            .to_string()
            .replace("\"version\":1", "\"version\":2"),
    );
    registry.artifact(
        "their/odd",
        "1",
        CATALOG,
        "{\"mcpServers\": {\"a\": {\"command\": \"x\"}}}",
    );
    registry.artifact("their/broken", "1", PROFILE, "{");
    let list = |kind: &str, name: &str| {
        let at = registry.named(name);
        home.run(&[kind, "pull", &at])
    };
    for (kind, name, code, part) in [
        (
            "profile",
            "their/catalog:1",
            1,
            "this is a catalog and no profile",
        ),
        (
            "catalog",
            "their/team:1",
            1,
            "this is a profile and no catalog",
        ),
        ("profile", "their/later:1", 1, "a version that is not known"),
        ("profile", "their/newer:1", 64, "only version 1"),
        ("catalog", "their/odd:1", 64, "its document is a mcpServers"),
        ("profile", "their/broken:1", 64, "not valid JSON"),
        ("profile", "their/none:1", 3, "nothing of that name"),
        ("profile", "a b", 2, "no name of an image"),
    ] {
        let told = list(kind, name).failed(code);
        assert!(told.contains(part), "{name}: {told}");
    }
    let address = registry.address.clone();
    drop(registry);
    let told = home
        .run(&["profile", "pull", &format!("{address}/a/b:1")])
        .failed(1);
    assert!(
        told.contains("cannot be used") && told.contains("try again"),
        "{told}"
    );
}

#[test]
fn nothing_leaves_that_looks_like_a_credential() {
    let home = Home::new();
    let token = ["ghp_", &"a1B2".repeat(9)].concat();
    let text = format!(
        "catalog: ours\nref: 127.0.0.1:1/ours:1\nservers: {{a: {{image: i, env: {{T: {token}}}}}}}\n"
    );
    home.write("portolan/catalogs/ours.yaml", &text);
    let told = home.run(&["catalog", "push", "ours"]).failed(5);
    assert!(
        told.contains("nothing was pushed") && !told.contains(&token),
        "{told}"
    );
    let told = home.run(&["catalog", "push", "ours", "--force"]).failed(1);
    assert!(told.contains("cannot be used"), "{told}");
    home.run(&["catalog", "create", "plain"]).ok();
    let told = home.run(&["catalog", "push", "plain"]).failed(1);
    assert!(
        told.contains("portolan catalog tag plain registry.example/team/plain:1"),
        "{told}"
    );
}
