//! What boxes are made with, and what an entry declares for its own.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use catalog::Entry;
use serde::{Deserialize, Serialize};

use super::Level;
use crate::limits::{BOX_CPUS, BOX_MEMORY_BYTES, BOX_OPEN_FILES, BOX_PROCESSES, BOX_SCRATCH_BYTES};

/// What a [`SandboxLauncher`](super::SandboxLauncher) makes boxes with.
#[derive(Clone)]
pub struct SandboxOptions {
    /// Our own program, whose hidden command `__guard` calls `guard::main`; `/proc/self/exe` is it even after an
    /// update has replaced the file.
    pub program: PathBuf,
    /// Our environment. Servers see the harmless part of it.
    pub environment: Vec<(OsString, OsString)>,
    /// What each box may use.
    pub limits: BoxLimits,
    /// Whether servers start where no isolation is possible.
    pub allow_unsandboxed: bool,
    /// No better level than this is used.
    pub at_most: Level,
    /// What an entry declares beyond its command.
    pub declared: Declares,
}

/// Tells what an entry declares.
pub type Declares = Arc<dyn Fn(&Entry) -> Result<Declared, VolumeError> + Send + Sync>;

impl SandboxOptions {
    /// With this process' own environment, the usual limits, and entries that declare nothing.
    #[must_use]
    pub fn inherited(program: PathBuf) -> Self {
        Self {
            program,
            environment: std::env::vars_os().collect(),
            limits: BoxLimits::default(),
            allow_unsandboxed: false,
            at_most: Level::Namespaces,
            declared: Arc::new(|_| Ok(Declared::default())),
        }
    }
}

/// Values of the environment are not printed.
impl fmt::Debug for SandboxOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxOptions")
            .field("program", &self.program)
            .field("limits", &self.limits)
            .field("allow_unsandboxed", &self.allow_unsandboxed)
            .field("at_most", &self.at_most)
            .finish_non_exhaustive()
    }
}

/// What a box may use.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BoxLimits {
    /// Memory of all its processes together, with what they keep in their private folders.
    pub memory_bytes: u64,
    /// Processes and threads at once.
    pub processes: u32,
    /// Processors, in thousandths of one.
    pub cpu_millis: u32,
    /// Open files of each process.
    pub open_files: u32,
    /// What the private home and `/tmp` can hold, each.
    pub scratch_bytes: u64,
}

impl Default for BoxLimits {
    fn default() -> Self {
        Self {
            memory_bytes: BOX_MEMORY_BYTES,
            processes: BOX_PROCESSES,
            cpu_millis: BOX_CPUS * 1000,
            open_files: BOX_OPEN_FILES,
            scratch_bytes: BOX_SCRATCH_BYTES,
        }
    }
}

/// What an entry declares for its box.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declared {
    /// Files and folders of the machine, at the same path inside.
    pub volumes: Vec<Volume>,
    /// The way out: `None` is no network at all. With a port, a listener on `127.0.0.1:PORT` of the box is handed to
    /// whoever launched, for a proxy, and the usual variables of the server's environment name it.
    pub proxy_port: Option<u16>,
}

/// A file or folder of the machine that a server may see, or change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Absolute.
    pub path: PathBuf,
    /// Whether it may be changed.
    pub writable: bool,
}

/// What is wrong with a volume.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VolumeError {
    /// Not from the root.
    #[error("volume \"{0}\" is not an absolute path")]
    Relative(String),
    /// The whole machine, or a part of it that is no file.
    #[error("volume \"{}\" is never shared", .0.display())]
    Never(PathBuf),
}

/// `/folder`, or `/folder:rw` for one to write in. `:ro` may be said too.
impl FromStr for Volume {
    type Err = VolumeError;

    fn from_str(text: &str) -> Result<Self, VolumeError> {
        let (path, writable) = match (text.strip_suffix(":rw"), text.strip_suffix(":ro")) {
            (Some(path), _) => (path, true),
            (None, Some(path)) => (path, false),
            (None, None) => (text, false),
        };
        if !path.starts_with('/') {
            return Err(VolumeError::Relative(path.to_owned()));
        }
        let path: PathBuf = Path::new(path).components().collect();
        let of_the_system = ["/proc", "/sys", "/dev"]
            .iter()
            .any(|system| path.starts_with(system));
        if path == Path::new("/") || of_the_system {
            return Err(VolumeError::Never(path));
        }
        Ok(Self { path, writable })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_read_only_unless_they_say_so() {
        let volume = |text: &str| text.parse::<Volume>();
        let of = |path: &str, writable| {
            Ok(Volume {
                path: path.into(),
                writable,
            })
        };
        assert_eq!(volume("/a/b"), of("/a/b", false));
        assert_eq!(volume("/a/b/:rw"), of("/a/b", true));
        assert_eq!(volume("/a:b:ro"), of("/a:b", false));
        for refused in ["a:rw", "", "/", "//", "/:rw", "/proc/1", "/sys", "/dev/sda"] {
            assert!(volume(refused).is_err(), "{refused}");
        }
    }
}
