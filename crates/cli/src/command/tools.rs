//! `portolan tools …`: each starts the chosen servers in this process, asks, and stops them.

mod approve;
mod call;
mod count;
mod gateway;
mod inspect;
mod ls;
mod pins;
mod run;
mod switch;

use clap::Subcommand;

use crate::error::Failure;
use crate::ui::Ui;
use gateway::Words;

/// Show and call tools
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    words: Words,
    #[command(subcommand)]
    command: Tools,
}

#[derive(Debug, Subcommand)]
enum Tools {
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

impl Args {
    pub(super) fn run(self, ui: &Ui) -> Result<(), Failure> {
        let words = self.words;
        match self.command {
            Tools::Ls(mut args) => {
                words.apply(ui, &mut args.choice)?;
                ls::run(ui, &args)
            }
            Tools::Count(mut args) => {
                words.apply(ui, &mut args.choice)?;
                count::run(ui, &args)
            }
            Tools::Inspect(mut args) => {
                words.apply(ui, &mut args.choice)?;
                inspect::run(ui, &args)
            }
            Tools::Call(mut args) => {
                words.apply(ui, &mut args.choice)?;
                call::run(ui, &args)
            }
            Tools::Run(mut args) => {
                words.apply(ui, &mut args.choice)?;
                run::run(ui, &args)
            }
            Tools::Pins(args) => pins::run(ui, &args),
            Tools::Approve(args) => approve::run(ui, &args),
            Tools::Enable(args) => switch::run(ui, &args, true),
            Tools::Disable(args) => switch::run(ui, &args, false),
        }
    }
}
