//! `portolan secret rm NAME…`

use std::io::IsTerminal as _;

use secrets::{SecretName, Store, StoreError};
use serde::Serialize;

use super::{Scope, failed, unknown};
use crate::error::{Failure, Kind};
use crate::prompt;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui, counted};

/// Remove secrets; all that are named, or none
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The secrets
    #[arg(value_name = "NAME", required_unless_present = "all")]
    names: Vec<String>,

    #[command(flatten)]
    scope: Scope,

    /// Remove all secrets
    #[arg(long, conflicts_with = "names")]
    all: bool,

    /// With --all: do not ask
    #[arg(long, short, requires = "all")]
    yes: bool,
}

#[derive(Serialize)]
struct Done {
    removed: Vec<String>,
    store: String,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let store = Surroundings::of_process()?.secret_store();
    let mut names = if args.all {
        let mut names = store.names().map_err(|error| failed(&error))?;
        names.retain(|name| args.scope.has(name));
        names
    } else {
        let names = args.names.iter().map(|name| args.scope.name(name));
        names.collect::<Result<_, _>>()?
    };
    names.sort();
    names.dedup();
    if args.all && !names.is_empty() && !args.yes {
        ask(names.len(), &store)?;
    }
    store
        .remove(&names)
        .map_err(|error| explain(&error, &store))?;
    let done = Done {
        removed: names.iter().map(SecretName::to_string).collect(),
        store: store.path().display().to_string(),
    };
    ui.value(&done, |ui| show(ui, &done))
}

fn ask(count: usize, store: &Store) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        let message = "--all removes every secret, and nobody is there to be asked";
        return Err(Failure::new(Kind::Usage, message)
            .hint("`portolan secret rm --all --yes` does not ask"));
    }
    let place = store.path().display();
    let all = match count {
        1 => "the only secret".to_owned(),
        _ => format!("all {}", counted(count, "secret")),
    };
    let question = format!("Remove {all} in {place}? [y/N] ");
    if prompt::confirm(&question)? {
        return Ok(());
    }
    Err(Failure::new(Kind::Failed, "nothing was removed"))
}

fn explain(error: &StoreError, store: &Store) -> Failure {
    match error {
        StoreError::NotSet { name, .. } => unknown(name, &store.names().unwrap_or_default()),
        error => failed(error),
    }
}

fn show(ui: &Ui, done: &Done) {
    if done.removed.is_empty() {
        ui.note(&Line::new().put(Label::Dim, "No secrets are set."));
    }
    for name in &done.removed {
        ui.note(&Line::new().put(Label::Name, name.clone()).text(" removed"));
    }
}
