//! `portolan server enable` and `disable`: whether a server of a catalog may be started without asking.

use catalog::{Catalogs, Concern};
use store::Store;

use crate::catalogs::{self, Chosen};
use crate::choice::CatalogChoice;
use crate::error::{Failure, Kind};
use crate::person::approval;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Allow servers of catalogs to be started, or take that back
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which servers
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,

    #[command(flatten)]
    catalogs: CatalogChoice,
}

pub(crate) fn run(ui: &Ui, args: &Args, allow: bool) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    catalogs::check(&args.catalogs)?;
    let chosen = Chosen::begin(&here, &args.catalogs).patient(ui);
    let all = Catalogs::merge(catalogs::chosen(&here, &chosen));
    let mut entries = Vec::new();
    for name in &args.names {
        let Some(entry) = all.get(name) else {
            let near = all.nearest(name, 1);
            let near = near.first().map(|near| format!("did you mean `{near}`?"));
            return Err(
                Failure::new(Kind::NotFound, format!("no catalog has a server `{name}`"))
                    .hints_from(near)
                    .hint(
                        "`portolan catalog search` finds servers; --catalog names a file with more",
                    ),
            );
        };
        entries.push(entry);
    }
    let failed = |error: store::StoreError| Failure::internal("the approval cannot be kept", error);
    config::private_dir(&here.dirs.state)
        .map_err(|error| Failure::internal("the state folder cannot be made", error))?;
    let mut store = Store::open(&here.dirs.store_file()).map_err(failed)?;
    for entry in entries {
        let name = entry.name.as_str();
        let line = Line::new().put(Label::Name, name.to_owned());
        if allow {
            store.meta_put(&approval(entry), name).map_err(failed)?;
            let concerns: Vec<String> = entry
                .concerns(false)
                .iter()
                .map(Concern::to_string)
                .collect();
            let because = match concerns.is_empty() {
                true => String::new(),
                false => format!(", although {}", concerns.join(" and ")),
            };
            ui.note(&line.text(format!(" may be started{because}")));
        } else {
            store.meta_remove(&approval(entry)).map_err(failed)?;
            ui.note(&line.text(" is asked about again before it is started"));
        }
    }
    Ok(())
}
