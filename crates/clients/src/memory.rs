//! What we did to which file, so that it can be undone to the byte: `clients.json` among our state. Losing it costs nothing but that.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use config::{Dirs, private_dir, write_atomic};
use serde::{Deserialize, Serialize};

use crate::splice::Splice;

/// See the module. Held by one process at a time.
pub(crate) struct Memory {
    path: PathBuf,
    known: Vec<Made>,
    _lock: File,
}

/// One edit that has not been undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Whose file it is.
    pub client: String,
    /// The file.
    pub file: PathBuf,
    /// What our entry is called there.
    pub name: String,
    pub(crate) splice: Splice,
    /// There was no file.
    pub(crate) made_file: bool,
    /// Folders that were made for it, the innermost first.
    #[serde(default)]
    pub(crate) made_folders: Vec<PathBuf>,
}

/// The edits that have not been undone by us, as far as they are remembered.
pub fn made(dirs: &Dirs) -> Vec<Made> {
    known(&folder(dirs).join(FILE))
}

impl Memory {
    /// Waits for another process that holds it.
    pub(crate) fn open(dirs: &Dirs) -> io::Result<Self> {
        let folder = folder(dirs);
        private_dir(&dirs.state)?;
        private_dir(&folder)?;
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        let lock = options.open(folder.join("lock"))?;
        lock.lock()?;
        let path = folder.join(FILE);
        Ok(Self {
            known: known(&path),
            path,
            _lock: lock,
        })
    }

    pub(crate) fn find(&self, file: &Path, name: &str) -> Option<&Made> {
        self.known
            .iter()
            .find(|made| made.file == file && made.name == name)
    }

    /// Remembers an edit in the place of an earlier one, or forgets that.
    pub(crate) fn keep(&mut self, file: &Path, name: &str, made: Option<Made>) -> io::Result<()> {
        self.known
            .retain(|known| known.file != file || known.name != name);
        self.known.extend(made);
        let text = serde_json::to_vec_pretty(&self.known).map_err(io::Error::other)?;
        write_atomic(&self.path, &text, 0o600)
    }
}

const FILE: &str = "clients.json";

/// What cannot be read is forgotten.
fn known(path: &Path) -> Vec<Made> {
    let text = fs::read(path).ok();
    text.and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default()
}

/// Where this and the copies lie.
pub(crate) fn folder(dirs: &Dirs) -> PathBuf {
    dirs.state.join("clients")
}
