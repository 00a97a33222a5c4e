//! How files of the store get onto the disk and back. Platform code of this crate is here (and in `read`): modes are Unix,
//! elsewhere the folders of a user are private already.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::limits::{KEY_FILE_BYTES_MAX, LOCK_AGAIN, STORE_BYTES_MAX};
use crate::{StoreError, read};

/// Held as long as it lives, also against other threads of this process; the system lets go of it when a process is killed.
pub(super) struct Lock(#[expect(dead_code, reason = "its end is the end of the lock")] File);

/// Waits for the lock.
pub(super) fn lock(path: &Path, wait: Duration) -> Result<Lock, StoreError> {
    let failed = |source| failure("lock", path, source);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    private(&mut options);
    let file = options.open(path).map_err(failed)?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock(file)),
            Err(TryLockError::WouldBlock) if begun.elapsed() < wait => {
                std::thread::park_timeout(LOCK_AGAIN);
            }
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Busy {
                    path: path.to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
}

/// The file of the store, if there is one.
pub(super) fn read_store(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let Some(file) = open(path)? else {
        return Ok(None);
    };
    match read::bounded(file, STORE_BYTES_MAX) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(source) => Err(failure("read", path, source)),
    }
}

/// The text of the key file, if there is one.
pub(super) fn read_key(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let Some(file) = open(path)? else {
        return Ok(None);
    };
    let mode = mode(&file).map_err(|source| failure("read", path, source))?;
    if mode & 0o077 != 0 {
        return Err(StoreError::KeyOpen {
            key: path.to_owned(),
            mode,
        });
    }
    let text = read::bounded(file, KEY_FILE_BYTES_MAX);
    text.map(Some)
        .map_err(|source| failure("read", path, source))
}

fn open(path: &Path) -> Result<Option<File>, StoreError> {
    match read::open(path) {
        Ok(file) => Ok(Some(file)),
        // A link to nowhere is not nothing: what it led to may come back.
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => Ok(None),
        Err(source) => Err(failure("read", path, source)),
    }
}

/// Puts a file in place as a whole, and onto the disk, open to its owner alone. A link is followed. Only under the lock: the new file has one name.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    replace(&target, bytes).map_err(|source| failure("write", path, source))
}

fn replace(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = target.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    // Left by somebody who was killed: we hold the lock, so nobody is writing it.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = write_new(&new, bytes).and_then(|()| fs::rename(&new, target));
    if written.is_err() {
        drop(fs::remove_file(&new));
    } else {
        sync_folder(target);
    }
    written
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    private(&mut options);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes the new name survive a power cut. Not every file system can; the content is safe either way.
fn sync_folder(target: &Path) {
    if cfg!(unix)
        && let Some(folder) = target.parent()
        && let Ok(folder) = File::open(folder)
    {
        drop(folder.sync_all());
    }
}

fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

#[cfg(unix)]
fn mode(file: &File) -> io::Result<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(file.metadata()?.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode(_: &File) -> io::Result<u32> {
    Ok(0)
}

fn failure(doing: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::File {
        doing,
        path: path.to_owned(),
        source,
    }
}
