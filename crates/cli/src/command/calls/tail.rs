//! `portolan calls tail`

use super::{Filter, line, unreadable};
use crate::engine::{block_on, unless_interrupted};
use crate::error::{Failure, Kind};
use crate::format::Format;
use crate::limits::TAIL_POLL;
use crate::records::{Entry, Follower, Wanted};
use crate::surroundings::Surroundings;
use crate::ui::Ui;

/// Show calls as they end, of every gateway, until Ctrl-C
///
/// With `--format json` one JSON object per line.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    filter: Filter,

    /// Begin with so many that have ended already
    #[arg(long, short = 'n', default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000))]
    lines: u32,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let failed = |error: std::io::Error| unreadable(&here, &error);
    let wanted = args.filter.wanted();
    // Ctrl-C is how it ends from its first line on.
    let followed = block_on(unless_interrupted(async {
        // First where to go on, then what was before: a line in between is shown twice rather than never.
        let mut follower = Follower::at_end(&here.dirs.records()).map_err(failed)?;
        for entry in super::ls::last(&here, &args.filter, args.lines as usize)? {
            show(ui, &entry);
        }
        while !ui.is_gone() {
            for entry in more(&mut follower, &wanted).map_err(failed)? {
                show(ui, &entry);
            }
            tokio::time::sleep(TAIL_POLL).await;
        }
        Ok(())
    }));
    match followed {
        // That is how it ends.
        Err(failure) if failure.kind() == Kind::Interrupted => Ok(()),
        other => other,
    }
}

fn more(follower: &mut Follower, wanted: &Wanted) -> std::io::Result<Vec<Entry>> {
    let lines = follower.more()?;
    let entries = lines.iter().filter_map(|line| Entry::parse(line));
    Ok(entries.filter(|entry| wanted.includes(entry)).collect())
}

fn show(ui: &Ui, entry: &Entry) {
    match ui.format() {
        Format::Human => ui.data(&line(entry)),
        // One object per line, whichever it is: JSON is YAML.
        _ => ui.document(&entry.line),
    }
}
