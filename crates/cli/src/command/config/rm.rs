//! `portolan config rm`

use catalog::Catalogs;
use config::change_server_config;
use serde_json::json;

use super::failed;
use crate::catalogs;
use crate::error::{Failure, Kind};
use crate::server_config::{split, take};
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Remove a value, or all of a server
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A server, or one of its keys
    #[arg(value_name = "SERVER[.KEY]")]
    at: String,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let all = Catalogs::merge(catalogs::all(&here));
    let removed = change_server_config(&here.dirs, |config| {
        if config.remove(&args.at).is_some() {
            return true;
        }
        let Ok((server, key)) = split(&args.at, "SERVER.KEY", |name| all.get(name).is_some())
        else {
            return false;
        };
        config
            .get_mut(&server)
            .is_some_and(|config| take(config, &key))
    })
    .map_err(|p| failed(&p))?;
    if !removed {
        return Err(
            Failure::new(Kind::NotFound, format!("nothing is set for `{}`", args.at))
                .hint("`portolan config read` shows what is"),
        );
    }
    let line = Line::new().put(Label::Name, args.at.clone());
    ui.done(&json!({"removed": args.at}), &line.text(" removed"))
}
