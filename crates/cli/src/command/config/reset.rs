//! `portolan config reset`: servers are configured with nothing.

use serde_json::json;

use crate::error::{Failure, Kind};
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Put aside all that servers are configured with
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(ui: &Ui, _: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let file = here.dirs.server_config_file();
    let aside = config::set_aside(&file).map_err(|error| {
        let message = format!("cannot move {}", file.display());
        Failure::new(Kind::Failed, message).because(&error)
    })?;
    let line = match &aside {
        Some(aside) => Line::new()
            .text("nothing is set any more; what was lies in ")
            .put(Label::Name, aside.display().to_string()),
        None => Line::new().put(Label::Dim, "Nothing was set."),
    };
    ui.done(&json!({"aside": aside}), &line)
}
