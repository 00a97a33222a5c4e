//! `portolan secret export`: the one command that gives values, to a file of the person's or into a pipe.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use secrets::{Secret, SecretName};
use zeroize::Zeroizing;

use super::{Scope, failed, unknown};
use crate::error::{Failure, Kind};
use crate::format::Format;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui, counted};

/// Write secrets into a file, or a pipe, as lines NAME=VALUE, which `gateway run --secrets FILE` reads
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portolan secret export github --output github.env     all that begin with `github.`
  portolan secret export --all | age -r KEY > secrets.age
  portolan secret export --profile work --all --format json > work.json")]
pub(crate) struct Args {
    /// Secrets, or servers, which means all that begin with their names
    #[arg(value_name = "NAME", required_unless_present = "all")]
    names: Vec<String>,

    #[command(flatten)]
    scope: Scope,

    /// All secrets
    #[arg(long, conflicts_with = "names")]
    all: bool,

    /// Where to; a file that is there is not written over
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

type Values = BTreeMap<String, Secret>;

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    if args.output.is_none() && io::stdout().is_terminal() {
        let message = "the values would be shown on the terminal";
        return Err(Failure::new(Kind::Usage, message)
            .hint("--output FILE writes them to a file that only you can read")
            .hint("or give them to a program: portolan secret export NAME | PROGRAM"));
    }
    let store = Surroundings::of_process()?.secret_store();
    let mut values = Values::new();
    for name in wanted(args, &store.names().map_err(|error| failed(&error))?)? {
        let secret = store.get(&name).map_err(|error| failed(&error))?;
        let secret = secret.ok_or_else(|| unknown(&name, &[]))?;
        // What belongs to the profile that was named is told under its own name.
        let told = match (&args.scope.profile, name.as_str().split_once('/')) {
            (Some(_), Some((_, own))) => own.to_owned(),
            _ => name.to_string(),
        };
        values.insert(told, secret);
    }
    let text = match ui.format() {
        Format::Human => lines(&values)?,
        _ => json(&values)?,
    };
    let Some(path) = &args.output else {
        ui.document(&text);
        return Ok(());
    };
    write(path, &text)?;
    let count = counted(values.len(), "secret");
    let line = Line::new().text(format!("{count} written to "));
    ui.note(&line.put(Label::Name, path.display().to_string()));
    Ok(())
}

/// The secrets that are meant, as the store has them.
fn wanted(args: &Args, known: &[SecretName]) -> Result<Vec<SecretName>, Failure> {
    if args.all {
        let all = known.iter().filter(|name| args.scope.has(name));
        return Ok(all.cloned().collect());
    }
    let mut wanted = Vec::new();
    for text in &args.names {
        let name = args.scope.name(text)?;
        let below = format!("{name}.");
        let is_meant = |one: &&SecretName| **one == name || one.as_str().starts_with(&below);
        let before = wanted.len();
        wanted.extend(known.iter().filter(is_meant).cloned());
        if wanted.len() == before {
            return Err(unknown(&name, known));
        }
    }
    Ok(wanted)
}

/// As a file of secrets has them. What such a file cannot hold is refused: another value would be read from it.
fn lines(values: &Values) -> Result<Zeroizing<String>, Failure> {
    let cannot = |value: &str| value.contains('\n') || value.trim_end() != value;
    let odd: Vec<&str> = values
        .iter()
        .filter(|(_, secret)| cannot(secret.reveal()))
        .map(|(name, _)| name.as_str())
        .collect();
    if !odd.is_empty() {
        let message = format!(
            "a line cannot hold a line break or white space at its end, which the values of these have: {}",
            odd.join(", ")
        );
        return Err(Failure::new(Kind::Usage, message).hint("--format json can hold them"));
    }
    let size = values
        .iter()
        .map(|(name, secret)| name.len() + secret.reveal().len() + 2);
    let mut text = Zeroizing::new(String::with_capacity(size.sum()));
    for (name, secret) in values {
        text.push_str(name);
        text.push('=');
        text.push_str(secret.reveal());
        text.push('\n');
    }
    Ok(text)
}

fn json(values: &Values) -> Result<Zeroizing<String>, Failure> {
    let revealed: BTreeMap<&str, &str> = values
        .iter()
        .map(|(name, secret)| (name.as_str(), secret.reveal()))
        .collect();
    serde_json::to_string_pretty(&revealed)
        .map(Zeroizing::new)
        .map_err(|error| Failure::internal("the secrets cannot be written as JSON", error))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let message = format!("cannot write the secrets to {}", path.display());
        let failure = Failure::new(Kind::Failed, message).because(&error);
        match error.kind() {
            io::ErrorKind::AlreadyExists => failure.hint("name another file, or remove that one"),
            _ => failure,
        }
    })
}
