//! `portolan client ls`

use crate::applications::{self, Application};
use crate::choice::OlderFormat;
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

    #[command(flatten)]
    older: OlderFormat,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let mut all = applications::all(&here, args.global);
    let is_of_use =
        |one: &Application| one.installed || one.is_connected() || one.scope == "project";
    all.retain(|one| args.all || is_of_use(one));
    let ui = args.older.of(ui);
    ui.value(&all, |ui| show(ui, &here, &all, args.all))
}

fn show(ui: &Ui, here: &Surroundings, all: &[Application], is_all: bool) {
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
    applications::tell_unconnected(ui, here);
}
