//! Saved profiles as commands and gateways use them. Owns how one is found by its name, and what becomes of its servers when a
//! gateway runs with it: configured servers, each from its own snapshot, with the configuration and the secrets of this person.
//! Refuses to start what waits for approval: a profile holds a choice, no consent. Next: `command/profile.rs`.

use std::collections::HashMap;
use std::sync::Arc;

use catalog::{Entry, Missing, Origin, Problem, Profile, ProfileServer, Secret, ServerName, merge};
use config::Loaded;
use gateway::Person as _;
use launch::Launcher;

use crate::error::{Failure, Kind};
use crate::launchers;
use crate::load::place;
use crate::person::{LocalPerson, Said};
use crate::surroundings::Surroundings;
use crate::tool::did_you_mean;
use crate::ui::Ui;

/// The profile that is used where none is named, if there is one of this name.
pub(crate) const DEFAULT: &str = "default";

/// The profile that is meant where none is named: one of that name, if there is one. That one may be named without being there.
pub(crate) fn or_default(here: &Surroundings, named: Option<&str>) -> Option<String> {
    match named {
        Some(name) if name != DEFAULT => Some(name.to_owned()),
        _ => {
            let name = ServerName::new(DEFAULT).ok()?;
            let is_there = config::profile_file(&here.dirs, &name).exists();
            is_there.then(|| DEFAULT.to_owned())
        }
    }
}

/// The name of a profile, checked.
pub(crate) fn name(text: &str) -> Result<ServerName, Failure> {
    ServerName::new(text).map_err(|_| {
        Failure::usage(format!("`{text}` is no name of a profile")).hint(
            "a name has at most 64 letters, digits, `_`, `.` and `-`, the last two not in front",
        )
    })
}

/// A profile that must be there.
pub(crate) fn get(here: &Surroundings, text: &str) -> Result<Profile, Failure> {
    let name = name(text)?;
    let known = config::load_profile(&here.dirs, &name).map_err(|problem| failed(&problem))?;
    known.ok_or_else(|| unknown(here, text))
}

/// Changes a profile that must be there, as a whole or not at all.
pub(crate) fn change<T>(
    here: &Surroundings,
    text: &str,
    change: impl FnOnce(&mut Profile) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let name = name(text)?;
    let changed = config::change_profile(&here.dirs, &name, |known| match known {
        Some(profile) => change(profile),
        None => Err(unknown(here, text)),
    });
    changed.map_err(|problem| failed(&problem))?
}

/// There is none of this name.
pub(crate) fn unknown(here: &Surroundings, text: &str) -> Failure {
    let names = config::profile_names(&here.dirs);
    let names: Vec<&str> = names.iter().map(ServerName::as_str).collect();
    Failure::new(Kind::NotFound, format!("there is no profile `{text}`"))
        .hints_from(did_you_mean(text, names.iter().copied()))
        .hint(match names.is_empty() {
            true => "make one: portolan profile create --name NAME --server SERVER".to_owned(),
            false => format!("there are: {}", names.join(", ")),
        })
}

/// A profile has no server of this name.
pub(crate) fn no_server(profile: &Profile, name: &str) -> Failure {
    let names: Vec<&str> = profile.names().collect();
    let message = format!("profile `{}` has no server `{name}`", profile.name);
    Failure::new(Kind::NotFound, message)
        .hints_from(did_you_mean(name, names.iter().copied()))
        .hint(match names.is_empty() {
            true => "it has none".to_owned(),
            false => format!("it has: {}", names.join(", ")),
        })
}

/// A file of a profile that cannot be read or written.
pub(crate) fn failed(problem: &Problem) -> Failure {
    Failure::new(Kind::Config, place(problem)).hints_from(problem.hint.clone())
}

/// Tells which servers would wait for approval.
pub(crate) fn tell_waiting(ui: &Ui, here: &Surroundings, profile: &Profile) {
    let Ok(check) = Check::new(here) else {
        return;
    };
    let waiting: Vec<&str> = profile
        .servers
        .iter()
        .filter(|server| check.waits(&server.entry).is_some())
        .map(|server| server.entry.name.as_str())
        .collect();
    if !waiting.is_empty() {
        let hint = format!(
            "portolan server enable {} --profile {}",
            waiting.join(" "),
            profile.name
        );
        ui.warn("waiting for your approval before they are started", &[hint]);
    }
}

