//! Which folders have to be listened to so that no change of a file is missed, and how to tell that a file is
//! another one. Folders, not files: most programs write a new file and rename it into place, and a file that is
//! not there yet cannot be listened to. Events only wake; what counts is how the files look.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;

use notify::event::{AccessKind, AccessMode, Event, EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use crate::limits::WATCH_LINKS_MAX;

/// How files look, links followed: equal means that nobody touched them.
pub(super) type Stamps = Vec<Option<Stamp>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    file: Identity,
    size: u64,
    modified: (i64, i64),
    /// Moves with permissions and names too.
    changed: (i64, i64),
}

/// Device and number: two folders of one name, one after the other, are two.
type Identity = (u64, u64);

/// Looks at files.
pub(super) fn stamps(files: &[PathBuf]) -> Stamps {
    let stamp = |file: &PathBuf| {
        let meta = fs::metadata(file).ok()?;
        Some(Stamp {
            file: (meta.dev(), meta.ino()),
            size: meta.size(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        })
    };
    files.iter().map(stamp).collect()
}

/// The folders that are listened to.
pub(super) struct Folders {
    watcher: Option<RecommendedWatcher>,
    watched: BTreeMap<Identity, PathBuf>,
    are_heard: bool,
    /// A folder that is removed is no longer listened to, and one made in its place may have its number.
    is_stale: Arc<AtomicBool>,
}

impl Folders {
    /// Whatever happens in a folder, `wake` gets a token.
    pub(super) fn new(wake: SyncSender<()>) -> Self {
        let is_stale = Arc::new(AtomicBool::new(false));
        let stale = Arc::clone(&is_stale);
        let heard = move |event: notify::Result<Event>| {
            if event.as_ref().map_or(true, moves) {
                stale.store(true, Ordering::Relaxed);
            }
            if event.as_ref().map_or(true, matters) {
                // Full: somebody will look anyway.
                let _ = wake.try_send(());
            }
        };
        Self {
            watcher: notify::recommended_watcher(heard).ok(),
            watched: BTreeMap::new(),
            are_heard: false,
            is_stale,
        }
    }

    /// Listens to what these files need, and to nothing else.
    pub(super) fn follow(&mut self, files: &[PathBuf]) {
        if self.is_stale.swap(false, Ordering::Relaxed) {
            self.listen(BTreeMap::new());
        }
        // A folder may come into being while we take to the one above it.
        for _ in 0..4 {
            let needed = needed(files);
            if needed == self.watched {
                return;
            }
            self.listen(needed);
        }
    }

    /// Whether all of them can be listened to: the system has its limits.
    pub(super) fn are_heard(&self) -> bool {
        self.are_heard
    }

    fn listen(&mut self, needed: BTreeMap<Identity, PathBuf>) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        let is_in = |all: &BTreeMap<Identity, PathBuf>, identity, folder: &PathBuf| {
            all.get(identity) == Some(folder)
        };
        for (_, folder) in self.watched.iter().filter(|(i, f)| !is_in(&needed, i, f)) {
            // One that was removed is not listened to any longer.
            let _ = watcher.unwatch(folder);
        }
        self.are_heard = true;
        for (_, folder) in needed.iter().filter(|(i, f)| !is_in(&self.watched, i, f)) {
            self.are_heard &= watcher.watch(folder, RecursiveMode::NonRecursive).is_ok();
        }
        self.watched = needed;
    }
}

/// Reading a file is no change; we do it ourselves.
fn matters(event: &Event) -> bool {
    match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

/// Whether a folder may be gone, or events may have been lost.
fn moves(event: &Event) -> bool {
    let is_move = matches!(
        event.kind,
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
    );
    is_move || event.need_rescan()
}

/// The folder of each file, of each link on the way to it, or what there is above a folder that is missing.
fn needed(files: &[PathBuf]) -> BTreeMap<Identity, PathBuf> {
    let mut needed = BTreeMap::new();
    for file in files {
        let mut file = file.clone();
        for _ in 0..WATCH_LINKS_MAX {
            let mut above = file.ancestors().skip(1);
            let Some((identity, folder)) = above.find_map(folder) else {
                break;
            };
            let target = fs::read_link(&file).map(|target| folder.join(target));
            needed.entry(identity).or_insert(folder);
            match target {
                Ok(target) => file = target,
                Err(_) => break,
            }
        }
    }
    needed
}

fn folder(path: &Path) -> Option<(Identity, PathBuf)> {
    // A relative path of one word lies in the working folder.
    let path = match path.as_os_str().is_empty() {
        true => Path::new("."),
        false => path,
    };
    let meta = fs::metadata(path).ok().filter(fs::Metadata::is_dir)?;
    Some(((meta.dev(), meta.ino()), path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(files: &[PathBuf]) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = needed(files).into_values().collect();
        folders.sort();
        folders
    }

    #[test]
    fn links_are_followed_and_missing_folders_waited_for_above() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        fs::create_dir(at("a")).unwrap();
        fs::create_dir(at("b")).unwrap();
        fs::write(at("b/real"), "").unwrap();
        std::os::unix::fs::symlink("../b/real", at("a/link")).unwrap();
        assert_eq!(folders(&[at("a/link")]), [at("a"), at("a/../b")]);
        // Two ways to one folder are one.
        assert_eq!(folders(&[at("b/x"), at("a/link")]), [at("a"), at("b")]);
        assert_eq!(folders(&[at("none/of/it")]), [home.path()]);
        // A link that leads to itself is followed for a while.
        std::os::unix::fs::symlink("self", at("self")).unwrap();
        assert_eq!(folders(&[at("self")]), [home.path()]);
    }

    #[test]
    fn a_file_of_the_same_size_is_another_one() {
        let home = tempfile::tempdir().unwrap();
        let (file, new) = (home.path().join("file"), home.path().join("new"));
        let look = || stamps(std::slice::from_ref(&file));
        assert_eq!(look(), [None]);
        fs::write(&file, "1").unwrap();
        let before = look();
        assert_eq!(look(), before);
        fs::write(&new, "2").unwrap();
        fs::rename(&new, &file).unwrap();
        assert_ne!(look(), before);
    }
}
