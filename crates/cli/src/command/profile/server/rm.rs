//! `portolan profile server rm`

use crate::error::Failure;
use crate::profiles;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Take servers out of a profile
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which profile
    #[arg(value_name = "ID")]
    id: String,
    /// A server (repeatable)
    #[arg(long, value_name = "SERVER", required = true)]
    name: Vec<String>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    profiles::change(&here, &args.id, |profile| {
        for name in &args.name {
            let at = profile.names().position(|known| known == name);
            let at = at.ok_or_else(|| profiles::no_server(profile, name))?;
            profile.servers.remove(at);
        }
        Ok(())
    })?;
    for name in &args.name {
        let line = Line::new().put(Label::Name, name.clone());
        ui.note(&line.text(format!(" removed from {}", args.id)));
    }
    Ok(())
}
