//! `portolan profile show`

use catalog::{Profile, ProfileServer};
use serde::Serialize;
use serde_json::Value;

use crate::applications::{self, Application};
use crate::catalogs;
use crate::error::Failure;
use crate::profiles::{self, DEFAULT};
use crate::query::Query;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Table, Ui};

/// Show everything about a profile
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which one
    #[arg(value_name = "ID")]
    id: String,
    /// Also the applications that are connected to it
    #[arg(long)]
    clients: bool,
    /// Show only what this picks out of it, such as `.servers | keys`; a part of what yq can do
    #[arg(long, value_name = "EXPR", value_parser = Query::parse)]
    yq: Option<Query>,
}

#[derive(Serialize)]
struct Shown<'a> {
    file: String,
    problems: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    clients: Option<Vec<Application>>,
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
        clients: args.clients.then(|| connected(&here, &args.id)),
        profile: &profile,
    };
    ui.value_or_part(&shown, args.yq.as_ref(), |ui| human(ui, &shown))?;
    profiles::tell_waiting(ui, &here, &profile);
    Ok(())
}

fn human(ui: &Ui, shown: &Shown<'_>) {
    let profile = shown.profile;
    for client in shown.clients.iter().flatten() {
        let file = client.file.as_ref().map(|file| file.display().to_string());
        let line = Line::new().put(Label::Good, client.client);
        let line = line.text(" is connected to it in ");
        ui.data(&line.text(file.unwrap_or_default()));
    }
    if shown.clients.as_ref().is_some_and(Vec::is_empty) {
        let next = format!(
            "no client is connected to it: portolan client connect CLIENT --profile {}",
            profile.name
        );
        ui.note(&Line::new().put(Label::Hint, "next: ").text(next));
    }
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

/// The applications whose entry names this profile, or none where it is the one that is used then.
fn connected(here: &Surroundings, id: &str) -> Vec<Application> {
    let mut all = applications::all(here, false);
    all.retain(|one| {
        let entry = one.entry.as_ref().map(Value::to_string);
        one.is_connected() && entry.is_some_and(|entry| names_profile(&entry, id))
    });
    all
}

/// Entries have many forms; how a profile is named in them has two.
fn names_profile(entry: &str, id: &str) -> bool {
    let words = format!("\"--profile\",\"{id}\"");
    let path = format!("/mcp/p/{id}\"");
    let is_named = entry.contains(&words) || entry.contains(&path);
    let names_none = !entry.contains("\"--profile\"") && !entry.contains("/mcp/p/");
    is_named || (id == DEFAULT && names_none)
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
