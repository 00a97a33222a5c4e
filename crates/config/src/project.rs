//! The file of a project: somebody else's text, in or above the working folder. Owns how it is found and what of it counts.
//! Refuses files of other users, and to start or replace anything because such a file says so.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use catalog::{Entry, Launch, Problem, ServerName};

use crate::files::is_trusted_owner;
use crate::limits::PROJECT_FOLDERS_MAX;

/// The names a project's file may have, the first wins.
const NAMES: [&str; 2] = [".portolan/config.toml", "portolan.toml"];

/// The nearest project file, upward from a folder. `own` is the person's own file, which is none of a project's.
pub(crate) fn find(from: &Path, own: &Path) -> (Option<PathBuf>, Vec<Problem>) {
    let own = own.canonicalize().unwrap_or_else(|_| own.to_owned());
    let mut problems = Vec::new();
    for folder in from.ancestors().take(PROJECT_FOLDERS_MAX) {
        let found: Vec<PathBuf> = NAMES
            .iter()
            .map(|name| folder.join(name))
            .filter(|file| file.is_file() && file.canonicalize().is_ok_and(|file| file != own))
            .collect();
        let Some(file) = found.first() else { continue };
        let source = file.display().to_string();
        if let Some(other) = found.get(1) {
            let message = format!("{} lies beside it and is ignored", other.display());
            problems.push(Problem::warning(&source, message).hint("keep one of them"));
        }
        match is_trusted_owner(file) {
            Ok(true) => return (Some(file.clone()), problems),
            Ok(false) => {
                // Anybody can put a file into /tmp and wait for somebody to work there.
                let message = "the file belongs to another user and is ignored";
                problems.push(
                    Problem::warning(&source, message)
                        .hint(format!("if you trust it: --config {source}")),
                );
            }
            Err(error) => problems.push(Problem::warning(
                &source,
                format!("cannot be read: {error}"),
            )),
        }
    }
    (None, problems)
}

/// Takes from a project's servers what a person has to allow first: commands, and addresses into which the person's own
/// variables would go, are switched off; those that would stand for a server of the person's own are left out.
pub(crate) fn restrain(entries: &mut Vec<Entry>, known: &HashSet<&ServerName>) -> Vec<Problem> {
    let mut problems = Vec::new();
    entries.retain(|entry| {
        let is_new = !known.contains(&entry.name);
        if !is_new {
            let message = format!(
                "server `{}` is left out: you have one of that name",
                entry.name
            );
            problems.push(
                Problem::warning(&entry.source, message).hint("rename one of them to keep both"),
            );
        }
        is_new
    });
    for entry in entries.iter_mut().filter(|entry| !entry.disabled) {
        let why = match &entry.launch {
            Launch::Command { .. } => "would run a command",
            Launch::Remote { url, headers, .. }
                if url.contains("${") || headers.iter().any(|(_, value)| value.contains("${")) =>
            {
                "would be sent your variables"
            }
            Launch::Remote { .. } => continue,
            Launch::Container { .. }
            | Launch::OneShot { .. }
            | Launch::Package { .. }
            | Launch::Unavailable { .. } => "would run a program",
        };
        entry.disabled = true;
        let message = format!(
            "server `{}` is off: it {why}, and this is a project's file",
            entry.name
        );
        problems.push(
            Problem::warning(&entry.source, message)
                .hint(format!("if you trust it: --config {}", entry.source)),
        );
    }
    problems
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_nearest_one_above_wins() {
        let home = tempfile::tempdir().unwrap();
        let below = home.path().join("a/b/c");
        fs::create_dir_all(&below).unwrap();
        fs::write(home.path().join("portolan.toml"), "").unwrap();
        fs::create_dir_all(home.path().join("a/.portolan")).unwrap();
        fs::write(home.path().join("a/.portolan/config.toml"), "").unwrap();
        let none = home.path().join("none");
        assert_eq!(
            find(&below, &none).0,
            Some(home.path().join("a/.portolan/config.toml"))
        );
        assert_eq!(
            find(home.path(), &none).0,
            Some(home.path().join("portolan.toml"))
        );

        fs::write(home.path().join("a/portolan.toml"), "").unwrap();
        let (found, problems) = find(&below, &none);
        assert_eq!(found, Some(home.path().join("a/.portolan/config.toml")));
        assert!(problems[0].message.contains("is ignored"), "{problems:?}");
    }

    #[test]
    fn the_persons_own_file_is_no_project() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join(".portolan")).unwrap();
        let own = home.path().join(".portolan/config.toml");
        fs::write(&own, "").unwrap();
        assert_eq!(find(home.path(), &own).0, None);
    }
}
