//! `docs/guide/dynamic.md`

use super::play::{Guide, catalog, says};

#[test]
fn dynamic() {
    let mut guide = Guide::open("docs/guide/dynamic.md");
    guide.catalog("small", &["github", "time"]);
    let theirs = guide.home.write("notes.yaml", &catalog(&["notes"]));
    guide.home.write("ours.yaml", &catalog(&["notes"]));
    guide.home.run(&["catalog", "import", &theirs]).ok();
    guide.on(
        "portolan catalog search \"create an issue on GitHub\"",
        says("github"),
    );
    guide.on("portolan config read", says("/home/me/notes"));
    guide.play_to("portolan server enable notes");
    guide.on("portolan feature ls", says("dynamic-tools"));
    guide.play();
}
