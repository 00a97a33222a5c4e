//! `portolan catalog push`

use fetch::images::ArtifactKind;

use crate::artifacts::{self, Pushing};
use crate::catalogs;
use crate::error::{Failure, Kind};
use crate::own_catalogs;
use crate::profiles;
use crate::surroundings::Surroundings;
use crate::ui::Ui;

/// Push a catalog into a registry of images, to be pulled elsewhere
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which one, by its reference or its name
    #[arg(value_name = "REF|NAME")]
    catalog: String,
    #[command(flatten)]
    pushing: Pushing,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let all = catalogs::all(&here);
    let catalog = own_catalogs::get(&all, &args.catalog)?;
    if let Some(problem) = catalog.problems.iter().find(|problem| problem.is_error()) {
        return Err(profiles::failed(problem));
    }
    let Some(reference) = &catalog.reference else {
        let name = &catalog.name;
        let message = format!("the catalog `{name}` has no reference in a registry yet");
        return Err(Failure::new(Kind::Failed, message).hint(format!(
            "portolan catalog tag {name} registry.example/team/{name}:1"
        )));
    };
    let artifact = catalog::catalog_artifact(catalog);
    let (kind, pushing) = (ArtifactKind::Catalog, &args.pushing);
    artifacts::push(ui, &here, reference, kind, &artifact, pushing)
}
