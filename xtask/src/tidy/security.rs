//! SECURITY.md says which tests hold what is asked: every requirement has a row, and every test that is named is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Report, files};

const PAGE: &str = "SECURITY.md";

/// How many requirements there are (R1, R2, …).
const REQUIREMENTS: usize = 19;

/// What can be named.
#[derive(Default)]
pub(super) struct Known {
    /// Functions that are tests.
    pub(super) tests: BTreeSet<String>,
    /// The text of all suites.
    pub(super) suites: String,
    /// Folders of suites, such as `tests/sign-in`.
    pub(super) folders: BTreeSet<String>,
}

pub(super) fn check(root: &Path, report: &mut Report) {
    match fs::read_to_string(root.join(PAGE)) {
        Ok(text) => check_page(&text, &Known::read(root), report),
        Err(error) => report.fail(PAGE, format!("cannot be read: {error}")),
    }
}

pub(super) fn check_page(text: &str, known: &Known, report: &mut Report) {
    let mut seen = BTreeSet::new();
    for (number, line) in text.lines().enumerate() {
        let Some(row) = line
            .strip_prefix("| ")
            .filter(|_| !line.starts_with("| --"))
        else {
            continue;
        };
        let cells: Vec<&str> = row.trim_end_matches('|').split(" | ").collect();
        let [asked, _, held] = cells[..] else {
            continue;
        };
        if held.trim() == "held by" {
            continue;
        }
        let place = format!("{PAGE}:{}", number + 1);
        seen.extend(requirement(asked));
        let names: Vec<&str> = held.split('`').skip(1).step_by(2).collect();
        if names.is_empty() {
            report.fail(
                &*place,
                "names no test; write the one that holds it in backquotes",
            );
        }
        for name in names {
            let is_there = match name.contains('/') {
                true => known.folders.contains(name),
                false => known.tests.contains(name),
            };
            if !is_there {
                report.fail(&*place, format!("there is no test `{name}`"));
            }
        }
        for step in held.split('"').skip(1).step_by(2) {
            if !known.suites.contains(step) {
                report.fail(&*place, format!("no suite has a step \"{step}\""));
            }
        }
    }
    for number in (1..=REQUIREMENTS).filter(|number| !seen.contains(number)) {
        report.fail(PAGE, format!("R{number} has no row"));
    }
}

/// The number of `R7: …`.
fn requirement(asked: &str) -> Option<usize> {
    let (number, _) = asked.trim().strip_prefix('R')?.split_once(':')?;
    number.parse().ok()
}

impl Known {
    fn read(root: &Path) -> Self {
        let mut known = Self::default();
        for folder in ["crates", "xtask"] {
            for path in all(&root.join(folder)) {
                if path.extension().is_some_and(|kind| kind == "rs") {
                    known.tests.extend(tests(&read(&path)));
                }
            }
        }
        for item in fs::read_dir(root.join("tests"))
            .into_iter()
            .flatten()
            .flatten()
        {
            if item.path().is_dir() {
                known
                    .folders
                    .insert(format!("tests/{}", item.file_name().to_string_lossy()));
            }
        }
        for path in all(&root.join("tests")) {
            known.suites.push_str(&read(&path));
        }
        known
    }
}

fn all(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    files::walk(folder, &mut found);
    found
}

fn read(path: &Path) -> String {
    // What is no text names no test.
    fs::read_to_string(path).unwrap_or_default()
}

/// The functions right below a mark that makes them tests, or in a list of properties.
fn tests(text: &str) -> Vec<String> {
    let mut is_next = false;
    let mut found = Vec::new();
    for line in text.lines().map(str::trim_start) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_next = true;
            continue;
        }
        let line = line.strip_prefix("async ").unwrap_or(line);
        if let Some(rest) = line.strip_prefix("fn ").filter(|_| is_next) {
            is_next = false;
            found.extend(rest.split(['(', '<']).next().map(str::to_owned));
        }
    }
    found
}

#[cfg(test)]
mod cases {
    use super::*;

    fn said(held: &str) -> Vec<String> {
        let known = Known {
            tests: tests("#[test]\nfn a_b() {}\n#[tokio::test(start_paused = true)]\n#[x]\nasync fn c_d() {}\nfn e_f() {}")
                .into_iter()
                .collect(),
            suites: "step('it is so', …)".to_owned(),
            folders: ["tests/x".to_owned()].into(),
        };
        let all: String = (2..=REQUIREMENTS)
            .map(|n| format!("| R{n}: x | y | `a_b` |\n"))
            .collect();
        let page =
            format!("| what | how | held by |\n| --- | --- | --- |\n| R1: x | y | {held} |\n{all}");
        let mut report = Report::default();
        check_page(&page, &known, &mut report);
        report
            .findings
            .into_iter()
            .map(|finding| format!("{}: {}", finding.place, finding.message))
            .collect()
    }

    #[test]
    fn every_test_that_is_named_is_there() {
        assert_eq!(
            said("`a_b`, `c_d`; `tests/x`: \"it is so\""),
            Vec::<String>::new()
        );
        assert_eq!(said("`e_f`"), ["SECURITY.md:3: there is no test `e_f`"]);
        assert_eq!(
            said("`a_b`; `tests/y`"),
            ["SECURITY.md:3: there is no test `tests/y`"]
        );
        assert_eq!(
            said("`a_b`: \"it is not\""),
            ["SECURITY.md:3: no suite has a step \"it is not\""]
        );
        assert_eq!(said("none").len(), 1);
    }

    #[test]
    fn every_requirement_has_a_row() {
        let mut report = Report::default();
        check_page("| R1: x | y | `z` |", &Known::default(), &mut report);
        assert_eq!(report.findings.len(), REQUIREMENTS);
    }
}
