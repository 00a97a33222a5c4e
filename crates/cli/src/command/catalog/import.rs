//! `portolan catalog import PATH|URL`: somebody else's text becomes a catalog of one's own. Owns what is shown before it is
//! trusted: what would run, see or take something of this machine stays off until it is approved. From the same address again the
//! catalog is renewed, and approvals hold for what is still the same.

use std::path::{Path, PathBuf};

use catalog::{Catalog, Entry, Launch, Origin, ServerName};
use serde::Serialize;

use crate::applications;
use crate::artifacts;
use crate::catalogs;
use crate::error::{Failure, Kind};
use crate::own_catalogs::called;
use crate::surroundings::Surroundings;
use crate::tool::did_you_mean;
use crate::ui::{Label, Line, Table, Ui, agreeing, counted};

/// Read a catalog of any form (ours, Docker's, server.json, mcpServers, an .mcpb bundle) and keep it as one of your own
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A file, a folder such as Docker's registry, or a URL, also that of a registry's /v0.1/servers
    #[arg(value_name = "PATH|URL")]
    path: PathBuf,
    #[command(flatten)]
    how: How,
}

/// What becomes of it here.
#[derive(Debug, Default, clap::Args)]
pub(super) struct How {
    /// What the catalog is to be called [default: as the file, the folder, or the last step of the reference, or the registry's host]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Approve these servers, separated by commas: they may start without asking
    #[arg(long, value_name = "SERVER,...", value_delimiter = ',')]
    approve: Vec<String>,
    /// Approve every server
    #[arg(long, conflicts_with = "approve")]
    approve_all: bool,
    /// Replace a catalog of this name that came from elsewhere
    #[arg(long)]
    force: bool,
    /// Show what would be imported, and keep nothing
    #[arg(long)]
    dry_run: bool,
}

impl How {
    /// Under this name, and nothing else about it.
    pub(super) fn called(name: Option<String>) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }
}

#[derive(Serialize)]
struct Waiting {
    server: String,
    concerns: Vec<String>,
}

#[derive(Serialize)]
struct Unavailable {
    server: String,
    why: String,
}

/// What was kept.
#[derive(Serialize)]
pub(super) struct Imported {
    catalog: String,
    file: Option<PathBuf>,
    servers: usize,
    approved: usize,
    refused: Vec<Waiting>,
    unavailable: Vec<Unavailable>,
    problems: usize,
}

impl Imported {
    /// Its name, and how many servers it has.
    pub(super) fn known(&self) -> (&str, usize) {
        (&self.catalog, self.servers)
    }
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    keep(ui, &Source::of(args)?, &args.how)
}

/// Keeps what comes from there as a catalog of one's own, and tells what it is.
pub(super) fn keep(ui: &Ui, source: &Source, args: &How) -> Result<(), Failure> {
    let imported = take(ui, source, args)?;
    ui.value(&imported, |ui| show(ui, &imported))?;
    if !args.dry_run {
        applications::tell_unconnected(ui, &Surroundings::of_process()?);
    }
    Ok(())
}

