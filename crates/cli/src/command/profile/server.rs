//! `portolan profile server …`: the servers of a profile.

pub(super) mod add;
mod ls;
mod rm;

use clap::Subcommand;

use crate::error::Failure;
use crate::ui::Ui;

/// Put servers into a profile, or take them out
#[derive(Debug, Subcommand)]
pub(crate) enum Server {
    /// Put servers in, or renew the snapshots of those that are in it
    Add(add::Args),
    /// Take servers out
    #[command(visible_alias = "remove")]
    Rm(rm::Args),
    /// List the servers of all profiles
    #[command(visible_alias = "list")]
    Ls(ls::Args),
}

impl Server {
    pub(super) fn run(self, ui: &Ui) -> Result<(), Failure> {
        match self {
            Self::Add(args) => add::run(ui, &args),
            Self::Rm(args) => rm::run(ui, &args),
            Self::Ls(args) => ls::run(ui, &args),
        }
    }
}
