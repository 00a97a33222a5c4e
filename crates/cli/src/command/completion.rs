//! `portolan completion`: what a shell needs to complete our commands. The script asks this program at each TAB, so that it knows
//! the names that there are now. Owns how the shell asks; which names there are is `completion/names.rs`.

mod names;

use std::ffi::OsString;

use clap::CommandFactory;
use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, Shell};

use crate::cli::Cli;
use crate::error::Failure;
use crate::ui::Ui;

/// Print the completion script of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portolan completion bash > ~/.local/share/bash-completion/completions/portolan
  portolan completion zsh > ~/.zfunc/_portolan
  portolan completion fish > ~/.config/fish/completions/portolan.fish
  portolan completion powershell >> $PROFILE")]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// By this variable the script says that it asks, and for which shell.
const VARIABLE: &str = config::env::PORTOLAN_COMPLETE;
const NAME: &str = "portolan";

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let shells = Shells::builtins();
    let shell = args.shell.to_string();
    let known = shells
        .completer(&shell)
        .ok_or_else(|| Failure::usage(format!("nothing is known of the shell `{shell}`")))?;
    let mut script = Vec::new();
    known
        .write_registration(VARIABLE, NAME, NAME, NAME, &mut script)
        .map_err(|error| Failure::internal("the script cannot be written", error))?;
    ui.document(&String::from_utf8_lossy(&script));
    Ok(())
}

/// Answers a shell that asks; whether one did. To be called before anything is printed.
pub(crate) fn asked(words: &[OsString]) -> bool {
    let asked = CompleteEnv::with_factory(|| names::known(Cli::command()))
        .var(VARIABLE)
        .bin(NAME)
        .try_complete(
            words.iter().cloned(),
            std::env::current_dir().ok().as_deref(),
        );
    // A shell has no use for a reason: it completes nothing.
    asked.unwrap_or(true)
}
