//! What this process was given beside its command line: environment, folders, the working folder.

use std::path::PathBuf;

use config::env::{CI, CLICOLOR_FORCE, NO_COLOR, TERM};
use config::{Dirs, Env};

use secrets::{Passphrase, Store};

use crate::choice::{Choice, SecretPlace};
use crate::error::{Failure, Kind};
use crate::passphrase;
use crate::ui::{Terminal, Ui};

/// Where we are.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    /// The environment.
    pub(crate) env: Env,
    /// Our folders.
    pub(crate) dirs: Dirs,
    /// The working folder; none if it has been removed under us.
    pub(crate) cwd: Option<PathBuf>,
    /// Where secrets are found by name, in this order.
    pub(crate) secrets: Vec<SecretPlace>,
    /// What opens the keys of stores that are locked.
    pub(crate) passphrase: Passphrase,
}

impl Surroundings {
    /// Those of this process.
    pub(crate) fn of_process() -> Result<Self, Failure> {
        let env = Env::process();
        let dirs = Dirs::from_env(&env).map_err(|e| {
            Failure::new(Kind::Config, "no place for configuration and state").because(&e)
        })?;
        Ok(Self {
            passphrase: passphrase::of(&env),
            env,
            dirs,
            cwd: std::env::current_dir().ok(),
            secrets: vec![SecretPlace::Store],
        })
    }

    /// The secrets of this person.
    pub(crate) fn secret_store(&self) -> Store {
        Store::in_folder(&self.dirs.state).opened_by(self.passphrase.clone())
    }

    /// What is kept of accounts is sealed by a key of its own, which the same passphrase locks.
    pub(crate) fn account_store(&self) -> Store {
        Store::in_folder(&self.dirs.accounts()).opened_by(self.passphrase.clone())
    }

    /// Opens what is locked now, while a person may be there: later nobody can be asked.
    pub(crate) fn open_secrets(&self, ui: &Ui) {
        for store in [self.secret_store(), self.account_store()] {
            let opened = match store.is_locked() {
                Ok(true) => store.names().map(drop),
                other => other.map(drop),
            };
            if let Err(error) = opened {
                let hint =
                    "servers that need a secret do not start until it can be read".to_owned();
                ui.warn(&error.to_string(), &[hint]);
            }
        }
    }

    /// The same, as these flags have it.
    pub(crate) fn of_choice(choice: &Choice) -> Result<Self, Failure> {
        Ok(Self {
            secrets: choice.secret_places(),
            ..Self::of_process()?
        })
    }
}

/// What to do where one of our folders cannot be used.
pub(crate) const FOLDERS_HINT: &str =
    "`portolan doctor` says which of our folders cannot be written; PORTOLAN_HOME moves them all";

/// What the environment says about terminals.
pub(crate) fn terminal(env: &Env) -> Terminal {
    Terminal {
        no_color: env.filled(NO_COLOR).is_some() || env.filled(CI).is_some(),
        force_color: env.filled(CLICOLOR_FORCE).is_some_and(|value| value != "0"),
        is_dumb: env.text(TERM).is_some_and(|term| term == "dumb"),
    }
}
