//! What was fetched once and is kept on the disk: unpacked images, installed packages. One folder each, with a name that says
//! what is in it, never changed.
//!
//! Owns who uses what and what goes. Whoever starts something of a folder holds a shared lock for it as long as they live; what
//! nobody holds is removed when nobody has used it for long, or when all of it together is too much. A folder is renamed
//! under an exclusive lock and removed after that, so that it is there as a whole or not at all.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, flock};

use crate::limits::{
    IMAGES_KEPT_BYTES, KEPT_AGE, KEPT_FILES_COUNTED_MAX, KEPT_FRESH, PACKAGES_KEPT_BYTES,
};

/// A folder of such folders.
#[derive(Debug, Clone)]
pub struct Shelf {
    items: PathBuf,
    /// A file for each that was ever used: its lock, and when. These are never removed, or two could hold different ones.
    uses: PathBuf,
    trash: PathBuf,
    bytes_max: u64,
    /// What this process holds.
    held: Arc<Mutex<BTreeMap<String, File>>>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Of its folder.
    pub name: String,
    /// What it takes of the disk.
    pub bytes: u64,
    /// When somebody used it last.
    pub used: SystemTime,
    /// Whether somebody does now.
    pub is_in_use: bool,
}

/// What is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tidy {
    /// What was not used for long, and the oldest of what is too much.
    Usual,
    /// Everything that is not in use.
    Everything,
}

impl Shelf {
    /// Images that were unpacked.
    #[must_use]
    pub fn images(root: &Path) -> Self {
        Self::new(root, "by-digest", IMAGES_KEPT_BYTES)
    }

    /// Packages that were installed.
    #[must_use]
    pub fn packages(root: &Path) -> Self {
        Self::new(root, "installed", PACKAGES_KEPT_BYTES)
    }

    fn new(root: &Path, items: &str, bytes_max: u64) -> Self {
        Self {
            items: root.join(items),
            uses: root.join("uses"),
            trash: root.join("trash"),
            bytes_max,
            held: Arc::default(),
        }
    }

    /// Whether it is there; nobody removes it from now on, as long as this process lives.
    pub(crate) fn hold(&self, name: &str) -> io::Result<bool> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = held.get(name) {
            lock.set_modified(SystemTime::now())?;
            return Ok(true);
        }
        folder(&self.uses)?;
        let lock = open(&self.uses.join(name))?;
        // Who removes something holds it for a rename. Where there are no locks, nobody can remove anything.
        let _ = flock(&lock, FlockOperation::LockShared);
        if !self.items.join(name).exists() {
            return Ok(false);
        }
        lock.set_modified(SystemTime::now())?;
        held.insert(name.to_owned(), lock);
        Ok(true)
    }

    /// Everything that is kept, in the order of its last use. Reads all of it.
    #[must_use]
    pub fn list(&self) -> Vec<Kept> {
        let mut all: Vec<Kept> = entries(&self.items)
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let path = entry.path();
                if !fs::symlink_metadata(&path).ok()?.is_dir() {
                    return None;
                }
                let lock = File::open(self.uses.join(&name)).ok();
                let used = |path: &Path| fs::metadata(path).and_then(|about| about.modified());
                Some(Kept {
                    bytes: size(&path),
                    used: used(&self.uses.join(&name)).or_else(|_| used(&path)).ok()?,
                    is_in_use: lock.is_some_and(|lock| claim(&lock).is_none()),
                    name,
                })
            })
            .collect();
        all.sort_by(|a, b| (a.used, &a.name).cmp(&(b.used, &b.name)));
        all
    }

    /// Removes what is to go, and says what went. What cannot be removed stays.
    pub fn tidy(&self, how: Tidy) -> Vec<Kept> {
        for left in entries(&self.trash) {
            // Of one who was ended in the middle.
            let _ = fs::remove_dir_all(left.path());
        }
        let going = match how {
            Tidy::Usual => due(self.list(), self.bytes_max, SystemTime::now()),
            Tidy::Everything => {
                let mut all = self.list();
                all.retain(|kept| !kept.is_in_use);
                all
            }
        };
        going
            .into_iter()
            .filter(|kept| self.remove(&kept.name).is_ok_and(|is_gone| is_gone))
            .collect()
    }

    fn remove(&self, name: &str) -> io::Result<bool> {
        folder(&self.uses)?;
        folder(&self.trash)?;
        let lock = open(&self.uses.join(name))?;
        let Some(claimed) = claim(&lock) else {
            return Ok(false);
        };
        let mut away = OsString::from(name);
        away.push(format!("-{}", std::process::id()));
        let away = self.trash.join(away);
        fs::rename(self.items.join(name), &away)?;
        drop(claimed);
        fs::remove_dir_all(away)?;
        Ok(true)
    }
}

/// A lock that nobody else has, if it can be had.
fn claim(lock: &File) -> Option<Claimed<'_>> {
    flock(lock, FlockOperation::NonBlockingLockExclusive).ok()?;
    Some(Claimed(lock))
}

struct Claimed<'a>(&'a File);

