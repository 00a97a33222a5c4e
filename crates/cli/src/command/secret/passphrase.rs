//! `portolan secret passphrase set|rm`: the keys of the secrets and of accounts, locked together.

use clap::Subcommand;
use secrets::Secret;
use serde::Serialize;

use super::{failed, no_folder};
use crate::error::Failure;
use crate::passphrase;
use crate::surroundings::Surroundings;
use crate::ui::{Line, Ui};

/// Lock the secrets with a passphrase, or take it off
#[derive(Debug, Subcommand)]
pub(crate) enum Passphrase {
    /// Set one, or another; it is asked for, or read from stdin
    #[command(after_help = "\
From then on every command that reads secrets asks for it, and a gateway that no terminal is there for reads it from the
file that PORTOLAN_PASSPHRASE_FILE names. Whoever forgets it has lost the secrets.")]
    Set,
    /// Take it off: the key lies in its file again
    #[command(visible_alias = "remove")]
    Rm,
}

#[derive(Serialize)]
struct Done {
    locked: bool,
}

impl Passphrase {
    pub(super) fn run(self, ui: &Ui) -> Result<(), Failure> {
        let here = Surroundings::of_process()?;
        // What cannot be opened is told before a person types anything.
        let stores = [here.secret_store(), here.account_store()];
        for store in &stores {
            store.names().map_err(|error| failed(&error))?;
        }
        let new = match self {
            Self::Set => Some(passphrase::new()?),
            Self::Rm => None,
        };
        for folder in [&here.dirs.state, &here.dirs.accounts()] {
            config::private_dir(folder).map_err(|error| no_folder(&here, &error))?;
        }
        for store in &stores {
            let locked = store.lock_with(new.as_ref());
            locked.map_err(|error| failed(&error))?;
        }
        tell(ui, new.as_ref())
    }
}

fn tell(ui: &Ui, new: Option<&Secret>) -> Result<(), Failure> {
    let done = Done {
        locked: new.is_some(),
    };
    ui.value(&done, |ui| {
        let said = match done.locked {
            true => "The secrets are locked. Gateways that run keep what they have read.",
            false => "The secrets are locked no more.",
        };
        ui.note(&Line::new().text(said));
    })
}
