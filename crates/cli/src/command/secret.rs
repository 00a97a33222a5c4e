//! `portolan secret …`: the secrets that servers get, kept encrypted. No command but `export` gives a value, and that shows none on a
//! terminal.

mod export;
mod ls;
mod passphrase;
mod rm;
mod set;

use clap::Subcommand;
use secrets::{SecretName, StoreError};

use crate::error::{Failure, Kind};
use crate::profiles;
use crate::surroundings::{FOLDERS_HINT, Surroundings};
use crate::tool::did_you_mean;
use crate::ui::Ui;

/// Keep the secrets that servers need
#[derive(Debug, Subcommand)]
pub(crate) enum Secret {
    /// Set a secret; its value is asked for, or read from stdin
    Set(set::Args),
    /// List the names of the secrets that are set
    #[command(visible_alias = "list")]
    Ls(ls::Args),
    /// Remove secrets
    #[command(visible_alias = "remove")]
    Rm(rm::Args),
    /// Write secrets into a file, or a pipe, as lines NAME=VALUE
    Export(export::Args),
    /// Lock the secrets with a passphrase, or take it off
    #[command(subcommand)]
    Passphrase(passphrase::Passphrase),
}

impl Secret {
    pub(super) fn run(self, ui: &Ui) -> Result<(), Failure> {
        match self {
            Self::Set(args) => set::run(ui, &args),
            Self::Ls(args) => ls::run(ui, &args),
            Self::Rm(args) => rm::run(ui, &args),
            Self::Export(args) => export::run(ui, &args),
            Self::Passphrase(command) => command.run(ui),
        }
    }
}

/// That our folder cannot be used.
fn no_folder(here: &Surroundings, error: &std::io::Error) -> Failure {
    let what = format!("{} cannot be used", here.dirs.state.display());
    Failure::new(Kind::Failed, what)
        .because(error)
        .hint(FOLDERS_HINT)
}

/// Whose secrets are meant.
#[derive(Debug, Default, clap::Args)]
struct Scope {
    /// Those of this profile alone, which count more than the others where it is used
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,
}

impl Scope {
    /// What a secret is called in the store. The profile need not be there yet.
    fn name(&self, name: &str) -> Result<SecretName, Failure> {
        let name = parse(name)?;
        let Some(profile) = &self.profile else {
            return Ok(name);
        };
        let profile = profiles::name(profile)?;
        name.in_profile(profile.as_str())
            .map_err(|error| Failure::usage(error.to_string()))
    }

    /// Whether a secret is among those that are meant where none is named.
    fn has(&self, name: &SecretName) -> bool {
        match &self.profile {
            Some(profile) => name.profile() == Some(profile),
            None => true,
        }
    }
}

fn parse(name: &str) -> Result<SecretName, Failure> {
    SecretName::new(name).map_err(|error| Failure::usage(error.to_string()))
}

fn failed(error: &StoreError) -> Failure {
    Failure::new(Kind::Failed, "the secrets cannot be used").because(error)
}

fn unknown(name: &SecretName, known: &[SecretName]) -> Failure {
    Failure::new(Kind::NotFound, format!("no secret `{name}` is set"))
        .hints_from(did_you_mean(
            name.as_str(),
            known.iter().map(SecretName::as_str),
        ))
        .hint("`portolan secret ls` shows them all")
}
