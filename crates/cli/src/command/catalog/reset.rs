//! `portolan catalog reset`: only the catalog inside the program is left.

use serde_json::json;

use crate::error::{Failure, Kind};
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Put all catalogs of your own aside: the built-in one is left
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(ui: &Ui, _: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let folder = here.dirs.catalogs();
    let aside = config::set_aside(&folder).map_err(|error| {
        let message = format!("cannot move {}", folder.display());
        Failure::new(Kind::Failed, message).because(&error)
    })?;
    let line = match &aside {
        Some(aside) => Line::new()
            .text("only the built-in catalog is left; the others lie in ")
            .put(Label::Name, aside.display().to_string()),
        None => Line::new().put(Label::Dim, "There are no catalogs but the built-in one."),
    };
    ui.done(&json!({"aside": aside}), &line)
}
