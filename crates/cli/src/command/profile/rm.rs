//! `portolan profile rm`

use crate::error::Failure;
use crate::profiles;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Remove profiles
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which ones
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let names = config::profile_names(&here.dirs);
    // All or none: who mistypes the second has not meant the first alone.
    for id in &args.ids {
        if !names.iter().any(|name| *name == id.as_str()) {
            return Err(profiles::unknown(&here, id));
        }
    }
    for id in &args.ids {
        config::remove_profile(&here.dirs, &profiles::name(id)?)
            .map_err(|problem| profiles::failed(&problem))?;
        ui.note(&Line::new().put(Label::Name, id.clone()).text(" removed"));
    }
    Ok(())
}
