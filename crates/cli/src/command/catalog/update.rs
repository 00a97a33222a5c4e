//! `portolan catalog update`: what came from elsewhere is got again from there.

use catalog::{Catalog, Origin};
use serde::Serialize;

use super::import::{How, Imported, Source, take};
use crate::error::{Failure, Kind};
use crate::own_catalogs;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui, counted};

/// Get catalogs again from where they came from; what was approved and is still the same stays approved
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which ones [default: all that came from an address or a registry]
    #[arg(value_name = "CATALOG")]
    names: Vec<String>,
}

#[derive(Serialize)]
struct Done {
    updated: Vec<Imported>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let all = config::load_catalogs(&here.dirs);
    let meant: Vec<&Catalog> = match args.names.is_empty() {
        true => all.iter().filter(|known| source(known).is_some()).collect(),
        false => {
            let names = args.names.iter();
            names
                .map(|name| own_catalogs::get(&all, name))
                .collect::<Result<_, _>>()?
        }
    };
    let mut updated = Vec::new();
    for catalog in meant {
        let Some(source) = source(catalog) else {
            let message = format!("the catalog `{}` came from nowhere else", catalog.name);
            return Err(Failure::new(Kind::Usage, message)
                .hint("`portolan catalog server add` renews single servers of it"));
        };
        let how = How::called(Some(catalog.name.clone()));
        updated.push(take(ui, &source, &how)?);
    }
    let done = Done { updated };
    ui.value(&done, |ui| {
        if done.updated.is_empty() {
            let said = "No catalog came from elsewhere; the built-in one comes with the program.";
            ui.note(&Line::new().put(Label::Dim, said));
        }
        for one in &done.updated {
            let (name, servers) = one.known();
            let line = Line::new().put(Label::Name, name.to_owned());
            ui.note(&line.text(format!(
                " is up to date, with {}",
                counted(servers, "server")
            )));
        }
    })
}

/// From where it came; a file may be gone or another one by now, so it is imported by hand.
fn source(catalog: &Catalog) -> Option<Source> {
    match &catalog.origin {
        Origin::Url(from) | Origin::Registry(from) => Some(Source::Url(from.to_string())),
        Origin::Oci(from) => Some(Source::Oci(from.to_string())),
        Origin::Own | Origin::Builtin | Origin::Catalog(_) | Origin::File(_) => None,
    }
}
