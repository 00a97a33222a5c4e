//! The temporary home of a demo: made for us alone, removed at the end.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::error::{Failure, Kind};

/// Dropping it removes it.
pub(super) struct Home(PathBuf);

impl Home {
    pub(super) fn new() -> Result<Self, Failure> {
        let parent = std::env::temp_dir();
        let clock = jiff::Timestamp::now().subsec_nanosecond();
        for attempt in 0..100 {
            let path = parent.join(format!(
                "portolan-demo-{}-{clock}-{attempt}",
                std::process::id()
            ));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(failure(&parent).because(&e)),
            }
        }
        Err(failure(&parent))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn failure(parent: &Path) -> Failure {
    Failure::new(
        Kind::Failed,
        format!("cannot make a folder below {}", parent.display()),
    )
}
