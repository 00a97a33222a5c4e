//! `portolan policy …`: the rules over servers and calls. What they can say is in `docs/guide/policy.md`.

mod allow;
mod check;
mod desktop;
mod explain;
mod question;
mod test;

use clap::Subcommand;

use crate::error::Failure;
use crate::ui::Ui;

/// Look at the rules over servers and calls, and try them
#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Check the rules, and list them in the order in which they count
    Check(check::Args),
    /// Show which rule decides over a server or a call
    Explain(explain::Args),
    /// Try the rules on a file of cases
    Test(test::Args),
    /// Allow what a rule asks about, for always, or take that back
    Allow(allow::Args),
    /// Docker Desktop's policy over secrets: what there is instead
    #[command(hide = true)]
    Set(desktop::Args),
    /// The same
    #[command(hide = true)]
    Dump(desktop::Args),
}

impl Policy {
    pub(super) fn run(self, ui: &Ui) -> Result<(), Failure> {
        match self {
            Self::Check(args) => check::run(ui, &args),
            Self::Explain(args) => explain::run(ui, &args),
            Self::Test(args) => test::run(ui, &args),
            Self::Allow(args) => allow::run(ui, &args),
            Self::Set(args) | Self::Dump(args) => Err(desktop::refused(&args)),
        }
    }
}
