//! `portolan config write`: all that servers are configured with, at once.

use std::io::Read as _;

use config::{change_server_config, read_server_config};
use serde_json::json;

use super::failed;
use crate::error::{Failure, Kind};
use crate::limits::STDIN_BYTES_MAX;
use crate::surroundings::Surroundings;
use crate::ui::{Line, Ui, counted};

/// Replace all that servers are configured with
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portolan config write 'filesystem: {paths: [/home/me/notes]}'
  portolan config write < config.yaml")]
pub(crate) struct Args {
    /// The values, YAML or JSON with a table for each server; without it, or as `-`, stdin is read
    #[arg(value_name = "YAML")]
    text: Option<String>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let text = text_or_stdin(args.text.as_deref())?;
    let wanted = read_server_config(&text, "the configuration").map_err(|p| failed(&p))?;
    let count = wanted.len();
    change_server_config(&here.dirs, |all| *all = wanted).map_err(|p| failed(&p))?;
    let line = Line::new().text(format!("{} configured", counted(count, "server")));
    ui.done(&json!({"servers": count}), &line)
}

/// A word of the command line, or what stdin holds.
pub(super) fn text_or_stdin(word: Option<&str>) -> Result<String, Failure> {
    if let Some(word) = word.filter(|word| *word != "-") {
        return Ok(word.to_owned());
    }
    let mut text = String::new();
    let read = std::io::stdin()
        .take(STDIN_BYTES_MAX + 1)
        .read_to_string(&mut text);
    read.map_err(|error| Failure::new(Kind::Failed, "cannot read from stdin").because(&error))?;
    if text.len() as u64 > STDIN_BYTES_MAX {
        let message = format!("what stdin holds is longer than {STDIN_BYTES_MAX} bytes");
        return Err(Failure::usage(message));
    }
    Ok(text)
}
