//! `portolan tools …`: each starts the chosen servers in this process, asks, and stops them.

mod approve;
mod call;
mod count;
mod inspect;
mod ls;
mod pins;
mod run;
mod switch;

use clap::Subcommand;

use crate::error::Failure;
use crate::ui::Ui;

/// Show and call tools
#[derive(Debug, Subcommand)]
pub(crate) enum Tools {
    /// List the tools of the configured servers
    #[command(visible_alias = "list")]
    Ls(ls::Args),
    /// Count them
    Count(count::Args),
    /// Show one tool: what it does and what it wants
    Inspect(inspect::Args),
    /// Call one
    Call(call::Args),
    /// Run a script over them
    Run(run::Args),
    /// Show which tools have changed since they were first seen
    Pins(pins::Args),
    /// Agree to what tools are now
    Approve(approve::Args),
    /// Offer tools
    Enable(switch::Args),
    /// Do not offer tools
    Disable(switch::Args),
}

impl Tools {
    pub(super) fn run(self, ui: &Ui) -> Result<(), Failure> {
        match self {
            Self::Ls(args) => ls::run(ui, &args),
            Self::Count(args) => count::run(ui, &args),
            Self::Inspect(args) => inspect::run(ui, &args),
            Self::Call(args) => call::run(ui, &args),
            Self::Run(args) => run::run(ui, &args),
            Self::Pins(args) => pins::run(ui, &args),
            Self::Approve(args) => approve::run(ui, &args),
            Self::Enable(args) => switch::run(ui, &args, true),
            Self::Disable(args) => switch::run(ui, &args, false),
        }
    }
}
