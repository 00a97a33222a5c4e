//! What the compiler and clippy cannot see: layers, file sizes, forbidden text.
//!
//! Owns the report and the order of the checks. Refuses to fix anything: a finding says what to do.
//! The rules are data: crates and who may use whom in `layers.rs`, sizes and words in `files.rs`; that the tests
//! of SECURITY.md are there is looked at in `security.rs`.

use std::fmt;
use std::path::Path;

mod files;
mod layers;
mod security;
#[cfg(test)]
mod tests;

/// Everything tidy found, in the order it looked.
#[derive(Debug, Default)]
pub struct Report {
    findings: Vec<Finding>,
    /// Non-test lines of every Rust file, for the two numbers at the end.
    sizes: Vec<usize>,
}

/// One place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// A path below the root, with a line where there is one.
    pub place: String,
    /// What is wrong, and what to do instead.
    pub message: String,
    /// Whether it fails the run.
    pub fails: bool,
}

/// Runs every rule over the workspace at `root`.
#[must_use]
pub fn check(root: &Path) -> Report {
    let mut report = Report::default();
    layers::check(root, &mut report);
    files::check(root, &mut report);
    security::check(root, &mut report);
    report
}

impl Report {
    /// The findings that fail the run.
    pub fn failures(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.fails)
    }

    fn fail(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.findings.push(Finding {
            place: place.into(),
            message: message.into(),
            fails: true,
        });
    }

    fn warn(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.findings.push(Finding {
            place: place.into(),
            message: message.into(),
            fails: false,
        });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            let word = if finding.fails { "error" } else { "warning" };
            writeln!(f, "{word}: {}: {}", finding.place, finding.message)?;
        }
        let mut sizes = self.sizes.clone();
        sizes.sort_unstable();
        let at = |percent: usize| sizes.get(sizes.len() * percent / 100).copied().unwrap_or(0);
        writeln!(
            f,
            "{} Rust files; half under {} lines, nine in ten under {}; {} errors",
            sizes.len(),
            at(50),
            at(90),
            self.failures().count()
        )
    }
}
