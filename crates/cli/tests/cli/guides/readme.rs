//! `README.md`

use super::play::{Guide, says};

#[test]
fn readme() {
    let mut guide = Guide::open("README.md");
    guide
        .home
        .write(".cursor/mcp.json", r#"{"mcpServers": {}}"#);
    guide.on(
        "portolan catalog search \"remember facts about people\"",
        says("memory"),
    );
    guide.play();
}
