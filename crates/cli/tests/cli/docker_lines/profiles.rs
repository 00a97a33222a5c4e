//! `docker mcp profile …` and `docker mcp template …`

use serde_json::{Value, json};

use super::super::home::{Piped, initialize, tool_names};
use super::super::image_registry::Registry;
use super::Docker;

/// The tools that a client sees who starts this line, beside the gateway's own.
fn served(docker: &Docker, line: &str) -> Vec<String> {
    let mut command = docker.command(line);
    command.env("PORTOLAN_DYNAMIC_TOOLS", "false");
    let mut client = Piped::new(command);
    client.ask(&initialize());
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    let list = client.ask(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}));
    tool_names(&list).into_iter().map(str::to_owned).collect()
}

#[test]
fn a_profile_is_made_looked_at_and_changed() {
    let docker = Docker::with_servers();
    docker
        .run("docker mcp profile create --name 'My work' --id work --server catalog://small/sums+keyed --connect cursor")
        .ok();
    for line in ["docker mcp profile ls", "docker mcp profile list"] {
        let listed = docker.run(line).ok();
        assert!(
            listed.contains("work") && listed.contains("sums"),
            "{listed}"
        );
    }
    let listed = docker.run("docker mcp profile ls --format json").json();
    assert_eq!(listed["profiles"][0]["title"], "My work");
    let shown = docker.run("docker mcp profile show work").ok();
    assert!(shown.contains("sums") && shown.contains("keyed"), "{shown}");
    let shown = docker.run("docker mcp profile show work --clients").ok();
    assert!(
        shown.contains("cursor is connected to it in") && shown.contains(".cursor/mcp.json"),
        "{shown}"
    );
    let part = docker
        .run("docker mcp profile show work --yq '.servers.sums.entry.tools[0]'")
        .ok();
    assert_eq!(part, "get-sum\n");

    docker
        .run("docker mcp profile config work --set keyed.level=3")
        .ok();
    let got = docker
        .run("docker mcp profile config work --get keyed.level --format json")
        .json();
    assert_eq!(got, json!({"keyed.level": 3}));
    let all = docker
        .run("docker mcp profile config work --get-all --format yaml")
        .ok();
    assert!(all.contains("keyed.level: 3"), "{all}");
    docker
        .run("docker mcp profile config work --del keyed.level")
        .ok();
    docker
        .run("docker mcp profile config work --get keyed.level")
        .failed(3);

    docker
        .run("docker mcp profile tools work --disable sums.echo")
        .ok();
    docker
        .run("docker mcp profile tools work --disable-all sums --enable sums.get-sum")
        .ok();
    let tools = || {
        docker
            .run("docker mcp profile tools work --format json")
            .json()
    };
    assert_eq!(tools()["chosen"][0]["tools"], json!(["get-sum"]));
    docker
        .run("docker mcp profile tools work --enable-all sums")
        .ok();
    assert_eq!(tools()["chosen"][0]["tools"], Value::Null);

    let listed = docker
        .run("docker mcp profile server ls --filter name=sum --filter profile=work --format json")
        .ok();
    assert!(
        listed.contains("sums") && !listed.contains("keyed"),
        "{listed}"
    );
    docker
        .run("docker mcp profile server remove work --name keyed")
        .ok();
    docker
        .run("docker mcp profile server add work --server docker://acme/notes:1")
        .ok();
    docker
        .run("docker mcp profile server rm work --name notes")
        .ok();
    let listed = docker.run("docker mcp profile server list").ok();
    assert!(!listed.contains("notes"), "{listed}");

    docker
        .run("docker mcp server enable sums --profile work")
        .ok();
    assert_eq!(
        served(&docker, "docker mcp gateway run --profile work"),
        ["count-up", "echo", "get-sum"]
    );
    let told = docker
        .run("docker mcp profile manual-instructions work")
        .ok();
    let told: Value = serde_json::from_str(&told).unwrap();
    let args = &told["mcpServers"]["portolan"]["args"];
    assert_eq!(*args, json!(["gateway", "run", "--profile", "work"]));

    docker.run("docker mcp profile export work work.yaml").ok();
    docker.run("docker mcp profile remove work").ok();
    docker.run("docker mcp profile import work.yaml").ok();
    docker.run("docker mcp profile rm work").ok();
    docker.run("docker mcp profile show work").failed(3);
}

#[test]
fn a_profile_goes_through_a_registry() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let mut docker = Docker::with_servers();
    docker.stands_for.push(("REGISTRY", registry.named("team")));
    docker
        .run("docker mcp profile create --name work --server docker://acme/notes:1")
        .ok();
    docker
        .run("docker mcp profile push work REGISTRY/work:1")
        .ok();
    let mut other = Docker::new();
    other.stands_for.clone_from(&docker.stands_for);
    other.run("docker mcp profile pull REGISTRY/work:1").ok();
    let shown = other.run("docker mcp profile show work").ok();
    assert!(shown.contains("notes"), "{shown}");
}

#[test]
fn a_starter_set_becomes_a_profile() {
    let docker = Docker::new();
    let listed = docker.run("docker mcp template list").ok();
    assert!(listed.contains("ai-coding"), "{listed}");
    docker.run("docker mcp template ls --format json").json();
    docker.run("docker mcp template use ai-coding").ok();
    docker
        .run("docker mcp template use dev-workflow --name team --connect cursor")
        .ok();
    docker
        .run("docker mcp profile create --name term --from-template terminal-control")
        .ok();
    let listed = docker.run("docker mcp profile ls --format json").json();
    let ids = listed["profiles"].as_array().unwrap().iter();
    let ids: Vec<_> = ids.map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["ai-coding", "team", "term"]);
    let shown = docker.run("docker mcp profile show team --clients").ok();
    assert!(shown.contains("cursor is connected to it"), "{shown}");
}
