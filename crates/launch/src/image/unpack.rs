//! Layers of an image, laid over each other in one folder.
//!
//! Owns what an entry may do there. Every path is opened below the folder and never beyond, whatever links the layers
//! have laid; what a layer takes away is taken away. Refuses entries that lead out, and more bytes, files or depth than an
//! image has. Devices are left out, and so are owners and the bits that give rights: nothing of them would count in a box.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::tar::{Archive, Header, Kind};
use crate::limits::{IMAGE_DEPTH_MAX, TAR_NAME_BYTES_MAX};

/// How much an image may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnpackLimits {
    /// Bytes of all its files, also of those that a later layer takes away.
    pub bytes: u64,
    /// Files, folders and links.
    pub files: u64,
}

/// Why a layer was not unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// It would write or link outside.
    #[error("a layer of it leads out of the image, at \"{0}\"; do not use it")]
    Outside(String),
    /// There is too much in it.
    #[error("it has more {0}")]
    TooMuch(String),
    /// It is no archive.
    #[error("a layer of it is broken: {0}")]
    Broken(io::Error),
    /// The disk is full.
    #[error("the disk is full; make room where {0} is")]
    Full(String),
    /// The system refused.
    #[error("\"{at}\" of it could not be written: {error}")]
    Io {
        /// Which path.
        at: String,
        /// Why.
        #[source]
        error: io::Error,
    },
}

/// A folder that becomes the files of an image.
#[derive(Debug)]
pub struct Unpacker {
    root: OwnedFd,
    shown: String,
    limits: UnpackLimits,
    bytes: u64,
    files: u64,
}

