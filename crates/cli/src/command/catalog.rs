//! `portolan catalog …`: the servers that can be found and added.

mod import;
mod ls;
mod search;
mod show;
mod validate;

use clap::Subcommand;

use crate::error::Failure;
use crate::ui::Ui;

/// Look after the catalogs of servers
#[derive(Debug, Subcommand)]
pub(crate) enum Catalog {
    /// List the catalogs
    #[command(visible_alias = "list")]
    Ls(ls::Args),
    /// Show the servers of a catalog, or everything about one server
    Show(show::Args),
    /// Find servers by what is to be done, as an agent does
    Search(search::Args),
    /// Read a catalog of any form and keep it as one of your own
    Import(import::Args),
    /// Check files with servers, and change nothing
    Validate(validate::Args),
}

impl Catalog {
    pub(super) fn run(self, ui: &Ui) -> Result<(), Failure> {
        match self {
            Self::Ls(args) => ls::run(ui, &args),
            Self::Show(args) => show::run(ui, &args),
            Self::Search(args) => search::run(ui, &args),
            Self::Import(args) => import::run(ui, &args),
            Self::Validate(args) => validate::run(ui, &args),
        }
    }
}
