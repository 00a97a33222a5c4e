//! `docs/guide/isolation.md`

use super::play::{Guide, says};

#[test]
fn isolation() {
    let mut guide = Guide::open("docs/guide/isolation.md");
    guide.configured(&["github"]);
    let _gateway = guide.home.listen(&[]);
    guide.stands_for("NAME", "github");
    guide.on("portolan server inspect NAME", says("github"));
    guide.on("portolan server allow NAME", says("api.example.com"));
    guide.play();
}
