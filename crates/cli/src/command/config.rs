//! `portolan config …`: what servers are configured with, for all conversations.

mod dump;
mod read;
mod reset;
mod rm;
mod set;
mod write;

use clap::Subcommand;

use crate::error::{Failure, Kind};
use crate::ui::Ui;

/// Configure servers of catalogs, for all conversations
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Show what servers are configured with
    Read(read::Args),
    /// Set a value, as SERVER.KEY VALUE
    Set(set::Args),
    /// Remove a value, or all of a server
    #[command(visible_alias = "remove")]
    Rm(rm::Args),
    /// Replace all values
    Write(write::Args),
    /// Put all values aside
    Reset(reset::Args),
    /// Print all settings, catalogs and profiles as one document
    Dump(dump::Args),
    /// Put back what `dump` printed
    Restore(dump::RestoreArgs),
}

impl Config {
    pub(super) fn run(self, ui: &Ui) -> Result<(), Failure> {
        match self {
            Self::Read(args) => read::run(ui, &args),
            Self::Set(args) => set::run(ui, &args),
            Self::Rm(args) => rm::run(ui, &args),
            Self::Write(args) => write::run(ui, &args),
            Self::Reset(args) => reset::run(ui, &args),
            Self::Dump(args) => dump::run(ui, &args),
            Self::Restore(args) => dump::restore(ui, &args),
        }
    }
}

fn failed(problem: &catalog::Problem) -> Failure {
    Failure::new(Kind::Config, crate::load::place(problem)).hints_from(problem.hint.clone())
}
