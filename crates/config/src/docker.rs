//! Docker's own folders, as far as they are ours to know.

use std::path::PathBuf;

use crate::Env;
use crate::env::{DOCKER_CONFIG, HOME};

/// Where the `docker` command of this person finds its plugins; none if nothing says where the home folder is.
pub fn plugins(env: &Env) -> Option<PathBuf> {
    let folder = env
        .folder(DOCKER_CONFIG)
        .or_else(|| env.folder(HOME).map(|home| home.join(".docker")))?;
    Some(folder.join("cli-plugins"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_says_where() {
        let at = |vars: &[(&str, &str)]| plugins(&Env::of(vars.iter().copied()));
        let home = ("HOME", "/h");
        assert_eq!(at(&[home]), Some("/h/.docker/cli-plugins".into()));
        let own = ("DOCKER_CONFIG", "/d");
        assert_eq!(at(&[home, own]), Some("/d/cli-plugins".into()));
        assert_eq!(at(&[]), None);
    }
}
