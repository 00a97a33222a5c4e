//! The folder of installed packages.
//!
//! Owns its layout: `installed/` holds what was installed, each folder named after its lock (every package with its
//! version and hash) and never changed again; `pins/` says for each request which of these it leads to; `locks/` and
//! `tmp/` are for those who install. Refuses to show anything half done: what is in `installed/` came there whole, by
//! one rename.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::kept::{Shelf, Tidy};
use crate::limits::{INSTALL_LOCK_LOOK, PACKAGE_FILE_BYTES_MAX};

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    root: PathBuf,
    shelf: Shelf,
}

/// What a request led to, when it was first made. It is kept until somebody asks for something newer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pin {
    /// `npm:name` as people know it.
    pub(super) package: String,
    /// The version of it that was chosen.
    pub(super) version: String,
    /// The name of the folder in `installed/`.
    pub(super) folder: String,
    /// The program, and what stands before the server's arguments. Beginning with `./`: in that folder.
    pub(super) start: Vec<String>,
    /// Packages whose scripts were not run.
    pub(super) unscripted: Vec<String>,
    /// When, in seconds since 1970.
    pub(super) at: u64,
}

/// The right to install what a request asks for. It ends when this is dropped, or we do.
#[derive(Debug)]
pub(super) struct Turn {
    _lock: File,
}

impl Cache {
    pub(super) fn new(root: PathBuf) -> Self {
        let shelf = Shelf::packages(&root);
        Self { root, shelf }
    }

    /// Sees to it that what was installed stays as long as we do, and says whether it is there.
    pub(super) fn hold(&self, pin: &Pin) -> bool {
        // Where nothing can be written, nobody removes anything.
        self.shelf.hold(&pin.folder).unwrap_or(true)
    }

    /// Removes what nobody uses any more.
    pub(super) fn tidy(&self) {
        self.shelf.tidy(Tidy::Usual);
    }

    /// What a request led to, if all of it is still there. Blocks for some microseconds.
    pub(super) fn pin(&self, key: &str) -> Option<Pin> {
        let text = read_limited(&self.pin_file(key)).ok()?;
        let pin: Pin = serde_json::from_str(&text).ok()?;
        let is_plain = !pin.folder.is_empty() && !pin.folder.contains(['/', '\0']);
        let is_there = |part: &String| match part.strip_prefix("./") {
            // Where it leads counts: a virtual environment is of no use without its Python.
            Some(inside) => self.installed(&pin.folder).join(inside).exists(),
            None => true,
        };
        (is_plain && pin.folder != ".." && pin.start.iter().all(is_there)).then_some(pin)
    }

    /// Says what a request leads to from now on.
    pub(super) fn keep(&self, key: &str, pin: &Pin) -> io::Result<()> {
        let file = self.pin_file(key);
        let fresh = file.with_extension(format!("{}.new", std::process::id()));
        let text = serde_json::to_vec_pretty(pin)?;
        let written = File::create(&fresh)
            .and_then(|mut file| file.write_all(&text))
            .and_then(|()| fs::rename(&fresh, &file));
        if written.is_err() {
            let _ = fs::remove_file(&fresh);
        }
        written
    }

    /// Where something lies that was installed.
    pub(super) fn installed(&self, folder: &str) -> PathBuf {
        self.root.join("installed").join(folder)
    }

    /// Makes the folders. What is in them is nobody else's business.
    pub(super) fn make(&self) -> io::Result<()> {
        for part in ["installed", "pins", "locks", "tmp"] {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(self.root.join(part))?;
        }
        Ok(())
    }

    /// The turn to install, once nobody else has it; `waits` is called if somebody does.
    pub(super) async fn turn(&self, key: &str, waits: impl FnOnce()) -> io::Result<Turn> {
        let mut waits = Some(waits);
        loop {
            if let Some(turn) = self.try_turn(key)? {
                return Ok(turn);
            }
            if let Some(waits) = waits.take() {
                waits();
            }
            tokio::time::sleep(INSTALL_LOCK_LOOK).await;
        }
    }

