//! What a box holds of the machine, for one entry.
//!
//! Owns the choice: the system's programs and libraries, what the command needs to run, the projects of the files that
//! the command line names, and what the entry declares. Refuses to widen it by anything that a server can write, and
//! says of what stays outside how it could be let in.
//!
//! Read `shown` next, then `runtime` and `project`.

mod bounds;
mod project;
mod runtime;
mod shims;
mod shown;
mod system;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

pub(super) use bounds::Bounds;
pub(super) use shown::Share;
use shown::{Astray, Shown};
pub(super) use system::names;

use super::Volume;
use super::plan::Item;
use crate::limits::BOX_SHARES_MAX;

/// What an entry wants to run.
pub(super) struct Wanted<'a> {
    /// The program, found in PATH, absolute.
    pub(super) program: &'a Path,
    pub(super) args: &'a [String],
    pub(super) env: &'a BTreeMap<OsString, OsString>,
    /// Where it is to run, if the entry says so.
    pub(super) cwd: Option<&'a Path>,
    /// What relative paths are relative to.
    pub(super) base: &'a Path,
    pub(super) volumes: &'a [Volume],
}

/// What a box holds.
#[derive(Debug)]
pub(super) struct Contents {
    /// Of the system: the same for everybody.
    pub(super) system: Vec<Item>,
    pub(super) shares: Vec<Share>,
    /// What is started: not the shim.
    pub(super) program: PathBuf,
    /// Where, if that is in the box.
    pub(super) cwd: Option<PathBuf>,
    /// To be in front of PATH.
    pub(super) path: Vec<PathBuf>,
    /// What the command line names and the box does not hold, and how it would.
    pub(super) outside: Vec<PathBuf>,
}

/// Why there is no box for it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// A volume is not there.
    #[error("volume \"{}\" cannot be used: {error}; create it or mend `volumes`", path.display())]
    NoVolume {
        path: PathBuf,
        #[source]
        error: std::io::Error,
    },
    /// A volume in a volume is a link to elsewhere.
    #[error(
        "volume \"{}\" leads by \"{}\" out of a folder that the server may write; name where it leads in `volumes`",
        path.display(), link.display()
    )]
    Laid { path: PathBuf, link: PathBuf },
    /// More than a box is made of.
    #[error(
        "the command line and `volumes` name more than {BOX_SHARES_MAX} files and folders; name folders around them"
    )]
    TooMany,
    /// The working folder is not to be shown.
    #[error(
        "working folder \"{path}\" is not shown to servers as a whole; add \"{path}\" (or \"{path}:rw\") to `volumes`, or name another `cwd`",
        path = path.display()
    )]
    WorkingFolder { path: PathBuf },
}

/// What every box has.
pub(super) fn system() -> Vec<Item> {
    system::items()
}

/// Chooses what the box of an entry holds.
pub(super) fn choose(wanted: &Wanted<'_>, bounds: &Bounds) -> Result<Contents, Refusal> {
    let mut shown = Shown::new(bounds, wanted.volumes).map_err(|(path, astray)| match astray {
        Astray::Nothing(error) => Refusal::NoVolume { path, error },
        Astray::Laid(link) => Refusal::Laid { path, link },
    })?;
    let mut path = Vec::new();
    let base = wanted.cwd.unwrap_or(wanted.base);
    let program = runtime::show(wanted.program, &mut shown, wanted.env, base, &mut path);
    let laid = runtime::laid(&program, &shown);
    if let Some(cwd) = wanted.cwd {
        working_folder(cwd, &mut shown)?;
    }
    let outside = wanted
        .args
        .iter()
        .flat_map(|argument| paths_in(argument, base))
        .filter(|path| !named(path, &mut shown))
        .collect::<Vec<_>>();
    let outside = laid.into_iter().chain(outside).collect();
    if shown.is_too_much() {
        return Err(Refusal::TooMany);
    }
    let cwd = shown.holds(base).then(|| base.to_owned());
    Ok(Contents {
        system: system::items(),
        shares: shown.into_shares(),
        program,
        cwd,
        path,
        outside,
    })
}

/// Shows the project of a file that the command line names, or the file; false if it names what stays outside.
fn named(path: &Path, shown: &mut Shown<'_>) -> bool {
    let Ok(real) = shown.real(path) else {
        return shown.holds(path);
    };
    if shown.holds(&real) && shown.holds(path) {
        return true;
    }
    if !real.is_file() {
        return false;
    }
    for name in [&real, path] {
        match project::of(name, shown.bounds) {
            Some(project) if shown.folder(&project) => {}
            _ => shown.file(name),
        }
    }
    true
}

/// A working folder that is not shown already is shown with its project, or by itself.
fn working_folder(cwd: &Path, shown: &mut Shown<'_>) -> Result<(), Refusal> {
    if shown.holds(cwd) {
        return Ok(());
    }
    let of_a_file_in_it = cwd.join("file");
    let project = project::of(&of_a_file_in_it, shown.bounds);
    if project.is_some_and(|project| shown.folder(&project)) || shown.folder(cwd) {
        return Ok(());
    }
    Err(Refusal::WorkingFolder {
        path: cwd.to_owned(),
    })
}

/// The existing files and folders that an argument names: by itself, or as the value of an option.
fn paths_in(argument: &str, base: &Path) -> Vec<PathBuf> {
    let value = argument
        .split_once('=')
        .map(|(_, value)| value)
        .filter(|_| argument.starts_with('-'));
    [Some(argument), value]
        .into_iter()
        .flatten()
        // A word is not meant as a path only because there happens to be a folder of that name.
        .filter(|text| text.contains('/') || base.join(text).is_file())
        .map(|text| normal(&base.join(text)))
        .filter(|path| path.exists())
        .collect()
}

/// A path without `.` and `..`, by its text alone.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            part => normal.push(part),
        }
    }
    normal
}
