//! `portolan profile tools`: which tools the servers of a profile offer.

use catalog::{Profile, ProfileServer};
use serde::Serialize;

use crate::error::Failure;
use crate::profiles;
use crate::server_config::split;
use crate::surroundings::Surroundings;
use crate::tool::did_you_mean;
use crate::ui::{Label, Line, Table, Ui};

/// Choose which tools the servers of a profile offer; without a flag, show what is chosen
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which profile
    #[arg(value_name = "ID")]
    id: String,
    /// Offer a tool (repeatable)
    #[arg(long, value_name = "SERVER.TOOL")]
    enable: Vec<String>,
    /// Do not offer a tool (repeatable)
    #[arg(long, value_name = "SERVER.TOOL")]
    disable: Vec<String>,
    /// Offer all tools of a server (repeatable)
    #[arg(long, value_name = "SERVER")]
    enable_all: Vec<String>,
    /// Offer no tool of a server but what --enable names (repeatable)
    #[arg(long, value_name = "SERVER")]
    disable_all: Vec<String>,
}

#[derive(Serialize)]
struct Listed {
    server: String,
    tool: String,
    enabled: bool,
}

#[derive(Serialize)]
struct Chosen {
    server: String,
    tools: Option<Vec<String>>,
    exclude_tools: Vec<String>,
}

#[derive(Serialize)]
struct Listing {
    chosen: Vec<Chosen>,
    /// Of servers whose tools the snapshot knows.
    tools: Vec<Listed>,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let words = [
        &args.enable,
        &args.disable,
        &args.enable_all,
        &args.disable_all,
    ];
    if words.iter().all(|words| words.is_empty()) {
        return show(ui, &profiles::get(&here, &args.id)?);
    }
    let told = profiles::change(&here, &args.id, |profile| {
        let mut told = Vec::new();
        for (names, is_on) in [(&args.disable_all, false), (&args.enable_all, true)] {
            for name in names {
                let known = profile.get(name).is_some();
                let server = profile.get_mut(name).filter(|_| known);
                match server {
                    Some(server) if is_on => server.enable(None),
                    Some(server) => server.disable(None),
                    None => return Err(profiles::no_server(profile, name)),
                }
                let word = if is_on { "all" } else { "no" };
                told.push((format!("{name}: {word} tools"), None));
            }
        }
        for (ats, is_on) in [(&args.enable, true), (&args.disable, false)] {
            for at in ats {
                let (name, tool) = split(at, "SERVER.TOOL", |name| profile.get(name).is_some())?;
                if profile.get(&name).is_none() {
                    return Err(profiles::no_server(profile, &name));
                }
                let Some(server) = profile.get_mut(&name) else {
                    continue;
                };
                match is_on {
                    true => server.enable(Some(&tool)),
                    false => server.disable(Some(&tool)),
                }
                let word = if is_on { "on" } else { "off" };
                told.push((format!("{at} is {word}"), odd(server, &tool)));
            }
        }
        Ok(told)
    })?;
    for (line, odd) in told {
        if let Some((message, hint)) = odd {
            ui.warn(&message, hint.as_slice());
        }
        ui.note(&Line::new().text(line));
    }
    Ok(())
}

/// What is known of a server's tools may be old, so this is a warning.
fn odd(server: &ProfileServer, tool: &str) -> Option<(String, Option<String>)> {
    let known = &server.entry.about.tools;
    let names = || known.iter().map(|known| &*known.name);
    let is_known = known.is_empty() || tool.contains('*') || names().any(|name| name == tool);
    (!is_known).then(|| {
        let message = format!("{} is not known to have a tool `{tool}`", server.entry.name);
        (message, did_you_mean(tool, names()))
    })
}

fn show(ui: &Ui, profile: &Profile) -> Result<(), Failure> {
    let chosen = profile.servers.iter().map(|server| Chosen {
        server: server.entry.name.to_string(),
        tools: server.tools.clone(),
        exclude_tools: server.exclude_tools.clone(),
    });
    let tools = profile.servers.iter().flat_map(|server| {
        let known = server.entry.about.tools.iter();
        known.map(|tool| Listed {
            server: server.entry.name.to_string(),
            tool: tool.name.to_string(),
            enabled: server.offers(&tool.name),
        })
    });
    let listing = Listing {
        chosen: chosen.collect(),
        tools: tools.collect(),
    };
    ui.value(&listing, |ui| {
        let mut table = Table::new(&["server", "tool", ""]).whole();
        for one in &listing.tools {
            let (label, word) = match one.enabled {
                true => (Label::Good, "on"),
                false => (Label::Dim, "off"),
            };
            table.row(vec![
                (Label::Name, one.server.clone()),
                (Label::Plain, one.tool.clone()),
                (label, word.to_owned()),
            ]);
        }
        let is_known = |name: &str| listing.tools.iter().any(|one| one.server == name);
        for server in &profile.servers {
            if !is_known(server.entry.name.as_str()) {
                table.row(vec![
                    (Label::Name, server.entry.name.to_string()),
                    (Label::Dim, "not known before it runs".to_owned()),
                    (Label::Plain, super::show::tools(server)),
                ]);
            }
        }
        ui.table(&table);
    })
}
