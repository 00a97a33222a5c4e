//! What this process was given beside its command line: environment, folders, the working folder.

use std::path::PathBuf;

use config::env::{CI, CLICOLOR_FORCE, NO_COLOR, TERM};
use config::{Dirs, Env};

use crate::choice::{Choice, SecretPlace};
use crate::error::{Failure, Kind};
use crate::ui::Terminal;

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
}

impl Surroundings {
    /// Those of this process.
    pub(crate) fn of_process() -> Result<Self, Failure> {
        let env = Env::process();
        let dirs = Dirs::from_env(&env).map_err(|e| {
            Failure::new(Kind::Config, "no place for configuration and state").because(&e)
        })?;
        Ok(Self {
            env,
            dirs,
            cwd: std::env::current_dir().ok(),
            secrets: vec![SecretPlace::Store],
        })
    }

    /// The same, as these flags have it.
    pub(crate) fn of_choice(choice: &Choice) -> Result<Self, Failure> {
        Ok(Self {
            secrets: choice.secret_places(),
            ..Self::of_process()?
        })
    }
}

/// What the environment says about terminals.
pub(crate) fn terminal(env: &Env) -> Terminal {
    Terminal {
        no_color: env.filled(NO_COLOR).is_some() || env.filled(CI).is_some(),
        force_color: env.filled(CLICOLOR_FORCE).is_some_and(|value| value != "0"),
        is_dumb: env.text(TERM).is_some_and(|term| term == "dumb"),
    }
}
