//! Catalogs on the disk: the person's own below `catalogs/`, and what is to be imported. Owns where they lie and how much is
//! read. Refuses nothing for the sake of one bad file. Next: `catalog::read_catalog`, which reads the texts.

mod change;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use self::change::{Changed, change_catalog, fork_catalog, remove_catalog};
use catalog::{Catalog, ImportFile, Origin, Problem, ServerName, read_catalog};

use crate::Dirs;
use crate::files::write_atomic;
use crate::limits::{CATALOGS_MAX, IMPORT_BYTES_MAX, IMPORT_DEPTH_MAX, IMPORT_FILES_MAX};
use crate::load::read;

/// The person's own catalogs by name, each with what is wrong with it. A file that cannot be read at all is a catalog
/// without entries.
pub fn load_catalogs(dirs: &Dirs) -> Vec<Catalog> {
    let mut files: Vec<PathBuf> = Vec::new();
    // Whoever has no such folder has no catalogs.
    for item in fs::read_dir(dirs.catalogs())
        .into_iter()
        .flatten()
        .flatten()
    {
        let path = item.path();
        if is_catalog(&path) && !item.file_name().to_string_lossy().starts_with('.') {
            files.push(path);
        }
    }
    files.sort_unstable();
    let left_out = files.split_off(files.len().min(CATALOGS_MAX));
    let mut catalogs: Vec<Catalog> = files.iter().map(|file| load_catalog(file)).collect();
    if let (Some(last), Some(first)) = (catalogs.last_mut(), left_out.first()) {
        let message =
            format!("there are more than {CATALOGS_MAX} catalogs; from here on they are left out");
        last.problems
            .push(Problem::error(first.display().to_string(), message).hint("remove some"));
    }
    catalogs
}

/// One of the person's own catalogs, called as its file is.
fn load_catalog(file: &Path) -> Catalog {
    let name = file
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let source = file.display().to_string();
    let origin = Origin::Catalog(name.as_str().into());
    let text = read(file).map_err(|(problem, _)| problem);
    match text.and_then(|text| read_catalog(&text, &name, &source, &origin)) {
        // Whatever it calls itself: commands name files.
        Ok(catalog) => Catalog { name, ..catalog },
        Err(problem) => Catalog {
            name,
            origin,
            problems: vec![problem],
            ..Catalog::default()
        },
    }
}

/// Where a catalog of this name lies.
pub fn catalog_file(dirs: &Dirs, name: &ServerName) -> PathBuf {
    dirs.catalogs().join(format!("{name}.yaml"))
}

/// Writes one of the person's own catalogs, as a whole.
pub fn save_catalog(dirs: &Dirs, name: &ServerName, text: &str) -> io::Result<PathBuf> {
    let _lock = change::lock(dirs)?;
    let file = catalog_file(dirs, name);
    write_atomic(&file, text.as_bytes(), 0o600)?;
    Ok(file)
}

/// The files of an import: the one that is named, or all below the folder that is named, in the order of their paths.
/// Links are not followed: who unpacked a folder has not chosen what lies outside of it.
///
/// # Errors
/// There is nothing of that name, or more than anybody means.
pub fn import_files(path: &Path) -> io::Result<(Vec<ImportFile>, Vec<Problem>)> {
    let mut walk = Walk::default();
    match fs::metadata(path)?.is_dir() {
        true => walk.folder(path, 0)?,
        false => walk.file(path)?,
    }
    Ok((walk.files, walk.problems))
}

#[derive(Default)]
struct Walk {
    files: Vec<ImportFile>,
    problems: Vec<Problem>,
    bytes: usize,
}

impl Walk {
    fn folder(&mut self, folder: &Path, depth: usize) -> io::Result<()> {
        let mut items: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
        items.sort_unstable_by_key(fs::DirEntry::file_name);
        for item in items {
            let kind = item.file_type()?;
            let is_hidden = item.file_name().to_string_lossy().starts_with('.');
            if kind.is_dir() && !is_hidden && depth < IMPORT_DEPTH_MAX {
                self.folder(&item.path(), depth + 1)?;
            } else if kind.is_file() && !is_hidden && is_catalog(&item.path()) {
                self.file(&item.path())?;
            }
        }
        Ok(())
    }

