//! `portolan catalog …`: the servers that can be found and added.

mod add;
mod bootstrap;
mod create;
mod export;
mod fork;
mod import;
mod init;
mod ls;
mod pull;
mod push;
mod reset;
mod rm;
mod search;
mod server;
mod show;
mod update;
mod validate;

use catalog::Entry;
use clap::Subcommand;

use crate::error::Failure;
use crate::ui::{Ui, agreeing};

/// Look after the catalogs of servers
#[derive(Debug, Subcommand)]
pub(crate) enum Catalog {
    /// List the catalogs
    #[command(visible_alias = "list")]
    Ls(ls::Args),
    /// Show the servers of a catalog, or everything about one server
    Show(show::Args),
    /// Find servers by what is to be done, as an agent does
    Search(search::Args),
    /// Make a catalog of your own, empty or with servers
    Create(create::Args),
    /// Remove catalogs of your own
    #[command(visible_alias = "remove")]
    Rm(rm::Args),
    /// Look at the servers of one catalog, put some in, or take some out
    #[command(subcommand)]
    Server(server::Server),
    /// Copy one server out of a file into a catalog of your own
    Add(add::Args),
    /// Read a catalog of any form and keep it as one of your own
    Import(import::Args),
    /// Write a catalog to a file, to be imported elsewhere
    Export(export::Args),
    /// Copy a catalog, also the built-in one, to change the copy
    Fork(fork::Args),
    /// Copy a catalog under another reference, to push it there
    Tag(fork::TagArgs),
    /// Push a catalog into a registry of images, to be pulled elsewhere
    Push(push::Args),
    /// Pull a catalog from a registry of images, ours or one that Docker pushed
    Pull(pull::Args),
    /// Get catalogs again from where they came from
    Update(update::Args),
    /// Check files with servers, and change nothing
    Validate(validate::Args),
    /// Write a small catalog with examples into a file
    Bootstrap(bootstrap::Args),
    /// Say which catalogs there are to begin with
    Init(init::Args),
    /// Put all catalogs of your own aside
    Reset(reset::Args),
}

impl Catalog {
    pub(super) fn run(self, ui: &Ui) -> Result<(), Failure> {
        match self {
            Self::Ls(args) => ls::run(ui, &args),
            Self::Show(args) => show::run(ui, &args),
            Self::Search(args) => search::run(ui, &args),
            Self::Import(args) => import::run(ui, &args),
            Self::Create(args) => create::run(ui, &args),
            Self::Rm(args) => rm::run(ui, &args),
            Self::Server(command) => command.run(ui),
            Self::Add(args) => add::run(ui, &args),
            Self::Export(args) => export::run(ui, &args),
            Self::Fork(args) => fork::run(ui, &args),
            Self::Tag(args) => fork::tag(ui, &args),
            Self::Push(args) => push::run(ui, &args),
            Self::Pull(args) => pull::run(ui, &args),
            Self::Update(args) => update::run(ui, &args),
            Self::Validate(args) => validate::run(ui, &args),
            Self::Bootstrap(args) => bootstrap::run(ui, &args),
            Self::Init(args) => init::run(ui, &args),
            Self::Reset(args) => reset::run(ui, &args),
        }
    }
}

/// Tells which of these servers ask before their first start, because somebody else wrote them.
fn tell_waiting(ui: &Ui, entries: &[Entry]) {
    let is_waiting = |entry: &&Entry| entry.origin.is_foreign() && !entry.is_approved;
    let names: Vec<&str> = entries
        .iter()
        .filter(is_waiting)
        .map(|entry| entry.name.as_str())
        .collect();
    if !names.is_empty() {
        let message = format!(
            "{} {} first start",
            names.join(", "),
            agreeing(
                names.len(),
                "asks for your approval before its",
                "ask for your approval before their"
            )
        );
        ui.warn(
            &message,
            &[format!("portolan server enable {}", names.join(" "))],
        );
    }
}
