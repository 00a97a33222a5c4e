//! `docs/guide/callers.md`

use super::play::{Guide, says};

#[test]
fn callers() {
    let mut guide = Guide::open("docs/guide/callers.md");
    guide.on("portolan caller ls", says("ann"));
    guide.play_to("portolan oauth authorize linear --caller ann");
    let listed = guide.home.run(&["caller", "ls"]).ok();
    assert!(!listed.contains("ci"), "{listed}");
    guide.play();
}
