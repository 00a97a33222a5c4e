//! `portolan client`: files of other applications, edited and restored.

use std::fs;

use serde_json::Value;

use super::home::{BINARY, Home};

const CURSOR: &str =
    "{\n  // mine\n  \"mcpServers\": {\n    \"a\": { \"command\": \"b\" } // last\n  }\n}\n";

fn read(home: &Home, name: &str) -> String {
    fs::read_to_string(home.path(name)).unwrap()
}

#[test]
fn what_stands_beside_comes_behind_the_gateway_by_the_command_that_is_told() {
    let home = Home::new();
    let file = home.write(".cursor/mcp.json", CURSOR);
    let told = home.run(&["client", "connect", "cursor", "--global"]);
    let command = format!("portolan profile create --name default --server {file}");
    assert!(
        told.stderr.contains("Cursor starts a by itself") && told.stderr.contains(&command),
        "{told:#?}"
    );
    let words: Vec<_> = command.split(' ').skip(1).collect();
    let _ = home.run(&words).ok();
    let profile = home.run(&["profile", "show", "default", "--format", "json"]);
    let profile = profile.json();
    let servers = profile["servers"].as_object().unwrap();
    assert_eq!(servers.len(), 1, "the gateway is none of them: {profile}");
    // Where there is one, it is put in there.
    let _ = home.run(&["client", "disconnect", "cursor", "--global"]);
    let told = home.run(&["client", "connect", "cursor", "--global"]);
    let command = format!("portolan profile server add default --server {file}");
    assert!(told.stderr.contains(&command), "{told:#?}");
}

#[test]
fn connect_and_disconnect_leave_the_file_as_it_was() {
    let home = Home::new();
    home.write(".cursor/mcp.json", CURSOR);
    let listed = home.run(&["client", "ls"]);
    assert!(
        listed
            .stderr
            .contains("no client is connected: `portolan client connect cursor`"),
        "{listed:#?}"
    );
    let done = home.run(&["client", "connect", "cursor", "--global"]);
    assert!(done.stderr.contains("Cursor is connected in "), "{done:#?}");
    assert!(
        done.stderr.contains("next: Cursor reads the file again"),
        "{done:#?}"
    );
    let _ = done.ok();
    let text = read(&home, ".cursor/mcp.json");
    assert!(text.contains("// last") && text.contains(BINARY), "{text}");
    let clients = home.run(&["client", "ls", "--format", "json"]).json();
    let cursor = clients
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["client"] == "cursor")
        .unwrap();
    assert_eq!(cursor["state"], "connected");
    assert_eq!(
        cursor["entry"]["args"],
        serde_json::json!(["gateway", "run"])
    );
    let again = home.run(&["client", "connect", "cursor", "--global"]);
    assert!(again.stderr.contains("is connected already"), "{again:#?}");
    let done = home.run(&["client", "disconnect", "cursor", "--global"]);
    assert!(
        done.stderr.contains("Cursor is disconnected in ")
            && done.stderr.contains("reads the file again by itself\n"),
        "{done:#?}"
    );
    assert_eq!(read(&home, ".cursor/mcp.json"), CURSOR);
}

#[test]
fn what_would_reach_nobody_says_so() {
    let home = Home::new();
    home.write(".cursor/mcp.json", CURSOR);
    home.write(
        "more.yaml",
        "catalog: more\nservers: {one: {command: true}}\n",
    );
    let next = "no client is connected: `portolan client connect cursor`";
    let make = |name| home.run(&["profile", "create", "--name", name]);
    let import = |name| {
        let file = home.path("more.yaml").display().to_string();
        home.run(&["catalog", "import", &file, "--name", name])
    };
    for done in [make("one"), import("one")] {
        assert!(done.stderr.contains(next), "{done:#?}");
        let _ = done.ok();
    }
    let _ = home.run(&["client", "connect", "cursor", "--global"]).ok();
    for done in [make("two"), import("two")] {
        assert!(!done.stderr.contains("no client is connected"), "{done:#?}");
        let _ = done.ok();
    }
}

#[test]
fn what_is_connected_can_start_the_gateway() {
    let home = Home::new();
    let _ = home.run(&["client", "connect", "claude-desktop"]).ok();
    let file = home.path(".config/Claude/claude_desktop_config.json");
    let config: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let entry = &config["mcpServers"]["portolan"];
    assert_eq!(entry["command"], BINARY);
    let words: Vec<&str> = entry["args"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| w.as_str().unwrap())
        .collect();
    let hello = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}\n";
    let said = home.run_with(&words, hello).ok();
    assert!(said.contains("\"serverInfo\""), "{said}");
    let _ = home.run(&["client", "disconnect", "claude-desktop"]).ok();
    assert!(!file.parent().unwrap().exists());
}

#[test]
fn a_dry_run_shows_the_difference() {
    let home = Home::new();
    home.write(".codex/config.toml", "model = \"x\" # mine\n");
    let words = [
        "client",
        "connect",
        "codex",
        "--dry-run",
        "--global",
        "--transport",
        "http",
    ];
    let done = home.run(&words);
    assert!(
        done.stdout
            .contains("+[mcp_servers.portolan]\n+url = \"http://127.0.0.1:8811/mcp\"\n"),
        "{done:#?}"
    );
    assert_eq!(read(&home, ".codex/config.toml"), "model = \"x\" # mine\n");
}

#[test]
fn mistakes_say_what_to_do() {
    let home = Home::new();
    home.write(".cursor/mcp.json", "{ \"mcpServers\": { \"a\": } }");
    let broken = home.run(&["client", "connect", "cursor", "--global"]);
    assert_eq!(broken.code, Some(64), "{broken:#?}");
    assert!(broken.stderr.contains("mcp.json:1:24"), "{broken:#?}");
    assert_eq!(
        read(&home, ".cursor/mcp.json"),
        "{ \"mcpServers\": { \"a\": } }"
    );
    let unknown = home.run(&["client", "connect", "curser"]);
    assert_eq!(unknown.code, Some(3));
    assert!(
        unknown.stderr.contains("did you mean cursor?"),
        "{unknown:#?}"
    );
    let http = home.run(&["client", "connect", "claude-desktop", "--transport", "http"]);
    assert_eq!(http.code, Some(2), "{http:#?}");
    let gordon = home.run(&["client", "connect", "gordon"]);
    assert!(gordon.stderr.contains("Docker Desktop"), "{gordon:#?}");
    let name = home.run(&["client", "connect", "cursor", "--name", "a b"]);
    assert_eq!(name.code, Some(2));
}
