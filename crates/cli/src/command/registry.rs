//! `portolan registry …`: documents of registries of servers.

mod convert;

use clap::Subcommand;

use crate::error::Failure;
use crate::ui::Ui;

/// Work with documents of registries of servers
#[derive(Debug, Subcommand)]
pub(crate) enum Registry {
    /// Print what a server.json is as a catalog
    Convert(convert::Args),
}

impl Registry {
    pub(super) fn run(self, ui: &Ui) -> Result<(), Failure> {
        match self {
            Self::Convert(args) => convert::run(ui, &args),
        }
    }
}
