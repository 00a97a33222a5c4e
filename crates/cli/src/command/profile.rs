//! `portolan profile …`: choices of servers under a name, each server with a snapshot of its entry. A command writes the file
//! as a whole, so comments in it are lost; one that cannot be read is left alone. Next: `profiles.rs`, how a gateway uses one.

mod config;
pub(super) mod create;
mod export;
mod import;
mod instructions;
mod ls;
mod pull;
mod push;
mod rm;
mod server;
mod show;
mod tools;

use clap::Subcommand;

use crate::error::Failure;
use crate::ui::Ui;

/// Keep choices of servers under a name
#[derive(Debug, Subcommand)]
pub(crate) enum Profile {
    /// Make a profile
    Create(create::Args),
    /// List the profiles
    #[command(visible_alias = "list")]
    Ls(ls::Args),
    /// Show everything about a profile
    Show(show::Args),
    /// Remove profiles
    #[command(visible_alias = "remove")]
    Rm(rm::Args),
    /// Write a profile to a file, to be imported elsewhere
    Export(export::Args),
    /// Read a profile from a file, ours or one that Docker exported
    Import(import::Args),
    /// Push a profile into a registry of images, to be pulled elsewhere
    Push(push::Args),
    /// Pull a profile from a registry of images, ours or one that Docker pushed
    Pull(pull::Args),
    /// Put servers into a profile, or take them out
    #[command(subcommand)]
    Server(server::Server),
    /// Configure the servers of a profile
    Config(config::Args),
    /// Choose which tools the servers of a profile offer
    Tools(tools::Args),
    /// Show what to write by hand to connect an application to it
    ManualInstructions(instructions::Args),
}

impl Profile {
    pub(super) fn run(self, ui: &Ui) -> Result<(), Failure> {
        match self {
            Self::Create(args) => create::run(ui, &args),
            Self::Ls(args) => ls::run(ui, &args),
            Self::Show(args) => show::run(ui, &args),
            Self::Rm(args) => rm::run(ui, &args),
            Self::Export(args) => export::run(ui, &args),
            Self::Import(args) => import::run(ui, &args),
            Self::Push(args) => push::run(ui, &args),
            Self::Pull(args) => pull::run(ui, &args),
            Self::Server(command) => command.run(ui),
            Self::Config(args) => config::run(ui, &args),
            Self::Tools(args) => tools::run(ui, &args),
            Self::ManualInstructions(args) => instructions::run(ui, &args),
        }
    }
}
