//! `portolan catalog server add`

use crate::catalogs;
use crate::error::Failure;
use crate::own_catalogs::{change, put};
use crate::server_uri;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Put servers into a catalog of your own, or renew those that are in it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which catalog
    #[arg(value_name = "CATALOG")]
    catalog: String,
    /// A server: NAME, catalog://CATALOG/SERVER+SERVER, docker://IMAGE, file://PATH or a URL (repeatable)
    #[arg(long, value_name = "SERVER", required = true)]
    server: Vec<String>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let all = catalogs::all(&here);
    let mut entries = Vec::new();
    for word in &args.server {
        entries.extend(server_uri::entries(ui, &all, word)?);
    }
    let done = change(ui, &here, &args.catalog, |catalog| {
        Ok(put(catalog, entries.clone()))
    })?;
    for (name, is_new) in done {
        let word = if is_new { "added to" } else { "renewed in" };
        let line = Line::new().put(Label::Name, name);
        ui.note(&line.text(format!(" {word} {}", args.catalog)));
    }
    super::super::tell_waiting(ui, &entries);
    Ok(())
}
