//! `portolan profile show`

use catalog::{Profile, ProfileServer};
use serde::Serialize;

use crate::catalogs;
use crate::error::Failure;
use crate::profiles;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Table, Ui};

/// Show everything about a profile
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which one
    #[arg(value_name = "ID")]
    id: String,
}

#[derive(Serialize)]
struct Shown<'a> {
    file: String,
    problems: usize,
    #[serde(flatten)]
    profile: &'a Profile,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let profile = profiles::get(&here, &args.id)?;
    catalogs::tell(ui, &profile.problems);
    let file = config::profile_file(&here.dirs, &profiles::name(&args.id)?);
    let shown = Shown {
        file: file.display().to_string(),
        problems: profile.problems.len(),
        profile: &profile,
    };
    ui.value(&shown, |ui| human(ui, &shown))?;
    profiles::tell_waiting(ui, &here, &profile);
    Ok(())
}

fn human(ui: &Ui, shown: &Shown<'_>) {
    let profile = shown.profile;
    let title = profile.title.as_deref().or(profile.description.as_deref());
    let line = Line::new().put(Label::Name, profile.name.clone());
    ui.data(&line.text(title.map_or_else(String::new, |title| format!("  {title}"))));
    ui.data(&Line::new().put(Label::Dim, shown.file.clone()));
    if profile.servers.is_empty() {
        return;
    }
    let mut table = Table::new(&["server", "type", "from", "tools", "configured"]).whole();
    for server in &profile.servers {
        table.row(vec![
            (Label::Name, server.entry.name.to_string()),
            (Label::Plain, server.entry.kind().to_owned()),
            (Label::Dim, from(server)),
            (Label::Plain, tools(server)),
            (Label::Plain, configured(server)),
        ]);
    }
    ui.table(&table);
}

/// Where its entry came from, briefly.
pub(super) fn from(server: &ProfileServer) -> String {
    let origin = &server.entry.origin;
    match origin.from() {
        "" => origin.trust().to_owned(),
        from => format!("{} {from}", origin.trust()),
    }
}

/// Which tools it offers, briefly.
pub(super) fn tools(server: &ProfileServer) -> String {
    match (&server.tools, server.exclude_tools.as_slice()) {
        (None, []) => "all".to_owned(),
        (None, without) => format!("all but {}", without.join(", ")),
        (Some(only), _) if only.is_empty() => "none".to_owned(),
        (Some(only), []) => only.join(", "),
        (Some(only), without) => format!("{} but {}", only.join(", "), without.join(", ")),
    }
}

fn configured(server: &ProfileServer) -> String {
    let keys = server.config.keys().cloned();
    let secrets = server.secrets.keys().map(|name| format!("secret {name}"));
    keys.chain(secrets).collect::<Vec<_>>().join(", ")
}
