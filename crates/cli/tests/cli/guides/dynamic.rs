//! `docs/guide/dynamic.md`

use super::super::home::MENU;
use super::play::{Guide, catalog, lists, says};

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
    let own = [
        "github__count-up",
        "github__echo",
        "github__get-sum",
        "time__count-up",
        "time__echo",
        "time__get-sum",
    ];
    guide.on("portolan gateway run --servers github,time", lists(&own));
    let mut all = MENU.to_vec();
    all.extend(["count-up", "echo", "find-tools", "get-sum"]);
    all.sort_unstable();
    guide.on(
        "portolan gateway run --servers github --dynamic",
        lists(&all),
    );
    guide.play();
}
