//! `portolan catalog show [NAME]`

use catalog::{Catalog, Catalogs, Entry, Missing};
use gateway::Person as _;
use serde::Serialize;
use serde_json::Value;

use super::pull;
use crate::catalogs;
use crate::error::{Failure, Kind};
use crate::own_catalogs;
use crate::person::{LocalPerson, Said};
use crate::query::Query;
use crate::surroundings::Surroundings;
use crate::tool::did_you_mean;
use crate::ui::{Label, Line, Table, Ui};

/// Show the servers of a catalog, or everything about one server
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A catalog, a server, or the URL of a catalog; none: the servers of all catalogs
    name: Option<String>,
    /// When to pull it from its registry first: never, missing, always, initial, exists, or when it is older than a duration such
    /// as 6h; several joined by `+`, ages behind `@` [default: never]
    #[arg(long, value_name = "WHEN", value_parser = pull::when)]
    pull: Option<pull::When>,
    /// Show only what this picks out of it, such as `.servers[].name`; a part of what yq can do
    #[arg(long, value_name = "EXPR", value_parser = Query::parse)]
    yq: Option<Query>,
    /// Without the tools that servers are known to have
    #[arg(long, hide = true)]
    no_tools: bool,
}

/// How much of servers is shown.
#[derive(Default)]
pub(super) struct Part<'a> {
    of: Option<&'a Query>,
    no_tools: bool,
}

#[derive(Serialize)]
struct Shown {
    name: String,
    catalog: String,
    r#type: &'static str,
    trust: &'static str,
    needs: Vec<String>,
    entry: Value,
    #[serde(skip)]
    missing: Vec<Missing>,
}

#[derive(Serialize)]
struct Servers {
    servers: Vec<Shown>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let part = Part {
        of: args.yq.as_ref(),
        no_tools: args.no_tools,
    };
    if let Some(url) = args
        .name
        .as_deref()
        .and_then(|name| catalogs::address(name.as_ref()))
    {
        let catalog = catalogs::pull(url)?.catalog;
        catalogs::tell(ui, &catalog.problems);
        return servers(ui, &catalog.entries, &part);
    }
    let here = Surroundings::of_process()?;
    let mut all = catalogs::all(&here);
    if let (Some(name), Some(when)) = (&args.name, &args.pull) {
        pull::pull_if(ui, &here, own_catalogs::find(&all, name), name, when)?;
        all = catalogs::all(&here);
    }
    let Some(name) = &args.name else {
        for catalog in &all {
            catalogs::tell(ui, &catalog.problems);
        }
        return servers(ui, Catalogs::merge(all).entries(), &part);
    };
    if let Some(catalog) = own_catalogs::find(&all, name) {
        catalogs::tell(ui, &catalog.problems);
        return servers(ui, &catalog.entries, &part);
    }
    let merged = Catalogs::merge(all.iter().cloned());
    let Some(entry) = merged.get(name) else {
        return Err(unknown(name, &all, &merged));
    };
    server(ui, entry, &part)
}

/// Shows everything about a server.
pub(super) fn server(ui: &Ui, entry: &Entry, part: &Part<'_>) -> Result<(), Failure> {
    let shown = shown(&person()?, entry, part);
    ui.value_or_part(&shown, part.of, |ui| one(ui, entry, &shown))
}

fn unknown(name: &str, all: &[Catalog], merged: &Catalogs) -> Failure {
    let near = merged.nearest(name, 3);
    let hint = match near.is_empty() {
        false => Some(format!("did you mean `{}`?", near.join("`, `"))),
        true => did_you_mean(name, all.iter().map(|catalog| catalog.name.as_str())),
    };
    let message = format!("there is neither a catalog nor a server called `{name}`");
    let pull = name
        .contains('/')
        .then(|| format!("portolan catalog pull {name} gets it from its registry"));
    Failure::new(Kind::NotFound, message)
        .hints_from(hint)
        .hints_from(pull)
        .hint("`portolan catalog show` lists all servers")
}

/// Whose secrets, configuration and approvals count.
fn person() -> Result<LocalPerson, Failure> {
    let here = Surroundings::of_process()?;
    Ok(LocalPerson::as_kept(&here, Said::default()))
}

fn shown(person: &LocalPerson, entry: &Entry, part: &Part<'_>) -> Shown {
    let mut json = catalog::entry_json(entry);
    if let (true, Some(members)) = (part.no_tools, json.as_object_mut()) {
        members.remove("tools");
    }
    let concerns = match person.is_approved(entry) {
        true => Vec::new(),
        false => entry.concerns(true),
    };
    let mut needs: Vec<String> = concerns
        .iter()
        .map(|concern| format!("approval: {concern}"))
        .collect();
    if let catalog::Launch::Unavailable { what, why } = &entry.launch {
        needs.push(format!("{what}: {why}"));
    }
    let has_secret = |name: &str| {
        let mut specs = entry.about.secrets.iter();
        specs.any(|spec| spec.name == name && person.has_secret(entry, spec))
    };
    let missing = entry.missing(&person.config(entry.name.as_str()), &has_secret);
    needs.extend(missing.iter().map(Missing::message));
    Shown {
        name: entry.name.to_string(),
        catalog: entry.source.clone(),
        r#type: entry.kind(),
        trust: entry.origin.trust(),
        needs,
        entry: json,
        missing,
    }
}

