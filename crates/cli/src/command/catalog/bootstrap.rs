//! `portolan catalog bootstrap FILE`: a small catalog to write one's own after.

use std::path::PathBuf;

use serde_json::json;

use crate::error::{Failure, Kind};
use crate::ui::{Label, Line, Ui};

/// One server of each kind that people write themselves.
const EXAMPLE: &str = include_str!("example.yaml");

/// Write a small catalog with examples into a file, to be changed and imported
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    if args.file.exists() && !args.force {
        let message = format!("there is a file {} already", args.file.display());
        return Err(Failure::new(Kind::Failed, message).hint("--force replaces it"));
    }
    config::write_atomic(&args.file, EXAMPLE.as_bytes(), 0o644).map_err(|error| {
        let message = format!("cannot write {}", args.file.display());
        Failure::new(Kind::Failed, message).because(&error)
    })?;
    let file = args.file.display().to_string();
    let next = format!("change it, then: portolan catalog import {file}");
    ui.done(
        &json!({"file": file, "next": next}),
        &Line::new()
            .put(Label::Name, file)
            .text(" is written; ")
            .text(next.clone()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_read_without_a_complaint() {
        let file = catalog::ImportFile {
            path: "example.yaml".to_owned(),
            text: EXAMPLE.to_owned(),
        };
        let origin = catalog::Origin::File("example.yaml".into());
        let read = catalog::import("example", &[file], &origin);
        assert_eq!(read.problems, []);
        let kinds: Vec<&str> = read.entries.iter().map(catalog::Entry::kind).collect();
        assert_eq!(kinds, ["container", "package", "remote"]);
    }
}
