//! `portolan catalog server ls`

use catalog::Entry;

use super::super::show;
use crate::catalogs;
use crate::error::Failure;
use crate::own_catalogs;
use crate::surroundings::Surroundings;
use crate::ui::Ui;

/// List the servers of a catalog
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which catalog
    #[arg(value_name = "CATALOG")]
    catalog: String,
    /// Only those with name=TEXT in their names (repeatable)
    #[arg(long, value_name = "name=TEXT", value_parser = filter)]
    filter: Vec<String>,
}

fn filter(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some(("name", name)) => Ok(name.to_lowercase()),
        _ => Err("write name=TEXT".to_owned()),
    }
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let all = catalogs::all(&Surroundings::of_process()?);
    let catalog = own_catalogs::get(&all, &args.catalog)?;
    catalogs::tell(ui, &catalog.problems);
    let is_meant = |entry: &&Entry| {
        let name = entry.name.as_str().to_lowercase();
        args.filter.iter().all(|part| name.contains(part))
    };
    let entries: Vec<Entry> = catalog.entries.iter().filter(is_meant).cloned().collect();
    show::servers(ui, &entries, &Default::default())
}
