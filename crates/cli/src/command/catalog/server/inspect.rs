//! `portolan catalog server inspect`

use super::super::show;
use crate::catalogs;
use crate::error::Failure;
use crate::own_catalogs;
use crate::surroundings::Surroundings;
use crate::ui::Ui;

/// Show everything about a server of a catalog
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which catalog
    #[arg(value_name = "CATALOG")]
    catalog: String,
    /// Which server
    #[arg(value_name = "SERVER")]
    server: String,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let all = catalogs::all(&Surroundings::of_process()?);
    let catalog = own_catalogs::get(&all, &args.catalog)?;
    show::server(
        ui,
        own_catalogs::server(catalog, &args.server)?,
        &Default::default(),
    )
}
