//! Folders and files for us alone. Platform code of this crate is here: modes and owners are Unix, elsewhere the folders of
//! a user are private already.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Makes a folder that nobody else can enter, with those above it; one that is there already is closed to others.
/// Refuses one that belongs to somebody else, or that is no folder.
pub fn private_dir(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
        let meta = fs::symlink_metadata(path)?;
        if !meta.is_dir() {
            return Err(refused(path, "is not a folder but a link"));
        }
        if meta.uid() != rustix::process::geteuid().as_raw() {
            return Err(refused(path, "belongs to another user"));
        }
        if meta.mode() & 0o077 != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(meta.mode() & 0o700))?;
        }
    }
    Ok(())
}

/// Replaces a file as a whole: whoever reads it sees the former content or the new one. A link is followed. `mode` is for a
/// file that is new; one that is there keeps its own.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let target = followed(path)?;
    let mode = kept_mode(&target).unwrap_or(mode);
    Temp::write(&target, bytes, mode)?.rename(&target)?;
    sync_folder(&target);
    Ok(())
}

/// Makes a file that must not be there yet, as a whole: it appears with its content, or not at all.
pub(crate) fn create_atomic(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let temp = Temp::write(path, bytes, mode)?;
    fs::hard_link(&temp.0, path)?; // refuses to replace, unlike rename
    sync_folder(path);
    Ok(())
}

/// Reads a file of at most so many bytes. A pipe will do: people write `--config <(command)`.
pub fn read_bounded(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(bytes_max + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is larger than {bytes_max} bytes"),
        ));
    }
    Ok(bytes)
}

/// Whether a file is written by nobody but us and the machine's owner.
#[cfg(unix)]
pub(crate) fn is_trusted_owner(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let owner = fs::metadata(path)?.uid();
    Ok(owner == 0 || owner == rustix::process::geteuid().as_raw())
}

#[cfg(not(unix))]
pub(crate) fn is_trusted_owner(_: &Path) -> io::Result<bool> {
    Ok(true)
}

/// Whether others can read a file.
#[cfg(unix)]
pub(crate) fn is_open_to_others(file: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::metadata(file)?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
pub(crate) fn is_open_to_others(_: &Path) -> io::Result<bool> {
    Ok(false)
}

/// A file beside its later place; removed unless it got there.
struct Temp(PathBuf);

impl Temp {
    fn write(target: &Path, bytes: &[u8], mode: u32) -> io::Result<Self> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let name = target
            .file_name()
            .ok_or_else(|| refused(target, "names no file"))?
            .to_string_lossy();
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
        #[cfg(not(unix))]
        let _ = mode;
        let (temp, mut file) = loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let path =
                target.with_file_name(format!(".{name}.{}-{number}.tmp", std::process::id()));
            match options.open(&path) {
                Ok(file) => break (Self(path), file),
                // Left by a process of the same number that was killed: the next number is free.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < u32::MAX => {
                }
                Err(error) => return Err(error),
            }
        };
        file.write_all(bytes)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            file.set_permissions(fs::Permissions::from_mode(mode))?; // whatever the umask took away
        }
        file.sync_all()?;
        Ok(temp)
    }

    fn rename(mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.0, target)?;
        self.0 = PathBuf::new(); // nothing is left to remove
        Ok(())
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            drop(fs::remove_file(&self.0));
        }
    }
}

/// Where a chain of links ends, the file there or not.
fn followed(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Ok(target) => Ok(target),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::read_link(path) {
            Ok(target) => Ok(path.parent().unwrap_or(Path::new("")).join(target)),
            Err(_) => Ok(path.to_owned()),
        },
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn kept_mode(target: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    Some(fs::metadata(target).ok()?.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn kept_mode(_: &Path) -> Option<u32> {
    None
}

/// Makes the new name survive a power cut. Not every file system can; the content is safe either way.
fn sync_folder(target: &Path) {
    if cfg!(unix) {
        let folder = target
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
            drop(folder.sync_all());
        }
    }
}

fn refused(path: &Path, why: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!("{} {why}", path.display()),
    )
}

#[cfg(test)]
mod tests;
