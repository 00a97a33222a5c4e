//! What a person has granted servers beyond their entries: hosts, and the whole network.
//!
//! Owns a launcher around another one that adds these hosts to entries, and refuses an entry that wants the whole network
//! unless the person says so too. It knows nothing of where that is kept.

use std::sync::Arc;

use catalog::{Entry, Network};
use transport::BoxFuture;

use crate::launcher::file_of;
use crate::{Isolation, LaunchError, Launched, Launcher};

/// Where a person's decisions are kept.
pub trait Grants: Send + Sync {
    /// The hosts that a server may reach beyond what its entry names. Reads a file at most.
    ///
    /// # Errors
    /// They cannot be read.
    fn hosts(&self, server: &str) -> Result<Vec<String>, String>;

    /// Whether a server may have the whole network, if its entry wants that.
    fn is_open(&self, server: &str) -> bool;

    /// Whether the person does not want to hear of this host again.
    fn is_denied(&self, server: &str, host: &str) -> bool;

    /// Keeps what the person has decided.
    ///
    /// # Errors
    /// It cannot be kept.
    fn decide(&self, server: &str, host: &str, is_allowed: bool) -> Result<(), String>;
}

/// See the module.
pub struct GrantedLauncher {
    inner: Arc<dyn Launcher>,
    grants: Arc<dyn Grants>,
}

impl GrantedLauncher {
    /// One that has everything started by `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn Launcher>, grants: Arc<dyn Grants>) -> Self {
        Self { inner, grants }
    }

    /// The entry with what was granted.
    fn granted(&self, entry: &Entry) -> Result<Entry, String> {
        let name = entry.name.as_str();
        if !entry.launch.is_local() {
            return Ok(entry.clone());
        }
        let mut granted = entry.clone();
        match &mut granted.network {
            Network::Open => {
                if self.inner.is_boxed(entry) && !self.grants.is_open(name) {
                    return Err(format!(
                        "`network` is open, and nobody has said that it may be: open_network = [\"{name}\"] under [gateway] in config.toml does, or name the hosts it needs in `network`"
                    ));
                }
            }
            Network::Hosts(hosts) => hosts.extend(self.grants.hosts(name)?),
            network => {
                let hosts = self.grants.hosts(name)?;
                if !hosts.is_empty() {
                    *network = Network::Hosts(hosts);
                }
            }
        }
        Ok(granted)
    }
}

impl Launcher for GrantedLauncher {
    fn launch<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Launched, LaunchError>> {
        Box::pin(async move {
            let granted = self.granted(entry).map_err(|why| LaunchError::Contents {
                why,
                file: file_of(entry),
            })?;
            self.inner.launch(&granted).await
        })
    }

    fn launch_sse<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Launched, LaunchError>> {
        self.inner.launch_sse(entry)
    }

    fn is_prepared(&self, entry: &Entry) -> bool {
        self.inner.is_prepared(entry)
    }

    fn prepare<'a>(
        &'a self,
        entry: &'a Entry,
        tell: &'a (dyn Fn(&str) + Send + Sync),
    ) -> BoxFuture<'a, Result<(), LaunchError>> {
        self.inner.prepare(entry, tell)
    }

    fn is_boxed(&self, entry: &Entry) -> bool {
        self.inner.is_boxed(entry)
    }

    fn isolation(&self, entry: &Entry) -> Option<Isolation> {
        self.inner.isolation(entry)
    }

    fn refuses(&self, entry: &Entry) -> Option<String> {
        match self.granted(entry) {
            Ok(granted) => self.inner.refuses(&granted),
            Err(why) => Some(why),
        }
    }

    fn network(&self, entry: &Entry) -> Option<String> {
        match self.granted(entry) {
            Ok(granted) => self.inner.network(&granted),
            Err(_) => self.inner.network(entry),
        }
    }

    fn is_denied(&self, entry: &Entry, host: &str) -> bool {
        self.grants.is_denied(entry.name.as_str(), host)
    }

    fn decide(&self, entry: &Entry, host: &str, is_allowed: bool) -> Result<(), String> {
        self.grants.decide(entry.name.as_str(), host, is_allowed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use catalog::ServerName;

    use super::*;

    struct Kept;

    impl Grants for Kept {
        fn hosts(&self, server: &str) -> Result<Vec<String>, String> {
            match server {
                "broken" => Err("network.yaml cannot be read".to_owned()),
                _ => Ok(vec!["granted.example".to_owned()]),
            }
        }

        fn is_open(&self, server: &str) -> bool {
            server == "trusted"
        }

        fn is_denied(&self, _: &str, _: &str) -> bool {
            false
        }

        fn decide(&self, _: &str, _: &str, _: bool) -> Result<(), String> {
            Ok(())
        }
    }

    /// Tells what it was to start.
    #[derive(Default)]
    struct Told(Mutex<Vec<Network>>);

    impl Launcher for Told {
        fn launch<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Launched, LaunchError>> {
            self.0.lock().unwrap().push(entry.network.clone());
            Box::pin(std::future::ready(Err(LaunchError::NotProgram)))
        }

        fn is_boxed(&self, _: &Entry) -> bool {
            true
        }
    }

    async fn started(server: &str, network: Network) -> Result<Network, String> {
        let told = Arc::<Told>::default();
        let launcher = GrantedLauncher::new(told.clone(), Arc::new(Kept));
        let mut entry = Entry::command(ServerName::new(server).unwrap(), "true", [""; 0]);
        entry.network = network;
        let refused = launcher.refuses(&entry);
        let error = launcher.launch(&entry).await.err().unwrap().to_string();
        let started = told.0.lock().unwrap().pop();
        assert_eq!(refused.is_some(), started.is_none());
        started.ok_or(error)
    }

    #[tokio::test]
    async fn hosts_are_added_to_what_the_entry_names() {
        let hosts =
            |hosts: &[&str]| Ok(Network::Hosts(hosts.iter().map(|h| (*h).into()).collect()));
        for nothing in [Network::Unsaid, Network::None] {
            assert_eq!(started("s", nothing).await, hosts(&["granted.example"]));
        }
        let own = Network::Hosts(vec!["own.example".into()]);
        assert_eq!(
            started("s", own).await,
            hosts(&["own.example", "granted.example"])
        );
        let error = started("broken", Network::Unsaid).await.unwrap_err();
        assert!(error.contains("network.yaml"), "{error}");
    }

    #[tokio::test]
    async fn the_whole_network_takes_two_who_want_it() {
        assert_eq!(started("trusted", Network::Open).await, Ok(Network::Open));
        let error = started("s", Network::Open).await.unwrap_err();
        assert!(error.contains("open_network = [\"s\"]"), "{error}");
    }
}
