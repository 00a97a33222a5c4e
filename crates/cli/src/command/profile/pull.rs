//! `portolan profile pull`: a profile out of a registry is somebody else's text, and believed as little as an imported one.

use catalog::ServerName;

use super::import::keep;
use crate::artifacts;
use crate::catalogs;
use crate::error::Failure;
use crate::profiles;
use crate::surroundings::Surroundings;
use crate::ui::Ui;

/// Pull a profile from a registry of images, and keep it as one of your own
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which one, such as registry.example/team/work:1
    #[arg(value_name = "REF")]
    reference: String,
    /// What it is called here [default: as it calls itself]
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Replace a profile of its name
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let own = args.id.as_deref().map(profiles::name).transpose()?;
    let profile = artifacts::pull_profile(&here, &args.reference)?;
    if profile.servers.is_empty() && !profile.problems.is_empty() {
        return Err(profiles::failed(&profile.problems[0]));
    }
    catalogs::tell(ui, &profile.problems);
    let id = own.or_else(|| ServerName::repaired(&profile.name.to_lowercase()));
    let id = id.ok_or_else(|| {
        Failure::usage("the profile has no name that a file can have").hint("give it one with --id")
    })?;
    keep(ui, &here, profile, &id, args.force)
}
