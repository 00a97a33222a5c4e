//! `docs/guide/servers.md`

use super::play::{Guide, says};

#[test]
fn servers() {
    let mut guide = Guide::open("docs/guide/servers.md");
    guide.on("portolan cache ls", says("Nothing"));
    guide.play();
}
