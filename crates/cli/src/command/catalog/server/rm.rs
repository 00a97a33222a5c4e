//! `portolan catalog server rm`

use crate::error::Failure;
use crate::own_catalogs::{change, server};
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Take servers out of a catalog of your own
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which catalog
    #[arg(value_name = "CATALOG")]
    catalog: String,
    /// A server (repeatable)
    #[arg(long, value_name = "SERVER", required = true)]
    name: Vec<String>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    change(ui, &here, &args.catalog, |catalog| {
        for name in &args.name {
            server(catalog, name)?;
            catalog.entries.retain(|entry| entry.name != name.as_str());
        }
        Ok(())
    })?;
    for name in &args.name {
        let line = Line::new().put(Label::Name, name.clone());
        ui.note(&line.text(format!(" removed from {}", args.catalog)));
    }
    Ok(())
}