/// Puts the servers of a profile among the configured ones, of which they are the strongest.
pub(crate) fn use_in(here: &Surroundings, loaded: &mut Loaded, text: &str) {
    let Ok(name) = ServerName::new(text) else {
        return loaded
            .problems
            .push(Problem::error("--profile", "that is no name of a profile"));
    };
    let file = config::profile_file(&here.dirs, &name);
    // What is missing there is taken up when it comes.
    loaded.files.extend([
        file.clone(),
        here.dirs.server_config_file(),
        here.secret_store().path().to_owned(),
    ]);
    let profile = match config::load_profile(&here.dirs, &name) {
        Ok(Some(profile)) => profile,
        Ok(None) => {
            let gone = Problem::error(file.display().to_string(), "there is no such profile");
            return loaded.problems.push(gone);
        }
        Err(problem) => return loaded.problems.push(problem),
    };
    loaded.problems.extend(profile.problems.iter().cloned());
    let check = match Check::with(here, &loaded.settings, Said::default()) {
        Ok(check) => check,
        Err(failure) => {
            let problem = Problem::error(file.display().to_string(), failure.message());
            return loaded.problems.push(problem);
        }
    };
    let source = file.display().to_string();
    let mut profile = profile;
    check.person.with_own_secrets(&mut profile);
    let mut entries = Vec::new();
    for server in &profile.servers {
        match check.usable(Some(&profile.name), server) {
            Ok(entry) => entries.push(Entry {
                source: source.clone(),
                ..entry
            }),
            Err((message, hint)) => {
                let name = &server.entry.name;
                let problem = Problem::error(&*source, format!("server `{name}`: {message}"));
                loaded.problems.push(problem.at(server.at).hint(hint));
            }
        }
    }
    let (entries, problems) = merge([std::mem::take(&mut loaded.entries), entries]);
    loaded.entries = entries;
    loaded.problems.extend(problems);
}

/// Of own catalogs, the marks of the servers that were approved as they were imported: a snapshot of one is approved with it.
pub(crate) fn vouched(here: &Surroundings) -> Vec<String> {
    let catalogs = config::load_catalogs(&here.dirs);
    let entries = catalogs.iter().flat_map(|catalog| &catalog.entries);
    let approved = entries.filter(|entry| entry.is_approved);
    approved.map(Entry::mark).collect()
}

/// Whether servers of a profile may start, and with what.
pub(crate) struct Check {
    person: LocalPerson,
    launcher: Arc<dyn Launcher>,
    vouched: Vec<String>,
}

impl Check {
    fn new(here: &Surroundings) -> Result<Self, Failure> {
        let settings = crate::load::read(here, &crate::choice::Choice::default(), &[]).settings;
        Self::with(here, &settings, Said::default())
    }

    /// `said`: what the command line says of servers.
    pub(crate) fn with(
        here: &Surroundings,
        settings: &config::Settings,
        said: Said,
    ) -> Result<Self, Failure> {
        Ok(Self {
            person: LocalPerson::as_kept(here, said),
            launcher: Arc::new(launchers::to_ask(here, settings)?),
            vouched: vouched(here),
        })
    }

    /// Why a person has to agree first.
    fn waits(&self, entry: &Entry) -> Option<String> {
        if self.vouched.contains(&entry.mark()) || self.person.is_approved(entry) {
            return None;
        }
        let concerns = entry.concerns(self.launcher.is_boxed(entry));
        let concerns: Vec<String> = concerns.iter().map(ToString::to_string).collect();
        (!concerns.is_empty()).then(|| concerns.join(" and "))
    }

    /// The server with everything filled in; else why not, and what to do.
    /// `profile`: of which one, if of any.
    pub(crate) fn usable(
        &self,
        profile: Option<&str>,
        server: &ProfileServer,
    ) -> Result<Entry, (String, String)> {
        let entry = server.entry_in_use();
        let name = entry.name.as_str();
        if let Some(concerns) = self.waits(&entry) {
            return Err((
                format!("it waits for your approval, {concerns}"),
                match profile {
                    Some(profile) => format!("portolan server enable {name} --profile {profile}"),
                    None => match &entry.origin {
                        Origin::Oci(reference) => {
                            format!("portolan catalog pull {reference} --approve {name}")
                        }
                        _ => self.person.how_to_approve(&entry),
                    },
                },
            ));
        }
        let mut config = self.person.config(name);
        config.extend(server.config.clone());
        let mut secrets: HashMap<&str, Secret> = HashMap::new();
        for spec in &entry.about.secrets {
            let got = self.person.secret(&entry, spec).map_err(|why| {
                let message = format!("the secret `{}` cannot be got: {why}", spec.name);
                (
                    message,
                    format!("see to that, or: portolan secret set {}", spec.name),
                )
            })?;
            secrets.extend(got.map(|secret| (spec.name.as_str(), secret)));
        }
        let secret = |name: &str| secrets.get(name).cloned();
        let mut resolved = entry.resolve(&config, &secret).map_err(|missing| {
            let lines: Vec<String> = missing.iter().map(Missing::message).collect();
            let hint = match missing.first() {
                Some(Missing::Secret { name, .. }) => match server.secrets.get(name) {
                    Some(reference) => {
                        let (kind, _) = reference.split_once(':').unwrap_or_default();
                        format!("the profile takes it from `{kind}:…`, which gives nothing")
                    }
                    None => format!("portolan secret set {name}"),
                },
                Some(Missing::Config { key, .. }) => how_to_set(profile, name, key),
                Some(Missing::Invalid(problem)) => how_to_set(profile, name, &problem.key),
                None => String::new(),
            };
            (lines.join("; "), hint)
        })?;
        // It has all that it needs, which nobody is to be asked for again.
        resolved.is_approved = true;
        let about = Arc::make_mut(&mut resolved.about);
        about.config = None;
        for spec in &mut about.secrets {
            spec.required = false;
        }
        Ok(resolved)
    }
}

fn how_to_set(profile: Option<&str>, name: &str, key: &str) -> String {
    match profile {
        Some(profile) => format!("portolan profile config {profile} --set {name}.{key}=VALUE"),
        None => format!("portolan config set {name}.{key} VALUE"),
    }
}
