//! `portolan profile config`: what the servers of a profile are configured with, checked by their schemas.

use std::collections::BTreeMap;

use catalog::{Profile, ProfileServer, config_value, set_config_value};
use serde_json::Value;

use crate::error::{Failure, Kind};
use crate::profiles;
use crate::server_config::{check, split, take, value_of};
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Configure the servers of a profile; without a flag, show what they are configured with
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portolan profile config work --set 'filesystem.paths=[\"/home/me/notes\"]'
  portolan profile config work --get-all")]
pub(crate) struct Args {
    /// Which profile
    #[arg(value_name = "ID")]
    id: String,
    /// Set a value, JSON or text (repeatable)
    #[arg(long, value_name = "SERVER.KEY=VALUE")]
    set: Vec<String>,
    /// Remove a value (repeatable)
    #[arg(long, value_name = "SERVER.KEY")]
    del: Vec<String>,
    /// Show a value (repeatable)
    #[arg(long, value_name = "SERVER.KEY", conflicts_with_all = ["set", "del"])]
    get: Vec<String>,
    /// Show all values
    #[arg(long, conflicts_with_all = ["set", "del", "get"])]
    get_all: bool,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    if args.set.is_empty() && args.del.is_empty() {
        return show(ui, &profiles::get(&here, &args.id)?, &args.get);
    }
    profiles::change(&here, &args.id, |profile| {
        for at in &args.del {
            let (server, key) = meant(profile, at)?;
            if !take(&mut server.config, &key) {
                let message = format!("nothing is set for `{at}`");
                return Err(Failure::new(Kind::NotFound, message));
            }
        }
        for word in &args.set {
            let (at, text) = word.split_once('=').ok_or_else(|| {
                Failure::usage(format!("`{word}` sets nothing: write SERVER.KEY=VALUE"))
            })?;
            let (server, key) = meant(profile, at)?;
            let value = value_of(text, Some(&server.entry), &key);
            set_config_value(&mut server.config, &key, value);
            check(&server.entry, &server.config, &key)?;
        }
        Ok(())
    })?;
    let changed = args.set.iter().chain(&args.del);
    for word in changed {
        let at = word.split('=').next().unwrap_or(word).to_owned();
        let done = if args.del.contains(word) {
            "removed"
        } else {
            "set"
        };
        ui.note(&Line::new().put(Label::Name, at).text(format!(" is {done}")));
    }
    Ok(())
}

fn meant<'a>(
    profile: &'a mut Profile,
    at: &str,
) -> Result<(&'a mut ProfileServer, String), Failure> {
    let (name, key) = split(at, "SERVER.KEY", |name| profile.get(name).is_some())?;
    if profile.get(&name).is_none() {
        return Err(profiles::no_server(profile, &name));
    }
    let server = profile.get_mut(&name);
    server
        .map(|server| (server, key))
        .ok_or_else(|| Failure::usage(format!("`{at}` is of no server")))
}

fn show(ui: &Ui, profile: &Profile, only: &[String]) -> Result<(), Failure> {
    let mut values: BTreeMap<String, Value> = BTreeMap::new();
    for at in only {
        let (name, key) = split(at, "SERVER.KEY", |name| profile.get(name).is_some())?;
        let server = profile.get(&name);
        let server = server.ok_or_else(|| profiles::no_server(profile, &name))?;
        let value = config_value(&server.config, &key).ok_or_else(|| {
            Failure::new(Kind::NotFound, format!("nothing is set for `{at}`")).hint(format!(
                "portolan profile config {} --set {at}=VALUE",
                profile.name
            ))
        })?;
        values.insert(at.clone(), value.clone());
    }
    if only.is_empty() {
        for server in &profile.servers {
            for (key, value) in &server.config {
                values.insert(format!("{}.{key}", server.entry.name), value.clone());
            }
        }
    }
    if values.is_empty() {
        ui.note(&Line::new().text("Nothing is set."));
    }
    ui.value(&values, |ui| {
        for (at, value) in &values {
            let line = Line::new().put(Label::Name, at.clone());
            ui.data(&line.text(format!(" = {value}")));
        }
    })
}
