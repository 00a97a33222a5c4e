//! `portolan caller rm NAME`

use config::callers;
use serde_json::json;

use super::failed;
use crate::error::{Failure, Kind};
use crate::surroundings::Surroundings;
use crate::tool::did_you_mean;
use crate::ui::{Label, Line, Ui};

/// Remove callers: their tokens are worth nothing from now on, also to gateways that run
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The callers
    #[arg(required = true)]
    name: Vec<String>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    for name in &args.name {
        if !callers::remove(&here.dirs, name).map_err(|error| failed(&error))? {
            let known = callers::load(&here.dirs).map_err(|error| failed(&error))?;
            let names = known.callers.iter().map(|caller| caller.name.as_str());
            let said = format!("there is no caller `{name}`");
            return Err(Failure::new(Kind::NotFound, said).hints_from(did_you_mean(name, names)));
        }
    }
    let line = Line::new().put(Label::Name, args.name.join(", "));
    ui.done(&json!({"removed": args.name}), &line.text(" removed"))
}
