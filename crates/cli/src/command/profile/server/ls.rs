//! `portolan profile server ls`

use serde::Serialize;

use super::super::show::{from, tools};
use crate::catalogs;
use crate::error::Failure;
use crate::profiles;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Table, Ui};

/// List the servers of all profiles
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only those with name=TEXT in their names, or of profile=ID (repeatable)
    #[arg(long, value_name = "KEY=VALUE", value_parser = filter)]
    filter: Vec<Filter>,
}

#[derive(Clone, Debug)]
enum Filter {
    Name(String),
    Profile(String),
}

fn filter(text: &str) -> Result<Filter, String> {
    match text.split_once('=') {
        Some(("name", name)) => Ok(Filter::Name(name.to_lowercase())),
        Some(("profile", profile)) => Ok(Filter::Profile(profile.to_owned())),
        _ => Err("write name=TEXT or profile=ID".to_owned()),
    }
}

#[derive(Serialize)]
struct Listed {
    profile: String,
    name: String,
    r#type: &'static str,
    from: String,
    tools: String,
}

#[derive(Serialize)]
struct Listing {
    servers: Vec<Listed>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let mut listing = Listing {
        servers: Vec::new(),
    };
    for filter in &args.filter {
        if let Filter::Profile(id) = filter {
            profiles::get(&here, id)?;
        }
    }
    for id in config::profile_names(&here.dirs) {
        let is_meant = |filter: &Filter| match filter {
            Filter::Profile(meant) => *meant == id.as_str(),
            Filter::Name(_) => true,
        };
        if !args.filter.iter().all(is_meant) {
            continue;
        }
        let profile = match config::load_profile(&here.dirs, &id) {
            Ok(profile) => profile.unwrap_or_default(),
            Err(problem) => {
                catalogs::tell(ui, &[problem]);
                continue;
            }
        };
        catalogs::tell(ui, &profile.problems);
        for server in &profile.servers {
            let name = server.entry.name.to_string();
            let is_meant = |filter: &Filter| match filter {
                Filter::Name(part) => name.to_lowercase().contains(part),
                Filter::Profile(_) => true,
            };
            if args.filter.iter().all(is_meant) {
                listing.servers.push(Listed {
                    profile: id.to_string(),
                    r#type: server.entry.kind(),
                    from: from(server),
                    tools: tools(server),
                    name,
                });
            }
        }
    }
    ui.value(&listing, |ui| {
        let mut table = Table::new(&["profile", "server", "type", "from", "tools"]).whole();
        for one in &listing.servers {
            table.row(vec![
                (Label::Plain, one.profile.clone()),
                (Label::Name, one.name.clone()),
                (Label::Plain, one.r#type.to_owned()),
                (Label::Dim, one.from.clone()),
                (Label::Plain, one.tools.clone()),
            ]);
        }
        ui.table(&table);
    })
}
