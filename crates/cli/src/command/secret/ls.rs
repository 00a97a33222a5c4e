//! `portolan secret ls`

use serde::Serialize;

use super::{failed, store};
use crate::error::Failure;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Table, Ui};

/// List the names of the secrets that are set
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

#[derive(Serialize)]
struct Listing {
    store: String,
    secrets: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    name: String,
}

pub(crate) fn run(ui: &Ui, _: &Args) -> Result<(), Failure> {
    let store = store(&Surroundings::of_process()?);
    let names = store.names().map_err(|error| failed(&error))?;
    let listing = Listing {
        store: store.path().display().to_string(),
        secrets: names
            .iter()
            .map(|name| Listed {
                name: name.to_string(),
            })
            .collect(),
    };
    ui.value(&listing, |ui| show(ui, &listing))
}

fn show(ui: &Ui, listing: &Listing) {
    if listing.secrets.is_empty() {
        let said = "No secrets are set; `portolan secret set NAME` sets one.";
        ui.note(&Line::new().put(Label::Dim, said));
        return;
    }
    let mut table = Table::new(&["secret"]).whole();
    for secret in &listing.secrets {
        table.row([(Label::Name, secret.name.clone())]);
    }
    ui.table(&table);
    ui.note(&Line::new().put(Label::Dim, format!("They lie in {}", listing.store)));
}