/// Shows servers, one line each.
pub(super) fn servers(ui: &Ui, entries: &[Entry], part: &Part<'_>) -> Result<(), Failure> {
    let person = person()?;
    let servers = Servers {
        servers: entries
            .iter()
            .map(|entry| shown(&person, entry, part))
            .collect(),
    };
    ui.value_or_part(&servers, part.of, |ui| {
        let mut table = Table::new(&["server", "type", "needs", "description"]);
        for (entry, shown) in entries.iter().zip(&servers.servers) {
            table.row(vec![
                (Label::Name, shown.name.clone()),
                (Label::Plain, shown.r#type.to_owned()),
                (Label::Dim, needs(entry, shown)),
                (
                    Label::Plain,
                    entry
                        .description
                        .clone()
                        .or_else(|| entry.title.clone())
                        .unwrap_or_default(),
                ),
            ]);
        }
        ui.table(&table);
    })
}

/// What stands between a server and its first call, in a word each.
fn needs(entry: &Entry, shown: &Shown) -> String {
    let mut words = Vec::new();
    if shown
        .needs
        .iter()
        .any(|need| need.starts_with("approval: "))
    {
        words.push("approval");
    }
    let mut missing = shown.missing.iter();
    if missing
        .clone()
        .any(|missing| matches!(missing, Missing::Config { .. }))
    {
        words.push("config");
    }
    if missing.any(|missing| matches!(missing, Missing::Secret { .. })) {
        words.push("secrets");
    }
    if entry.about.oauth.is_some() {
        words.push("sign-in");
    }
    words.join(", ")
}

fn one(ui: &Ui, entry: &Entry, shown: &Shown) {
    let row = |name: &str, label: Label, text: &str| {
        let mut name = name;
        for line in text.lines() {
            ui.data(
                &Line::new()
                    .put(Label::Heading, format!("{name:<12}"))
                    .put(label, line.to_owned()),
            );
            name = "";
        }
    };
    let about = &entry.about;
    row("server", Label::Name, &shown.name);
    row(
        "title",
        Label::Plain,
        entry.title.as_deref().unwrap_or_default(),
    );
    row(
        "about",
        Label::Plain,
        entry.description.as_deref().unwrap_or_default(),
    );
    row("type", Label::Plain, shown.r#type);
    row("runs", Label::Plain, &runs(entry));
    row("from", Label::Dim, &entry.origin.to_string());
    for need in &shown.needs {
        row("needs", Label::Warning, need);
    }
    row(
        "requires",
        Label::Plain,
        about.requirement.as_deref().unwrap_or_default(),
    );
    for secret in &about.secrets {
        let is_optional = if secret.required { "" } else { ", optional" };
        let from = secret
            .url
            .as_ref()
            .map(|url| format!(" ({url})"))
            .unwrap_or_default();
        row(
            "secret",
            Label::Plain,
            &format!("{} as {}{is_optional}{from}", secret.name, secret.env),
        );
    }
    let properties = about
        .config
        .as_ref()
        .and_then(|schema| schema.get("properties")?.as_object());
    for (key, schema) in properties.into_iter().flatten() {
        let text = |name: &str| {
            schema.get(name).map(|value| {
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned)
            })
        };
        let kind = text("type").unwrap_or_else(|| "any".to_owned());
        let default = text("default")
            .map(|default| format!(", default {default}"))
            .unwrap_or_default();
        let person = if entry.is_privileged(key) {
            ", set by a person only"
        } else {
            ""
        };
        let about = text("description")
            .map(|text| format!(": {text}"))
            .unwrap_or_default();
        row(
            "config",
            Label::Plain,
            &format!("{key} ({kind}{default}{person}){about}"),
        );
    }
    for volume in &entry.volumes {
        row("sees", Label::Plain, volume);
    }
    match &entry.network {
        catalog::Network::Hosts(hosts) => row("network", Label::Plain, &hosts.join(", ")),
        catalog::Network::Unsaid => {}
        other => row("network", Label::Plain, other.as_str()),
    }
    let tools: Vec<&str> = about.tools.iter().map(|tool| &*tool.name).collect();
    row("tools", Label::Plain, &tools.join(", "));
    row("tags", Label::Dim, &about.tags.join(", "));
    row(
        "source",
        Label::Dim,
        about.repository.as_deref().unwrap_or_default(),
    );
    row(
        "website",
        Label::Dim,
        about.website.as_deref().unwrap_or_default(),
    );
}

fn runs(entry: &Entry) -> String {
    use catalog::Launch;
    match &entry.launch {
        Launch::Command { command, args, .. } => format!("{command} {}", args.join(" ")),
        Launch::Remote { url, .. } => catalog::shown_url(url),
        Launch::Container { image, .. } => image.clone(),
        Launch::Package {
            registry,
            identifier,
            version,
            ..
        } => {
            let version = version
                .as_ref()
                .map(|version| format!("@{version}"))
                .unwrap_or_default();
            format!("{}:{identifier}{version}", registry.as_str())
        }
        Launch::OneShot { shots, .. } => {
            let images: Vec<_> = shots.iter().map(|shot| shot.image.as_str()).collect();
            format!("{} for each call", images.join(", "))
        }
        Launch::Unavailable { what, .. } => what.clone(),
    }
}
