//! `portolan secret set NAME`

use std::ffi::OsString;
use std::fmt;
use std::io::IsTerminal as _;

use secrets::{Secret, ValueError, limits::VALUE_BYTES_MAX};
use serde::Serialize;
use zeroize::Zeroizing;

use super::{Scope, failed, no_folder, parse};
use crate::error::{Failure, Kind};
use crate::prompt;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Set a secret; its value is asked for, or read from stdin
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portolan secret set github.personal_access_token
  portolan secret set tls.key < key.pem
  portolan secret set github.personal_access_token --profile work
  pass show github | portolan secret set github.personal_access_token")]
pub(crate) struct Args {
    /// The secret, by custom after its server: server.key; NAME=VALUE is taken too, for all to see
    #[arg(value_name = "NAME")]
    word: Word,

    #[command(flatten)]
    scope: Scope,

    /// Refused: what stands on a command line can be seen.
    #[arg(hide = true)]
    value: Vec<OsString>,
}

/// `NAME`, or `NAME=VALUE`. Never printed: clap would repeat it in its own errors, so it takes every word.
#[derive(Clone)]
struct Word {
    name: String,
    value: Option<Zeroizing<String>>,
}

impl From<String> for Word {
    fn from(word: String) -> Self {
        match word.split_once('=') {
            Some((name, value)) => Self {
                name: name.to_owned(),
                value: Some(Zeroizing::new(value.to_owned())),
            },
            None => Self {
                name: word,
                value: None,
            },
        }
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Word").field(&self.name).finish()
    }
}

#[derive(Serialize)]
struct Done<'a> {
    name: &'a str,
    store: String,
    replaced: bool,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let word = &args.word;
    if !args.value.is_empty() {
        return Err(seen(&word.name));
    }
    let name = args.scope.name(&word.name)?;
    let around = Surroundings::of_process()?;
    let store = around.secret_store();
    // A store that cannot be used is told before a person types anything.
    store.names().map_err(|error| failed(&error))?;
    let secret = match &word.value {
        Some(value) => given(ui, &word.name, value)?,
        None => read(&word.name)?,
    };
    config::private_dir(&around.dirs.state).map_err(|error| no_folder(&around, &error))?;
    let done = Done {
        replaced: store.set(&name, &secret).map_err(|error| failed(&error))?,
        name: name.as_str(),
        store: store.path().display().to_string(),
    };
    ui.value(&done, |ui| {
        let said = if done.replaced { " replaced" } else { " set" };
        ui.note(
            &Line::new()
                .put(Label::Name, done.name.to_owned())
                .text(said),
        );
    })
}

fn read(name: &str) -> Result<Secret, Failure> {
    // One more than a value, for the line break at its end, and one to see that it goes on.
    let max = VALUE_BYTES_MAX + 3;
    let bytes = if std::io::stdin().is_terminal() {
        prompt::hidden(&format!("Value of {name}: "), max)?
    } else {
        prompt::all(max)?
    };
    Secret::from_input(&bytes).map_err(|error| unset(name, error))
}

/// A value of the command line, as Docker's users write it.
fn given(ui: &Ui, name: &str, value: &str) -> Result<Secret, Failure> {
    let secret = Secret::new(value).map_err(|error| unset(name, error))?;
    let message = "the value stood on the command line, where every process could read it and your shell keeps it";
    let hint = format!("`portolan secret set {name}` asks for it, or reads it from stdin");
    ui.warn(message, &[hint]);
    Ok(secret)
}

fn unset(name: &str, error: ValueError) -> Failure {
    Failure::new(Kind::Usage, format!("`{name}` is not set: {error}")).hint(format!(
        "`portolan secret set {name}` takes the value from stdin, or asks for it on a terminal"
    ))
}

/// A value was given where everybody sees it. It is not repeated.
fn seen(name: &str) -> Failure {
    let name = parse(name).map_or_else(|_| "NAME".to_owned(), |name| name.to_string());
    let message = "a value does not belong on the command line: every process can read it there, and your shell keeps it";
    Failure::new(Kind::Usage, message)
        .hint(format!("`portolan secret set {name}` asks for the value"))
        .hint(format!(
            "`portolan secret set {name} < FILE` reads it from a file"
        ))
}
