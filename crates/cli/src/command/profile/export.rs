//! `portolan profile export`

use std::path::PathBuf;

use crate::error::{Failure, Kind};
use crate::profiles;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Write a profile to a file, to be imported elsewhere; references to secrets are in it, secrets are not
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which one
    #[arg(value_name = "ID")]
    id: String,
    /// Where to: JSON where it ends in `.json`, else YAML
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let profile = profiles::get(&here, &args.id)?;
    // What was not understood would be missing there.
    if let Some(problem) = profile.problems.first() {
        return Err(profiles::failed(problem));
    }
    let is_json = args.file.extension().is_some_and(|kind| kind == "json");
    let text = match is_json {
        true => serde_json::to_string_pretty(&profile)
            .map(|text| text + "\n")
            .map_err(|error| Failure::internal("the profile cannot be written as JSON", error)),
        false => catalog::write_profile(&profile)
            .map_err(|error| Failure::internal("the profile cannot be written as YAML", error)),
    }?;
    if args.file.exists() && !args.force {
        let message = format!("there is a file {} already", args.file.display());
        return Err(Failure::new(Kind::Failed, message).hint("--force replaces it"));
    }
    config::write_atomic(&args.file, text.as_bytes(), 0o600).map_err(|error| {
        let message = format!("cannot write {}", args.file.display());
        Failure::new(Kind::Failed, message).because(&error)
    })?;
    let line = Line::new().put(Label::Name, profile.name);
    ui.note(&line.text(format!(" exported to {}", args.file.display())));
    Ok(())
}
