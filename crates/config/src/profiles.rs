//! Profiles on the disk: one file each below `profiles/`. Owns where they lie and that two writers at once wait for each other.
//! Refuses to write over a file of which anything could not be read, for that would be lost. Next: `catalog::read_profile`.

use std::fs;
use std::io;
use std::path::PathBuf;

use catalog::{Origin, Problem, Profile, ServerName, read_profile, write_profile};

use crate::Dirs;
use crate::files::{private_dir, write_atomic};
use crate::limits::PROFILES_MAX;
use crate::load::read;

/// Where the profile of this name lies.
pub fn profile_file(dirs: &Dirs, name: &ServerName) -> PathBuf {
    dirs.profiles().join(format!("{name}.yaml"))
}

/// The names of all profiles, in their order; at most [`PROFILES_MAX`].
pub fn profile_names(dirs: &Dirs) -> Vec<ServerName> {
    // Whoever has no such folder has no profiles.
    let items = fs::read_dir(dirs.profiles())
        .into_iter()
        .flatten()
        .flatten();
    let mut names: Vec<ServerName> = items
        .filter_map(|item| {
            let name = item.file_name().into_string().ok()?;
            ServerName::new(name.strip_suffix(".yaml")?).ok()
        })
        .collect();
    names.sort_unstable();
    names.truncate(PROFILES_MAX);
    names
}

/// Reads a profile; `None` if there is none of this name. It is called as its file is.
///
/// # Errors
/// Nothing of the file can be read. What is wrong with single servers stands among the profile's problems.
pub fn load_profile(dirs: &Dirs, name: &ServerName) -> Result<Option<Profile>, Problem> {
    let file = profile_file(dirs, name);
    let text = match read(&file) {
        Ok(text) => text,
        Err((_, io::ErrorKind::NotFound)) => return Ok(None),
        Err((problem, _)) => return Err(problem),
    };
    let source = file.display().to_string();
    let profile = read_profile(&text, name.as_str(), &source, &Origin::Own)?;
    Ok(Some(Profile {
        name: name.to_string(),
        ..profile
    }))
}

/// Changes a profile, as a whole or not at all; processes that do so at once wait for each other. `None`: there is none of
/// this name. If `change` fails, nothing is written.
///
/// # Errors
/// The file cannot be read as a whole, or not written; or there would be too many.
pub fn change_profile<T, E>(
    dirs: &Dirs,
    name: &ServerName,
    change: impl FnOnce(&mut Option<Profile>) -> Result<T, E>,
) -> Result<Result<T, E>, Problem> {
    let file = profile_file(dirs, name);
    let source = file.display().to_string();
    let failed = |error: io::Error| Problem::error(&*source, format!("cannot be written: {error}"));
    let _lock = lock(dirs).map_err(failed)?;
    let mut profile = load_profile(dirs, name)?;
    let was_there = profile.is_some();
    // What was not understood would not be written again.
    if let Some(problem) = profile.as_ref().and_then(|known| known.problems.first()) {
        return Err(problem.clone());
    }
    let done = match change(&mut profile) {
        Ok(done) => done,
        Err(error) => return Ok(Err(error)),
    };
    let Some(profile) = profile else {
        return Ok(Ok(done));
    };
    if !was_there && profile_names(dirs).len() >= PROFILES_MAX {
        return Err(Problem::error(
            source,
            format!("there are {PROFILES_MAX} profiles, which is the most"),
        )
        .hint("remove some with `portolan profile rm`"));
    }
    let text = write_profile(&profile)
        .map_err(|error| Problem::error(&*source, format!("cannot be written: {error}")))?;
    write_atomic(&file, text.as_bytes(), 0o600).map_err(failed)?;
    Ok(Ok(done))
}

/// Removes a profile, broken ones too.
///
/// # Errors
/// There is none of this name, or it cannot be removed.
pub fn remove_profile(dirs: &Dirs, name: &ServerName) -> Result<(), Problem> {
    let file = profile_file(dirs, name);
    let failed = |error: io::Error| {
        Problem::error(
            file.display().to_string(),
            format!("cannot be removed: {error}"),
        )
    };
    let _lock = lock(dirs).map_err(failed)?;
    fs::remove_file(&file).map_err(failed)
}

/// Lets whoever watches a profile look at it again: what it depends on is different now.
///
/// # Errors
/// There is none of this name, or it cannot be written.
pub fn touch_profile(dirs: &Dirs, name: &ServerName) -> io::Result<()> {
    let file = fs::File::options()
        .append(true)
        .open(profile_file(dirs, name))?;
    file.set_modified(std::time::SystemTime::now())
}

