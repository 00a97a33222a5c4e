//! The servers that there are to add, and the index that finds them. Read when it is first needed: a gateway that nobody asks
//! for servers starts without it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use catalog::{Catalogs, Entry, Secret, SecretSpec, ServerName};
use search::{Document, Found, Index, ToolHit};
use serde_json::{Map, Value};
use tokio::sync::OnceCell;
use wire::Object;

use super::menu::Menu;
use super::visits::Visits;
use crate::lists::Lists;
use crate::options::{Dynamic, Features, Person, Pull};
use crate::server::Server;
use crate::visit::Pages;

/// See the module.
pub(crate) struct Directory {
    source: Dynamic,
    features: Features,
    menu: Menu,
    read: OnceCell<Read>,
    visits: Visits,
}

struct Read {
    /// As they are now; what is imported makes new ones.
    catalogs: RwLock<Arc<Catalogs>>,
    index: RwLock<Index>,
    /// Servers that came while the gateway runs; held by whoever brings more.
    imported: Mutex<HashSet<ServerName>>,
}

impl Directory {
    pub(crate) fn new(source: Dynamic, features: Features) -> Self {
        Self {
            source,
            features,
            menu: Menu::new(features),
            read: OnceCell::new(),
            visits: Visits::default(),
        }
    }

    /// What agents have beside the usual tools.
    pub(super) fn features(&self) -> Features {
        self.features
    }

    /// What the gateway itself offers.
    pub(crate) fn menu(&self) -> &Menu {
        &self.menu
    }

    /// One in which there is nothing, for what asks the person and looks for no server.
    pub(super) fn none() -> Self {
        let nothing = Dynamic {
            catalogs: Arc::new(Catalogs::default),
            person: Arc::new(Nobody),
            pull: None,
            pages: None,
        };
        Self::new(nothing, Features::default())
    }

    /// What the person has set for servers.
    pub(super) fn person(&self) -> &Arc<dyn Person> {
        &self.source.person
    }

    /// The way to a catalog at an address.
    pub(super) fn pull(&self) -> Option<&Pull> {
        self.source.pull.as_ref()
    }

    /// Who shows the person pages, if somebody does.
    pub(super) fn pages(&self) -> Option<&Arc<dyn Pages>> {
        self.source.pages.as_ref()
    }

    /// The visits to which requests can come back.
    pub(super) fn visits(&self) -> &Visits {
        &self.visits
    }

    /// Reads the catalogs, once. `configured` are found like all others.
    pub(super) async fn open(&self, configured: &[Arc<Server>]) -> Arc<Catalogs> {
        self.read(configured).await.catalogs()
    }

    async fn read(&self, configured: &[Arc<Server>]) -> &Read {
        let read = self.read.get_or_init(|| async {
            let load = self.source.catalogs.clone();
            let configured: Vec<Entry> = configured.iter().map(|s| s.entry.clone()).collect();
            let work = move || {
                let catalogs = load();
                let own = |entry: &&Entry| configured.iter().all(|own| own.name != entry.name);
                let entries = catalogs.entries().iter().filter(own).chain(&configured);
                let index = Index::build(entries.map(|entry| document(entry, None)));
                Read::new(catalogs, index)
            };
            // It takes as long as dozens of calls.
            tokio::task::spawn_blocking(work)
                .await
                .unwrap_or_else(|_| Read::new(Catalogs::default(), Index::default()))
        });
        read.await
    }

    /// Takes in more servers: `choose` is told which there are, and which of them came so before, and says which to take. They
    /// are found from now on.
    pub(super) async fn take_in(
        self: &Arc<Self>,
        configured: &[Arc<Server>],
        choose: impl FnOnce(&Catalogs, &HashSet<ServerName>) -> Vec<Entry> + Send + 'static,
    ) {
        self.read(configured).await;
        let directory = self.clone();
        // Thousands of servers take their time.
        let work = move || {
            let Some(read) = directory.read.get() else {
                return;
            };
            let mut imported = read.imported.lock().unwrap_or_else(PoisonError::into_inner);
            let mut catalogs = Catalogs::clone(&read.catalogs());
            let chosen = choose(&catalogs, &imported);
            for entry in &chosen {
                imported.insert(entry.name.clone());
                catalogs.insert(entry.clone());
            }
            *read
                .catalogs
                .write()
                .unwrap_or_else(PoisonError::into_inner) = Arc::new(catalogs);
            for entry in &chosen {
                // One after the other, so that searches are not kept waiting.
                let document = document(entry, None);
                let mut index = read.index.write().unwrap_or_else(PoisonError::into_inner);
                index.insert(document);
            }
        };
        // It does not end early but by a panic, after which what was there is there.
        let _ = tokio::task::spawn_blocking(work).await;
    }

