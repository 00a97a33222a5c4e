//! `portolan feature …`: what can be switched on and off, kept in `config.toml` with everything else that stands there.

use clap::Subcommand;
use config::Settings;
use serde::Serialize;
use serde_json::json;

use crate::choice::Choice;
use crate::error::{Failure, Kind};
use crate::load;
use crate::surroundings::Surroundings;
use crate::tool::did_you_mean;
use crate::ui::{Label, Line, Table, Ui};

/// Switch features on and off
#[derive(Debug, Subcommand)]
pub(crate) enum Feature {
    /// List the features and whether they are on
    #[command(visible_alias = "list")]
    Ls,
    /// Switch a feature on
    Enable {
        /// Which one
        name: String,
    },
    /// Switch a feature off
    Disable {
        /// Which one
        name: String,
    },
}

/// Names of features; their settings are called the same, with `_` for `-`.
const NAMES: [&str; 7] = [
    "dynamic-tools",
    "code-mode",
    "profile-tools",
    "find-tools",
    "registry-import",
    "discover-prompt",
    "tool-name-prefix",
];

/// Features of Docker's that are no switch here: whether they are on, and what there is in their place.
const FIXED: [(&str, bool, &str); 4] = [
    ("profiles", true, "profiles are always there"),
    (
        "mcp-oauth-dcr",
        true,
        "the gateway registers itself wherever a server lets it; `portolan oauth authorize SERVER` signs in",
    ),
    (
        "oauth-interceptor",
        true,
        "a call that needs a sign-in says so itself, whichever server it is of",
    ),
    (
        "use-embeddings",
        false,
        "servers and tools are found without a model and without a key; `portolan catalog search WORDS` shows how",
    ),
];

#[derive(Serialize)]
struct Listed {
    name: &'static str,
    enabled: bool,
    /// What it does.
    about: &'static str,
    /// Who says so: `default`, a file or a variable.
    source: String,
}

impl Feature {
    pub(super) fn run(self, ui: &Ui) -> Result<(), Failure> {
        match self {
            Self::Ls => ls(ui),
            Self::Enable { name } => switch(ui, &name, true),
            Self::Disable { name } => switch(ui, &name, false),
        }
    }
}

fn ls(ui: &Ui) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let loaded = load::read(&here, &Choice::default(), &[]);
    let features: Vec<Listed> = NAMES
        .into_iter()
        .filter_map(|name| {
            let setting = setting(name);
            let (key, value, origin) = loaded
                .settings
                .shown()
                .find(|(k, _, _)| k.name == setting)?;
            let source = match origin.source.is_empty() {
                true => origin.layer.as_str().to_owned(),
                false => origin.source,
            };
            Some(Listed {
                name,
                enabled: value == "true",
                about: key.doc,
                source,
            })
        })
        .collect();
    ui.value(&features, |ui| {
        let mut table = Table::new(&["feature", "", "what it does", "set by"]).whole();
        for one in &features {
            let (label, word) = match one.enabled {
                true => (Label::Good, "on"),
                false => (Label::Dim, "off"),
            };
            table.row(vec![
                (Label::Name, one.name.to_owned()),
                (label, word.to_owned()),
                (Label::Plain, one.about.to_owned()),
                (Label::Dim, one.source.clone()),
            ]);
        }
        ui.table(&table);
    })
}

fn switch(ui: &Ui, name: &str, on: bool) -> Result<(), Failure> {
    let fixed = FIXED.into_iter().find(|(known, ..)| *known == name);
    if let Some((_, is_on, instead)) = fixed {
        return as_it_is(ui, name, (on, is_on), instead);
    }
    let Some(name) = NAMES.into_iter().find(|known| *known == name) else {
        return Err(
            Failure::new(Kind::NotFound, format!("there is no feature `{name}`"))
                .hints_from(did_you_mean(name, NAMES))
                .hint(format!("there are: {}", NAMES.join(", "))),
        );
    };
    let here = Surroundings::of_process()?;
    let file = config::set_in_file(&here.dirs, &setting(name), on)
        .map_err(|problem| Failure::new(Kind::Config, load::place(&problem)))?;
    let word = if on { "on" } else { "off" };
    let line = Line::new()
        .put(Label::Name, name)
        .text(format!(" is {word}, for gateways that start from now on"));
    ui.done(&json!({"name": name, "enabled": on}), &line)?;
    let settings = load::read(&here, &Choice::default(), &[]).settings;
    let key = settings
        .shown()
        .find(|(key, _, _)| key.name == setting(name));
    if let Some((key, value, origin)) = key
        && value != on.to_string()
    {
        ui.warn(
            &format!(
                "{} says otherwise, and counts more than {}",
                origin.source,
                file.display()
            ),
            &[format!("unset {} to let the file count", key.env)],
        );
    }
    Ok(())
}

/// What is no switch can be asked to be what it is.
fn as_it_is(ui: &Ui, name: &str, wanted: (bool, bool), instead: &str) -> Result<(), Failure> {
    let (on, is_on) = wanted;
    let word = if is_on { "on" } else { "off" };
    if on != is_on {
        let message = format!("`{name}` is always {word} here");
        return Err(Failure::new(Kind::Failed, message).hint(instead));
    }
    let line = Line::new().put(Label::Name, name.to_owned());
    let line = line.text(format!(" is always {word} here: {instead}"));
    ui.done(&json!({"name": name, "enabled": on}), &line)
}

fn setting(feature: &str) -> String {
    let name = feature.replace('-', "_");
    debug_assert!(Settings::key(&name).is_some());
    name
}
