//! The registry of running gateways: a folder with, for each of them, a file that describes it and a lock file that it holds
//! as long as it lives. A process that is killed lets go of its lock; whoever looks next removes what it left. One lock over
//! the whole folder, held for moments, keeps those who come, go and look from meeting half-made things.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Dirs;
use crate::files::{private_dir, read_bounded, write_atomic};
use crate::limits::{RUNNING_FILE_BYTES_MAX, RUNNING_ID_CHARS_MAX};

/// A running gateway, as others see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// Its process.
    pub pid: u32,
    /// Its name in the registry: letters, digits, `_` and `-`. See [`new_id`].
    pub id: String,
    /// `stdio`, `streaming` or `sse`.
    pub transport: String,
    /// Where clients reach it, such as `http://127.0.0.1:8811/mcp`; none over stdio.
    pub address: Option<String>,
    /// When it started, in seconds since 1970.
    pub started: u64,
    /// Its version.
    pub version: String,
    /// Where commands reach it.
    pub admin_socket: PathBuf,
    /// Where other processes of ours hand their clients on to it; none unless it is the one that all share.
    #[serde(default)]
    pub attach_socket: Option<PathBuf>,
}

/// A gateway's place in the registry, until it is dropped.
#[derive(Debug)]
pub struct Registration {
    folder: PathBuf,
    info: Info,
    /// Held: this is what says that we live.
    _lock: File,
}

/// Why a gateway cannot be registered, or the registry not be read.
#[derive(Debug, thiserror::Error)]
pub enum RunningError {
    /// The folder or a file in it is of no use.
    #[error("cannot use the registry of running gateways at {}: {source}", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The id is no file name, or somebody has it.
    #[error("a gateway cannot be registered as \"{id}\": {why}")]
    Id {
        /// The id.
        id: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// The id that the one gateway holds which all share, beside its own: there is one at a time.
pub const SHARED: &str = "shared";

/// A new id: the process and 32 random bits.
pub fn new_id() -> String {
    let mut bytes = [0; 4];
    // Without random numbers the process number alone is still its own.
    let _ = getrandom::fill(&mut bytes);
    format!("{}-{:08x}", std::process::id(), u32::from_ne_bytes(bytes))
}

/// Enters a gateway into the registry.
pub fn register(dirs: &Dirs, info: Info) -> Result<Registration, RunningError> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if info.id.is_empty() || info.id.len() > RUNNING_ID_CHARS_MAX || !info.id.chars().all(is_name) {
        return Err(RunningError::Id {
            id: info.id,
            why: "an id is 1 to 64 letters, digits, _ and -",
        });
    }
    let folder = dirs.runtime.clone();
    let failed = |source| RunningError::Io {
        path: folder.clone(),
        source,
    };
    private_dir(&folder).map_err(failed)?;
    let _all = lock_all(&folder).map_err(failed)?;
    let lock = open_lock(&folder.join(lock_name(&info.id))).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(RunningError::Id {
                id: info.id,
                why: "a running gateway has it",
            });
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    let text = serde_json::to_vec_pretty(&info).map_err(|error| failed(error.into()))?;
    write_atomic(&folder.join(info_name(&info.id)), &text, 0o600).map_err(failed)?;
    Ok(Registration {
        folder,
        info,
        _lock: lock,
    })
}

/// The sign that a process lives which others cannot speak to, until it is dropped: what it makes outside of itself can
/// be told from what dead ones left.
#[derive(Debug)]
pub struct Hold {
    folder: PathBuf,
    id: String,
    /// Held.
    _lock: File,
}

/// Holds an id, see [`new_id`].
pub fn hold(dirs: &Dirs, id: String) -> Result<Hold, RunningError> {
    let folder = dirs.runtime.clone();
    let failed = |source| RunningError::Io {
        path: folder.clone(),
        source,
    };
    private_dir(&folder).map_err(failed)?;
    let _all = lock_all(&folder).map_err(failed)?;
    let lock = open_lock(&folder.join(lock_name(&id))).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(Hold {
            folder,
            id,
            _lock: lock,
        }),
        Err(TryLockError::WouldBlock) => Err(RunningError::Id {
            id,
            why: "a running gateway has it",
        }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Whether somebody holds an id, registered or not. What is no id is held by nobody.
pub fn is_held(dirs: &Dirs, id: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if id.is_empty() || id.len() > RUNNING_ID_CHARS_MAX || !id.chars().all(is_name) {
        return false;
    }
    // Whoever looks must not make it.
    let Ok(lock) = File::open(dirs.runtime.join(lock_name(id))) else {
        return false;
    };
    // No answer counts as held, as in `list`.
    lock.try_lock().is_err()
}

impl Hold {
    /// The id.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let _all = lock_all(&self.folder);
        remove(&self.folder, &self.id, None);
    }
}

/// The running gateways, oldest first. What dead ones left is removed, their sockets included.
pub fn list(dirs: &Dirs) -> Result<Vec<Info>, RunningError> {
    let folder = &dirs.runtime;
    let failed = |source| RunningError::Io {
        path: folder.clone(),
        source,
    };
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let _all = lock_all(folder).map_err(failed)?;
    let mut running = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let Some(id) = name
            .to_str()
            .and_then(|name| name.strip_suffix(".lock"))
            .filter(|id| *id != ALL)
        else {
            continue;
        };
        let info = read_info(&folder.join(info_name(id))).filter(|info| info.id == id);
        // No answer to whether it is held (a network file system without locks) counts as held: better a leftover than
        // a living gateway without its socket.
        let is_free = open_lock(&folder.join(&name)).is_ok_and(|lock| lock.try_lock().is_ok());
        if is_free {
            remove(folder, id, info.as_ref());
        } else {
            running.extend(info);
        }
    }
    running.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
    Ok(running)
}

impl Registration {
    /// What was registered.
    pub fn info(&self) -> &Info {
        &self.info
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let _all = lock_all(&self.folder);
        remove(&self.folder, &self.info.id, Some(&self.info));
    }
}

/// The lock over the whole folder, as file name without its ending; no id begins with a dot.
const ALL: &str = ".registry";

fn lock_name(id: &str) -> String {
    format!("{id}.lock")
}

fn info_name(id: &str) -> String {
    format!("{id}.json")
}

fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Waits for whoever is at it: moments.
fn lock_all(folder: &Path) -> io::Result<File> {
    let lock = open_lock(&folder.join(lock_name(ALL)))?;
    lock.lock()?;
    Ok(lock)
}

fn read_info(path: &Path) -> Option<Info> {
    serde_json::from_slice(&read_bounded(path, RUNNING_FILE_BYTES_MAX).ok()?).ok()
}

/// Removes what belongs to an id, the lock last. A socket is removed only where we put sockets.
fn remove(folder: &Path, id: &str, info: Option<&Info>) {
    let sockets = info.into_iter().flat_map(|info| {
        let attach = info.attach_socket.as_ref();
        attach.into_iter().chain([&info.admin_socket])
    });
    for socket in sockets.filter(|socket| socket.parent() == Some(folder)) {
        drop(fs::remove_file(socket));
    }
    drop(fs::remove_file(folder.join(info_name(id))));
    drop(fs::remove_file(folder.join(lock_name(id))));
}

#[cfg(test)]
mod tests;
