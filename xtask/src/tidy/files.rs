//! Rules over the text of the tree: size, module docs, words that must not occur.
//!
//! Works on lines, not on syntax: good enough to point, simple enough to trust. Skips what is built or fetched.

use std::fs;
use std::path::{Path, PathBuf};

use super::Report;

/// Non-test lines of a Rust file.
const LINES_WARN: usize = 450;
const LINES_MAX: usize = 600;
/// Lines of a file that holds only tests.
const TEST_LINES_MAX: usize = 900;

/// Files that may be longer: path, lines, why.
const LONG: &[(&str, usize, &str)] = &[(
    "crates/config/src/settings/keys.rs",
    800,
    "one table, a row for each setting",
)];

/// Folders that hold nothing of ours.
const SKIP: &[&str] = &[
    "target",
    "node_modules",
    ".git",
    "__pycache__",
    ".venv",
    "corpus",
    "artifacts",
    "seeds",
    "testdata",
];

/// Files that are read as text.
const TEXT: &[&str] = &[
    "rs", "md", "toml", "sh", "py", "js", "mjs", "ts", "json", "yaml", "yml", "conf", "service",
    "css", "html", "rb", "cjs", "in",
];

/// Files without an extension that are read as text.
const TEXT_NAMES: &[&str] = &["test", "run", "setup"];

/// Crates whose output is for people or belongs to a test.
const PRINTS: &[&str] = &[
    "crates/cli/",
    "crates/testkit/",
    "benches/",
    "xtask/",
    "fuzz/",
];

/// Words that must not stand in Rust code. Split, so that this file does not hold them.
const WORDS: &[Word] = &[
    Word {
        text: concat!("unbounded", "_channel"),
        tests_too: true,
        why: "every queue has a limit; see limits.rs",
    },
    Word {
        text: concat!("to", "do!("),
        tests_too: true,
        why: "finish it, or leave it out",
    },
    Word {
        text: concat!("unimple", "mented!("),
        tests_too: true,
        why: "finish it, or leave it out",
    },
    Word {
        text: concat!("#[al", "low("),
        tests_too: true,
        why: "use #[expect(…, reason = \"…\")]",
    },
    Word {
        text: concat!("#![al", "low("),
        tests_too: true,
        why: "use #![expect(…, reason = \"…\")]",
    },
    Word {
        text: concat!("#[ig", "nore]"),
        tests_too: true,
        why: "a test that is not run says why: #[ignore = \"…\"]",
    },
];

/// What only these files may say: word, files, why.
const ONLY_IN: &[(&str, &[&str], &str)] = &[(
    concat!("unsafe", "_code"),
    &["crates/launch/src/sandbox/syscalls.rs"],
    "rustix, or another library, has a safe way",
)];

/// Words that end up on somebody's terminal, or in the middle of a stdio conversation.
const PRINT_WORDS: &[&str] = &["println!(", "print!(", "dbg!("];

struct Word {
    text: &'static str,
    tests_too: bool,
    why: &'static str,
}

pub(super) fn check(root: &Path, report: &mut Report) {
    let mut files = Vec::new();
    walk(root, &mut files);
    files.sort();
    let private = private_paths(root);
    for path in files {
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let name = path
            .strip_prefix(root)
            .unwrap_or(&path)
            .to_string_lossy()
            .replace('\\', "/");
        check_text(&name, &text, &private, report);
        if name.ends_with(".rs") {
            check_rust(&name, &text, report);
        }
        if name.ends_with("Cargo.toml") && text.contains("[package]") && !name.starts_with("fuzz/")
        {
            check_manifest(&name, &text, report);
        }
    }
}

/// The files of a folder that are read as text.
pub(super) fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (
            entry.path(),
            entry.file_name().to_string_lossy().into_owned(),
        );
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() && !SKIP.contains(&name.as_str()) {
            walk(&path, files);
        } else if kind.is_file() {
            let extension = path
                .extension()
                .map(|text| text.to_string_lossy().into_owned());
            let is_text = match extension {
                Some(extension) => TEXT.contains(&extension.as_str()),
                None => TEXT_NAMES.contains(&name.as_str()),
            };
            if is_text {
                files.push(path);
            }
        }
    }
}

