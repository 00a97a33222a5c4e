//! Every command, one file each; the tree of files is the tree of `portolan --help`.

mod cache;
mod caller;
mod calls;
mod catalog;
mod client;
pub(crate) mod completion;
mod config;
mod demo;
mod docker_plugin;
mod doctor;
mod down;
mod feature;
mod gateway;
mod man;
mod oauth;
mod policy;
mod profile;
mod registry;
mod secret;
mod server;
mod status;
mod template;
mod tools;
mod up;
mod version;

use clap::Subcommand;

use crate::error::Failure;
use crate::ui::Ui;

/// What portolan can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway
    #[command(subcommand)]
    Gateway(gateway::Gateway),
    /// Start the one gateway that all applications share
    Up(up::Args),
    /// Stop it
    Down(down::Args),
    /// Show and call the tools of the configured servers
    Tools(Box<tools::Args>),
    /// Look after the servers of running gateways
    #[command(subcommand)]
    Server(server::Server),
    /// Keep the secrets that servers need
    #[command(subcommand)]
    Secret(secret::Secret),
    /// Sign in to remote servers
    #[command(subcommand)]
    Oauth(oauth::Oauth),
    /// Look at the rules over servers and calls, and try them
    #[command(subcommand)]
    Policy(Box<policy::Policy>),
    /// Give others tokens of their own, with rights and limits
    #[command(subcommand)]
    Caller(caller::Caller),
    /// See who called what, and what became of it
    #[command(subcommand)]
    Calls(calls::Calls),
    /// Look after the catalogs of servers that can be found and added
    #[command(subcommand, aliases = ["catalogs", "catalog-next"])]
    Catalog(catalog::Catalog),
    /// Work with documents of registries of servers
    #[command(subcommand)]
    Registry(registry::Registry),
    /// Keep choices of servers under a name
    #[command(subcommand)]
    Profile(profile::Profile),
    /// Begin with a set of servers that belong together
    #[command(subcommand)]
    Template(template::Template),
    /// Connect AI applications to the gateway
    #[command(subcommand)]
    Client(client::Client),
    /// Configure servers of catalogs, for all conversations
    #[command(subcommand)]
    Config(config::Config),
    /// Look after the packages and images that are kept on the disk
    #[command(subcommand)]
    Cache(cache::Cache),
    /// Switch features on and off
    #[command(subcommand)]
    Feature(feature::Feature),
    /// Be what runs when somebody types `docker mcp`
    #[command(subcommand)]
    DockerPlugin(docker_plugin::DockerPlugin),
    /// Show what runs, who is connected, and what is next, on one screen
    Status(status::Args),
    /// Say whether a call would work right now, from which client, and what mends it if not
    Doctor(doctor::Args),
    /// See the gateway work with real servers, in half a minute
    Demo(demo::Args),
    /// Print the version
    Version(version::Args),
    /// Print the completion script of a shell
    Completion(completion::Args),
    /// Pages of the manual, for packages
    #[command(name = "__man", hide = true)]
    Man(man::Args),
    /// One small MCP server of our own, for `demo`
    #[command(name = "__demo-server", hide = true)]
    DemoServer,
}

impl Command {
    /// What it means as a line of Docker's.
    pub(crate) fn by_docker(&mut self) {
        if let Self::Server(command) = self {
            command.by_docker();
        }
    }

    /// Does it.
    pub(crate) fn run(self, ui: &Ui) -> Result<(), Failure> {
        match self {
            Self::Gateway(command) => command.run(ui),
            Self::Up(args) => up::run(ui, &args),
            Self::Down(args) => down::run(ui, &args),
            Self::Tools(command) => command.run(ui),
            Self::Server(command) => command.run(ui),
            Self::Secret(command) => command.run(ui),
            Self::Oauth(command) => command.run(ui),
            Self::Policy(command) => command.run(ui),
            Self::Caller(command) => command.run(ui),
            Self::Calls(command) => command.run(ui),
            Self::Catalog(command) => command.run(ui),
            Self::Registry(command) => command.run(ui),
            Self::Profile(command) => command.run(ui),
            Self::Template(command) => command.run(ui),
            Self::Client(command) => command.run(ui),
            Self::Config(command) => command.run(ui),
            Self::Cache(command) => command.run(ui),
            Self::Feature(command) => command.run(ui),
            Self::DockerPlugin(command) => command.run(ui),
            Self::Status(args) => status::run(ui, &args),
            Self::Doctor(args) => doctor::run(ui, &args),
            Self::Demo(args) => demo::run(ui, &args),
            Self::Version(args) => version::run(ui, &args),
            Self::Completion(args) => completion::run(ui, &args),
            Self::Man(args) => man::run(&args),
            Self::DemoServer => crate::demo_server::run(),
        }
    }
}
