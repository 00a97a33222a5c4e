//! `portolan config set`

use catalog::{Catalogs, ServerName, set_config_value};
use config::{change_server_config, load_server_config};
use serde_json::json;

use super::failed;
use crate::catalogs::{self, Chosen};
use crate::choice::CatalogChoice;
use crate::error::Failure;
use crate::server_config::{check, split, value_of};
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Set a value: SERVER.KEY VALUE, the value as JSON or as text
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portolan config set filesystem.paths '[\"/home/me/notes\"]'
  portolan config set weather.units metric")]
pub(crate) struct Args {
    /// Which server and key, with dots between them
    #[arg(value_name = "SERVER.KEY")]
    at: String,

    /// The value
    #[arg(value_name = "VALUE")]
    value: String,

    #[command(flatten)]
    catalogs: CatalogChoice,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    catalogs::check(&args.catalogs)?;
    let chosen = Chosen::begin(&here, &args.catalogs).patient(ui);
    let all = Catalogs::merge(catalogs::chosen(&here, &chosen));
    let (server, key) = split(&args.at, "SERVER.KEY", |name| all.get(name).is_some())?;
    let name = ServerName::new(&server).map_err(|e| Failure::usage(e.to_string()))?;
    let entry = all.get(name.as_str());
    let value = value_of(&args.value, entry, &key);
    let mut config = load_server_config(&here.dirs)
        .map_err(|p| failed(&p))?
        .remove(&server)
        .unwrap_or_default();
    set_config_value(&mut config, &key, value.clone());
    if let Some(entry) = entry {
        check(entry, &config, &key)?;
    }
    change_server_config(&here.dirs, |all| {
        set_config_value(all.entry(server.clone()).or_default(), &key, value.clone());
    })
    .map_err(|p| failed(&p))?;
    if entry.is_none() {
        ui.warn(
            &format!("no catalog has a server `{server}`; the value is kept all the same"),
            &[],
        );
    }
    let line = Line::new().put(Label::Name, format!("{server}.{key}"));
    let facts = json!({"server": server, "key": key, "value": value});
    ui.done(&facts, &line.text(" is set"))
}
