//! The person of a transcript: what they have set for servers, in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use catalog::{Entry, Profile, ProfileServer, Secret, SecretSpec, ServerName};
use portolan_gateway::{Pages, Person, Place, SavedProfile, Ungiven, Visit};
use serde_json::{Map, Value, json};

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
    /// Why approvals and secrets cannot be kept.
    trouble: Option<String>,
    /// What they were shown, by its address.
    visits: BTreeMap<String, Arc<Visit>>,
}

impl Somebody {
    /// `keeps NAME VALUE` (a secret), `sets SERVER {…}`, `approves SERVER`, `cannot approve WHY`, `can again`, `configures PROFILE SERVER
    /// {…}`; and of a page by its quoted address: `fills URL VALUE,…` (`fails URL WHY` if that is not kept), `refuses URL`,
    /// `misses URL` (it is no more).
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
            "can" => inner.trouble = None,
            "fills" | "fails" | "refuses" | "misses" => {
                let visit = inner.visits[name.trim_matches('"')].clone();
                drop(inner);
                visits(&visit, verb, value);
            }
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

    /// What is on a page that they were shown.
    pub(crate) fn page(&self, url: &str) -> Value {
        let page = lock(&self.0).visits[url].page().clone();
        let field = |field: &portolan_gateway::Field| json!({"name": field.name, "about": field.about, "example": field.example, "url": field.url});
        json!({
            "server": page.server,
            "title": page.title,
            "origin": page.origin,
            "kept_in": page.kept_in,
            "fields": page.fields.iter().map(field).collect::<Vec<_>>(),
        })
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

    fn secret(&self, _: &Entry, spec: &SecretSpec) -> Result<Option<Secret>, String> {
        let inner = lock(&self.0);
        Ok(inner.secrets.get(&spec.name).cloned().map(Secret::new))
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

    fn keep_secret(
        &self,
        _: &Entry,
        spec: &SecretSpec,
        value: &secrets::Secret,
    ) -> Result<(), String> {
        let mut inner = lock(&self.0);
        match &inner.trouble {
            Some(why) => Err(why.clone()),
            None => {
                let value = value.reveal().to_owned();
                inner.secrets.insert(spec.name.clone(), value);
                Ok(())
            }
        }
    }

    fn keeps_secrets_in(&self) -> String {
        "a drawer".to_owned()
    }
}

impl Pages for Somebody {
    fn show(&self, visit: Arc<Visit>) -> Result<Place, String> {
        let mut inner = lock(&self.0);
        if let Some(why) = inner.trouble.as_ref().filter(|why| why.contains("page")) {
            return Err(why.clone());
        }
        let url = format!("http://127.0.0.1:1/ask/{}", inner.visits.len() + 1);
        inner.visits.insert(url.clone(), visit);
        Ok(Place {
            page: url,
            callback: "http://127.0.0.1:1/oauth/callback".to_owned(),
        })
    }
}

fn visits(visit: &Visit, verb: &str, text: &str) {
    let values = text.split(',').filter(|value| !value.is_empty());
    let values: Vec<_> = values
        .map(|value| secrets::Secret::new(value).expect("a secret is a text"))
        .collect();
    match verb {
        "fills" => assert_eq!(visit.give(&values), Ok(())),
        "fails" => assert_eq!(
            visit.give(&[secrets::Secret::new("x").unwrap()]),
            Err(Ungiven::Failed(text.to_owned()))
        ),
        "refuses" => assert!(visit.decline(), "it is over"),
        _ => assert!(!visit.is_open(), "it is there"),
    }
}
