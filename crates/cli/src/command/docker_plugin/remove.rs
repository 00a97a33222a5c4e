//! `portolan docker-plugin rm`

use std::fs;

use super::{Done, Occupant, Place, unwritten};
use crate::error::{Failure, Kind};
use crate::surroundings::Surroundings;
use crate::ui::Ui;

/// Take this program out of Docker's folder of plugins, and put back what was there before
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(ui: &Ui, _args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let place = Place::find(&here)?;
    let changed = match place.occupant()? {
        Occupant::Nobody => false,
        Occupant::Other => {
            let message = format!("{} is another program", place.file.display());
            return Err(Failure::new(Kind::Failed, message)
                .hint("it was not installed by `portolan docker-plugin install`, so it stays"));
        }
        Occupant::This | Occupant::AnotherPortolan => true,
    };
    let was_there = place.former.symlink_metadata().is_ok();
    let gone = match (changed, was_there) {
        (true, true) => fs::rename(&place.former, &place.file),
        (true, false) => fs::remove_file(&place.file),
        (false, _) => Ok(()),
    };
    gone.map_err(|error| unwritten(&place.file, &error))?;
    let done = Done {
        file: place.file,
        changed,
        next: None,
    };
    done.tell(
        ui,
        match (changed, was_there) {
            (true, true) => "is what it was before",
            (true, false) => "is gone",
            (false, _) => "was not there",
        },
    )
}
