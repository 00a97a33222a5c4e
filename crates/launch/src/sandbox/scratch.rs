//! A private folder on the machine's disk, for boxes that cannot have one in memory. Removed with the box.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// A new folder that only we may enter.
    pub(super) fn make() -> io::Result<Self> {
        let parent = std::env::temp_dir().canonicalize()?;
        let me = std::process::id();
        for n in 0..100 {
            let path = parent.join(format!("portolan-box-{me}-{n}"));
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
