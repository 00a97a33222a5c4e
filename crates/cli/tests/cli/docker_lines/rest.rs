//! What is small: features, secrets, accounts, policy, documents of registries, help.

use serde_json::json;

use super::super::home::{BINARY, MENU};
use super::Docker;
use super::run::{Client, SUMS, listed, with_sums};

#[test]
fn help_and_version() {
    let docker = Docker::new();
    let help = docker.run("docker mcp --help").ok();
    assert!(help.contains("Usage: docker mcp"), "{help}");
    let version = docker.run("docker mcp version").ok();
    assert!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");
    // Installed as Docker's own pages have it: a link, or the file itself, where plugins lie.
    let by_hand = Docker::new();
    let plugin = by_hand.home.path(".docker/cli-plugins/docker-mcp");
    std::fs::remove_file(&plugin).unwrap();
    std::fs::hard_link(BINARY, &plugin)
        .or_else(|_| std::fs::copy(BINARY, &plugin).map(drop))
        .unwrap();
    let help = by_hand.run("docker mcp --help").ok();
    assert!(help.contains("Usage: docker mcp"), "{help}");
}

#[test]
fn features_are_switched() {
    let docker = with_sums();
    let is = |name: &str| {
        let shown = docker.run("docker mcp feature ls --format json").json();
        let all = shown.as_array().unwrap().clone();
        all.into_iter().find(|one| one["name"] == name).unwrap()["enabled"].clone()
    };
    let offered = || Client::of_agent(&docker, "docker mcp gateway run").listed();
    assert_eq!(offered(), MENU);
    docker.run("docker mcp feature disable dynamic-tools").ok();
    assert_eq!(is("dynamic-tools"), false);
    let nothing: [&str; 0] = [];
    assert_eq!(offered(), nothing);
    docker.run("docker mcp feature enable dynamic-tools").ok();
    assert_eq!(is("dynamic-tools"), true);
    assert_eq!(offered(), MENU);
    let line = "docker mcp gateway run --servers sums";
    assert_eq!(listed(&docker, line), SUMS);
    docker
        .run("docker mcp feature enable tool-name-prefix")
        .ok();
    assert_eq!(is("tool-name-prefix"), true);
    assert_eq!(
        listed(&docker, line),
        SUMS.map(|tool| format!("sums__{tool}"))
    );
    let shown = docker.run("docker mcp feature list").ok();
    assert!(shown.contains("dynamic-tools"), "{shown}");
    // What is no switch here is what it is, and says so.
    for line in [
        "docker mcp feature enable profiles",
        "docker mcp feature enable mcp-oauth-dcr",
        "docker mcp feature enable oauth-interceptor",
        "docker mcp feature disable use-embeddings",
    ] {
        let done = docker.run(line);
        assert!(done.stderr.contains("is always"), "{line}: {done:#?}");
        done.ok();
    }
    for (line, instead) in [
        ("docker mcp feature enable use-embeddings", "catalog search"),
        (
            "docker mcp feature disable mcp-oauth-dcr",
            "oauth authorize",
        ),
    ] {
        let told = docker.run(line).failed(1);
        assert!(told.contains(instead), "{told}");
    }
}

#[test]
fn secrets_are_kept() {
    let docker = Docker::new();
    docker
        .run("docker mcp secret set github.token=hunter2")
        .ok();
    docker
        .run_with("docker mcp secret set notes.token", "hunter3\n")
        .ok();
    let listed = docker.run("docker mcp secret ls").ok();
    assert!(
        listed.contains("github.token") && !listed.contains("hunter"),
        "{listed}"
    );
    let listed = docker.run("docker mcp secret ls --json").json();
    assert_eq!(listed["secrets"].as_array().unwrap().len(), 2);
    let out = docker.run("docker mcp secret export notes").ok();
    assert!(out.contains("hunter3") && !out.contains("hunter2"), "{out}");
    docker.run("docker mcp secret rm github.token").ok();
    let told = docker.run("docker mcp secret rm --all").failed(2);
    assert!(told.contains("--all --yes"), "{told}");
    docker.run("docker mcp secret rm --all --yes").ok();
    let listed = docker.run("docker mcp secret list --format json").json();
    assert_eq!(listed["secrets"], json!([]));
}

#[test]
fn what_desktop_keeps_says_what_to_do_here() {
    let docker = Docker::new();
    for line in [
        "docker mcp policy set 'github: allow'",
        "docker mcp policy dump",
    ] {
        let told = docker.run(line).failed(1);
        assert!(told.contains("portolan policy check"), "{line}: {told}");
    }
}

#[test]
fn a_server_json_becomes_a_catalog() {
    let docker = Docker::new();
    let text = json!({"name": "io.example/charts", "description": "Draws.", "version": "1.0.0",
        "packages": [{"registryType": "oci", "identifier": "docker.io/acme/charts:1", "transport": {"type": "stdio"}}]});
    docker.home.write("server.json", &text.to_string());
    let shown = docker
        .run("docker mcp registry convert --file server.json")
        .ok();
    assert!(shown.contains("acme/charts:1"), "{shown}");
    docker.home.write("made.yaml", &shown);
    docker.run("docker mcp catalog import made.yaml").ok();
    let listed = docker.run("docker mcp catalog server ls made").ok();
    assert!(listed.contains("charts"), "{listed}");
    docker.home.write("other.json", "{}");
    docker
        .run("docker mcp registry convert --file other.json")
        .failed(64);
}
