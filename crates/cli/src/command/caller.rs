//! `portolan caller …`: who may come in over HTTP with a token of their own.

mod add;
mod ls;
mod rm;

use clap::Subcommand;
use config::callers::CallersError;

use crate::error::{Failure, Kind};
use crate::ui::Ui;

/// Give others tokens of their own, with rights and limits
#[derive(Debug, Subcommand)]
pub(crate) enum Caller {
    /// Add a caller; its token is shown once
    Add(add::Args),
    /// List callers, what they may use and until when
    #[command(visible_alias = "list")]
    Ls(ls::Args),
    /// Remove callers: their tokens are worth nothing from now on
    #[command(visible_alias = "remove")]
    Rm(rm::Args),
}

impl Caller {
    pub(super) fn run(self, ui: &Ui) -> Result<(), Failure> {
        match self {
            Self::Add(args) => add::run(ui, &args),
            Self::Ls(args) => ls::run(ui, &args),
            Self::Rm(args) => rm::run(ui, &args),
        }
    }
}

fn failed(error: &CallersError) -> Failure {
    let kind = match error {
        CallersError::Name { .. } | CallersError::Known(_) => Kind::Usage,
        _ => Kind::Failed,
    };
    Failure::new(kind, error.to_string())
}
