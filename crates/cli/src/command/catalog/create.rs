//! `portolan catalog create`

use catalog::{Catalog, Entry, Origin, ProfileServer};

use crate::applications;
use crate::catalogs;
use crate::error::{Failure, Kind};
use crate::own_catalogs::{Called, called, put};
use crate::profiles;
use crate::server_uri;
use crate::surroundings::Surroundings;
use crate::tool::did_you_mean;
use crate::ui::{Label, Line, Ui, counted};

/// Make a catalog of your own, empty or with servers
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portolan catalog create ours --title 'Servers of ours' --server catalog://built-in/time+fetch
  portolan catalog create registry.example/team/ours:1 --from-profile work")]
pub(crate) struct Args {
    /// Its name, or the reference under which it will be pushed
    #[arg(value_name = "NAME|REF")]
    name: String,
    /// A name for people
    #[arg(long, value_name = "TITLE")]
    title: Option<String>,
    /// A server: NAME, catalog://CATALOG/SERVER+SERVER, docker://IMAGE, file://PATH or a URL (repeatable)
    #[arg(long, value_name = "SERVER")]
    server: Vec<String>,
    /// Every server of a profile
    #[arg(long, value_name = "ID")]
    from_profile: Option<String>,
    /// Every server of a catalog in a file or at a URL
    #[arg(long, value_name = "PATH|URL")]
    from_legacy_catalog: Option<String>,
    /// Every server of a registry that speaks as the official one does
    #[arg(long, value_name = "HOST")]
    from_community_registry: Option<String>,
    /// Servers that are packages of npm: they are always among them
    #[arg(long, hide = true)]
    include_npm: bool,
    /// The same for packages of PyPI
    #[arg(long, hide = true)]
    include_pypi: bool,
    /// Not these of them (repeatable)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    exclude: Vec<String>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let all = catalogs::all(&here);
    let Called { name, reference } = called(&all, &args.name, None)?;
    if all.iter().any(|known| known.name == name.as_str()) {
        return Err(taken(name.as_str()));
    }
    let mut made = Catalog {
        name: name.to_string(),
        title: args.title.clone(),
        origin: Origin::Catalog(name.as_str().into()),
        reference,
        ..Catalog::default()
    };
    put(&mut made, entries(ui, &here, &all, args)?);
    for name in &args.exclude {
        if !made.entries.iter().any(|entry| entry.name == name.as_str()) {
            let names = made.entries.iter().map(|entry| entry.name.as_str());
            let message = format!("--exclude: there is no server `{name}` among them");
            return Err(Failure::new(Kind::NotFound, message).hints_from(did_you_mean(name, names)));
        }
    }
    let is_meant = |entry: &Entry| !args.exclude.iter().any(|name| entry.name == name.as_str());
    made.entries.retain(is_meant);
    config::fork_catalog(&here.dirs, None, &name, &made)
        .map_err(|problem| profiles::failed(&problem))?;
    let count = made.entries.len();
    let line = Line::new().put(Label::Name, name.to_string());
    ui.note(&line.text(format!(" is made with {}", counted(count, "server"))));
    applications::tell_unconnected(ui, &here);
    Ok(())
}

/// There is one of this name.
pub(super) fn taken(name: &str) -> Failure {
    Failure::new(Kind::Failed, format!("there is a catalog `{name}` already"))
        .hint(format!(
            "portolan catalog server add {name} --server SERVER puts servers into it"
        ))
        .hint(format!("portolan catalog rm {name} removes it"))
}

fn entries(
    ui: &Ui,
    here: &Surroundings,
    all: &[Catalog],
    args: &Args,
) -> Result<Vec<Entry>, Failure> {
    let mut entries = Vec::new();
    if let Some(place) = &args.from_legacy_catalog {
        let word = match place.contains("://") {
            true => place.clone(),
            false => format!("file://{place}"),
        };
        entries.extend(server_uri::entries(ui, all, &word)?);
    }
    if let Some(host) = &args.from_community_registry {
        let base = match host.contains("://") {
            true => host.clone(),
            false => format!("https://{host}"),
        };
        let url = format!("{}/v0.1/servers", base.trim_end_matches('/'));
        let catalog = catalogs::pull(&url)?.catalog;
        catalogs::tell(ui, &catalog.problems);
        entries.extend(catalog.entries);
    }
    if let Some(id) = &args.from_profile {
        let profile = profiles::get(here, id)?;
        // The person's own choices are the profile's, not the servers'.
        entries.extend(
            profile
                .servers
                .iter()
                .map(|server: &ProfileServer| server.entry.clone()),
        );
    }
    for word in &args.server {
        entries.extend(server_uri::entries(ui, all, word)?);
    }
    Ok(entries)
}