/// Paths that exist only on the machine of whoever runs this: the checkout, and the folder around it.
fn private_paths(root: &Path) -> Vec<String> {
    const PUBLIC: &[&str] = &[
        "/", "/tmp", "/var/tmp", "/src", "/usr/src", "/home", "/opt", "/builds",
    ];
    let mut paths = vec![root.to_string_lossy().into_owned()];
    if let Some(parent) = root
        .parent()
        .map(|parent| parent.to_string_lossy().into_owned())
        && !PUBLIC.contains(&parent.as_str())
    {
        paths.push(format!("{parent}/"));
    }
    paths
}

pub(super) fn check_text(name: &str, text: &str, private: &[String], report: &mut Report) {
    for (number, line) in lines(text) {
        if line.ends_with([' ', '\t', '\r']) {
            report.fail(format!("{name}:{number}"), "trailing whitespace");
        }
        if private.iter().any(|path| stands_alone(line, path)) {
            report.fail(
                format!("{name}:{number}"),
                "a path of this machine, which no one else has",
            );
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        report.fail(name, "does not end with a newline");
    }
}

/// Whether the path begins here, rather than being the tail of another one.
fn stands_alone(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|letter| letter.is_alphanumeric() || "._-}*/~".contains(letter))
    })
}

pub(super) fn check_rust(name: &str, text: &str, report: &mut Report) {
    if name.ends_with("/mod.rs") {
        report.fail(name, "name the file after its module: foo.rs beside foo/");
    }
    if !name.ends_with("/tests.rs") && !text.trim_start().starts_with("//!") {
        report.fail(
            name,
            "begin with a module doc: what it owns, what it refuses, what to read next",
        );
    }
    let own = if is_test_file(name) {
        0
    } else {
        non_test_lines(text)
    };
    check_size(name, text, own, report);
    let prints = PRINTS.iter().any(|folder| name.starts_with(folder));
    for (number, line) in lines(text) {
        let code = line.split("//").next().unwrap_or_default();
        let is_test = number > own;
        for word in WORDS
            .iter()
            .filter(|word| code.contains(word.text) && (word.tests_too || !is_test))
        {
            report.fail(
                format!("{name}:{number}"),
                format!("{} must not be used: {}", word.text, word.why),
            );
        }
        for (word, files, why) in ONLY_IN {
            if code.contains(word) && !files.contains(&name) {
                report.fail(
                    format!("{name}:{number}"),
                    format!("{word} is lifted in {} alone: {why}", files.join(", ")),
                );
            }
        }
        if !prints && !is_test && PRINT_WORDS.iter().any(|word| code.contains(word)) {
            report.fail(
                format!("{name}:{number}"),
                "only `cli` prints: return it, or record it",
            );
        }
    }
}

fn check_size(name: &str, text: &str, own: usize, report: &mut Report) {
    if is_test_file(name) {
        let count = text.lines().count();
        if count > TEST_LINES_MAX {
            report.fail(
                name,
                format!(
                    "{count} lines of tests, at most {TEST_LINES_MAX}: split it by what is tested"
                ),
            );
        }
        return;
    }
    report.sizes.push(own);
    let max = LONG
        .iter()
        .find(|(long, ..)| *long == name)
        .map_or(LINES_MAX, |(_, lines, _)| *lines);
    if own > max {
        report.fail(
            name,
            format!("{own} lines without its tests, at most {max}: it holds more than one idea"),
        );
    } else if own > LINES_WARN && max == LINES_MAX {
        report.warn(
            name,
            format!("{own} lines without its tests; nine in ten files stay under {LINES_WARN}"),
        );
    }
}

fn check_manifest(name: &str, text: &str, report: &mut Report) {
    let follows = text
        .split("[lints]")
        .nth(1)
        .is_some_and(|rest| rest.trim_start().starts_with("workspace = true"));
    if !follows {
        report.fail(
            name,
            "does not follow the lints of the workspace: add [lints] workspace = true",
        );
    }
}

/// Tests and micro-benchmarks: they may print, and may be longer.
fn is_test_file(name: &str) -> bool {
    name.ends_with("/tests.rs") || name.contains("/tests/") || name.contains("/benches/")
}

/// Lines before the tests at the end of a file.
pub(super) fn non_test_lines(text: &str) -> usize {
    let mut lines = text.lines().peekable();
    let mut count = 0;
    while let Some(line) = lines.next() {
        let opens = lines
            .peek()
            .is_some_and(|next| next.starts_with("mod ") && next.ends_with('{'));
        if line == "#[cfg(test)]" && opens {
            break;
        }
        count += 1;
    }
    count
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split('\n')
        .enumerate()
        .map(|(index, line)| (index + 1, line))
}