/// The same, of which nothing is told but what is wrong with it.
pub(super) fn take(ui: &Ui, source: &Source, args: &How) -> Result<Imported, Failure> {
    let here = Surroundings::of_process()?;
    let name = match (&args.name, source) {
        (Some(name), _) => {
            ServerName::new(name).map_err(|error| Failure::usage(format!("--name: {error}")))?
        }
        (None, Source::Oci(reference)) => called(&catalogs::all(&here), reference, None)?.name,
        (None, _) => source.name()?,
    };
    let former = former(&here, &name, source, args)?;
    let mut catalog = source.read(&here, &name)?;
    catalog.name = name.to_string();
    catalogs::tell(ui, &catalog.problems);
    if catalog.entries.is_empty() {
        let message = format!("there are no servers in {}", source.shown());
        return Err(Failure::new(Kind::Config, message).hint(
            "a catalog is YAML of ours or Docker's, a server.json, or a file with `mcpServers`",
        ));
    }
    let approved = approve(args, &mut catalog, &former)?;
    let text = catalog::write_catalog(&catalog, &approved)
        .map_err(|error| Failure::internal("the catalog cannot be written as YAML", error))?;
    let file = config::catalog_file(&here.dirs, &name);
    if !args.dry_run {
        config::save_catalog(&here.dirs, &name, &text).map_err(|error| {
            Failure::new(Kind::Failed, format!("cannot write {}", file.display())).because(&error)
        })?;
    }
    Ok(Imported {
        catalog: name.to_string(),
        file: (!args.dry_run).then_some(file),
        servers: catalog.entries.len(),
        approved: approved.len(),
        refused: catalog.entries.iter().filter_map(refused).collect(),
        unavailable: catalog.entries.iter().filter_map(unavailable).collect(),
        problems: catalog.problems.len(),
    })
}

/// A bundle is a catalog of one.
fn bundle(path: &Path) -> Result<Catalog, Failure> {
    let mut entry = launch::bundle_entry(path).map_err(|why| {
        Failure::new(
            Kind::Config,
            format!("the bundle {} cannot be used", path.display()),
        )
        .hint(why)
    })?;
    entry.origin = Origin::File(path.to_string_lossy().as_ref().into());
    entry.source = path.display().to_string();
    Ok(Catalog {
        entries: vec![entry],
        ..Catalog::default()
    })
}

/// Where it comes from.
pub(super) enum Source {
    Path(PathBuf),
    Url(String),
    /// A registry of images, by the reference there.
    Oci(String),
}

impl Source {
    fn of(args: &Args) -> Result<Self, Failure> {
        if let Some(url) = catalogs::address(&args.path) {
            return Ok(Self::Url(url.to_owned()));
        }
        let path = std::path::absolute(&args.path);
        path.map(Self::Path)
            .map_err(|error| Failure::new(Kind::NotFound, "there is no such path").because(&error))
    }

    /// What the catalog is called unless it is told.
    fn name(&self) -> Result<ServerName, Failure> {
        let name = match self {
            Self::Url(url) => catalogs::name_of(url)?,
            Self::Oci(reference) => ServerName::of_image(reference),
            Self::Path(path) => {
                let stem = match path.is_dir() {
                    true => path.file_name(),
                    false => path.file_stem(),
                };
                ServerName::repaired(&stem.unwrap_or_default().to_string_lossy())
            }
        };
        name.ok_or_else(|| {
            Failure::usage("the catalog needs a name").hint("give it one with --name")
        })
    }

    fn read(&self, here: &Surroundings, name: &ServerName) -> Result<Catalog, Failure> {
        let path = match self {
            Self::Url(url) => return Ok(catalogs::pull(url)?.catalog),
            Self::Oci(reference) => return artifacts::pull_catalog(here, reference),
            Self::Path(path) => path,
        };
        if path.extension().is_some_and(|ending| ending == "mcpb") {
            return bundle(path);
        }
        let (files, unread) = config::import_files(path).map_err(|error| {
            let what = format!("cannot read {}", path.display());
            Failure::new(Kind::NotFound, what).because(&error)
        })?;
        let origin = Origin::File(path.to_string_lossy().as_ref().into());
        let mut catalog = catalog::import(name.as_str(), &files, &origin);
        catalog.problems.extend(unread);
        Ok(catalog)
    }

    fn shown(&self) -> String {
        match self {
            Self::Path(path) => path.display().to_string(),
            Self::Url(url) => catalog::shown_url(url),
            Self::Oci(reference) => reference.clone(),
        }
    }
}

