//! Twenty secrets that are everywhere: in the environment of every gateway and command of these tests, and as credentials of
//! their servers. Whatever a home holds in the end, and whatever was said, has none of them. What they are used for and how
//! they are provoked is in `leaks`; here is that no other test makes one of them show.

use std::path::{Path, PathBuf};

/// What all of them begin with, and nothing else has.
const MARK: &str = "planted-everywhere-";

const NAMES: [&str; 10] = [
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GITHUB_TOKEN",
    "NPM_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "DATABASE_PASSWORD",
    "SLACK_BOT_TOKEN",
    "STRIPE_SECRET_KEY",
    "PRIVATE_KEY",
    "SESSION_SECRET",
];

/// Ten variables of the person's, with their values.
pub(crate) fn variables() -> impl Iterator<Item = (&'static str, String)> {
    (0..).zip(NAMES).map(|(nth, name)| (name, value(nth)))
}

/// The credential of a server, one of ten others.
pub(crate) fn credential(nth: usize) -> String {
    value(10 + nth % 10)
}

fn value(nth: usize) -> String {
    format!("{MARK}{nth:02}-Vb7qLx2RmT9w")
}

/// Fails if one of them is in what was said.
#[track_caller]
pub(crate) fn none_in(text: &str) {
    if let Some(at) = text.find(MARK) {
        let before: String = text[..at].chars().rev().take(80).collect();
        let before: String = before.chars().rev().collect();
        panic!(
            "a secret shows: …{before}{}",
            &text[at..at + MARK.len() + 2]
        );
    }
}

/// The files below a folder that have one of them.
pub(crate) fn files_with(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => {
                    let bytes = std::fs::read(entry.path()).unwrap_or_default();
                    if bytes
                        .windows(MARK.len())
                        .any(|part| part == MARK.as_bytes())
                    {
                        found.push(entry.path());
                    }
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn one_that_shows_is_found() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("logs")).unwrap();
    std::fs::write(dir.path().join("logs/x"), "nothing").unwrap();
    assert!(files_with(dir.path()).is_empty());
    std::fs::write(dir.path().join("logs/y"), format!("a {} b", credential(3))).unwrap();
    let found = files_with(dir.path());
    assert!(
        found.len() == 1 && found[0].ends_with("logs/y"),
        "{found:?}"
    );
    none_in("nothing");
    let shows = std::panic::catch_unwind(|| none_in(&credential(1)));
    assert!(shows.is_err());
}
