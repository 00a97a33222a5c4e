//! Changes of the person's own catalogs: each as a whole or not at all, two at once one after the other. Owns which file is meant by
//! a name. Refuses to write where something would be lost: in files of another form, and in those that are not understood.

use std::fs;
use std::io;
use std::path::PathBuf;

use catalog::{
    Catalog, Form, Origin, Problem, ServerName, edit_catalog, read_catalog, recognise_catalog,
};

use crate::Dirs;
use crate::files::{private_dir, write_atomic};
use crate::limits::CATALOGS_MAX;
use crate::load::read;

/// What came of a change.
#[derive(Debug)]
pub struct Changed<T> {
    /// What the change says of itself.
    pub done: T,
    /// The file.
    pub file: PathBuf,
    /// Whether comments in it are gone.
    pub lost_comments: bool,
}

/// Changes one of the person's own catalogs; `None`: there is none of this name. If `change` fails, nothing is written.
///
/// # Errors
/// The file cannot be read as a whole, is of another form than ours, or cannot be written; or there would be too many.
pub fn change_catalog<T, E>(
    dirs: &Dirs,
    name: &ServerName,
    change: impl FnOnce(&mut Option<Catalog>) -> Result<T, E>,
) -> Result<Result<Changed<T>, E>, Problem> {
    let file = file_of(dirs, name);
    let source = file.display().to_string();
    let _lock = lock(dirs).map_err(|error| unwritten(&source, &error))?;
    let text = text_of(&file)?;
    let mut catalog = match &text {
        Some(text) => Some(whole(text, name, &source)?),
        None => None,
    };
    let problem = catalog
        .as_ref()
        .and_then(|known| known.problems.first().cloned());
    let done = match change(&mut catalog) {
        Ok(done) => done,
        Err(error) => return Ok(Err(error)),
    };
    let mut changed = Changed {
        done,
        file,
        lost_comments: false,
    };
    let Some(catalog) = catalog else {
        return Ok(Ok(changed));
    };
    if text.is_none() {
        check_room(dirs, &source)?;
    }
    let text = text.unwrap_or_default();
    let edited = edit_catalog(&text, &catalog)?;
    // What was not understood would not be written again.
    if let Some(problem) = problem.filter(|_| edited.is_whole) {
        return Err(problem);
    }
    changed.lost_comments = edited.is_whole && text.contains('#');
    write_atomic(&changed.file, edited.text.as_bytes(), 0o600)
        .map_err(|error| unwritten(&source, &error))?;
    Ok(Ok(changed))
}

/// Writes a catalog that is not there yet, with the comments of the one that it is a copy of.
///
/// # Errors
/// There is one of its name, there would be too many, or it cannot be written.
pub fn fork_catalog(
    dirs: &Dirs,
    from: Option<&ServerName>,
    name: &ServerName,
    wanted: &Catalog,
) -> Result<PathBuf, Problem> {
    let file = file_of(dirs, name);
    let source = file.display().to_string();
    let _lock = lock(dirs).map_err(|error| unwritten(&source, &error))?;
    if file.exists() {
        return Err(Problem::error(
            source,
            format!("there is a catalog `{name}` already"),
        ));
    }
    check_room(dirs, &source)?;
    let text = from.and_then(|from| text_of(&file_of(dirs, from)).ok()?);
    let edited = edit_catalog(&text.unwrap_or_default(), wanted)?;
    write_atomic(&file, edited.text.as_bytes(), 0o600)
        .map_err(|error| unwritten(&source, &error))?;
    Ok(file)
}

/// Removes one of the person's own catalogs, broken ones too.
///
/// # Errors
/// There is none of this name, or it cannot be removed.
pub fn remove_catalog(dirs: &Dirs, name: &ServerName) -> Result<(), Problem> {
    let file = file_of(dirs, name);
    let failed = |error: io::Error| {
        Problem::error(
            file.display().to_string(),
            format!("cannot be removed: {error}"),
        )
    };
    let _lock = lock(dirs).map_err(failed)?;
    fs::remove_file(&file).map_err(failed)
}

