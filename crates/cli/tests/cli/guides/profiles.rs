//! `docs/guide/profiles.md`

use serde_json::json;

use super::super::image_registry::Registry;
use super::play::{Guide, answers, catalog, says};

#[test]
fn profiles() {
    // Where this machine has no registry, the last block has nothing to reach.
    let Some(registry) = Registry::start() else {
        return;
    };
    let mut guide = Guide::open("docs/guide/profiles.md");
    guide.stands_for("registry.example", registry.address.clone());
    guide.catalog("ours", &["github"]);
    guide.home.write("ours.yaml", &catalog(&["charts"]));
    let sum = json!({"a": 2, "b": 40});
    guide.on(
        "portolan gateway run --profile work",
        answers("get-sum", sum, "The sum of 2 and 40 is 42."),
    );
    guide.play_to("portolan gateway run --transport streaming");
    let shown = guide.home.run(&["profile", "show", "work"]).ok();
    for server in ["github", "time", "fetch", "notes", "charts"] {
        assert!(shown.contains(server), "{server}: {shown}");
    }
    guide
        .home
        .write(".cursor/mcp.json", r#"{"mcpServers": {}}"#);
    guide.play_to("portolan profile push work registry.example/team/work:1");
    let entry = std::fs::read_to_string(guide.home.path(".cursor/mcp.json")).unwrap();
    assert!(entry.contains("/mcp/p/work"), "{entry}");
    guide.on(
        "portolan profile push work registry.example/team/work:1",
        says("work"),
    );
    guide.play_to("portolan profile pull registry.example/team/work:1");
    // Elsewhere it is not there yet.
    guide.home.run(&["profile", "rm", "work"]).ok();
    guide.play();
}