    /// The servers that match; see [`Index::search`].
    pub(super) fn search(&self, query: &str, limit: usize) -> Found {
        match self.read.get() {
            Some(read) => {
                let index = read.index.read().unwrap_or_else(PoisonError::into_inner);
                index.search(query, limit, |_| true)
            }
            None => Found::default(),
        }
    }

    /// The tools that match, of all servers; see [`Index::search_tools`].
    pub(super) fn search_tools(&self, query: &str, limit: usize) -> Vec<ToolHit> {
        let Some(read) = self.read.get() else {
            return Vec::new();
        };
        let index = read.index.read().unwrap_or_else(PoisonError::into_inner);
        index.search_tools(query, limit, |_| true)
    }

    /// A server has told what it offers: from now on it is found by that. What depends on a credential is nobody else's.
    pub(crate) fn learnt(&self, entry: &Entry, lists: &Lists) {
        if let (Some(read), false) = (self.read.get(), entry.has_credentials()) {
            let document = document(entry, Some(lists));
            let mut index = read.index.write().unwrap_or_else(PoisonError::into_inner);
            index.insert(document);
        }
    }

    /// The configured servers are others now.
    pub(crate) fn reloaded(&self, servers: &[Arc<Server>], removed: &[String]) {
        let Some(read) = self.read.get() else { return };
        let catalogs = read.catalogs();
        let mut index = read.index.write().unwrap_or_else(PoisonError::into_inner);
        for name in removed {
            match catalogs.get(name) {
                Some(entry) => index.insert(document(entry, None)),
                None => index.remove(name),
            };
        }
        for server in servers {
            if !index.contains(&server.name) {
                index.insert(document(&server.entry, None));
            }
        }
    }
}

/// Has set nothing.
struct Nobody;

impl Person for Nobody {
    fn has_secret(&self, _: &Entry, _: &SecretSpec) -> bool {
        false
    }

    fn secret(&self, _: &Entry, _: &SecretSpec) -> Result<Option<Secret>, String> {
        Ok(None)
    }

    fn config(&self, _: &str) -> Map<String, Value> {
        Map::new()
    }

    fn is_approved(&self, _: &Entry) -> bool {
        false
    }

    fn approve(&self, _: &Entry) -> Result<(), String> {
        Err("nobody keeps it".to_owned())
    }

    fn keep_secret(&self, _: &Entry, _: &SecretSpec, _: &secrets::Secret) -> Result<(), String> {
        Err("nobody keeps it".to_owned())
    }

    fn keeps_secrets_in(&self) -> String {
        "nothing".to_owned()
    }
}

impl Read {
    fn new(catalogs: Catalogs, index: Index) -> Self {
        Self {
            catalogs: RwLock::new(Arc::new(catalogs)),
            index: RwLock::new(index),
            imported: Mutex::default(),
        }
    }

    fn catalogs(&self) -> Arc<Catalogs> {
        let catalogs = self.catalogs.read();
        catalogs.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A server as it is searched for.
pub(super) fn document(entry: &Entry, lists: Option<&Lists>) -> Document {
    let tools = match lists {
        Some(lists) => lists
            .tools
            .iter()
            .map(|item| search::Tool {
                name: item.key.to_string(),
                description: description(&item.raw),
            })
            .collect(),
        None => entry
            .about
            .tools
            .iter()
            .map(|tool| search::Tool {
                name: tool.name.to_string(),
                description: tool.description.to_string(),
            })
            .collect(),
    };
    Document {
        name: entry.name.to_string(),
        title: entry.title.clone().unwrap_or_default(),
        description: entry.description.clone().unwrap_or_default(),
        tags: entry.about.tags.clone(),
        kind: entry.kind().to_owned(),
        facts: entry.about.repository.iter().cloned().collect(),
        tools,
    }
}

/// What a tool says of itself.
pub(super) fn description(tool: &str) -> String {
    Object::parse(tool)
        .ok()
        .and_then(|tool| Some(tool.string("description").ok()??.into_owned()))
        .unwrap_or_default()
}
