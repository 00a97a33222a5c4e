//! `docs/guide/interceptors.md`

use super::play::Guide;

#[test]
fn interceptors() {
    let guide = Guide::open("docs/guide/interceptors.md");
    guide.configured(&["demo"]);
    guide.play();
}
