//! `portolan secret …`: the secrets that servers get, kept encrypted. No command prints a value.

mod ls;
mod rm;
mod set;

use clap::Subcommand;
use secrets::{SecretName, Store, StoreError};

use crate::error::{Failure, Kind};
use crate::surroundings::Surroundings;
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
}

impl Secret {
    pub(super) fn run(self, ui: &Ui) -> Result<(), Failure> {
        match self {
            Self::Set(args) => set::run(ui, &args),
            Self::Ls(args) => ls::run(ui, &args),
            Self::Rm(args) => rm::run(ui, &args),
        }
    }
}

fn store(around: &Surroundings) -> Store {
    Store::in_folder(&around.dirs.state)
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
