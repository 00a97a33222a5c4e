//! The person of a transcript: what they have set for servers, in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use catalog::{Entry, Profile, ProfileServer, Secret, SecretSpec, ServerName};
use portolan_gateway::{Person, SavedProfile};
use serde_json::{Map, Value};

use super::server::lock;

/// See the module. Clones are the same person.
#[derive(Clone, Default)]
pub(crate) struct Somebody(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    secrets: BTreeMap<String, String>,
    config: BTreeMap<String, Map<String, Value>>,
    approved: BTreeSet<String>,
    profiles: BTreeMap<String, Profile>,
    /// Why approvals cannot be kept.
    trouble: Option<String>,
}

impl Somebody {
    /// `keeps NAME VALUE` (a secret), `sets SERVER {…}`, `approves SERVER`, `cannot approve WHY`, `configures PROFILE SERVER {…}`.
    pub(crate) fn does(&self, line: &str) {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
        let mut inner = lock(&self.0);
        match verb {
            "keeps" => drop(inner.secrets.insert(name.to_owned(), value.to_owned())),
            "sets" => {
                let config = serde_json::from_str(value).expect("a configuration is an object");
                inner.config.insert(name.to_owned(), config);
            }
            "configures" => {
                let (server, config) = value.split_once(' ').expect("a server and an object");
                let config = serde_json::from_str(config).expect("a configuration is an object");
                let profile = inner.profiles.get_mut(name).expect("a profile");
                profile.get_mut(server).expect("a server of it").config = config;
            }
            "approves" => drop(inner.approved.insert(name.to_owned())),
            "cannot" => inner.trouble = Some(value.to_owned()),
            other => panic!("nobody {other}"),
        }
    }

    /// Puts a server into a profile of theirs.
    pub(crate) fn chooses(&self, profile: &str, entry: Entry) {
        let mut inner = lock(&self.0);
        let name = ServerName::new(profile).expect("a good name");
        let profile = inner.profiles.entry(profile.to_owned());
        let profile = profile.or_insert_with(|| Profile::new(&name));
        profile.servers.push(ProfileServer::new(entry));
    }

    /// A profile of theirs.
    pub(crate) fn saved(&self, name: &str) -> Option<Profile> {
        lock(&self.0).profiles.get(name).cloned()
    }

    /// Whether they have agreed to this server.
    pub(crate) fn has_approved(&self, name: &str) -> bool {
        lock(&self.0).approved.contains(name)
    }
}

impl Person for Somebody {
    fn has_secret(&self, _: &Entry, spec: &SecretSpec) -> bool {
        lock(&self.0).secrets.contains_key(&spec.name)
    }

    fn secret(&self, _: &Entry, spec: &SecretSpec) -> Option<Secret> {
        let inner = lock(&self.0);
        inner.secrets.get(&spec.name).cloned().map(Secret::new)
    }

    fn config(&self, server: &str) -> Map<String, Value> {
        lock(&self.0)
            .config
            .get(server)
            .cloned()
            .unwrap_or_default()
    }

    fn is_approved(&self, entry: &Entry) -> bool {
        self.has_approved(entry.name.as_str())
    }

    fn approve(&self, entry: &Entry) -> Result<(), String> {
        let mut inner = lock(&self.0);
        match &inner.trouble {
            Some(why) => Err(why.clone()),
            None => {
                inner.approved.insert(entry.name.to_string());
                Ok(())
            }
        }
    }

    fn profile(&self, name: &str) -> Result<Profile, String> {
        self.saved(name)
            .ok_or_else(|| format!("there is no profile `{name}`"))
    }

    fn save_profile(
        &self,
        name: &str,
        servers: Vec<ProfileServer>,
        _: &[String],
    ) -> Result<SavedProfile, String> {
        let mut inner = lock(&self.0);
        let is_new = !inner.profiles.contains_key(name);
        let profile = inner.profiles.entry(name.to_owned()).or_default();
        profile.servers.extend(servers);
        match (&profile.servers[..], name) {
            ([], _) => Err("there is nothing to save".to_owned()),
            (_, "full") => Err("the disk is full".to_owned()),
            _ => Ok(SavedProfile {
                servers: profile.names().map(str::to_owned).collect(),
                is_new,
            }),
        }
    }
}
