//! `docs/guide/shared.md`

use super::play::{Guide, says};

#[test]
fn shared() {
    let mut guide = Guide::open("docs/guide/shared.md");
    std::fs::create_dir_all(guide.home.path(".config/systemd/user")).unwrap();
    guide.on("portolan up", says("runs at http://127.0.0.1:"));
    guide.on("portolan status", says("http://127.0.0.1:"));
    guide.on("portolan down", says("is stopped"));
    let unit = guide.home.path(".config/systemd/user/portolan.service");
    guide.play_to("systemctl --user enable --now portolan");
    let unit = std::fs::read_to_string(unit).unwrap();
    assert!(unit.contains(" up --foreground\n"), "{unit}");
    guide.play();
}
