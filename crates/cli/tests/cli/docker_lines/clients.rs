//! `docker mcp client …`, and the files that applications have of Docker's gateway.

use serde_json::{Value, json};

use super::Docker;

fn entry(docker: &Docker) -> Value {
    let text = std::fs::read_to_string(docker.home.path(".cursor/mcp.json")).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    file["mcpServers"]["portolan"].clone()
}

#[test]
fn applications_are_connected_and_disconnected() {
    let docker = Docker::with_servers();
    docker
        .run("docker mcp profile create --name work --server sums")
        .ok();
    std::fs::create_dir(docker.home.path(".cursor")).unwrap();
    let listed = docker.run("docker mcp client ls").ok();
    assert!(listed.contains("cursor"), "{listed}");
    for line in [
        "docker mcp client ls --global",
        "docker mcp client list --format yaml",
    ] {
        let listed = docker.run(line).ok();
        assert!(listed.contains("not connected"), "{line}: {listed}");
    }
    let listed = docker.run("docker mcp client ls --json").json();
    assert!(listed.is_array(), "{listed}");
    let done = docker.run("docker mcp client connect cursor --profile work --global --quiet");
    assert_eq!(done.stderr, "");
    done.ok();
    assert_eq!(
        entry(&docker)["args"],
        json!(["gateway", "run", "--profile", "work"])
    );
    docker
        .run("docker mcp client disconnect cursor --global")
        .ok();
    let done = docker.run("docker mcp client connect cursor");
    assert!(done.stderr.contains("is connected in"), "{done:#?}");
    done.ok();
    assert_eq!(entry(&docker)["args"], json!(["gateway", "run"]));
    docker.run("docker mcp client disconnect cursor").ok();
    assert!(!docker.home.path(".cursor/mcp.json").exists());
}

/// Each of Docker's sixteen is known: connected, or told how to.
#[test]
fn every_application_of_dockers_is_known() {
    let docker = Docker::new();
    for line in [
        "docker mcp client connect claude-code",
        "docker mcp client connect claude-desktop",
        "docker mcp client connect cline",
        "docker mcp client connect codex",
        "docker mcp client connect continue",
        "docker mcp client connect crush",
        "docker mcp client connect cursor",
        "docker mcp client connect gemini",
        "docker mcp client connect goose",
        "docker mcp client connect kiro",
        "docker mcp client connect lmstudio",
        "docker mcp client connect opencode",
        "docker mcp client connect sema4",
        "docker mcp client connect vscode",
        "docker mcp client connect zed",
    ] {
        let done = docker.run(line);
        assert!(done.stderr.contains("is connected in"), "{line}: {done:#?}");
        done.ok();
    }
    let told = docker.run("docker mcp client connect gordon").failed(1);
    assert!(told.contains("hint"), "{told}");
}

#[test]
fn what_is_written_by_hand_is_shown() {
    let docker = Docker::new();
    let told = docker.run("docker mcp client manual-instructions");
    assert!(told.stderr.contains("keeps its MCP servers"), "{told:#?}");
    let told: Value = serde_json::from_str(&told.ok()).unwrap();
    let args = &told["mcpServers"]["portolan"]["args"];
    assert_eq!(*args, json!(["gateway", "run"]));
    let told = docker.run("docker mcp client manual-instructions codex");
    assert!(told.stderr.contains(".codex/config.toml"), "{told:#?}");
    assert!(told.ok().contains("[mcp_servers.portolan]"));
}
