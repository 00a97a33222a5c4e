//! `portolan cache …`: the packages and images that are kept on the disk.

mod clean;
mod ls;

use std::collections::HashMap;

use clap::Subcommand;
use jiff::Timestamp;
use launch::{Kept, Shelf};
use serde::Serialize;

use crate::error::Failure;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Table, Ui};

/// Look after the packages and images that are kept on the disk
#[derive(Debug, Subcommand)]
pub(crate) enum Cache {
    /// List what is kept, how large it is, and when it was used last
    #[command(visible_alias = "list")]
    Ls(ls::Args),
    /// Remove what nobody has used for 90 days, and the oldest of what is too much; or all that is not in use
    Clean(clean::Args),
}

impl Cache {
    pub(super) fn run(self, ui: &Ui) -> Result<(), Failure> {
        match self {
            Self::Ls(args) => ls::run(ui, &args),
            Self::Clean(args) => clean::run(ui, &args),
        }
    }
}

#[derive(Serialize)]
struct Listed {
    kind: &'static str,
    name: String,
    bytes: u64,
    used: String,
    in_use: bool,
}

/// What both kinds of folders give, put for people.
fn of_all(here: &Surroundings, give: impl Fn(&Shelf) -> Vec<Kept>) -> Vec<Listed> {
    let images = here.dirs.cache.join("images");
    let names: HashMap<String, String> = image_names(&images);
    let packages = give(&Shelf::packages(&here.dirs.packages()));
    let images = give(&Shelf::images(&images));
    let put = |kind, kept: Kept| Listed {
        kind,
        name: names.get(&kept.name).unwrap_or(&kept.name).clone(),
        bytes: kept.bytes,
        used: Timestamp::try_from(kept.used).map_or_else(|_| "never".to_owned(), whole_seconds),
        in_use: kept.is_in_use,
    };
    let packages = packages.into_iter().map(|kept| put("package", kept));
    let images = images.into_iter().map(|kept| put("image", kept));
    packages.chain(images).collect()
}

fn whole_seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(target_os = "linux")]
fn image_names(folder: &std::path::Path) -> HashMap<String, String> {
    launch::image::names(folder.to_owned())
        .into_iter()
        .collect()
}

#[cfg(not(target_os = "linux"))]
fn image_names(_: &std::path::Path) -> HashMap<String, String> {
    HashMap::new()
}

fn show(ui: &Ui, all: &[Listed], nothing: &'static str) {
    if all.is_empty() {
        ui.note(&Line::new().put(Label::Dim, nothing));
        return;
    }
    let mut table = Table::new(&["kind", "name", "size", "used last", ""]).whole();
    for one in all {
        let in_use = if one.in_use { "in use" } else { "" };
        table.row([
            (Label::Dim, one.kind.to_owned()),
            (Label::Name, one.name.clone()),
            (Label::Dim, mebibytes(one.bytes)),
            (Label::Dim, one.used.clone()),
            (Label::Good, in_use.to_owned()),
        ]);
    }
    ui.table(&table);
    let together = all.iter().map(|one| one.bytes).sum();
    ui.note(&Line::new().put(Label::Dim, format!("{} together", mebibytes(together))));
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_read_well() {
        assert_eq!(mebibytes(1_600_000), "1.5 MiB");
        let at = Timestamp::from_second(0).unwrap();
        assert_eq!(whole_seconds(at), "1970-01-01T00:00:00Z");
    }
}
