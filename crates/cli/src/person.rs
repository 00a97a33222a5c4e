//! What the person of this machine has set for servers: secrets, configuration, approvals, as they are on the disk now.

use catalog::{Entry, Origin, Secret, SecretSpec};
use secrets::{Kinds, Named, Resolver, SecretName, SecretRef, Store};
use serde_json::{Map, Value};
use store::StoreHandle;

use crate::surroundings::Surroundings;

/// See the module.
pub(crate) struct LocalPerson {
    here: Surroundings,
    resolver: Resolver,
    /// Where approvals are kept; without it none can be.
    store: Option<StoreHandle>,
}

impl LocalPerson {
    pub(crate) fn new(here: &Surroundings, store: Option<StoreHandle>) -> Self {
        let env = here.env.clone();
        let resolver = Resolver {
            named: vec![Named::Store(Store::in_folder(&here.dirs.state))],
            home: here.env.folder(config::env::HOME),
            credentials: here.env.folder(config::env::CREDENTIALS_DIRECTORY),
            env: Some(Box::new(move |name| env.os(name))),
            // Programs take seconds, and what asks here are calls.
            runner: None,
        };
        Self {
            here: here.clone(),
            resolver,
            store,
        }
    }

    fn find(&self, entry: &Entry, spec: &SecretSpec) -> Option<secrets::Secret> {
        let name = SecretName::new(&spec.name).ok()?;
        let own = self.resolver.named(&name).ok().flatten();
        own.or_else(|| {
            let from: SecretRef = spec.from.as_ref()?.parse().ok()?;
            let is_trusted =
                entry.origin == Origin::Own || gateway::Person::is_approved(self, entry);
            let kinds = if is_trusted {
                Kinds::ALL
            } else {
                Kinds::OUTSIDE
            };
            self.resolver.resolve(&from, kinds).ok()
        })
    }
}

impl gateway::Person for LocalPerson {
    fn has_secret(&self, entry: &Entry, spec: &SecretSpec) -> bool {
        self.find(entry, spec).is_some()
    }

    fn secret(&self, entry: &Entry, spec: &SecretSpec) -> Option<Secret> {
        self.find(entry, spec)
            .map(|secret| Secret::new(secret.reveal()))
    }

    fn config(&self, server: &str) -> Map<String, Value> {
        // A file that cannot be read sets nothing; what then is missing is told with its name.
        let all = config::load_server_config(&self.here.dirs).unwrap_or_default();
        all.get(server).cloned().unwrap_or_default()
    }

    fn is_approved(&self, entry: &Entry) -> bool {
        let Some(store) = &self.store else {
            return false;
        };
        let known = store.with(|store| store.meta_get(&approval(entry)));
        known.is_ok_and(|known| known.is_some())
    }

    fn approve(&self, entry: &Entry) -> Result<(), String> {
        let store = self.store.as_ref().ok_or("there is no store")?;
        store
            .with(|store| store.meta_put(&approval(entry), entry.name.as_str()))
            .map_err(|error| error.to_string())
    }
}

/// Under what an approval is kept: an entry that changes needs a new one.
pub(crate) fn approval(entry: &Entry) -> String {
    format!("approved/{}", entry.mark())
}