impl Unpacker {
    /// Into an empty folder that nobody else writes.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn new(folder: &Path, limits: UnpackLimits) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        Ok(Self {
            root: rustix::fs::openat(CWD, folder, flags, Mode::empty())?,
            shown: folder.display().to_string(),
            limits,
            bytes: 0,
            files: 0,
        })
    }

    /// Lays a layer over what is there. What was written of one that failed stays.
    ///
    /// # Errors
    /// See [`UnpackError`].
    pub fn layer(&mut self, from: impl Read) -> Result<(), UnpackError> {
        let mut archive = Archive::new(from);
        // What this layer itself has brought is not taken away by it.
        let mut own = HashSet::new();
        while let Some(header) = archive.next_entry().map_err(UnpackError::Broken)? {
            self.files += 1;
            if self.files > self.limits.files {
                let what = format!("than {} files and folders", self.limits.files);
                return Err(UnpackError::TooMuch(what));
            }
            let Some(path) = steps(&header.name).ok_or_else(|| outside(&header.name))? else {
                continue;
            };
            self.entry(&header, &path, &mut archive, &mut own)?;
            for end in 1..=path.len() {
                own.insert(path[..end].join(&b'/'));
            }
        }
        Ok(())
    }

    fn entry<R: Read>(
        &mut self,
        header: &Header,
        path: &[Vec<u8>],
        archive: &mut Archive<R>,
        own: &mut HashSet<Vec<u8>>,
    ) -> Result<(), UnpackError> {
        let Some((name, parents)) = path.split_last() else {
            return Ok(());
        };
        let at = |error: io::Error| self.failed(&header.name, error);
        if let Some(gone) = name.strip_prefix(b".wh.") {
            let parent = match self.folder(parents, false) {
                Ok(parent) => parent,
                // What is taken away was never there.
                Err(Errno::NOENT | Errno::NOTDIR) => return Ok(()),
                Err(errno) => return Err(at(errno.into())),
            };
            let around = parents.join(&b'/');
            return match gone {
                b".wh..opq" => clear(&parent, &around, own).map_err(at),
                b"" | b"." | b".." => Err(outside(&header.name)),
                // Others of this kind mean something to one storage driver alone.
                gone if gone.starts_with(b".wh.") => Ok(()),
                gone => {
                    let whole = join(&around, gone);
                    take_away(&parent, OsStr::from_bytes(gone), &whole, own).map_err(at)
                }
            };
        }
        if header.kind == Kind::Device {
            return Ok(());
        }
        if header.kind == Kind::File {
            self.count(header.size)?;
        }
        let at = |error: io::Error| self.failed(&header.name, error);
        let parent = self
            .folder(parents, true)
            .map_err(|errno| at(errno.into()))?;
        let name = OsString::from_vec(name.clone());
        match header.kind {
            Kind::Folder => make_folder(&parent, &name, header.mode).map_err(at),
            Kind::Link => {
                if header.link.is_empty() || header.link.len() > TAR_NAME_BYTES_MAX {
                    return Err(UnpackError::Broken(io::ErrorKind::InvalidData.into()));
                }
                // Where it leads is looked up in the box' root, which is the image's: nowhere else.
                remove(&parent, &name, 0)
                    .and_then(|()| {
                        Ok(rustix::fs::symlinkat(
                            OsStr::from_bytes(&header.link),
                            &parent,
                            &name,
                        )?)
                    })
                    .map_err(at)
            }
            Kind::HardLink => {
                let target = steps(&header.link)
                    .flatten()
                    .ok_or_else(|| outside(&header.link))?;
                self.hard_link(&target, &parent, &name).map_err(at)
            }
            Kind::File => {
                let file = new_file(&parent, &name, header.mode).map_err(at)?;
                copy(archive, file).map_err(|error| match error {
                    Copied::Read(error) => UnpackError::Broken(error),
                    Copied::Write(error) => at(error),
                })
            }
            Kind::Device => Ok(()),
        }
    }

    fn count(&mut self, bytes: u64) -> Result<(), UnpackError> {
        self.bytes = self.bytes.saturating_add(bytes);
        match self.bytes > self.limits.bytes {
            true => {
                let what = format!("than {} MiB in its files", self.limits.bytes >> 20);
                Err(UnpackError::TooMuch(what))
            }
            false => Ok(()),
        }
    }

    fn hard_link(&self, target: &[Vec<u8>], parent: &OwnedFd, name: &OsStr) -> io::Result<()> {
        let (last, above) = target.split_last().ok_or(io::ErrorKind::InvalidData)?;
        let from = self.folder(above, false)?;
        let last = OsStr::from_bytes(last);
        // Of a link, a link; never what it leads to.
        let about = rustix::fs::statat(&from, last, AtFlags::SYMLINK_NOFOLLOW)?;
        let kind = FileType::from_raw_mode(about.st_mode);
        if !matches!(kind, FileType::RegularFile | FileType::Symlink) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let is_itself = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|there| (there.st_dev, there.st_ino) == (about.st_dev, about.st_ino));
        if is_itself {
            return Ok(());
        }
        remove(parent, name, 0)?;
        Ok(rustix::fs::linkat(
            &from,
            last,
            parent,
            name,
            AtFlags::empty(),
        )?)
    }

    /// A folder of the image, whatever links lead to it; made where it is wanted.
    fn folder(&self, path: &[Vec<u8>], is_wanted: bool) -> Result<OwnedFd, Errno> {
        let whole = match path.is_empty() {
            true => OsString::from("."),
            false => OsString::from_vec(path.join(&b'/')),
        };
        match self.open(&whole) {
            Err(Errno::NOENT) if is_wanted => {}
            opened => return opened,
        }
        let (name, above) = path.split_last().ok_or(Errno::NOENT)?;
        let parent = self.folder(above, true)?;
        match rustix::fs::mkdirat(&parent, OsStr::from_bytes(name), Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => self.open(&whole),
            Err(errno) => Err(errno),
        }
    }

    fn open(&self, path: &OsStr) -> Result<OwnedFd, Errno> {
        rustix::fs::openat2(
            &self.root,
            path,
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
            // What is absolute, or leads up, ends at the image's own root.
            ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV,
        )
    }

    fn failed(&self, name: &[u8], error: io::Error) -> UnpackError {
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOSPC | Errno::DQUOT) => UnpackError::Full(self.shown.clone()),
            _ => UnpackError::Io {
                at: shown(name),
                error,
            },
        }
    }
}

