//! `portolan client ls`

use std::path::PathBuf;

use clients::{Client, Connection, Place, Scope};
use serde::Serialize;
use serde_json::Value;

use super::{NAME, project};
use crate::error::Failure;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Table, Ui};

/// List the applications that are installed, and what they are connected to
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only the files of your user, even inside a project
    #[arg(long)]
    global: bool,
    /// Also applications that do not seem to be installed
    #[arg(long)]
    all: bool,
}

#[derive(Serialize)]
struct Listed {
    client: &'static str,
    title: &'static str,
    installed: bool,
    /// `global` or `project`.
    scope: &'static str,
    file: Option<PathBuf>,
    /// `connected`, `not connected`, `broken` or `unsupported`.
    state: &'static str,
    /// Why it is broken or unsupported.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// What it was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<Value>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let place = Place::here(&here.env);
    let root = here
        .cwd
        .as_deref()
        .filter(|_| !args.global)
        .and_then(project);
    let mut all = Vec::new();
    for client in clients::clients() {
        let installed = place.is_seen(client);
        let user = listed(client, installed, "global", place.file(client, Scope::User));
        let of_project = root.and_then(|root| place.file(client, Scope::Project(root)));
        let of_project = of_project
            .map(|path| listed(client, installed, "project", Some(path)))
            .filter(|project| installed || project.state != "not connected");
        if args.all || installed || user.state == "connected" {
            all.push(user);
        }
        all.extend(of_project);
    }
    ui.value(&all, |ui| show(ui, &all, args.all))
}

fn listed(
    client: &'static Client,
    installed: bool,
    scope: &'static str,
    file: Option<PathBuf>,
) -> Listed {
    let (state, why, entry) = match (&client.instead, &file) {
        (Some(why), _) => ("unsupported", Some(why.clone()), None),
        (None, None) => ("not connected", None, None),
        (None, Some(file)) => match clients::look(client, file, NAME) {
            Connection::No => ("not connected", None, None),
            Connection::Yes(entry) => ("connected", None, Some(entry)),
            Connection::Broken(why) => ("broken", Some(why), None),
        },
    };
    Listed {
        client: &client.id,
        title: &client.title,
        installed,
        scope,
        file,
        state,
        why,
        entry,
    }
}

fn show(ui: &Ui, all: &[Listed], is_all: bool) {
    if all.is_empty() {
        let said =
            "No application that is known was found here; `portolan client ls --all` lists them.";
        ui.note(&Line::new().put(Label::Dim, said));
        return;
    }
    let mut table = Table::new(&["client", "", "scope", "state", "file"]).whole();
    for one in all {
        let (label, state) = match one.state {
            "connected" => (Label::Good, one.state.to_owned()),
            "not connected" => (Label::Dim, one.state.to_owned()),
            _ => (Label::Warning, one.state.to_owned()),
        };
        let why = one.why.clone().unwrap_or_default();
        let file = one.file.as_ref().map(|file| file.display().to_string());
        table.row([
            (Label::Name, one.client.to_owned()),
            (
                Label::Dim,
                if is_all && one.installed {
                    "installed"
                } else {
                    ""
                }
                .to_owned(),
            ),
            (Label::Plain, one.scope.to_owned()),
            (label, state),
            match why.is_empty() {
                true => (Label::Dim, file.unwrap_or_default()),
                false => (Label::Warning, why),
            },
        ]);
    }
    ui.table(&table);
    if !all.iter().any(|one| one.state == "connected") {
        let next = "no application is connected: `portolan client connect CLIENT` connects one";
        ui.note(&Line::new().put(Label::Hint, "next: ").text(next));
    }
}
