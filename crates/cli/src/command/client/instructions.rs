//! `portolan client manual-instructions`, and the same of a profile: what a person writes into a file by hand, for applications that
//! are not known, or whose files are not to be touched.

use clients::{Client, Door};
use serde::Serialize;
use serde_json::json;

use super::{app, file};
use crate::applications::NAME;
use crate::error::{Failure, Kind};
use crate::profiles;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Show what to write by hand to connect an application
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The application, of those that `client ls --all` lists [default: any]
    #[arg(value_name = "CLIENT")]
    client: Option<String>,
    /// With the servers of this profile
    #[arg(long, value_name = "ID")]
    profile: Option<String>,
}

#[derive(Serialize)]
struct Instructions {
    command: String,
    args: Vec<String>,
    /// Where it belongs; none: wherever the application keeps its servers.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// What to write there.
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let app = args.client.as_deref().map(app).transpose()?;
    show(ui, app, args.profile.as_deref())
}

/// Shows them.
pub(in crate::command) fn show(
    ui: &Ui,
    app: Option<&'static Client>,
    profile: Option<&str>,
) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let mut args = vec!["gateway".to_owned(), "run".to_owned()];
    if let Some(profile) = profile {
        let profile = profiles::get(&here, profile)?;
        args.extend(["--profile".to_owned(), profile.name]);
    }
    let program = std::env::current_exe()
        .map_err(|error| Failure::internal("cannot tell where this program is", error))?;
    let command = program.display().to_string();
    let mut told = Instructions {
        text: format!(
            "{:#}\n",
            json!({"mcpServers": {NAME: {"command": command, "args": args}}})
        ),
        command,
        args: args.clone(),
        file: None,
        next: None,
    };
    if let Some(app) = app {
        let door = Door::Stdio {
            command: program,
            args,
        };
        let members = app.entry(NAME, &door).ok_or_else(|| {
            Failure::new(Kind::Failed, "the path of this program is no UTF-8")
                .hint("install it in a folder with a plain name")
        })?;
        told.text = clients::edit::by_hand(app, NAME, &members);
        told.file = Some(file(&here, app, false)?.path.display().to_string());
        told.next = Some(app.reload.clone());
    }
    ui.value(&told, |ui| {
        let place = match &told.file {
            Some(file) => Line::new().text("into ").put(Label::Name, file.clone()),
            None => Line::new().text("where the application keeps its MCP servers"),
        };
        ui.note(&place.text(", write:"));
        ui.document(&told.text);
        let next = told.next.clone().unwrap_or_else(|| {
            "start the application anew; one with other files wants the same command and arguments".to_owned()
        });
        ui.note(&Line::new().put(Label::Hint, "next: ").text(next));
    })
}
