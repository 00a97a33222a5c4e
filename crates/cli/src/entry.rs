//! From the words of the command line to the exit code. Owns the last resort: a panic becomes exit code 70.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};

use crate::cli::Cli;
use crate::command::completion;
use crate::error::{Failure, Kind};
use crate::format::Format;
use crate::plugin::{self, Called};
use crate::switches;
use crate::ui::{Colour, Ui};

pub(crate) fn main() -> ExitCode {
    crate::crash::prepare();
    let done = std::panic::catch_unwind(|| run(std::env::args_os()));
    ExitCode::from(done.unwrap_or_else(|_| {
        crate::ui::write_err("portolan: this is a bug; please report it with the lines above\n");
        Kind::Internal.code()
    }))
}

fn run(words: impl Iterator<Item = OsString>) -> u8 {
    let words: Vec<OsString> = words.collect();
    if completion::asked(&words) {
        return 0;
    }
    let around = crate::surroundings::terminal(&config::Env::process());
    let parsed = match plugin::called(words.into_iter()) {
        Called::Directly(words) => parse("portolan", asking(words)),
        Called::ByDocker(words) => {
            #[cfg(unix)]
            plugin::parent::watch(&config::Env::process());
            parse("docker mcp", asking(words)).map(|mut cli| {
                cli.command.by_docker();
                cli
            })
        }
        Called::Metadata => {
            let ui = Ui::new(Format::Human, Colour::Never, &around);
            ui.document(&plugin::metadata());
            return 0;
        }
    };
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return unparsed(error, &Ui::new(Format::Human, Colour::Auto, &around)),
    };
    let ui = Ui::new(cli.format, cli.color, &around);
    match cli.command.run(&ui) {
        // Nobody reads our answer any longer, so nobody reads why either.
        _ if ui.is_gone() => 0,
        Ok(()) => 0,
        Err(failure) => {
            ui.failure(&failure);
            failure.kind().code()
        }
    }
}

/// Help and mistakes name us as we were called.
fn parse(name: &'static str, words: Vec<OsString>) -> Result<Cli, clap::Error> {
    let command = Cli::command().bin_name(name);
    let words = switches::plain(words, &command);
    let matches = command.try_get_matches_from(words)?;
    Cli::from_arg_matches(&matches)
}

/// `portolan help tools call` is what many people type for `portolan tools call --help`.
fn asking(mut words: Vec<OsString>) -> Vec<OsString> {
    if words.get(1).is_some_and(|word| word == "help") {
        words.remove(1);
        words.push("--help".into());
    }
    words
}

/// Help and version are answers; everything else is a wrong command line.
fn unparsed(error: clap::Error, ui: &Ui) -> u8 {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            ui.help(&error.render());
            0
        }
        _ => {
            let failure = Failure::from(error);
            ui.failure(&failure);
            failure.kind().code()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_may_come_first() {
        let asked =
            |words: &str| asking(words.split(' ').map(OsString::from).collect()).join(" ".as_ref());
        assert_eq!(asked("p help tools call"), "p tools call --help");
        assert_eq!(asked("p help"), "p --help");
        assert_eq!(asked("p tools call help"), "p tools call help");
    }
}
