//! Copies of catalogs that were fetched, one file for each address. Owns where they lie and how many are kept. They can be lost:
//! what they hold is fetched again.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use crate::Dirs;
use crate::files::{private_dir, write_atomic};
use crate::limits::FETCHED_MAX;
use crate::load::read;

/// A copy that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The text.
    pub text: String,
    /// When it was fetched.
    pub at: SystemTime,
}

/// Keeps a text that came from this address, in the place of the one before.
pub fn keep_fetched(dirs: &Dirs, url: &str, text: &str) -> io::Result<()> {
    let folder = dirs.fetched_catalogs();
    private_dir(&folder)?;
    write_atomic(&file(&folder, url), text.as_bytes(), 0o600)?;
    thin_out(&folder)
}

/// The text that was last kept of this address, if there is one that can be read.
pub fn fetched(dirs: &Dirs, url: &str) -> Option<Fetched> {
    let file = file(&dirs.fetched_catalogs(), url);
    let at = fs::metadata(&file).and_then(|meta| meta.modified()).ok()?;
    let text = read(&file).ok()?;
    Some(Fetched { text, at })
}

/// Called by what nobody can read an address from: a query can be a secret.
fn file(folder: &Path, url: &str) -> PathBuf {
    let mut name = String::new();
    for byte in Sha256::digest(url.as_bytes()) {
        // A text takes all that is written to it.
        let _ = write!(name, "{byte:02x}");
    }
    folder.join(name)
}

/// The oldest go first.
fn thin_out(folder: &Path) -> io::Result<()> {
    let mut copies = Vec::new();
    for item in fs::read_dir(folder)? {
        let item = item?;
        copies.push((item.metadata()?.modified()?, item.path()));
    }
    copies.sort_unstable();
    let excess = copies.len().saturating_sub(FETCHED_MAX);
    for (_, file) in copies.drain(..excess) {
        // Somebody else may have been faster.
        let _ = fs::remove_file(file);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_copy_of_an_address_is_kept() {
        let home = tempfile::tempdir().unwrap();
        let dirs = Dirs::under(home.path());
        assert_eq!(fetched(&dirs, "https://h/c?key=s"), None);
        keep_fetched(&dirs, "https://h/c?key=s", "one").unwrap();
        keep_fetched(&dirs, "https://h/c?key=s", "two").unwrap();
        keep_fetched(&dirs, "https://h/c?key=t", "three").unwrap();
        assert_eq!(fetched(&dirs, "https://h/c?key=s").unwrap().text, "two");
        assert!(fetched(&dirs, "https://h/c?key=t").unwrap().at <= SystemTime::now());
        let names = fs::read_dir(dirs.fetched_catalogs()).unwrap();
        for name in names.map(|item| item.unwrap().file_name()) {
            assert_eq!(name.len(), 64);
        }
        // What is no text is none.
        fs::write(file(&dirs.fetched_catalogs(), "u"), [0xff]).unwrap();
        assert_eq!(fetched(&dirs, "u"), None);
    }

    #[test]
    fn there_are_not_more_and_more_of_them() {
        let home = tempfile::tempdir().unwrap();
        let dirs = Dirs::under(home.path());
        for at in 0..FETCHED_MAX + 5 {
            keep_fetched(&dirs, &format!("https://h/{at}"), "x").unwrap();
        }
        let left = fs::read_dir(dirs.fetched_catalogs()).unwrap().count();
        assert_eq!(left, FETCHED_MAX);
    }
}
