//! What the person of this machine has set for servers: secrets, configuration, approvals, as they are on the disk now.

use std::path::Path;

use catalog::{Entry, Origin, Secret, SecretSpec};
use config::ServerConfig;
use secrets::{Kinds, Named, Resolver, SecretName, SecretRef, Store};
use serde_json::{Map, Value};
use store::StoreHandle;

use crate::choice::CatalogChoice;
use crate::surroundings::Surroundings;

/// What the command line says beside that.
#[derive(Clone, Default)]
pub(crate) struct Said {
    /// What servers are configured with; it counts more than what was set.
    pub(crate) config: ServerConfig,
    /// Where servers are found.
    pub(crate) catalogs: CatalogChoice,
}

/// See the module.
pub(crate) struct LocalPerson {
    here: Surroundings,
    said: Said,
    secrets: Store,
    resolver: Resolver,
    /// Where approvals are kept; without it none can be.
    store: Option<StoreHandle>,
}

impl LocalPerson {
    pub(crate) fn new(here: &Surroundings, said: Said, store: Option<StoreHandle>) -> Self {
        let env = here.env.clone();
        let secrets = Store::in_folder(&here.dirs.state);
        let resolver = Resolver {
            named: vec![Named::Store(secrets.clone())],
            home: here.env.folder(config::env::HOME),
            credentials: here.env.folder(config::env::CREDENTIALS_DIRECTORY),
            env: Some(Box::new(move |name| env.os(name))),
            // Programs take seconds, and what asks here are calls.
            runner: None,
        };
        Self {
            here: here.clone(),
            said,
            secrets,
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
        let mut config = all.get(server).cloned().unwrap_or_default();
        config.extend(self.said.config.get(server).cloned().unwrap_or_default());
        config
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

    fn how_to_approve(&self, entry: &Entry) -> String {
        let command = format!("portolan server enable {}", entry.name);
        // What only this command line names, the other has to name too.
        let given = self.said.catalogs.catalog.iter();
        match given
            .rev()
            .find(|path| Path::new(&entry.source).starts_with(path))
        {
            Some(path) => {
                let cwd = self.here.cwd.as_deref().unwrap_or(Path::new(""));
                format!("{command} --catalog {}", quoted(&cwd.join(path)))
            }
            None => command,
        }
    }

    fn keep_secret(
        &self,
        _: &Entry,
        spec: &SecretSpec,
        value: &secrets::Secret,
    ) -> Result<(), String> {
        let name = SecretName::new(&spec.name).map_err(|error| error.to_string())?;
        config::private_dir(&self.here.dirs.state).map_err(|error| error.to_string())?;
        let kept = self.secrets.set(&name, value);
        kept.map(drop).map_err(|error| error.to_string())
    }

    fn keeps_secrets_in(&self) -> String {
        format!("the encrypted file {}", self.secrets.path().display())
    }
}

/// As a shell takes it for one word.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%:,".contains(c);
    match text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// Under what an approval is kept: an entry that changes needs a new one.
pub(crate) fn approval(entry: &Entry) -> String {
    format!("approved/{}", entry.mark())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_one_word_for_a_shell() {
        for (path, word) in [
            ("/a/b-c_1.yaml", "/a/b-c_1.yaml"),
            ("/a b/c", "'/a b/c'"),
            ("/it's", r"'/it'\''s'"),
            ("/$(x)", "'/$(x)'"),
        ] {
            assert_eq!(quoted(Path::new(path)), word);
        }
    }
}
