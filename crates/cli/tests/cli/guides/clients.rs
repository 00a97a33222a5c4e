//! `docs/guide/clients.md`

use super::play::{Guide, says};

#[test]
fn clients() {
    let mut guide = Guide::open("docs/guide/clients.md");
    let before = "{ \"mcpServers\": {} } // mine\n";
    guide.home.write(".cursor/mcp.json", before);
    guide.on("portolan client ls", says("cursor"));
    guide.play_to("portolan client disconnect cursor");
    let read = |name| std::fs::read_to_string(guide.home.path(name)).unwrap();
    assert!(read(".cursor/mcp.json").contains("portolan"));
    assert!(read(".codex/config.toml").contains("portolan"));
    let disconnect = guide.next().output().unwrap();
    assert!(disconnect.status.success(), "{disconnect:?}");
    let after = std::fs::read_to_string(guide.home.path(".cursor/mcp.json"));
    assert_eq!(after.unwrap(), before, "byte for byte");
    guide.play();
}
