//! `portolan profile import`: somebody's file becomes a profile of one's own. Owns what is believed of it: that an entry is one
//! of a catalog here is seen, not taken from the file; everything else waits for approval.

use std::path::PathBuf;

use catalog::{Catalog, Entry, Origin, Profile, ServerName, read_profile};

use crate::applications;
use crate::catalogs;
use crate::error::{Failure, Kind};
use crate::profiles;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui, counted};

/// Read a profile from a file, ours or one that Docker exported, and keep it as one of your own
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace a profile of its name
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let path = std::path::absolute(&args.file)
        .map_err(|error| Failure::new(Kind::NotFound, "there is no such file").because(&error))?;
    let profile = read(&path)?;
    if profile.servers.is_empty() && !profile.problems.is_empty() {
        return Err(profiles::failed(&profile.problems[0]));
    }
    catalogs::tell(ui, &profile.problems);
    let id = ServerName::repaired(&profile.name.to_lowercase()).ok_or_else(|| {
        Failure::new(Kind::Config, format!("{} has no name", args.file.display()))
            .hint("write `profile: NAME` (or `id`, in Docker's form) into it")
    })?;
    keep(ui, &here, profile, &id, args.force)
}

/// Keeps somebody's profile as one of one's own.
pub(super) fn keep(
    ui: &Ui,
    here: &Surroundings,
    mut profile: Profile,
    id: &ServerName,
    force: bool,
) -> Result<(), Failure> {
    profile.name = id.to_string();
    believe(&mut profile, &catalogs::all(here));
    let kept = config::change_profile(&here.dirs, id, |known| match known {
        Some(_) if !force => Err(Failure::new(
            Kind::Failed,
            format!("there is a profile `{id}` already"),
        )
        .hint("--force replaces it")),
        _ => {
            *known = Some(profile.clone());
            Ok(())
        }
    });
    kept.map_err(|problem| profiles::failed(&problem))??;
    let count = profile.servers.len();
    let line = Line::new().put(Label::Name, profile.name.clone());
    ui.note(&line.text(format!(" imported with {}", counted(count, "server"))));
    profiles::tell_waiting(ui, here, &profile);
    applications::tell_unconnected(ui, here);
    Ok(())
}

fn read(path: &std::path::Path) -> Result<Profile, Failure> {
    let cannot = || format!("cannot read {}", path.display());
    let (mut files, problems) = config::import_files(path)
        .map_err(|error| Failure::new(Kind::NotFound, cannot()).because(&error))?;
    if let Some(problem) = problems.first() {
        return Err(profiles::failed(problem));
    }
    if files.len() != 1 || path.is_dir() {
        return Err(Failure::usage(format!("{} is no file", path.display())));
    }
    let file = files.remove(0);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let origin = Origin::File(path.to_string_lossy().as_ref().into());
    read_profile(&file.text, &stem, &file.path, &origin)
        .map_err(|problem| profiles::failed(&problem))
}

/// An entry that a catalog here has, word for word, comes from there.
fn believe(profile: &mut Profile, all: &[Catalog]) {
    for server in &mut profile.servers {
        let entry = &server.entry;
        let is_same = |known: &&Entry| {
            known.name == entry.name
                && known.mark() == entry.mark()
                && known.about == entry.about
                && known.resources == entry.resources
        };
        let mut known = all.iter().rev().flat_map(|catalog| &catalog.entries);
        if let Some(known) = known.find(is_same) {
            server.entry.origin = known.origin.clone();
        }
    }
}
