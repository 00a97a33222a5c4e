//! `portolan catalog add`

use std::path::PathBuf;

use crate::catalogs;
use crate::error::{Failure, Kind};
use crate::own_catalogs::{change, put, server};
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Copy one server out of a file into a catalog of your own
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which catalog
    #[arg(value_name = "CATALOG")]
    catalog: String,
    /// Which server of the file
    #[arg(value_name = "SERVER")]
    server: String,
    /// The file, of any form that `import` reads
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace a server of its name
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let from = catalogs::of_file(&args.file)?;
    catalogs::tell(ui, &from.problems);
    let entry = server(&from, &args.server)?.clone();
    let done = change(ui, &here, &args.catalog, |catalog| {
        let is_there = catalog.entries.iter().any(|known| known.name == entry.name);
        if is_there && !args.force {
            let message = format!(
                "catalog `{}` has a server `{}` already",
                catalog.name, entry.name
            );
            return Err(Failure::new(Kind::Failed, message).hint("--force replaces it"));
        }
        Ok(put(catalog, vec![entry.clone()]))
    })?;
    for (name, is_new) in done {
        let word = if is_new { "added to" } else { "replaced in" };
        let line = Line::new().put(Label::Name, name);
        ui.note(&line.text(format!(" {word} {}", args.catalog)));
    }
    super::tell_waiting(ui, std::slice::from_ref(&entry));
    Ok(())
}
