//! `portolan server reset`: no server of a catalog may be started without asking any more.

use serde::Serialize;
use store::Store;

use super::everywhere;
use crate::error::Failure;
use crate::person::APPROVALS;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Take back what was allowed of every server: each is asked about again before it is started
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Take them out of the profile `default`, too; `docker mcp` does
    #[arg(long)]
    pub(super) everywhere: bool,
}

#[derive(Serialize)]
struct Done {
    servers: Vec<String>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let file = here.dirs.store_file();
    let failed =
        |error: store::StoreError| Failure::internal("the approvals cannot be taken back", error);
    let mut servers = Vec::new();
    if args.everywhere {
        let out = everywhere::take_out(&here, |_| true)?;
        servers.extend(out.into_iter().map(|entry| entry.name.to_string()));
    }
    // Where there is no store, nothing was approved.
    if file.exists() {
        let mut store = Store::open(&file).map_err(failed)?;
        for (key, name) in store.meta_all(APPROVALS).map_err(failed)? {
            store.meta_remove(&key).map_err(failed)?;
            servers.push(name);
        }
    }
    servers.sort_unstable();
    servers.dedup();
    let done = Done { servers };
    ui.value(&done, |ui| {
        if done.servers.is_empty() {
            ui.note(&Line::new().put(Label::Dim, "Nothing was allowed."));
        }
        for name in &done.servers {
            let line = Line::new().put(Label::Name, name.clone());
            ui.note(&line.text(" is asked about again before it is started"));
        }
    })
}