/// The file that is there under this name, else the one that would be.
fn file_of(dirs: &Dirs, name: &ServerName) -> PathBuf {
    let endings = ["yaml", "yml", "json"].into_iter();
    let mut files = endings.map(|ending| dirs.catalogs().join(format!("{name}.{ending}")));
    let there = files.find(|file| file.exists());
    there.unwrap_or_else(|| super::catalog_file(dirs, name))
}

fn text_of(file: &std::path::Path) -> Result<Option<String>, Problem> {
    match read(file) {
        Ok(text) => Ok(Some(text)),
        Err((_, io::ErrorKind::NotFound)) => Ok(None),
        Err((problem, _)) => Err(problem),
    }
}

/// The catalog of a text in which no server is broken, in our own form.
fn whole(text: &str, name: &ServerName, source: &str) -> Result<Catalog, Problem> {
    if let Ok(form) = recognise_catalog(text, source)
        && form != Form::Own
    {
        let message = format!(
            "this is a catalog of another form ({}), which is only read",
            form.as_str()
        );
        return Err(Problem::error(source, message).hint(format!(
            "portolan catalog fork {name} NEW-NAME makes one of it that can be changed"
        )));
    }
    let origin = Origin::Catalog(name.as_str().into());
    let catalog = read_catalog(text, name.as_str(), source, &origin)?;
    match catalog.problems.iter().find(|problem| problem.is_error()) {
        Some(problem) => Err(problem.clone()),
        None => Ok(Catalog {
            name: name.to_string(),
            ..catalog
        }),
    }
}

fn check_room(dirs: &Dirs, source: &str) -> Result<(), Problem> {
    match super::load_catalogs(dirs).len() < CATALOGS_MAX {
        true => Ok(()),
        false => Err(Problem::error(
            source,
            format!("there are {CATALOGS_MAX} catalogs, which is the most"),
        )
        .hint("remove some with `portolan catalog rm`")),
    }
}

fn unwritten(source: &str, error: &io::Error) -> Problem {
    Problem::error(source, format!("cannot be written: {error}"))
}

