//! All that a person has set up, as one document: what `config dump` prints and `config restore` reads. Owns which files belong to
//! it. Secrets, approvals and records are none of them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use catalog::{Problem, ServerName};
use serde::{Deserialize, Serialize};

use crate::Dirs;
use crate::files::{private_dir, write_atomic};
use crate::load::read;

/// The version of the document.
const VERSION: u32 = 1;

/// Files of the folder of `config.toml`.
const FILES: [&str; 3] = ["config.toml", "servers.yaml", "network.yaml"];

/// Its folders of files that are called after what they hold.
const FOLDERS: [&str; 2] = ["catalogs", "profiles"];

/// The files, by their paths in the folder of `config.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dump {
    version: u32,
    files: BTreeMap<String, String>,
}

/// Reads all of it.
///
/// # Errors
/// A file is there and cannot be read.
pub fn dump(dirs: &Dirs) -> Result<Dump, Problem> {
    let mut files = BTreeMap::new();
    let mut add = |name: String| match read(&dirs.config.join(&name)) {
        Ok(text) => {
            files.insert(name, text);
            Ok(())
        }
        Err((_, io::ErrorKind::NotFound)) => Ok(()),
        Err((problem, _)) => Err(problem),
    };
    for name in FILES {
        add(name.to_owned())?;
    }
    for folder in FOLDERS {
        // Whoever has no such folder has nothing in it.
        let items = fs::read_dir(dirs.config.join(folder)).into_iter().flatten();
        for item in items.flatten() {
            let name = format!("{folder}/{}", item.file_name().to_string_lossy());
            if is_ours(&name) {
                add(name)?;
            }
        }
    }
    Ok(Dump {
        version: VERSION,
        files,
    })
}

/// Writes all that is in it, each file as a whole, and none where a name in it is none of ours; the files. Others stay.
///
/// # Errors
/// It is of another version, names what is none of our files, or a file cannot be written.
pub fn restore(dirs: &Dirs, dump: &Dump) -> Result<Vec<PathBuf>, Problem> {
    let refused = |message: String| Err(Problem::error("the dump", message));
    if dump.version != VERSION {
        return refused(format!("is of version {}, not {VERSION}", dump.version));
    }
    if let Some(name) = dump.files.keys().find(|name| !is_ours(name)) {
        return refused(format!("has `{name}`, which is no file of ours"));
    }
    let mut written = Vec::new();
    for (name, text) in &dump.files {
        let file = dirs.config.join(name);
        let folder = file.parent().unwrap_or(&dirs.config);
        private_dir(folder)
            .and_then(|()| write_atomic(&file, text.as_bytes(), 0o600))
            .map_err(|error| {
                let message = format!("cannot be written: {error}");
                Problem::error(file.display().to_string(), message)
            })?;
        written.push(file);
    }
    Ok(written)
}

/// Moves a file or folder of ours aside, in the place of what was moved there before; where to, if it was there.
///
/// # Errors
/// It cannot be moved.
pub fn set_aside(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".before-reset");
    let aside = PathBuf::from(aside);
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    match aside.symlink_metadata() {
        Ok(former) if former.is_dir() => fs::remove_dir_all(&aside)?,
        Ok(_) => fs::remove_file(&aside)?,
        Err(_) => {}
    }
    fs::rename(path, &aside)?;
    Ok(Some(aside))
}

fn is_ours(name: &str) -> bool {
    let of_folder = |folder: &str| {
        let rest = name.strip_prefix(folder)?.strip_prefix('/')?;
        ServerName::new(rest.strip_suffix(".yaml")?).ok()
    };
    FILES.contains(&name)
        || FOLDERS
            .into_iter()
            .any(|folder| of_folder(folder).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_dumped_comes_back_and_nothing_else_is_written() {
        let home = tempfile::tempdir().unwrap();
        let dirs = Dirs::under(home.path());
        assert!(dump(&dirs).unwrap().files.is_empty());
        fs::create_dir_all(dirs.profiles()).unwrap();
        fs::write(dirs.config_file(), "[gateway]\nport = 1\n").unwrap();
        fs::write(dirs.profiles().join("work.yaml"), "profile: work\n").unwrap();
        fs::write(dirs.profiles().join(".lock"), "").unwrap();
        let dumped = dump(&dirs).unwrap();
        let names: Vec<&str> = dumped.files.keys().map(String::as_str).collect();
        assert_eq!(names, ["config.toml", "profiles/work.yaml"]);
        fs::write(dirs.config_file(), "[gateway]\nport = 2\n").unwrap();
        fs::remove_file(dirs.profiles().join("work.yaml")).unwrap();
        assert_eq!(restore(&dirs, &dumped).unwrap().len(), 2);
        assert_eq!(dump(&dirs).unwrap(), dumped);
        for name in ["../x", "profiles/../x.yaml", "state/x", "profiles/x", "/x"] {
            let mut other = dumped.clone();
            other.files.insert(name.to_owned(), String::new());
            let problem = restore(&dirs, &other).unwrap_err();
            assert!(problem.message.contains(name), "{problem}");
        }
        let newer = Dump {
            version: 2,
            ..dumped
        };
        assert!(restore(&dirs, &newer).is_err());
    }

    #[test]
    fn what_is_set_aside_can_be_found() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("catalogs");
        assert_eq!(set_aside(&folder).unwrap(), None);
        for text in ["one", "two"] {
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("a"), text).unwrap();
            let aside = set_aside(&folder).unwrap().unwrap();
            assert!(!folder.exists());
            assert_eq!(fs::read_to_string(aside.join("a")).unwrap(), text);
        }
    }
}