    fn file(&mut self, file: &Path) -> io::Result<()> {
        let text = match read(file) {
            Ok(text) => text,
            Err((problem, _)) => {
                self.problems.push(problem);
                return Ok(());
            }
        };
        self.bytes += text.len();
        if self.files.len() == IMPORT_FILES_MAX || self.bytes > IMPORT_BYTES_MAX {
            let message = format!(
                "there are more than {IMPORT_FILES_MAX} files or {} MiB to import; is this the right folder?",
                IMPORT_BYTES_MAX >> 20
            );
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        self.files.push(ImportFile {
            path: file.to_string_lossy().replace('\\', "/"),
            text,
        });
        Ok(())
    }
}

fn is_catalog(path: &Path) -> bool {
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    matches!(extension.as_deref(), Some("yaml" | "yml" | "json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> (tempfile::TempDir, Dirs) {
        let folder = tempfile::tempdir().unwrap();
        let dirs = Dirs::under(folder.path());
        (folder, dirs)
    }

    fn name(text: &str) -> ServerName {
        ServerName::new(text).unwrap()
    }

    #[test]
    fn own_catalogs_by_name() {
        let (_folder, dirs) = home();
        assert!(load_catalogs(&dirs).is_empty());
        save_catalog(&dirs, &name("b"), "catalog: x\nservers: {s: {image: i}}").unwrap();
        save_catalog(&dirs, &name("a"), "catalog: [").unwrap();
        fs::write(dirs.catalogs().join(".hidden.yaml"), "catalog: h").unwrap();
        fs::write(dirs.catalogs().join("note.txt"), "no").unwrap();
        fs::write(dirs.catalogs().join("c.json"), [0xff]).unwrap();
        let catalogs = load_catalogs(&dirs);
        let seen: Vec<_> = catalogs
            .iter()
            .map(|c| (c.name.as_str(), c.entries.len(), c.problems.len()))
            .collect();
        assert_eq!(seen, [("a", 0, 1), ("b", 1, 0), ("c", 0, 1)]);
        assert_eq!(catalogs[1].entries[0].origin, Origin::Catalog("b".into()));
    }

    #[cfg(unix)]
    #[test]
    fn an_import_is_a_file_or_a_folder_without_its_links() {
        let (folder, _) = home();
        let at = |path: &str| folder.path().join(path);
        fs::create_dir_all(at("r/b/c")).unwrap();
        fs::create_dir_all(at("r/.git")).unwrap();
        for file in [
            "r/b/c/server.yaml",
            "r/b/c/tools.json",
            "r/b/readme.md",
            "r/.git/x.json",
            "r/a.yml",
        ] {
            fs::write(at(file), file).unwrap();
        }
        std::os::unix::fs::symlink(at("r/a.yml"), at("r/link.yaml")).unwrap();
        let (files, problems) = import_files(&at("r")).unwrap();
        let texts: Vec<&str> = files.iter().map(|file| file.text.as_str()).collect();
        assert_eq!(texts, ["r/a.yml", "r/b/c/server.yaml", "r/b/c/tools.json"]);
        assert!(problems.is_empty());
        assert_eq!(import_files(&at("r/b/readme.md")).unwrap().0.len(), 1);
        assert!(import_files(&at("none")).is_err());
    }

    #[test]
    fn numbers_of_files_and_catalogs_are_bounded() {
        let (folder, dirs) = home();
        fs::create_dir_all(dirs.catalogs()).unwrap();
        for at in 0..=CATALOGS_MAX {
            fs::write(dirs.catalogs().join(format!("{at:04}.yaml")), "catalog: c").unwrap();
        }
        let catalogs = load_catalogs(&dirs);
        assert_eq!(catalogs.len(), CATALOGS_MAX);
        assert_eq!(catalogs.iter().map(|c| c.problems.len()).sum::<usize>(), 1);
        let mut walk = Walk {
            bytes: IMPORT_BYTES_MAX,
            ..Walk::default()
        };
        let file = folder.path().join("x.json");
        fs::write(&file, "{}").unwrap();
        assert_eq!(
            walk.file(&file).unwrap_err().kind(),
            io::ErrorKind::FileTooLarge
        );
        let mut walk = Walk {
            files: vec![
                ImportFile {
                    path: String::new(),
                    text: String::new()
                };
                IMPORT_FILES_MAX
            ],
            ..Walk::default()
        };
        assert!(walk.file(&file).is_err());
        let deep = (0..=IMPORT_DEPTH_MAX).fold(folder.path().join("d"), |path, _| path.join("d"));
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("x.json"), "{}").unwrap();
        assert!(import_files(&folder.path().join("d")).unwrap().0.is_empty());
    }
}
