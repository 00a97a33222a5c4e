//! `portolan profile ls`

use serde::Serialize;

use crate::catalogs;
use crate::error::Failure;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Table, Ui};

/// List the profiles
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

#[derive(Serialize)]
struct Listed {
    id: String,
    title: Option<String>,
    servers: Vec<String>,
    problems: usize,
}

#[derive(Serialize)]
struct Listing {
    profiles: Vec<Listed>,
}

pub(crate) fn run(ui: &Ui, _args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let mut listing = Listing {
        profiles: Vec::new(),
    };
    for name in config::profile_names(&here.dirs) {
        let profile = match config::load_profile(&here.dirs, &name) {
            Ok(Some(profile)) => profile,
            // Removed meanwhile.
            Ok(None) => continue,
            Err(problem) => catalog::Profile {
                problems: vec![problem],
                ..catalog::Profile::new(&name)
            },
        };
        catalogs::tell(ui, &profile.problems);
        listing.profiles.push(Listed {
            servers: profile.names().map(str::to_owned).collect(),
            problems: profile.problems.len(),
            id: profile.name,
            title: profile.title,
        });
    }
    if listing.profiles.is_empty() {
        let hint = "no profiles; make one: portolan profile create --name NAME --server SERVER";
        ui.note(&Line::new().text(hint));
    }
    ui.value(&listing, |ui| {
        let mut table = Table::new(&["profile", "servers", "title"]);
        for one in &listing.profiles {
            table.row(vec![
                (Label::Name, one.id.clone()),
                (Label::Plain, one.servers.join(", ")),
                (Label::Dim, one.title.clone().unwrap_or_default()),
            ]);
        }
        if !listing.profiles.is_empty() {
            ui.table(&table);
        }
    })
}
