//! `portolan registry convert --file FILE`

use std::path::PathBuf;

use catalog::{Catalog, Origin};

use crate::catalogs;
use crate::error::{Failure, Kind};
use crate::format::Format;
use crate::ui::Ui;

/// Print what a server.json is as a catalog, which `catalog import` reads
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The server.json
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let read = catalogs::of_file(&args.file)?;
    catalogs::tell(ui, &read.problems);
    if read.entries.is_empty() {
        let message = format!("there are no servers in {}", args.file.display());
        return Err(Failure::new(Kind::Config, message)
            .hint("a server.json names a server, and its packages or remotes"));
    }
    // Whoever reads it decides anew how far to trust it.
    let catalog = Catalog {
        origin: Origin::Own,
        ..read
    };
    if ui.format() == Format::Json {
        let text = catalog::catalog_json(&catalog)
            .map_err(|error| Failure::internal("the catalog cannot be written as JSON", error))?;
        return ui.raw(&text);
    }
    let text = catalog::write_catalog(&catalog, &[])
        .map_err(|error| Failure::internal("the catalog cannot be written as YAML", error))?;
    ui.document(&text);
    Ok(())
}
