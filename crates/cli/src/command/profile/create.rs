//! `portolan profile create`

use catalog::{Profile, ServerName};

use super::super::client::connect;
use super::server::add::put;
use crate::applications;
use crate::catalogs;
use crate::error::{Failure, Kind};
use crate::profiles;
use crate::surroundings::Surroundings;
use crate::templates;
use crate::ui::{Label, Line, Ui, counted};

/// Make a profile
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portolan profile create --name work --server github --server catalog://built-in/time+fetch
  portolan gateway run --profile work")]
pub(crate) struct Args {
    /// A name for people
    #[arg(long, value_name = "NAME")]
    name: String,
    /// The name for commands and files [default: NAME in lower-case letters, without spaces]
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// A server: NAME, catalog://CATALOG/SERVER+SERVER, docker://IMAGE, file://PATH or a URL (repeatable)
    #[arg(long, value_name = "SERVER")]
    server: Vec<String>,
    /// Begin with a starter set; `template ls` shows them
    #[arg(long, value_name = "TEMPLATE")]
    from_template: Option<String>,
    /// Connect an application to it (repeatable)
    #[arg(long, value_name = "CLIENT", value_delimiter = ',')]
    connect: Vec<String>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let template = args.from_template.as_deref().map(templates::get);
    let mut servers = template
        .transpose()?
        .map_or_else(Vec::new, templates::Template::words);
    servers.extend(args.server.iter().cloned());
    let making = Making {
        name: args.name.clone(),
        id: args.id.clone(),
        servers,
        connect: args.connect.clone(),
    };
    make(ui, &making)
}

/// What a new profile is to be.
pub(in crate::command) struct Making {
    pub(in crate::command) name: String,
    pub(in crate::command) id: Option<String>,
    /// As `--server` takes them.
    pub(in crate::command) servers: Vec<String>,
    /// The applications that get it.
    pub(in crate::command) connect: Vec<String>,
}

/// Makes a profile that is not there yet.
pub(in crate::command) fn make(ui: &Ui, making: &Making) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let id = id(making)?;
    let clients: Vec<_> = making
        .connect
        .iter()
        .map(|client| connect::client(client))
        .collect::<Result<_, _>>()?;
    let mut profile = Profile::new(&id);
    profile.title = Some(making.name.trim().to_owned()).filter(|title| *title != profile.name);
    put(ui, &catalogs::all(&here), &mut profile, &making.servers)?;
    let made = config::change_profile(&here.dirs, &id, |known| match known {
        Some(_) => Err(
            Failure::new(Kind::Failed, format!("there is a profile `{id}` already"))
                .hint(format!("portolan profile server add {id} --server SERVER"))
                .hint("--id gives the new one another name"),
        ),
        None => {
            *known = Some(profile.clone());
            Ok(())
        }
    });
    made.map_err(|problem| profiles::failed(&problem))??;
    let count = profile.servers.len();
    let line = Line::new().put(Label::Name, profile.name.clone());
    ui.note(&line.text(format!(" is made with {}", counted(count, "server"))));
    profiles::tell_waiting(ui, &here, &profile);
    for client in clients {
        connect::to_profile(ui, &here, client, id.as_str())?;
    }
    ui.note(&Line::new().put(
        Label::Dim,
        format!("to use it: portolan gateway run --profile {id}"),
    ));
    applications::tell_unconnected(ui, &here);
    Ok(())
}

fn id(making: &Making) -> Result<ServerName, Failure> {
    if let Some(id) = &making.id {
        return profiles::name(id);
    }
    ServerName::repaired(&making.name.trim().to_lowercase()).ok_or_else(|| {
        Failure::usage(format!(
            "`{}` has no letter that a file name can have",
            making.name
        ))
        .hint("give it a name for commands with --id")
    })
}
