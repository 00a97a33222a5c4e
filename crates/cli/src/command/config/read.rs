//! `portolan config read`

use config::{ServerConfig, load_server_config};

use super::failed;
use crate::error::{Failure, Kind};
use crate::surroundings::Surroundings;
use crate::tool::did_you_mean;
use crate::ui::{Label, Line, Ui};

/// Show what servers are configured with
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this server
    #[arg(value_name = "SERVER")]
    server: Option<String>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let mut all: ServerConfig = load_server_config(&here.dirs).map_err(|p| failed(&p))?;
    if let Some(server) = &args.server {
        if !all.contains_key(server) {
            let near = did_you_mean(server, all.keys().map(String::as_str));
            return Err(
                Failure::new(Kind::NotFound, format!("nothing is set for `{server}`"))
                    .hints_from(near)
                    .hint(format!(
                        "set a value: portolan config set {server}.KEY VALUE"
                    )),
            );
        }
        all.retain(|name, _| name == server);
    }
    if all.is_empty() {
        ui.note(&Line::new().text("Nothing is set."));
    }
    ui.value(&all, |ui| {
        for (server, config) in &all {
            for (key, value) in config {
                let line = Line::new().put(Label::Name, format!("{server}.{key}"));
                ui.data(&line.text(format!(" = {value}")));
            }
        }
    })
}
