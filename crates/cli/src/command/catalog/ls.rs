//! `portolan catalog ls`

use serde::Serialize;

use crate::catalogs;
use crate::error::Failure;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Table, Ui};

/// List the catalogs, weakest first: of servers with one name the last is used
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

#[derive(Serialize)]
struct Listed {
    name: String,
    title: Option<String>,
    r#ref: Option<String>,
    origin: &'static str,
    from: String,
    servers: usize,
    shadowed: usize,
    problems: usize,
}

#[derive(Serialize)]
struct Listing {
    catalogs: Vec<Listed>,
}

pub(crate) fn run(ui: &Ui, _args: &Args) -> Result<(), Failure> {
    let all = catalogs::all(&Surroundings::of_process()?);
    let merged = catalog::Catalogs::merge(all.iter().cloned());
    let listed = all.iter().map(|catalog| Listed {
        name: catalog.name.clone(),
        title: catalog.title.clone(),
        r#ref: catalog.reference.clone(),
        origin: catalog.origin.trust(),
        from: catalog::shown_url(catalog.origin.from()),
        servers: catalog.entries.len(),
        shadowed: merged
            .shadowed()
            .iter()
            .filter(|s| s.hidden == catalog.name)
            .count(),
        problems: catalog.problems.len(),
    });
    let listing = Listing {
        catalogs: listed.collect(),
    };
    for catalog in &all {
        catalogs::tell(ui, &catalog.problems);
    }
    ui.value(&listing, |ui| {
        let mut table = Table::new(&["catalog", "servers", "not used", "origin", "title"]).whole();
        for one in &listing.catalogs {
            table.row(vec![
                (Label::Name, one.name.clone()),
                (Label::Plain, one.servers.to_string()),
                (
                    Label::Plain,
                    if one.shadowed > 0 {
                        one.shadowed.to_string()
                    } else {
                        String::new()
                    },
                ),
                (Label::Dim, origin(one)),
                (Label::Plain, one.title.clone().unwrap_or_default()),
            ]);
        }
        ui.table(&table);
    })
}

fn origin(one: &Listed) -> String {
    match one.origin {
        "built-in" | "catalog" => one.origin.to_owned(),
        kind => format!("{kind} {}", one.from),
    }
}
