//! What all checks look at, read once.

use catalog::Entry;
use config::{Env, Loaded};

use crate::applications::{self, Application};
use crate::choice::Choice;
use crate::error::Failure;
use crate::load;
use crate::running::{self, Gateway, Status};
use crate::surroundings::Surroundings;

/// A gateway that runs, and what it says of its servers.
type Asked = (Gateway, Result<Vec<Status>, Failure>);

/// See the module.
pub(super) struct Scene {
    pub(super) here: Surroundings,
    /// Whether to mend what can be mended without harm.
    pub(super) is_fixing: bool,
    pub(super) loaded: Loaded,
    /// The servers that a gateway without further words would have.
    pub(super) entries: Vec<Entry>,
    pub(super) applications: Vec<Application>,
    /// What runs, and what it says of its servers; the registry may be of no use.
    pub(super) gateways: Result<Vec<Asked>, Failure>,
}

impl Scene {
    pub(super) fn new(is_fixing: bool) -> Result<Self, Failure> {
        let here = Surroundings::of_process()?;
        let choice = Choice::default();
        let loaded = load::read(&here, &choice, &[]);
        let entries = load::meant(loaded.entries.clone(), &choice);
        let gateways = running::list().map(|all| {
            let asked = |gateway: Gateway| {
                let servers = running::statuses(&gateway);
                (gateway, servers)
            };
            all.into_iter().map(asked).collect()
        });
        Ok(Self {
            applications: applications::all(&here, false),
            is_fixing,
            entries: entries
                .into_iter()
                .filter(|entry| !entry.disabled)
                .collect(),
            loaded,
            gateways,
            here,
        })
    }

    /// Those that run.
    pub(super) fn running(&self) -> impl Iterator<Item = &Gateway> {
        self.gateways.iter().flatten().map(|(gateway, _)| gateway)
    }
}

/// Where a program lies, as whoever starts it would find it.
pub(super) fn on_path(env: &Env, program: &str) -> Option<std::path::PathBuf> {
    let is_program = |path: &std::path::PathBuf| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(path)
            .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return Some(std::path::PathBuf::from(program)).filter(is_program);
    }
    let path = env.os("PATH")?;
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(is_program)
}