impl Drop for Claimed<'_> {
    fn drop(&mut self) {
        // It goes with its file at the latest.
        let _ = flock(self.0, FlockOperation::Unlock);
    }
}

/// What is to go of these, which are in the order of their last use.
fn due(all: Vec<Kept>, bytes_max: u64, now: SystemTime) -> Vec<Kept> {
    let mut together: u64 = all.iter().map(|kept| kept.bytes).sum();
    let unused = |kept: &Kept| now.duration_since(kept.used).unwrap_or(Duration::ZERO);
    all.into_iter()
        .filter(|kept| {
            let is_spare = !kept.is_in_use && unused(kept) > KEPT_FRESH;
            let goes = is_spare && (unused(kept) > KEPT_AGE || together > bytes_max);
            if goes {
                together = together.saturating_sub(kept.bytes);
            }
            goes
        })
        .collect()
}

/// What a folder takes of the disk; no link is followed.
fn size(root: &Path) -> u64 {
    let (mut bytes, mut left, mut looked_at) = (0, vec![root.to_owned()], 0);
    while let Some(folder) = left.pop() {
        for entry in entries(&folder) {
            looked_at += 1;
            if looked_at > KEPT_FILES_COUNTED_MAX {
                return bytes;
            }
            let Ok(about) = entry.metadata() else {
                continue;
            };
            bytes += about.blocks() * 512 / about.nlink().max(1);
            if about.is_dir() {
                left.push(entry.path());
            }
        }
    }
    bytes
}

fn entries(folder: &Path) -> impl Iterator<Item = fs::DirEntry> + use<> {
    fs::read_dir(folder).into_iter().flatten().flatten()
}

fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf(items: &[&str]) -> (tempfile::TempDir, Shelf) {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::packages(dir.path());
        for item in items {
            fs::create_dir_all(shelf.items.join(item).join("inner")).unwrap();
            fs::write(shelf.items.join(item).join("inner/file"), [1; 8192]).unwrap();
        }
        (dir, shelf)
    }

    fn names(kept: &[Kept]) -> Vec<&str> {
        kept.iter().map(|kept| &*kept.name).collect()
    }

    /// Another process with the same folders.
    fn another(shelf: &Shelf) -> Shelf {
        Shelf {
            held: Arc::default(),
            ..shelf.clone()
        }
    }

    #[test]
    fn what_is_held_stays_and_the_rest_goes() {
        let (_dir, shelf) = shelf(&["a", "b"]);
        assert!(shelf.hold("a").unwrap() && shelf.hold("a").unwrap());
        assert!(!shelf.hold("c").unwrap(), "it is not there");
        let other = another(&shelf);
        let all = other.list();
        let in_use: Vec<_> = all.iter().filter(|kept| kept.is_in_use).cloned().collect();
        assert_eq!((all.len(), names(&in_use)), (2, vec!["a"]));
        assert!(all.iter().all(|kept| kept.bytes >= 8192), "{all:?}");
        assert_eq!(names(&other.tidy(Tidy::Usual)), [""; 0], "it is fresh");
        assert_eq!(names(&other.tidy(Tidy::Everything)), ["b"]);
        assert!(!other.hold("b").unwrap());
        drop(shelf);
        // What somebody was removing when they were ended goes too.
        fs::create_dir_all(other.trash.join("left")).unwrap();
        assert_eq!(names(&other.tidy(Tidy::Everything)), ["a"]);
        assert_eq!(
            entries(&other.trash).count() + entries(&other.items).count(),
            0
        );
    }

    #[test]
    fn what_is_old_goes_and_the_oldest_of_too_much() {
        let now = SystemTime::now();
        let kept = |name: &str, bytes, age: Duration, is_in_use| Kept {
            name: name.to_owned(),
            bytes,
            used: now - age,
            is_in_use,
        };
        let second = Duration::from_secs(1);
        let all = vec![
            kept("old and in use", 5, KEPT_AGE * 2, true),
            kept("old", 5, KEPT_AGE + second, false),
            kept("older", 5, KEPT_FRESH * 3, false),
            kept("newer", 5, KEPT_FRESH * 2, false),
            kept("fresh", 100, KEPT_FRESH, false),
        ];
        let going = |bytes_max| {
            let going = due(all.clone(), bytes_max, now);
            going.into_iter().map(|kept| kept.name).collect::<Vec<_>>()
        };
        assert_eq!(going(u64::MAX), ["old"]);
        assert_eq!(going(115), ["old"]);
        assert_eq!(going(114), ["old", "older"]);
        assert_eq!(going(0), ["old", "older", "newer"]);
    }

    #[test]
    fn a_link_is_not_followed() {
        let (dir, shelf) = shelf(&["a"]);
        let outside = dir.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("theirs"), [1; 65536]).unwrap();
        std::os::unix::fs::symlink(&outside, shelf.items.join("a/out")).unwrap();
        std::os::unix::fs::symlink(&outside, shelf.items.join("link")).unwrap();
        let all = shelf.list();
        assert_eq!(names(&all), ["a"]);
        assert!(all[0].bytes < 65536);
        shelf.tidy(Tidy::Everything);
        assert!(outside.join("theirs").exists());
    }
}
