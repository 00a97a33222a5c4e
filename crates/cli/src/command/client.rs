//! `portolan client …`: AI applications, and whether they use the gateway.

pub(super) mod connect;
mod disconnect;
pub(super) mod instructions;
mod ls;

use std::path::PathBuf;

use clap::Subcommand;
use clients::edit::EditError;
use clients::{Change, Client as App, FileError, Place, Scope};
use serde::Serialize;

use crate::applications::{NAME, project};
use crate::error::{Failure, Kind};
use crate::surroundings::{FOLDERS_HINT, Surroundings};
use crate::ui::{Label, Line, Ui};

/// Connect AI applications to the gateway
#[derive(Debug, Subcommand)]
pub(crate) enum Client {
    /// List the applications, and what they are connected to
    #[command(visible_alias = "list")]
    Ls(ls::Args),
    /// Write the gateway into the file of an application, and nothing else
    Connect(connect::Args),
    /// Take the gateway out of it again: the file is what it was
    Disconnect(disconnect::Args),
    /// Show what to write by hand instead
    ManualInstructions(instructions::Args),
}

impl Client {
    pub(super) fn run(self, ui: &Ui) -> Result<(), Failure> {
        match self {
            Self::Ls(args) => ls::run(ui, &args),
            Self::Connect(args) => connect::run(ui, &args),
            Self::Disconnect(args) => disconnect::run(ui, &args),
            Self::ManualInstructions(args) => instructions::run(ui, &args),
        }
    }
}

/// Which entry of which file.
#[derive(Debug, clap::Args)]
struct Which {
    /// The application; `client ls --all` lists them
    #[arg(value_name = "CLIENT")]
    client: String,
    /// The file of your user, even inside a project
    #[arg(long)]
    global: bool,
    /// What the entry is called there
    #[arg(long, value_name = "NAME", default_value = NAME, value_parser = entry_name)]
    name: String,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// What was done to a file.
#[derive(Serialize)]
struct Done<'a> {
    client: &'a str,
    scope: &'static str,
    file: PathBuf,
    changed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    backup: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// What else stands there, and how it comes behind the gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    beside: Option<String>,
}

impl<'a> Done<'a> {
    fn new(app: &'a App, file: &File, change: Change, is_dry: bool) -> Self {
        let text = |side: &Option<String>| side.clone().unwrap_or_default();
        let diff = is_dry.then(|| clients::diff(&text(&change.before), &text(&change.after)));
        Self {
            client: &app.id,
            scope: file.scope,
            changed: !change.is_none(),
            file: change.file,
            backup: change.backup,
            diff,
            next: None,
            beside: None,
        }
    }

    /// What everybody is told, after what happened.
    fn tell(&self, ui: &Ui, happened: Line) {
        ui.note(
            &happened
                .text(" in ")
                .put(Label::Plain, self.file.display().to_string()),
        );
        if let Some(diff) = &self.diff {
            ui.document(diff);
        }
        if let Some(backup) = &self.backup {
            let what = format!("what stood there before: {}", backup.display());
            ui.note(&Line::new().put(Label::Dim, what));
        }
        if let Some(next) = &self.next {
            ui.note(&Line::new().put(Label::Hint, "next: ").text(next.clone()));
        }
        if let Some(beside) = &self.beside {
            ui.note(
                &Line::new()
                    .put(Label::Hint, "beside it: ")
                    .text(beside.clone()),
            );
        }
    }
}

/// The file that is meant.
struct File {
    path: PathBuf,
    scope: &'static str,
}

fn app(client: &str) -> Result<&'static App, Failure> {
    let app = clients::find(client).map_err(|near| {
        let message = format!("there is no client `{client}`");
        let near = (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")));
        Failure::new(Kind::NotFound, message)
            .hints_from(near)
            .hint("`portolan client ls --all` lists them all; for any other, `portolan gateway run` is the command to give it")
    })?;
    match &app.instead {
        None => Ok(app),
        Some(instead) => {
            let message = format!("{} cannot be connected by a file", app.title);
            Err(Failure::new(Kind::Failed, message).hint(instead.clone()))
        }
    }
}

/// In a project the file of the project, where the application has one.
fn file(here: &Surroundings, app: &App, global: bool) -> Result<File, Failure> {
    let place = Place::here(&here.env);
    let project = here.cwd.as_deref().filter(|_| !global).and_then(project);
    let of_project = project.and_then(|root| place.file(app, Scope::Project(root)));
    if let Some(path) = of_project {
        return Ok(File {
            path,
            scope: "project",
        });
    }
    let path = place.file(app, Scope::User);
    path.map(|path| File {
        path,
        scope: "global",
    })
    .ok_or_else(|| {
        Failure::new(
            Kind::Config,
            "there is no home folder, so no file of an application",
        )
        .hint("set HOME")
    })
}

fn failed(error: &FileError) -> Failure {
    let kind = match error {
        FileError::Edit(_, EditError::Broken(_)) | FileError::NotText(_) => Kind::Config,
        _ => Kind::Failed,
    };
    let message = match error {
        // The position is worth more than the name of the file twice.
        FileError::Edit(_, EditError::Broken(problem)) => {
            return Failure::new(kind, crate::load::place(problem))
                .hint("it was left as it is: mend it first");
        }
        error => error.to_string(),
    };
    let failure = Failure::new(kind, message);
    let failure = match std::error::Error::source(error) {
        Some(source) => failure.because(source),
        None => failure,
    };
    match error {
        FileError::Edit(_, EditError::Unsafe { by_hand }) => {
            failure.hint(format!("do this by hand:\n{by_hand}"))
        }
        FileError::Changed(_) => failure.hint("run the command again"),
        FileError::Memory(_) => failure.hint(FOLDERS_HINT),
        _ => failure,
    }
}

fn entry_name(name: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match !name.is_empty() && name.len() <= 64 && name.chars().all(is_plain) {
        true => Ok(name.to_owned()),
        false => Err("letters, digits, `-` and `_`, at most 64 of them".into()),
    }
}
