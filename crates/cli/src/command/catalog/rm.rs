//! `portolan catalog rm`

use catalog::ServerName;

use crate::catalogs;
use crate::error::Failure;
use crate::own_catalogs;
use crate::profiles;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Remove catalogs of your own; profiles keep the servers that they have of them
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which ones
    #[arg(value_name = "CATALOG", required = true)]
    catalogs: Vec<String>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let all = catalogs::all(&here);
    // All or none: who mistypes the second has not meant the first alone.
    let names = args
        .catalogs
        .iter()
        .map(|word| own_catalogs::own(&all, word));
    let names: Vec<ServerName> = names.collect::<Result<_, _>>()?;
    for name in names {
        config::remove_catalog(&here.dirs, &name).map_err(|problem| profiles::failed(&problem))?;
        ui.note(
            &Line::new()
                .put(Label::Name, name.to_string())
                .text(" removed"),
        );
    }
    Ok(())
}
