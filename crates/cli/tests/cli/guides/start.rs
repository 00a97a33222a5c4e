//! `docs/guide/start.md`

use super::play::{Guide, says};

#[test]
fn start() {
    let mut guide = Guide::open("docs/guide/start.md");
    guide.without_boxes();
    let servers = r#"{"mcpServers": {"files": {"command": "any-server", "args": ["read_file"]}}}"#;
    guide.home.write(".cursor/mcp.json", servers);
    guide.on("portolan demo", says("3 calls answered"));
    guide.on(
        "portolan tools ls --config ~/.cursor/mcp.json",
        says("read_file"),
    );
    guide.on(
        "portolan tools call read_file path=README.md --config ~/.cursor/mcp.json",
        says(r#"{"path":"README.md"}"#),
    );
    guide.on(
        "portolan gateway run --config ~/.cursor/mcp.json --dry-run",
        says("files"),
    );
    guide.play();
}
