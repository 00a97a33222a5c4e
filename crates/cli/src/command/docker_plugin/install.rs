//! `portolan docker-plugin install`

use std::path::Path;
use std::{fs, io};

use super::{Done, Occupant, Place, own, unwritten};
use crate::error::{Failure, Kind};
use crate::surroundings::Surroundings;
use crate::ui::Ui;

/// Put this program into Docker's folder of plugins, as `docker mcp`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Take the place of another `docker mcp`, which is kept and put back by `docker-plugin rm`
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let place = Place::find(&here)?;
    let occupant = place.occupant()?;
    match occupant {
        Occupant::Other if !args.force => {
            let message = format!("{} is another program", place.file.display());
            return Err(Failure::new(Kind::Failed, message).hint(
                "--force takes its place; it is kept, and `portolan docker-plugin rm` puts it back",
            ));
        }
        Occupant::Nobody | Occupant::This | Occupant::AnotherPortolan | Occupant::Other => {}
    }
    let changed = occupant != Occupant::This;
    if changed {
        put(&place, occupant, &own()?).map_err(|error| unwritten(&place.file, &error))?;
    }
    let done = Done {
        file: place.file,
        changed,
        next: Some("try `docker mcp --help`".to_owned()),
    };
    done.tell(
        ui,
        match changed {
            true => "is this program now",
            false => "is this program already",
        },
    )
}

fn put(place: &Place, occupant: Occupant, own: &Path) -> io::Result<()> {
    if let Some(folder) = place.file.parent() {
        fs::create_dir_all(folder)?;
    }
    // Beside its place first, so that there is a plugin at every moment.
    let fresh = place.file.with_file_name(".docker-mcp.new");
    let _ = fs::remove_file(&fresh);
    link(own, &fresh)?;
    if occupant == Occupant::Other {
        fs::rename(&place.file, &place.former)?;
    }
    fs::rename(&fresh, &place.file)
}

#[cfg(unix)]
fn link(own: &Path, fresh: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(own, fresh)
}

#[cfg(not(unix))]
fn link(own: &Path, fresh: &Path) -> io::Result<()> {
    fs::copy(own, fresh).map(|_| ())
}