/// Held until it is dropped; whoever wants it meanwhile waits.
pub(super) fn lock(dirs: &Dirs) -> io::Result<fs::File> {
    private_dir(&dirs.catalogs())?;
    let lock = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dirs.catalogs().join(".lock"))?;
    lock.lock()?;
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use catalog::Entry;

    use super::*;

    fn home() -> (tempfile::TempDir, Dirs) {
        let folder = tempfile::tempdir().unwrap();
        let dirs = Dirs::under(folder.path());
        (folder, dirs)
    }

    fn name(text: &str) -> ServerName {
        ServerName::new(text).unwrap()
    }

    fn add(dirs: &Dirs, catalog: &str, server: &str) -> Result<bool, Problem> {
        let changed = change_catalog(dirs, &name(catalog), |known| {
            let known = known.get_or_insert_with(|| Catalog {
                name: catalog.to_owned(),
                ..Catalog::default()
            });
            known
                .entries
                .push(Entry::remote(name(server), "https://h.example/mcp"));
            Ok::<_, ()>(())
        });
        changed.map(|changed| changed.unwrap().lost_comments)
    }

    fn text(dirs: &Dirs, file: &str) -> String {
        fs::read_to_string(dirs.catalogs().join(file)).unwrap()
    }

    #[test]
    fn catalogs_are_made_changed_copied_and_removed() {
        let (_folder, dirs) = home();
        assert!(!add(&dirs, "ours", "a").unwrap());
        let noted = format!("# Ours.\n{}# The end.\n", text(&dirs, "ours.yaml"));
        fs::write(dirs.catalogs().join("ours.yaml"), &noted).unwrap();
        assert!(!add(&dirs, "ours", "b").unwrap());
        assert!(
            text(&dirs, "ours.yaml").contains("# Ours.")
                && text(&dirs, "ours.yaml").contains("  b:\n")
        );
        let mut copy = super::super::load_catalogs(&dirs).remove(0);
        copy.name = "copy".into();
        fork_catalog(&dirs, Some(&name("ours")), &name("copy"), &copy).unwrap();
        assert!(text(&dirs, "copy.yaml").contains("# The end."));
        assert!(text(&dirs, "copy.yaml").contains("catalog: copy"));
        let again = fork_catalog(&dirs, None, &name("copy"), &copy).unwrap_err();
        assert!(again.message.contains("already"), "{again}");
        // What fails changes nothing.
        let before = text(&dirs, "copy.yaml");
        let failed = change_catalog(&dirs, &name("copy"), |known| {
            *known = None;
            Err::<(), _>("no")
        });
        assert_eq!(failed.unwrap().unwrap_err(), "no");
        assert_eq!(text(&dirs, "copy.yaml"), before);
        remove_catalog(&dirs, &name("copy")).unwrap();
        assert!(remove_catalog(&dirs, &name("copy")).is_err());
        assert_eq!(super::super::load_catalogs(&dirs).len(), 1);
    }

    #[test]
    fn nothing_is_written_where_something_would_be_lost() {
        let (_folder, dirs) = home();
        fs::create_dir_all(dirs.catalogs()).unwrap();
        for (file, content, part) in [
            (
                "docker.yaml",
                "registry: {a: {image: x, description: d}}",
                "another form (Docker catalog)",
            ),
            (
                "apps.json",
                "{\"mcpServers\": {}}",
                "another form (mcpServers)",
            ),
            (
                "broken.yaml",
                "catalog: broken\nservers: {a: {imag: x}}",
                "a",
            ),
            ("half.yaml", "catalog: [", "not valid YAML"),
            (
                "odd.yaml",
                "catalog: odd\nrules: []\nservers: {a: {image: i}} # flow",
                "`rules`",
            ),
        ] {
            fs::write(dirs.catalogs().join(file), content).unwrap();
            let (stem, _) = file.split_once('.').unwrap();
            let problem = add(&dirs, stem, "b").unwrap_err();
            assert!(problem.to_string().contains(part), "{problem}");
            assert_eq!(text(&dirs, file), content);
        }
        // Where it is only comments, it is told.
        fs::write(
            dirs.catalogs().join("flow.yaml"),
            "catalog: flow\nservers: {a: {image: i}} # flow",
        )
        .unwrap();
        assert!(add(&dirs, "flow", "b").unwrap());
        // What stays where it is, is not lost.
        fs::write(
            dirs.catalogs().join("odd.yaml"),
            "catalog: odd\nrules: []\nservers:\n  a: {image: i}\n",
        )
        .unwrap();
        assert!(!add(&dirs, "odd", "b").unwrap());
        assert!(text(&dirs, "odd.yaml").contains("rules: []"));
    }

    #[test]
    fn two_writers_at_once_lose_nothing() {
        let (_folder, dirs) = home();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let dirs = &dirs;
                scope.spawn(move || {
                    for at in 0..8 {
                        add(dirs, "ours", &format!("s{thread}-{at}")).unwrap();
                    }
                });
            }
        });
        let catalogs = super::super::load_catalogs(&dirs);
        assert_eq!((catalogs.len(), catalogs[0].entries.len()), (1, 32));
    }

    #[test]
    fn the_number_of_catalogs_is_bounded() {
        let (_folder, dirs) = home();
        fs::create_dir_all(dirs.catalogs()).unwrap();
        for at in 0..CATALOGS_MAX {
            fs::write(dirs.catalogs().join(format!("c{at}.yaml")), "catalog: c").unwrap();
        }
        assert!(
            add(&dirs, "more", "a")
                .unwrap_err()
                .message
                .contains("is the most")
        );
        assert!(!dirs.catalogs().join("more.yaml").exists());
        assert!(!add(&dirs, "c0", "a").unwrap());
    }
}
