//! `portolan client disconnect CLIENT`

use super::{Done, Which, app, failed, file};
use crate::error::Failure;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Take the gateway out of the file of an application: the file is what it was
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let app = app(&args.which.client)?;
    let file = file(&here, app, args.which.global)?;
    let Which { name, dry_run, .. } = &args.which;
    let change = clients::disconnect(&here.dirs, app, &file.path, name, *dry_run)
        .map_err(|error| failed(&error))?;
    let mut done = Done::new(app, &file, change, *dry_run);
    // What follows is about an entry that has come.
    let reload = app.reload.split(';').next();
    done.next = reload
        .filter(|_| done.changed && !dry_run)
        .map(str::to_owned);
    ui.value(&done, |ui| {
        let said = match (done.changed, dry_run) {
            (false, _) => " was not connected",
            (true, true) => " would be disconnected",
            (true, false) => " is disconnected",
        };
        done.tell(
            ui,
            Line::new().put(Label::Name, app.title.clone()).text(said),
        );
    })
}
