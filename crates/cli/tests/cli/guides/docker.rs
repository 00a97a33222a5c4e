//! `docs/guide/docker.md`: its blocks. The lines of its table are played in `docker_lines`.

use super::play::{Guide, says};

#[test]
fn docker() {
    let mut guide = Guide::open("docs/guide/docker.md");
    guide.on("docker mcp --help", says("Usage: docker mcp"));
    guide.play();
}
