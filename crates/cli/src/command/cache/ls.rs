//! `portolan cache ls`

use launch::Shelf;

use super::{of_all, show};
use crate::error::Failure;
use crate::surroundings::Surroundings;
use crate::ui::Ui;

/// List what is kept, how large it is, and when it was used last
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(ui: &Ui, _: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let all = of_all(&here, Shelf::list);
    ui.value(&all, |ui| show(ui, &all, "Nothing is kept."))
}