/// Held until it is dropped; whoever wants it meanwhile waits.
fn lock(dirs: &Dirs) -> io::Result<fs::File> {
    private_dir(&dirs.profiles())?;
    let lock = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dirs.profiles().join(".lock"))?;
    lock.lock()?;
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use catalog::{Entry, ProfileServer};

    use super::*;

    fn home() -> (tempfile::TempDir, Dirs) {
        let folder = tempfile::tempdir().unwrap();
        let dirs = Dirs::under(folder.path());
        (folder, dirs)
    }

    fn name(text: &str) -> ServerName {
        ServerName::new(text).unwrap()
    }

    fn add(dirs: &Dirs, profile: &str, server: &str) {
        let done = change_profile(dirs, &name(profile), |known| {
            let known = known.get_or_insert_with(|| Profile::new(&name(profile)));
            let entry = Entry::command(name(server), "x", [""; 0]);
            known.servers.push(ProfileServer::new(entry));
            Ok::<_, ()>(())
        });
        done.unwrap().unwrap();
    }

    #[test]
    fn profiles_are_made_read_changed_and_removed() {
        let (_folder, dirs) = home();
        assert!(profile_names(&dirs).is_empty());
        assert!(load_profile(&dirs, &name("dev")).unwrap().is_none());
        add(&dirs, "dev", "a");
        add(&dirs, "dev", "b");
        add(&dirs, "ops", "c");
        fs::write(dirs.profiles().join("note.txt"), "").unwrap();
        fs::write(dirs.profiles().join("-x.yaml"), "").unwrap();
        assert_eq!(profile_names(&dirs), [name("dev"), name("ops")]);
        let dev = load_profile(&dirs, &name("dev")).unwrap().unwrap();
        assert_eq!(dev.names().collect::<Vec<_>>(), ["a", "b"]);
        // Whatever the file calls itself.
        fs::rename(
            profile_file(&dirs, &name("ops")),
            profile_file(&dirs, &name("prod")),
        )
        .unwrap();
        let prod = load_profile(&dirs, &name("prod")).unwrap().unwrap();
        assert_eq!(prod.name, "prod");
        let failed = change_profile(&dirs, &name("dev"), |known| {
            *known = None;
            Err::<(), _>("no")
        });
        assert_eq!(failed.unwrap(), Err("no"));
        assert!(load_profile(&dirs, &name("dev")).unwrap().is_some());
        remove_profile(&dirs, &name("dev")).unwrap();
        assert!(remove_profile(&dirs, &name("dev")).is_err());
        assert_eq!(profile_names(&dirs), [name("prod")]);
    }

    #[test]
    fn what_cannot_be_read_as_a_whole_is_never_written_over() {
        let (_folder, dirs) = home();
        fs::create_dir_all(dirs.profiles()).unwrap();
        let file = profile_file(&dirs, &name("p"));
        for text in [
            "profile: [",
            "profile: p\nservers:\n  a: {entry: {}}\n",
            "profile: p\nrules: []\n",
        ] {
            fs::write(&file, text).unwrap();
            let done = change_profile(&dirs, &name("p"), |known| {
                *known = Some(Profile::new(&name("p")));
                Ok::<_, ()>(())
            });
            let problem = done.unwrap_err();
            assert!(problem.line > 0, "{problem}");
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
        // But it can be removed.
        remove_profile(&dirs, &name("p")).unwrap();
    }

    #[test]
    fn two_writers_at_once_lose_nothing() {
        let (_folder, dirs) = home();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let dirs = &dirs;
                scope.spawn(move || {
                    for at in 0..8 {
                        add(dirs, "dev", &format!("s{thread}-{at}"));
                    }
                });
            }
        });
        let dev = load_profile(&dirs, &name("dev")).unwrap().unwrap();
        assert_eq!(dev.servers.len(), 32);
    }

    #[test]
    fn the_number_of_profiles_is_bounded() {
        let (_folder, dirs) = home();
        fs::create_dir_all(dirs.profiles()).unwrap();
        for at in 0..PROFILES_MAX {
            fs::write(dirs.profiles().join(format!("p{at}.yaml")), "profile: p").unwrap();
        }
        let one_more = change_profile(&dirs, &name("q"), |known| {
            *known = Some(Profile::new(&name("q")));
            Ok::<_, ()>(())
        });
        assert!(one_more.unwrap_err().message.contains("is the most"));
        assert!(!profile_file(&dirs, &name("q")).exists());
        // Those that are there can be changed.
        add(&dirs, "p0", "a");
    }
}
