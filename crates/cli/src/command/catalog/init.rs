//! `portolan catalog init`: there is nothing to begin with. The catalog inside the program is there at once, so this says what there is.

use serde::Serialize;

use crate::catalogs;
use crate::error::Failure;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui, counted};

/// Say which catalogs there are to begin with
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

#[derive(Serialize)]
struct Done {
    catalogs: Vec<Known>,
}

#[derive(Serialize)]
struct Known {
    name: String,
    servers: usize,
}

pub(crate) fn run(ui: &Ui, _: &Args) -> Result<(), Failure> {
    let all = catalogs::all(&Surroundings::of_process()?);
    let known = all.iter().map(|catalog| Known {
        name: catalog.name.clone(),
        servers: catalog.entries.len(),
    });
    let done = Done {
        catalogs: known.collect(),
    };
    ui.value(&done, |ui| {
        for one in &done.catalogs {
            let line = Line::new().put(Label::Name, one.name.clone());
            ui.note(&line.text(format!(" is there, with {}", counted(one.servers, "server"))));
        }
        let next = "`portolan catalog search WORDS` finds servers, `portolan catalog pull REF` gets more catalogs";
        ui.note(&Line::new().put(Label::Hint, "next: ").text(next));
    })
}
