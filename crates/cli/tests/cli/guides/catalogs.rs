//! `docs/guide/catalogs.md`

use serde_json::json;

use super::super::catalog_url::Site;
use super::super::image_registry::Registry;
use super::play::{Guide, answers, catalog, says};

#[test]
fn catalogs() {
    // Where this machine has no registry, a block has nothing to reach.
    let Some(registry) = Registry::start() else {
        return;
    };
    let page = r#"{"servers": [{"server": {"name": "io.example/files", "description": "Files.", "version": "1.0.0",
        "remotes": [{"type": "streamable-http", "url": "https://h.example/mcp"}]}}], "metadata": {"count": 1}}"#;
    let remote =
        "servers: {charts: {url: 'https://h.example/mcp', description: Draws sea charts.}}\n";
    let site = Site::new(&[("/catalog.yaml", remote)]);
    for query in [
        "search=files",
        "search=files&limit=100",
        "search=files&version=latest&limit=100",
        "search=files&limit=100&version=latest",
    ] {
        site.put(&format!("/v0.1/servers?{query}"), page);
    }
    let mut guide = Guide::open("docs/guide/catalogs.md");
    guide.stands_for("PATH|URL…", "given.yaml");
    guide.stands_for("PATH|URL", "given.yaml");
    guide.stands_for("WORDS", "sea charts");
    guide.stands_for("https://acme.example", site.url(""));
    guide.stands_for("https://registry.example", site.url(""));
    guide.stands_for("registry.example", registry.address.clone());
    guide.home.write("given.yaml", &catalog(&["charts"]));
    guide.home.write("theirs.yaml", &catalog(&["chairs"]));
    guide.on("portolan catalog ls", says("built-in"));
    guide.on("portolan catalog show", says("time"));
    guide.play_to("portolan catalog export ours ours.yaml");
    let shown = guide.home.run(&["catalog", "show", "ours"]).ok();
    for (server, is_in) in [
        ("time", true),
        ("fetch", false),
        ("notes", true),
        ("chairs", true),
    ] {
        assert_eq!(shown.contains(server), is_in, "{server}: {shown}");
    }
    guide.on("portolan catalog push ours", says("team/ours:1"));
    guide.play_to("portolan catalog pull registry.example/team/ours:1");
    // Elsewhere it is not there yet.
    guide.home.run(&["catalog", "rm", "ours"]).ok();
    guide.play_to("portolan gateway run --catalog ./ours.yaml");
    guide.home.write("ours.yaml", &catalog(&["charts"]));
    let finds = |words| answers("mcp-find", json!({"query": "sea charts"}), words);
    guide.on(
        "portolan gateway run --catalog ./ours.yaml",
        finds("\"trust\":\"built-in\""),
    );
    guide.on(
        "portolan gateway run --catalog ./ours.yaml --no-builtin-catalog",
        finds("\"total_matches\":1"),
    );
    guide.on(
        "portolan gateway run --catalog https://acme.example/catalog.yaml",
        finds("Draws sea charts"),
    );
    guide.on(
        "portolan catalog search \"sea charts\" --catalog ./ours.yaml",
        says("charts"),
    );
    guide.on(
        "portolan catalog show https://acme.example/catalog.yaml",
        says("charts"),
    );
    guide.play();
}
