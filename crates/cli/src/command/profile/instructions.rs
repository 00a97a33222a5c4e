//! `portolan profile manual-instructions ID`

use super::super::client::instructions::show;
use crate::error::Failure;
use crate::ui::Ui;

/// Show what to write by hand to connect an application to a profile
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which profile
    #[arg(value_name = "ID")]
    id: String,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    show(ui, None, Some(&args.id))
}
