//! `portolan server …`: the servers of gateways that are running.

mod allow;
mod enable;
mod everywhere;
mod init;
mod inspect;
mod logs;
mod ls;
mod reset;
mod restart;
mod stop;
mod update;

use clap::Subcommand;

use crate::error::Failure;
use crate::ui::{Label, Ui};

/// Look after servers
#[derive(Debug, Subcommand)]
pub(crate) enum Server {
    /// List the servers and their state
    #[command(visible_alias = "list")]
    Ls(ls::Args),
    /// Show everything about one server
    Inspect(inspect::Args),
    /// Begin a server of your own
    Init(init::Args),
    /// Show the last lines that a server wrote on stderr
    Logs(logs::Args),
    /// Allow a server of a catalog to be started
    Enable(enable::Args),
    /// Take that back
    Disable(enable::Args),
    /// Take it back for all of them
    Reset(reset::Args),
    /// Let a server reach hosts, beyond what its entry names
    Allow(allow::Args),
    /// Stop a server; the next call starts it again
    Restart(restart::Args),
    /// Stop a server and keep it stopped until `restart`
    Stop(stop::Args),
    /// Install the newest version that the entry of a server allows
    Update(update::Args),
}

impl Server {
    /// Docker's lines of these words mean more than leave to start.
    pub(super) fn by_docker(&mut self) {
        match self {
            Self::Enable(args) | Self::Disable(args) => args.everywhere |= args.profile.is_none(),
            Self::Reset(args) => args.everywhere = true,
            _ => {}
        }
    }

    pub(super) fn run(self, ui: &Ui) -> Result<(), Failure> {
        match self {
            Self::Ls(args) => ls::run(ui, &args),
            Self::Inspect(args) => inspect::run(ui, &args),
            Self::Init(args) => init::run(ui, &args),
            Self::Logs(args) => logs::run(ui, &args),
            Self::Enable(args) => enable::run(ui, &args, true),
            Self::Disable(args) => enable::run(ui, &args, false),
            Self::Reset(args) => reset::run(ui, &args),
            Self::Allow(args) => allow::run(ui, &args),
            Self::Restart(args) => restart::run(ui, &args),
            Self::Stop(args) => stop::run(ui, &args),
            Self::Update(args) => update::run(ui, &args),
        }
    }
}

/// What a state looks like.
pub(super) fn label(state: &str) -> Label {
    match state {
        "ready" => Label::Good,
        "failed" => Label::Bad,
        "stopped" | "disabled" => Label::Dim,
        _ => Label::Plain,
    }
}
