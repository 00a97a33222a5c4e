//! `portolan profile push`

use fetch::images::ArtifactKind;

use crate::artifacts::{self, Pushing};
use crate::error::Failure;
use crate::profiles;
use crate::surroundings::Surroundings;
use crate::ui::Ui;

/// Push a profile into a registry of images; configuration and references to secrets go with it, secrets do not
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which one
    #[arg(value_name = "ID")]
    id: String,
    /// Where to, such as registry.example/team/work:1
    #[arg(value_name = "REF")]
    reference: String,
    #[command(flatten)]
    pushing: Pushing,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let profile = profiles::get(&here, &args.id)?;
    // What was not understood would be missing there.
    if let Some(problem) = profile.problems.first() {
        return Err(profiles::failed(problem));
    }
    let artifact = catalog::profile_artifact(&profile);
    let (kind, pushing) = (ArtifactKind::Profile, &args.pushing);
    artifacts::push(ui, &here, &args.reference, kind, &artifact, pushing)
}
