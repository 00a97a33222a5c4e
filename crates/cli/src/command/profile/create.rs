//! `portolan profile create`

use catalog::{Profile, ServerName};

use super::server::add::put;
use crate::applications;
use crate::catalogs;
use crate::error::{Failure, Kind};
use crate::profiles;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

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
    /// A server: NAME, catalog://CATALOG/SERVER+SERVER, docker://IMAGE or file://PATH (repeatable)
    #[arg(long, value_name = "SERVER")]
    server: Vec<String>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let id = id(args)?;
    let mut profile = Profile::new(&id);
    profile.title = Some(args.name.trim().to_owned()).filter(|title| *title != profile.name);
    put(ui, &catalogs::all(&here), &mut profile, &args.server)?;
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
    let plural = if count == 1 { "" } else { "s" };
    let line = Line::new().put(Label::Name, profile.name.clone());
    ui.note(&line.text(format!(" is made with {count} server{plural}")));
    profiles::tell_waiting(ui, &here, &profile);
    ui.note(&Line::new().put(
        Label::Dim,
        format!("to use it: portolan gateway run --profile {id}"),
    ));
    applications::tell_unconnected(ui, &here);
    Ok(())
}

fn id(args: &Args) -> Result<ServerName, Failure> {
    if let Some(id) = &args.id {
        return profiles::name(id);
    }
    ServerName::repaired(&args.name.trim().to_lowercase()).ok_or_else(|| {
        Failure::usage(format!(
            "`{}` has no letter that a file name can have",
            args.name
        ))
        .hint("give it a name for commands with --id")
    })
}
