//! The older tree of Docker's commands, over files.

use serde_json::{Value, json};

use super::Docker;
use super::run::{SUMS, listed, with_sums};

#[test]
fn catalogs_as_files() {
    let docker = Docker::new();
    let told = docker.run("docker mcp catalog init");
    assert!(told.stderr.contains("built-in is there"), "{told:#?}");
    told.ok();
    docker.run("docker mcp catalog bootstrap mine.yaml").ok();
    docker
        .run("docker mcp catalog bootstrap mine.yaml")
        .failed(1);
    docker.run("docker mcp catalog import mine.yaml").ok();
    docker.run("docker mcp catalog create ours").ok();
    docker
        .run("docker mcp catalog add ours notes mine.yaml")
        .ok();
    docker
        .run("docker mcp catalog add ours notes mine.yaml --force")
        .ok();
    docker.run("docker mcp catalog fork ours copy").ok();
    docker.run("docker mcp catalog export copy out.yaml").ok();
    let text = std::fs::read_to_string(docker.home.path("out.yaml")).unwrap();
    assert!(text.contains("notes:"), "{text}");
    let told = docker.run("docker mcp catalog update ours").failed(2);
    assert!(told.contains("came from nowhere else"), "{told}");
    let done = docker.run("docker mcp catalog reset");
    assert!(done.stderr.contains("catalogs.before-reset"), "{done:#?}");
    done.ok();
    let listed = docker.run("docker mcp catalog ls --format json").json();
    assert_eq!(listed["catalogs"].as_array().unwrap().len(), 1);
    let kept = docker.home.path("portolan/catalogs.before-reset/ours.yaml");
    assert!(kept.exists());
}

#[test]
fn configuration_as_a_file() {
    let docker = Docker::new();
    docker
        .run("docker mcp config write 'sums: {level: 3}'")
        .ok();
    let read = docker.run("docker mcp config read").ok();
    assert_eq!(read, "sums.level = 3\n");
    let read = docker.run("docker mcp config read --format yaml").ok();
    assert_eq!(read, "sums:\n  level: 3\n");
    let told = docker.run("docker mcp config write 'sums: 3'").failed(64);
    assert!(told.contains("must be a table"), "{told}");
    let dump = docker.run("docker mcp config dump").ok();
    let dumped: Value = serde_json::from_str(&dump).unwrap();
    let text = dumped["files"]["servers.yaml"].as_str().unwrap();
    assert!(text.contains("level: 3"), "{dump}");
    let done = docker.run("docker mcp config reset");
    assert!(
        done.stderr.contains("servers.yaml.before-reset"),
        "{done:#?}"
    );
    done.ok();
    let read = docker.run("docker mcp config read --format json").json();
    assert_eq!(read, json!({}));
    docker.run_with("docker mcp config restore", &dump).ok();
    let read = docker.run("docker mcp config read").ok();
    assert_eq!(read, "sums.level = 3\n");
    let told = docker.run("docker mcp config restore nonsense").failed(2);
    assert!(told.contains("config dump"), "{told}");
}

#[test]
fn servers_are_switched_on_and_off() {
    let docker = Docker::with_servers();
    let tools = || listed(&docker, "docker mcp gateway run");
    let nothing: [&str; 0] = [];
    // Leave to start is not all that it means, as it is in the words of our own.
    docker.home.run(&["server", "enable", "sums"]).ok();
    assert_eq!(tools(), nothing);
    let done = docker
        .run("docker mcp server enable sums keyed --format json")
        .json();
    assert_eq!(done["servers"][0]["enabled"], true);
    assert_eq!(tools(), SUMS);
    let shown = docker.run("docker mcp server ls").ok();
    assert!(shown.contains("sums"), "{shown}");
    docker.run("docker mcp server disable keyed").ok();
    let shown = docker.run("docker mcp server list --format json").json();
    let servers = shown["servers"].as_array().unwrap();
    let names: Vec<_> = servers.iter().map(|server| &server["name"]).collect();
    assert_eq!(names, ["sums"]);
    let told = docker.run("docker mcp server inspect sums").failed(4);
    assert!(told.contains("gateway"), "{told}");
    let done = docker.run("docker mcp server reset");
    assert!(
        done.stderr.contains("sums is asked about again"),
        "{done:#?}"
    );
    assert!(!done.stderr.contains("keyed"), "{done:#?}");
    done.ok();
    assert_eq!(tools(), nothing);
    assert_eq!(docker.run("docker mcp server ls").ok(), "");
}

#[test]
fn tools_are_switched_by_their_names() {
    let docker = with_sums();
    let told = docker.run("docker mcp tools disable echo").failed(3);
    assert!(told.contains("there is no profile `default`"), "{told}");
    docker
        .run("docker mcp profile create --name default --server sums --server keyed")
        .ok();
    let offered = || listed(&docker, "docker mcp gateway run");
    assert_eq!(offered(), SUMS);
    docker.run("docker mcp tools disable echo count-up").ok();
    assert_eq!(offered(), ["get-sum"]);
    docker.run("docker mcp tools enable count-up").ok();
    assert_eq!(offered(), ["count-up", "get-sum"]);
    let told = docker.run("docker mcp tools disable get-sum").failed(2);
    assert!(told.contains("--server"), "{told}");
    docker
        .run("docker mcp tools disable get-sum --server keyed")
        .ok();
    let told = docker.run("docker mcp tools enable nothing").failed(3);
    assert!(told.contains("--server"), "{told}");
    let chosen = docker
        .run("docker mcp profile tools default --format json")
        .json();
    assert_eq!(chosen["chosen"][0]["exclude_tools"], json!(["echo"]));
    assert_eq!(chosen["chosen"][1]["exclude_tools"], json!(["get-sum"]));
}