    fn try_turn(&self, key: &str) -> io::Result<Option<Turn>> {
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.root.join("locks").join(key))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Turn { _lock: lock })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// An empty folder to install in, for whoever has the turn. Removes what those left who ended in the middle.
    pub(super) fn scratch(&self, key: &str) -> io::Result<PathBuf> {
        let parent = self.root.join("tmp");
        for left in fs::read_dir(&parent)?.flatten() {
            let name = left.file_name();
            let Some(other) = name.to_str() else { continue };
            let is_over = other == key || matches!(self.try_turn(other), Ok(Some(_)));
            if is_over {
                remove(&left.path())?;
            }
        }
        let scratch = parent.join(key);
        fs::create_dir(&scratch)?;
        // Without links: what is shown in a box has no other name.
        scratch.canonicalize()
    }

    /// Moves something into its place, unless the same is there already.
    pub(super) fn put(&self, tree: &Path, folder: &str) -> io::Result<()> {
        let place = self.installed(folder);
        match fs::rename(tree, &place) {
            Err(_) if place.is_dir() => Ok(()),
            renamed => renamed,
        }
    }

    /// Where all of it is.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    fn pin_file(&self, key: &str) -> PathBuf {
        self.root.join("pins").join(format!("{key}.json"))
    }
}

/// Removes a folder also where something in it may not be written.
pub(super) fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// A short name for a list of texts: 128 bits of SHA-256 in hexadecimal.
pub(super) fn digest<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    let bytes = hash.finalize();
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('0');
    bytes[..16]
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// A name as a part of a path.
pub(super) fn slug(name: &str) -> String {
    let keep = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' => c,
        _ => '-',
    };
    let slug: String = name.chars().map(keep).take(64).collect();
    slug.trim_matches(['-', '.']).to_owned()
}

/// A file that programs of others have written.
pub(super) fn read_limited(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = File::open(path)?
        .take(PACKAGE_FILE_BYTES_MAX + 1)
        .read_to_string(&mut text)?;
    match read as u64 > PACKAGE_FILE_BYTES_MAX {
        true => Err(io::Error::other("it is too long")),
        false => Ok(text),
    }
}

/// Now, in seconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> (tempfile::TempDir, Cache) {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path().join("packages"));
        cache.make().unwrap();
        (dir, cache)
    }

    fn pin(folder: &str) -> Pin {
        Pin {
            package: "npm:x".into(),
            version: "1".into(),
            folder: folder.into(),
            start: vec!["node".into(), "./index.js".into()],
            unscripted: Vec::new(),
            at: 7,
        }
    }

    #[test]
    fn a_pin_counts_while_what_it_names_is_there() {
        let (_dir, cache) = cache();
        assert_eq!(cache.pin("k"), None);
        cache.keep("k", &pin("x-1")).unwrap();
        assert_eq!(cache.pin("k"), None, "nothing is installed");
        fs::create_dir(cache.installed("x-1")).unwrap();
        fs::write(cache.installed("x-1").join("index.js"), "").unwrap();
        assert_eq!(cache.pin("k"), Some(pin("x-1")));
        cache.keep("k", &pin("../../x")).unwrap();
        assert_eq!(cache.pin("k"), None);
        fs::write(cache.pin_file("k"), "{").unwrap();
        assert_eq!(cache.pin("k"), None, "garbage is no pin");
    }

    #[tokio::test(start_paused = true)]
    async fn one_installs_and_the_others_wait() {
        let (_dir, cache) = cache();
        let first = cache.turn("k", || panic!("nobody has it")).await.unwrap();
        let waits = std::sync::atomic::AtomicBool::new(false);
        let second = cache.turn("k", || {
            waits.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        let waited = tokio::time::timeout(10 * INSTALL_LOCK_LOOK, second).await;
        assert!(waited.is_err() && waits.into_inner());
        cache.turn("other", || panic!("another one")).await.unwrap();
        drop(first);
        cache.turn("k", || panic!("it is free")).await.unwrap();
    }

    #[tokio::test]
    async fn what_the_dead_left_goes_and_what_the_living_make_stays() {
        let (_dir, cache) = cache();
        let tmp = cache.root().join("tmp");
        for left in ["mine", "dead", "living"] {
            fs::create_dir(tmp.join(left)).unwrap();
            fs::write(tmp.join(left).join("file"), "").unwrap();
        }
        let _living = cache.turn("living", || ()).await.unwrap();
        let _turn = cache.turn("mine", || ()).await.unwrap();
        let scratch = cache.scratch("mine").unwrap();
        assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0);
        assert!(!tmp.join("dead").exists() && tmp.join("living/file").exists());
        fs::write(scratch.join("a"), "1").unwrap();
        cache.put(&scratch, "x").unwrap();
        // The same once more.
        let scratch = cache.scratch("mine").unwrap();
        cache.put(&scratch, "x").unwrap();
        assert_eq!(
            fs::read_to_string(cache.installed("x").join("a")).unwrap(),
            "1"
        );
    }

    #[test]
    fn digests_tell_lists_apart() {
        assert_ne!(digest(["ab", "c"]), digest(["a", "bc"]));
        assert_eq!(digest(["a"]).len(), 32);
        assert_eq!(slug("@scope/na me"), "scope-na-me");
    }
}
