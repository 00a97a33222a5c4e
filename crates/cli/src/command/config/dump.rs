//! `portolan config dump` and `portolan config restore`: all that a person has set up, as one document. Secrets are not in it.

use serde_json::json;

use super::write::text_or_stdin;
use crate::error::{Failure, Kind};
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Print all settings, catalogs and profiles as one document, for `config restore`; secrets are not in it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Put back what `config dump` printed; what is not in it stays as it is
#[derive(Debug, clap::Args)]
pub(crate) struct RestoreArgs {
    /// What was printed; without it, or as `-`, stdin is read
    #[arg(value_name = "JSON")]
    text: Option<String>,
}

pub(crate) fn run(ui: &Ui, _: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let dump = config::dump(&here.dirs).map_err(|problem| super::failed(&problem))?;
    let raw = serde_json::to_string(&dump)
        .map_err(|error| Failure::internal("the dump cannot be written as JSON", error))?;
    ui.raw(&raw)
}

pub(crate) fn restore(ui: &Ui, args: &RestoreArgs) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let text = text_or_stdin(args.text.as_deref())?;
    let dump: config::Dump = serde_json::from_str(&text).map_err(|error| {
        Failure::new(Kind::Usage, "that is no dump")
            .because(&error)
            .hint("`portolan config dump > FILE` writes one")
    })?;
    let written = config::restore(&here.dirs, &dump).map_err(|problem| super::failed(&problem))?;
    ui.value(&json!({"files": written}), |ui| {
        for file in &written {
            let line = Line::new().put(Label::Name, file.display().to_string());
            ui.note(&line.text(" is put back"));
        }
    })
}
