//! `portolan calls ls`

use serde::Serialize;
use serde_json::value::RawValue;

use super::{Filter, line, nothing, unreadable};
use crate::error::Failure;
use crate::records::{Entry, backwards, open_all};
use crate::surroundings::Surroundings;
use crate::ui::Ui;

/// List the last calls
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portolan calls ls --status failed --since 1h
  portolan calls ls --server github --tool 'delete_*' --caller ci")]
pub(crate) struct Args {
    #[command(flatten)]
    filter: Filter,

    /// At most so many
    #[arg(long, short = 'n', default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

#[derive(Serialize)]
struct Listing {
    calls: Vec<Box<RawValue>>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let found = last(
        &Surroundings::of_process()?,
        &args.filter,
        args.limit as usize,
    )?;
    let raw = |entry: &Entry| RawValue::from_string(entry.line.clone()).ok();
    let listing = Listing {
        calls: found.iter().filter_map(raw).collect(),
    };
    ui.value(&listing, |ui| {
        if found.is_empty() {
            nothing(ui);
        }
        found.iter().for_each(|entry| ui.data(&line(entry)));
    })
}

/// The last calls that are wanted, oldest first.
pub(super) fn last(
    here: &Surroundings,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<Entry>, Failure> {
    let failed = |error: std::io::Error| unreadable(here, &error);
    let wanted = filter.wanted();
    let mut found = Vec::new();
    'files: for file in open_all(&here.dirs.records()).map_err(failed)? {
        for line in backwards(file).map_err(failed)? {
            let Some(entry) = Entry::parse(&line.map_err(failed)?) else {
                continue;
            };
            if wanted.is_before(&entry) || found.len() >= limit {
                break 'files;
            }
            if wanted.includes(&entry) {
                found.push(entry);
            }
        }
    }
    found.reverse();
    Ok(found)
}
