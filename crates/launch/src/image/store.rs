//! Images that were unpacked: one folder each, named after the digest of its manifest, moved into place by one rename and
//! never changed. Owns where they are, and which name stood for which when it was fetched. One process fetches at a time;
//! what one that died has left is removed by the next.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use fetch::images::{ImageName, digest_of, is_digest};
use rustix::fs::{FlockOperation, Mode, OFlags};

use super::unpack::remove;
use crate::kept::{Shelf, Tidy};

/// Where images are.
#[derive(Debug, Clone)]
pub(super) struct Store(PathBuf, Shelf);

/// The right to add one, until it is dropped.
pub(super) struct Adding<'a> {
    store: &'a Store,
    /// What is filled.
    pub(super) folder: PathBuf,
    _lock: File,
}

impl Store {
    pub(super) fn new(folder: PathBuf) -> Self {
        let shelf = Shelf::images(&folder);
        Self(folder, shelf)
    }

    /// Sees to it that an image stays as long as we do, and says whether it is there.
    pub(super) fn hold(&self, folder: &Path) -> io::Result<bool> {
        let name = folder.file_name().and_then(|name| name.to_str());
        self.1.hold(name.unwrap_or_default())
    }

    /// Removes images that nobody uses any more.
    pub(super) fn tidy(&self) {
        self.1.tidy(Tidy::Usual);
    }

    /// The names of an image that were used for it.
    pub(super) fn names(&self) -> Vec<(String, String)> {
        let read = |entry: fs::DirEntry| {
            let text = fs::read_to_string(entry.path()).ok()?;
            let mut lines = text.lines();
            let digest = lines.next()?.trim_start_matches("sha256:").to_owned();
            Some((digest, lines.nth(1)?.to_owned()))
        };
        let entries = fs::read_dir(self.0.join("by-name"));
        entries
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(read)
            .collect()
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    /// Where the image is that a name stands for, if it is here, and the digest that the name stood for: of the image, or of an
    /// index in which it is one of several.
    pub(super) fn find(&self, name: &ImageName) -> Option<(String, PathBuf)> {
        let text = fs::read_to_string(self.name(name)).ok()?;
        let mut lines = text.lines().filter(|line| is_digest(line));
        let (digest, named) = (lines.next()?, lines.next()?);
        let folder = self.image(digest);
        let is_there = folder.join("config.json").exists();
        is_there.then(|| (named.to_owned(), folder))
    }

    pub(super) fn image(&self, digest: &str) -> PathBuf {
        self.0
            .join("by-digest")
            .join(digest.trim_start_matches("sha256:"))
    }

    fn name(&self, name: &ImageName) -> PathBuf {
        let digest = digest_of(name.to_string().as_bytes());
        self.0
            .join("by-name")
            .join(digest.trim_start_matches("sha256:"))
    }

    /// Says what a name stands for.
    pub(super) fn point(&self, name: &ImageName, digest: &str, named: &str) -> io::Result<()> {
        let path = self.name(name);
        fs::create_dir_all(path.parent().unwrap_or(&self.0))?;
        let half = path.with_extension(std::process::id().to_string());
        fs::write(&half, format!("{digest}\n{named}\n{name}\n"))?;
        fs::rename(half, path)
    }

    /// Waits until nobody else adds one, and makes a folder for it.
    pub(super) fn add(&self) -> io::Result<Adding<'_>> {
        fs::create_dir_all(&self.0)?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC;
        let lock = rustix::fs::open(self.0.join("lock"), flags, Mode::from_raw_mode(0o600))?;
        // It is let go of with the process that has it, and a pull has an end.
        rustix::fs::flock(lock.as_fd(), FlockOperation::LockExclusive)?;
        let work = self.0.join("work");
        sweep(&self.0, "work")?;
        fs::create_dir_all(work.join("rootfs"))?;
        Ok(Adding {
            store: self,
            folder: work,
            _lock: lock.into(),
        })
    }
}

impl Adding<'_> {
    /// Where its files go.
    pub(super) fn rootfs(&self) -> PathBuf {
        self.folder.join("rootfs")
    }

    /// Puts what was filled into its place.
    pub(super) fn finish(self, digest: &str, config: &[u8]) -> io::Result<()> {
        let place = self.store.image(digest);
        fs::create_dir_all(place.parent().unwrap_or(&self.store.0))?;
        let mut file = File::create(self.folder.join("config.json"))?;
        file.write_all(config)?;
        file.sync_all()?;
        match fs::rename(&self.folder, &place) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            renamed => renamed,
        }
    }
}

/// Whatever happened on the way, nothing half is left.
impl Drop for Adding<'_> {
    fn drop(&mut self) {
        // What cannot be removed now is by whoever comes next.
        let _ = sweep(&self.store.0, "work");
    }
}

fn sweep(folder: &Path, name: &str) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::open(folder, flags, Mode::empty())?;
    remove(&folder, name.as_ref(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_there_as_a_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path().join("images"));
        let name = ImageName::parse("acme/x:1").unwrap();
        let digest = digest_of(b"x");
        let adding = store.add().unwrap();
        fs::write(adding.rootfs().join("half"), "").unwrap();
        drop(adding);
        assert!(!store.folder().join("work").exists());
        store.point(&name, &digest, &digest_of(b"index")).unwrap();
        assert_eq!(store.find(&name), None);
        for _ in 0..2 {
            let adding = store.add().unwrap();
            fs::write(adding.rootfs().join("whole"), "").unwrap();
            adding.finish(&digest, b"{}").unwrap();
        }
        let (found, folder) = store.find(&name).unwrap();
        assert_eq!(found, digest_of(b"index"));
        assert!(folder.join("rootfs/whole").exists());
        assert_eq!(store.find(&ImageName::parse("acme/x:2").unwrap()), None);
    }
}
