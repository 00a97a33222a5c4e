//! What boxes are made with. What an entry declares for its own is in `declared`.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use catalog::Resources;
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
}

impl SandboxOptions {
    /// With this process' own environment and the usual limits.
    #[must_use]
    pub fn inherited(program: PathBuf) -> Self {
        Self {
            program,
            environment: std::env::vars_os().collect(),
            limits: BoxLimits::default(),
            allow_unsandboxed: false,
            at_most: Level::Namespaces,
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
    /// Memory of all boxes of one gateway together; 0: no limit but that of each. Where no control group holds it, it is
    /// looked at now and then, and the largest box ends.
    pub all_memory_bytes: u64,
}

impl Default for BoxLimits {
    fn default() -> Self {
        Self {
            memory_bytes: BOX_MEMORY_BYTES,
            processes: BOX_PROCESSES,
            cpu_millis: BOX_CPUS * 1000,
            open_files: BOX_OPEN_FILES,
            scratch_bytes: BOX_SCRATCH_BYTES,
            all_memory_bytes: 0,
        }
    }
}

impl BoxLimits {
    /// These, where an entry does not say otherwise.
    pub(crate) fn with(self, said: &Resources) -> Self {
        Self {
            memory_bytes: said.memory.unwrap_or(self.memory_bytes),
            processes: said.pids.unwrap_or(self.processes),
            cpu_millis: said.cpus.map_or(self.cpu_millis, |cpus| {
                ((f64::from(cpus) * 1000.0).round() as u32).max(1)
            }),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_the_last_word_on_its_limits() {
        let usual = BoxLimits::default();
        assert_eq!(usual.with(&Resources::default()), usual);
        let said = Resources {
            memory: Some(64 << 20),
            cpus: Some(0.5),
            pids: Some(9),
        };
        let limits = usual.with(&said);
        assert_eq!(
            (limits.memory_bytes, limits.cpu_millis, limits.processes),
            (64 << 20, 500, 9)
        );
        assert_eq!(limits.open_files, usual.open_files);
    }
}
