//! The person of a transcript: what they have set for servers, in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use catalog::{Entry, Secret, SecretSpec};
use portolan_gateway::Person;
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
    /// Why approvals cannot be kept.
    trouble: Option<String>,
}

impl Somebody {
    /// `keeps NAME VALUE` (a secret), `sets SERVER {…}`, `approves SERVER`, `cannot approve WHY`.
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
            "approves" => drop(inner.approved.insert(name.to_owned())),
            "cannot" => inner.trouble = Some(value.to_owned()),
            other => panic!("nobody {other}"),
        }
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
}
