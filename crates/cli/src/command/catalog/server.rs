//! `portolan catalog server …`: the servers of one catalog.

mod add;
mod inspect;
mod ls;
mod rm;

use clap::Subcommand;

use crate::error::Failure;
use crate::ui::Ui;

/// Look at the servers of one catalog, put some in, or take some out
#[derive(Debug, Subcommand)]
pub(crate) enum Server {
    /// List the servers of a catalog
    #[command(visible_alias = "list")]
    Ls(ls::Args),
    /// Show everything about a server of a catalog
    Inspect(inspect::Args),
    /// Put servers into a catalog of your own, or renew those that are in it
    Add(add::Args),
    /// Take servers out of a catalog of your own
    #[command(visible_alias = "remove")]
    Rm(rm::Args),
}

impl Server {
    pub(super) fn run(self, ui: &Ui) -> Result<(), Failure> {
        match self {
            Self::Ls(args) => ls::run(ui, &args),
            Self::Inspect(args) => inspect::run(ui, &args),
            Self::Add(args) => add::run(ui, &args),
            Self::Rm(args) => rm::run(ui, &args),
        }
    }
}
