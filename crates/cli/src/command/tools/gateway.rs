//! `--gateway-arg`: flags of `gateway run` for the servers of `tools …`. Owns which of the two counts: what the command itself says.

use clap::Parser;

use crate::choice::Choice;
use crate::command::gateway::run;
use crate::error::{Failure, Kind};
use crate::surroundings::Surroundings;
use crate::ui::Ui;

/// See the module.
#[derive(Debug, clap::Args)]
pub(super) struct Words {
    /// A flag of `gateway run` that says which servers there are, such as --gateway-arg=--registry=registry.yaml (repeatable)
    #[arg(
        long = "gateway-arg",
        id = "gateway-arg",
        global = true,
        value_name = "FLAG",
        allow_hyphen_values = true,
        display_order = 899
    )]
    words: Vec<String>,

    /// Docker's flag for the kind of gateway, of which there is one here
    #[arg(long = "version", id = "gateway-version", global = true, hide = true)]
    version: Option<String>,

    /// Docker's flag: servers that start and fail are told of anyway
    #[arg(long, global = true, hide = true)]
    verbose: bool,
}

#[derive(Debug, Parser)]
#[command(no_binary_name = true, disable_help_flag = true)]
struct Given {
    #[command(flatten)]
    args: run::Args,
}

impl Words {
    /// Adds to what a command says which servers are meant what these flags say of that.
    pub(super) fn apply(&self, ui: &Ui, choice: &mut Choice) -> Result<(), Failure> {
        let _ = (&self.version, self.verbose);
        let here = Surroundings::of_process()?;
        let given = Given::try_parse_from(&self.words).map_err(|error| {
            let said = error.render().to_string();
            let first = said.lines().next().unwrap_or_default();
            let message = format!("--gateway-arg: {}", first.trim_start_matches("error: "));
            Failure::new(Kind::Usage, message).hint("`portolan gateway run --help` shows the flags")
        })?;
        let mut args = given.args;
        args.take(choice);
        *choice = args.choice(ui, &here)?;
        Ok(())
    }
}
