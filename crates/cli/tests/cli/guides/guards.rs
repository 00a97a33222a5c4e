//! `docs/guide/guards.md`

use super::play::{Guide, says};

#[test]
fn guards() {
    let mut guide = Guide::open("docs/guide/guards.md");
    guide.without_boxes();
    let config = "[servers.github]\ncommand = \"any-server\"\nargs = [\"create_issue\"]\n";
    guide.home.write("portolan/config.toml", config);
    // A tool changes between two looks at it.
    for about in ["writes an issue", "writes an issue, and sends it"] {
        guide.home.write("about", about);
        guide.runs("portolan tools ls");
    }
    guide.on(
        "portolan tools pins",
        says("+ writes an issue, and sends it"),
    );
    guide.play_to("portolan gateway run --pin hold");
    let pins = guide.home.run(&["tools", "pins", "--format", "json"]);
    assert_eq!(pins.json(), serde_json::json!([]));
    guide.play();
}
