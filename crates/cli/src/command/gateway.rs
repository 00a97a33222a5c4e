//! `portolan gateway …`

pub(super) mod run;

use clap::Subcommand;

use crate::error::Failure;
use crate::ui::Ui;

/// Run the gateway
#[derive(Debug, Subcommand)]
pub(crate) enum Gateway {
    /// Run the gateway until its client leaves, or until Ctrl-C
    Run(Box<run::Args>),
}

impl Gateway {
    pub(super) fn run(self, ui: &Ui) -> Result<(), Failure> {
        match self {
            Self::Run(args) => run::run(ui, &args),
        }
    }
}
