//! A private folder on the machine's disk, for boxes that cannot have one in memory. Removed with the box.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

const NAME: &str = "portolan-box-";

#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// A new folder that only we may enter.
    pub(super) fn make() -> io::Result<Self> {
        let parent = std::env::temp_dir().canonicalize()?;
        let me = std::process::id();
        sweep(&parent);
        for n in 0..100 {
            let path = parent.join(format!("{NAME}{me}-{n}"));
            match DirBuilder::new().mode(0o700).create(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => return made.map(|()| Self(path)),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Removes the folders of guards of ours that were killed.
fn sweep(parent: &Path) {
    let me = rustix::process::geteuid().as_raw();
    for folder in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = folder.file_name();
        let owner = name
            .to_str()
            .and_then(|name| name.strip_prefix(NAME)?.split('-').next());
        let is_ours = || {
            folder
                .metadata()
                .is_ok_and(|of| of.is_dir() && of.uid() == me)
        };
        if owner.is_some_and(|owner| !Path::new("/proc").join(owner).exists()) && is_ours() {
            let _ = fs::remove_dir_all(folder.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_go_with_their_owner_and_those_of_the_dead_with_the_next_one() {
        let dir = tempfile::tempdir().unwrap();
        let dead = dir.path().join(format!("{NAME}999999999-0"));
        let alive = dir.path().join(format!("{NAME}{}-0", std::process::id()));
        for folder in [&dead, &alive] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("file"), "").unwrap();
        }
        sweep(dir.path());
        assert!(!dead.exists() && alive.exists());

        let scratch = Scratch::make().unwrap();
        let path = scratch.path().to_owned();
        fs::write(path.join("file"), "").unwrap();
        drop(scratch);
        assert!(!path.exists());
    }
}