/// What of this name came from the same address before; another catalog is not replaced unless that is meant.
fn former(
    here: &Surroundings,
    name: &ServerName,
    source: &Source,
    args: &How,
) -> Result<Vec<Entry>, Failure> {
    let all = config::load_catalogs(&here.dirs);
    let former = all
        .into_iter()
        .find(|catalog| catalog.name == name.as_str());
    if let (Some(former), Source::Url(from) | Source::Oci(from)) = (&former, source)
        && former.origin.from() == from
    {
        return Ok(former.entries.clone());
    }
    let is_there = former.is_some() || config::catalog_file(&here.dirs, name).exists();
    match is_there && !args.force && !args.dry_run {
        true => {
            let message = format!("there is a catalog `{name}` already");
            Err(Failure::new(Kind::Failed, message)
                .hint("--force replaces it; --name gives the new one another name"))
        }
        false => Ok(Vec::new()),
    }
}

/// The marks of the servers that the person approves, and of those that were approved before and are still the same.
fn approve(
    args: &How,
    catalog: &mut Catalog,
    former: &[Entry],
) -> Result<Vec<(String, String)>, Failure> {
    for name in args.approve.iter().map(|name| name.trim()) {
        if !catalog.entries.iter().any(|entry| entry.name == name) {
            let known = catalog.entries.iter().map(|entry| entry.name.as_str());
            let message = format!("--approve: there is no server `{name}` in this catalog");
            return Err(Failure::new(Kind::NotFound, message).hints_from(did_you_mean(name, known)));
        }
    }
    let mut marks = Vec::new();
    for entry in &mut catalog.entries {
        let mark = entry.mark();
        let is_same = |one: &&Entry| one.name == entry.name && one.mark() == mark;
        let was_approved = former
            .iter()
            .find(is_same)
            .is_some_and(|one| one.is_approved);
        let is_named = args.approve.iter().any(|name| entry.name == name.trim());
        if args.approve_all || is_named || was_approved {
            entry.is_approved = true;
            marks.push((entry.name.to_string(), mark));
        }
    }
    Ok(marks)
}

fn refused(entry: &Entry) -> Option<Waiting> {
    let concerns = entry.refusals();
    (!concerns.is_empty() && !entry.is_approved).then(|| Waiting {
        server: entry.name.to_string(),
        concerns: concerns.iter().map(ToString::to_string).collect(),
    })
}

fn unavailable(entry: &Entry) -> Option<Unavailable> {
    match &entry.launch {
        Launch::Unavailable { what, why } => Some(Unavailable {
            server: entry.name.to_string(),
            why: format!("{what}: {why}"),
        }),
        _ => None,
    }
}

fn show(ui: &Ui, imported: &Imported) {
    let mut table = Table::new(&["server", "refused until approved, for"]).whole();
    for waiting in &imported.refused {
        table.row(vec![
            (Label::Name, waiting.server.clone()),
            (Label::Plain, waiting.concerns.join("; ")),
        ]);
    }
    if !imported.refused.is_empty() {
        ui.table(&table);
    }
    let mut table = Table::new(&["server", "cannot run, because it is"]).whole();
    for one in &imported.unavailable {
        table.row(vec![
            (Label::Name, one.server.clone()),
            (Label::Plain, one.why.clone()),
        ]);
    }
    if !imported.unavailable.is_empty() {
        ui.table(&table);
    }
    let what = match &imported.file {
        Some(file) => format!(
            "{} imported as `{}`, {}",
            counted(imported.servers, "server"),
            imported.catalog,
            file.display()
        ),
        None => format!(
            "{} would be imported as `{}`",
            counted(imported.servers, "server"),
            imported.catalog
        ),
    };
    ui.data(&Line::from(what));
    let open = imported.servers - imported.approved;
    if open > 0 {
        let hint = format!(
            "{open} {} for your approval when first used; --approve NAME,… or --approve-all gives it now",
            agreeing(open, "asks", "ask")
        );
        ui.note(&Line::new().put(Label::Dim, hint));
    }
}