/// The steps of a path; `Some(None)`: it is the root itself. `None`: it leads out, or is too long.
#[expect(clippy::option_option, reason = "each of them is another answer")]
fn steps(name: &[u8]) -> Option<Option<Vec<Vec<u8>>>> {
    let mut out = Vec::new();
    if name.len() > TAR_NAME_BYTES_MAX || name.contains(&0) {
        return None;
    }
    for step in name.split(|byte| *byte == b'/') {
        match step {
            b"" | b"." => {}
            b".." => return None,
            step => out.push(step.to_vec()),
        }
    }
    match out.len() {
        0 => Some(None),
        n if n > IMAGE_DEPTH_MAX => None,
        _ => Some(Some(out)),
    }
}

fn make_folder(parent: &OwnedFd, name: &OsStr, mode: u32) -> io::Result<()> {
    let about = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW);
    let is_there =
        about.is_ok_and(|about| FileType::from_raw_mode(about.st_mode) == FileType::Directory);
    if !is_there {
        remove(parent, name, 0)?;
        rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o700))?;
    }
    let folder = open_folder(parent, name)?;
    // We have to be able to fill it, and to remove it.
    Ok(rustix::fs::fchmod(
        &folder,
        Mode::from_raw_mode(mode & 0o777 | 0o700),
    )?)
}

fn new_file(parent: &OwnedFd, name: &OsStr, mode: u32) -> io::Result<File> {
    remove(parent, name, 0)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(parent, name, flags, Mode::from_raw_mode(0o600))?;
    rustix::fs::fchmod(&file, Mode::from_raw_mode(mode & 0o777 | 0o400))?;
    Ok(file.into())
}

fn open_folder(parent: impl AsFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::empty())
}

/// Removes whatever is there, without following anything. What is not there is gone already.
pub(super) fn remove(parent: &OwnedFd, name: &OsStr, depth: usize) -> io::Result<()> {
    match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(errno) => return Err(errno.into()),
    }
    if depth > IMAGE_DEPTH_MAX {
        return Err(Errno::LOOP.into());
    }
    let folder = open_folder(parent, name)?;
    for child in children(&folder)? {
        remove(&folder, &child, depth + 1)?;
    }
    Ok(rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)?)
}

/// Removes everything in a folder but what this layer has put there.
fn clear(folder: &OwnedFd, around: &[u8], own: &HashSet<Vec<u8>>) -> io::Result<()> {
    for child in children(folder)? {
        let whole = join(around, child.as_bytes());
        take_away(folder, &child, &whole, own)?;
    }
    Ok(())
}

/// Removes what lower layers have at a place, and nothing that this layer has put there.
fn take_away(
    parent: &OwnedFd,
    name: &OsStr,
    whole: &[u8],
    own: &HashSet<Vec<u8>>,
) -> io::Result<()> {
    if !own.contains(whole) {
        return remove(parent, name, 0);
    }
    match open_folder(parent, name) {
        Ok(inner) => clear(&inner, whole, own),
        Err(Errno::NOTDIR | Errno::LOOP) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

fn children(folder: &OwnedFd) -> io::Result<Vec<OsString>> {
    let mut out = Vec::new();
    for child in Dir::read_from(folder)? {
        let child = child?;
        let name = child.file_name().to_bytes();
        if name != b"." && name != b".." {
            out.push(OsString::from_vec(name.to_vec()));
        }
    }
    Ok(out)
}

fn join(around: &[u8], name: &[u8]) -> Vec<u8> {
    match around.is_empty() {
        true => name.to_vec(),
        false => [around, b"/", name].concat(),
    }
}

enum Copied {
    Read(io::Error),
    Write(io::Error),
}

fn copy(from: &mut impl Read, mut to: File) -> Result<(), Copied> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => to.write_all(&buffer[..read]).map_err(Copied::Write)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Copied::Read(error)),
        }
    }
}

fn outside(name: &[u8]) -> UnpackError {
    UnpackError::Outside(shown(name))
}

fn shown(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(160).collect()
}

#[cfg(test)]
mod tests;
