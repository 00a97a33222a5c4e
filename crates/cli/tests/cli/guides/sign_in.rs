//! `docs/guide/sign-in.md`

use super::play::{Guide, says};

#[test]
fn sign_in() {
    let mut guide = Guide::open("docs/guide/sign-in.md");
    guide.on("portolan oauth ls", says("Nothing is signed in to"));
    guide.play();
}
