//! The files themselves: looked at, edited as a whole or not at all, with one copy of what stood there before.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};

use config::{Dirs, private_dir, read_bounded, write_atomic};
use serde_json::Value;

use crate::edit::{self, EditError};
use crate::entry::Members;
use crate::limits::FILE_BYTES_MAX;
use crate::memory::{Made, Memory, folder};
use crate::splice::Splice;
use crate::table::Client;

/// What a file says of us.
#[derive(Debug, Clone, PartialEq)]
pub enum Connection {
    /// It has no entry of that name, or is not there.
    No,
    /// It has this one.
    Yes(Value),
    /// It cannot be read.
    Broken(String),
}

/// What was done to a file, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub file: PathBuf,
    /// What stood in it; none: there was none.
    pub before: Option<String>,
    /// What stands in it; none: it is gone.
    pub after: Option<String>,
    /// The copy of what stood in it.
    pub backup: Option<PathBuf>,
}

impl Change {
    /// Nothing needed to be done.
    pub fn is_none(&self) -> bool {
        self.before == self.after
    }
}

/// Why a file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("{} cannot be read", .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// It is no text.
    #[error("{} is not UTF-8", .0.display())]
    NotText(PathBuf),
    /// It cannot be edited.
    #[error("{} is left as it is", .0.display())]
    Edit(PathBuf, #[source] EditError),
    /// It cannot be written.
    #[error("{} cannot be written", .0.display())]
    Write(PathBuf, #[source] io::Error),
    /// What was done cannot be remembered, so nothing was done.
    #[error("no place to remember what is done to files of others")]
    Memory(#[source] io::Error),
    /// Somebody else wrote it meanwhile.
    #[error("{} changed while it was being edited", .0.display())]
    Changed(PathBuf),
}

/// What a file says of us.
pub fn look(client: &Client, file: &Path, name: &str) -> Connection {
    let source = file.display().to_string();
    let entry = match read(file) {
        Ok(None) => return Connection::No,
        Ok(Some(text)) => edit::entry(&text, client, name, &source),
        Err(error) => return Connection::Broken(told(&error)),
    };
    match entry {
        Ok(None) => Connection::No,
        Ok(Some(entry)) => Connection::Yes(entry),
        Err(EditError::Broken(problem)) => Connection::Broken(problem.to_string()),
        Err(error) => Connection::Broken(error.to_string()),
    }
}

/// Puts an entry into a file; `is_dry` only tells what would become of it.
///
/// # Errors
/// See [`FileError`]; the file is as it was.
pub fn connect(
    dirs: &Dirs,
    client: &Client,
    file: &Path,
    name: &str,
    members: &Members,
    is_dry: bool,
) -> Result<Change, FileError> {
    let source = file.display().to_string();
    let refused = |error| FileError::Edit(file.to_owned(), error);
    let mut memory = Memory::open(dirs).map_err(FileError::Memory)?;
    let before = read(file)?;
    // Our former entry goes first, so that what is remembered leads back to what others wrote.
    let known = memory.find(file, name).cloned();
    let base = before.clone().unwrap_or_default();
    let former = known.as_ref().map(|made| &made.splice);
    let undo = match known {
        Some(_) => edit::disconnect(&base, client, name, former, &source).map_err(refused)?,
        None => None,
    };
    let base = undo.map_or(base.clone(), |undo| undo.apply(&base));
    let splice = edit::connect(&base, client, name, members, &source).map_err(refused)?;
    let after = Some(splice.apply(&base));
    let mut change = Change {
        file: file.to_owned(),
        before,
        after,
        backup: None,
    };
    if is_dry || change.is_none() {
        return Ok(change);
    }
    let made = Made {
        client: client.id.clone(),
        file: file.to_owned(),
        name: name.to_owned(),
        splice,
        made_file: known
            .as_ref()
            .map_or(change.before.is_none(), |made| made.made_file),
        made_folders: known.map_or_else(|| missing_folders(file), |made| made.made_folders),
    };
    memory
        .keep(file, name, Some(made))
        .map_err(FileError::Memory)?;
    write(dirs, client, &mut change)?;
    Ok(change)
}

/// Takes an entry out of a file, which is what it was before if nobody else changed it; `is_dry` only tells.
///
/// # Errors
/// See [`FileError`]; the file is as it was.
pub fn disconnect(
    dirs: &Dirs,
    client: &Client,
    file: &Path,
    name: &str,
    is_dry: bool,
) -> Result<Change, FileError> {
    let source = file.display().to_string();
    let mut memory = Memory::open(dirs).map_err(FileError::Memory)?;
    let before = read(file)?;
    let made = memory.find(file, name).cloned();
    let splice: Option<Splice> = match &before {
        None => None,
        Some(text) => edit::disconnect(
            text,
            client,
            name,
            made.as_ref().map(|made| &made.splice),
            &source,
        )
        .map_err(|error| FileError::Edit(file.to_owned(), error))?,
    };
    let after = match (&before, splice) {
        (Some(text), Some(splice)) => Some(splice.apply(text)),
        (before, _) => before.clone(),
    };
    // A file that we made, and that holds nothing else, goes.
    let is_ours = made.as_ref().is_some_and(|made| made.made_file);
    let mut change = Change {
        file: file.to_owned(),
        before,
        after: after.filter(|text| !(is_ours && text.is_empty())),
        backup: None,
    };
    if is_dry {
        return Ok(change);
    }
    if !change.is_none() {
        write(dirs, client, &mut change)?;
        if change.after.is_none() {
            // So do the folders, unless somebody else has come to use them.
            let folders = made.map(|made| made.made_folders).unwrap_or_default();
            let _ = folders.iter().try_for_each(fs::remove_dir);
        }
    }
    memory.keep(file, name, None).map_err(FileError::Memory)?;
    Ok(change)
}

/// The folders that writing a file will make, the innermost first.
fn missing_folders(file: &Path) -> Vec<PathBuf> {
    let above = file.ancestors().skip(1);
    above
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        .map(Path::to_owned)
        .collect()
}

fn read(file: &Path) -> Result<Option<String>, FileError> {
    match read_bounded(file, FILE_BYTES_MAX) {
        Ok(bytes) => String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| FileError::NotText(file.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::Read(file.to_owned(), error)),
    }
}

fn write(dirs: &Dirs, client: &Client, change: &mut Change) -> Result<(), FileError> {
    let failed = |error| FileError::Write(change.file.clone(), error);
    if let Some(before) = &change.before {
        change.backup =
            Some(backup(dirs, client, &change.file, before).map_err(FileError::Memory)?);
    }
    if let Some(folder) = change.file.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    // The application may have written it since it was read.
    if read(&change.file)? != change.before {
        return Err(FileError::Changed(change.file.clone()));
    }
    match &change.after {
        Some(after) => write_atomic(&change.file, after.as_bytes(), 0o600).map_err(failed),
        None => fs::remove_file(&change.file).map_err(failed),
    }
}

/// The last state of a file that was not ours, one for each file.
fn backup(dirs: &Dirs, client: &Client, file: &Path, text: &str) -> io::Result<PathBuf> {
    let folder = folder(dirs).join("backups");
    private_dir(&folder)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let parent = file.parent().unwrap_or(Path::new(""));
    // Files of one name in two projects have a copy each.
    let mut place = DefaultHasher::new();
    parent.hash(&mut place);
    let start = format!("{}-{:016x}-{name}.", client.id, place.finish());
    for entry in fs::read_dir(&folder)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(&start) {
            fs::remove_file(entry.path())?;
        }
    }
    let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    let path = folder.join(format!("{start}{now}"));
    write_atomic(&path, text.as_bytes(), 0o600)?;
    Ok(path)
}

fn told(error: &FileError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
