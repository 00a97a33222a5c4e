//! `portolan catalog export`

use std::path::PathBuf;

use catalog::{Catalog, Entry, Origin, catalog_json, write_catalog};

use crate::catalogs;
use crate::error::{Failure, Kind};
use crate::own_catalogs;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Write a catalog to a file, to be imported elsewhere; what you approved is not in it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which one
    #[arg(value_name = "CATALOG")]
    catalog: String,
    /// Where to: JSON where it ends in `.json`, else YAML
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let all = catalogs::all(&here);
    let catalog = own_catalogs::get(&all, &args.catalog)?;
    // What was not understood would be missing there.
    if let Some(problem) = catalog.problems.iter().find(|problem| problem.is_error()) {
        return Err(crate::profiles::failed(problem));
    }
    let bare = bare(catalog);
    let text = match args.file.extension().is_some_and(|kind| kind == "json") {
        true => catalog_json(&bare)
            .map(|text| text + "\n")
            .map_err(|error| Failure::internal("the catalog cannot be written as JSON", error))?,
        false => write_catalog(&bare, &[])
            .map_err(|error| Failure::internal("the catalog cannot be written as YAML", error))?,
    };
    if args.file.exists() && !args.force {
        let message = format!("there is a file {} already", args.file.display());
        return Err(Failure::new(Kind::Failed, message).hint("--force replaces it"));
    }
    config::write_atomic(&args.file, text.as_bytes(), 0o600).map_err(|error| {
        let message = format!("cannot write {}", args.file.display());
        Failure::new(Kind::Failed, message).because(&error)
    })?;
    let line = Line::new().put(Label::Name, catalog.name.clone());
    ui.note(&line.text(format!(" exported to {}", args.file.display())));
    Ok(())
}

/// Without what is of this home alone: where it came from, and what was approved.
fn bare(catalog: &Catalog) -> Catalog {
    let entries = catalog.entries.iter().map(|entry| Entry {
        origin: Origin::Own,
        is_approved: false,
        ..entry.clone()
    });
    Catalog {
        origin: Origin::Own,
        entries: entries.collect(),
        problems: Vec::new(),
        ..catalog.clone()
    }
}
