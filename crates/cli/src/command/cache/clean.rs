//! `portolan cache clean`

use launch::Tidy;

use super::{of_all, show};
use crate::error::Failure;
use crate::surroundings::Surroundings;
use crate::ui::Ui;

/// Remove what nobody has used for 90 days, and the oldest of what is too much; or all that is not in use
///
/// The same happens after each package or image that is fetched. What a running gateway uses stays.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Everything that is not in use; it is fetched again when it is needed
    #[arg(long)]
    all: bool,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let how = if args.all {
        Tidy::Everything
    } else {
        Tidy::Usual
    };
    let gone = of_all(&here, |shelf| shelf.tidy(how));
    ui.value(&gone, |ui| show(ui, &gone, "There was nothing to remove."))
}
