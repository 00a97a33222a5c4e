//! `portolan secret ls`

use serde::Serialize;

use super::{Scope, failed};
use crate::choice::OlderFormat;
use crate::error::Failure;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Table, Ui};

/// List the names of the secrets that are set
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    scope: Scope,

    #[command(flatten)]
    older: OlderFormat,
}

#[derive(Serialize)]
struct Listing {
    store: String,
    /// Whether a passphrase locks them.
    locked: bool,
    secrets: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    /// As it is kept; of a profile's own, that stands in front.
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let store = Surroundings::of_process()?.secret_store();
    let names = store.names().map_err(|error| failed(&error))?;
    let listing = Listing {
        store: store.path().display().to_string(),
        locked: store.is_locked().map_err(|error| failed(&error))?,
        secrets: names
            .iter()
            .filter(|name| args.scope.has(name))
            .map(|name| Listed {
                name: name.to_string(),
                profile: name.profile().map(str::to_owned),
            })
            .collect(),
    };
    let ui = args.older.of(ui);
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
    let lock = match listing.locked {
        true => ", locked with a passphrase",
        false => "",
    };
    ui.note(&Line::new().put(Label::Dim, format!("They lie in {}{lock}", listing.store)));
}
