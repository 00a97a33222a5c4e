//! What one workspace made of the configured servers: which it added, which it let go, and how it configured them. Nothing of
//! it outlives the workspace.

use std::collections::HashMap;
use std::sync::Arc;

use catalog::Entry;
use serde_json::{Map, Value};

use crate::server::Server;

/// See the module.
#[derive(Default)]
pub(crate) struct Chosen {
    added: Vec<Added>,
    /// Configured servers that are not wanted here.
    hidden: Vec<Box<str>>,
    /// What was set here for a server, by its name.
    configs: HashMap<Box<str>, Map<String, Value>>,
    /// The entries of servers that came from a profile, which need not be those of the catalogs; templates not filled in.
    pinned: HashMap<Box<str>, Arc<Entry>>,
    /// Tools that take scripts, in the order in which they were made.
    scripts: Vec<Arc<ScriptTool>>,
}

/// A tool that takes scripts.
#[derive(Debug)]
pub(crate) struct ScriptTool {
    /// With `code-mode-` in front.
    pub(crate) name: Box<str>,
    /// Whose tools its scripts call.
    pub(crate) servers: Vec<Box<str>>,
}

/// A server that was added.
#[derive(Clone)]
pub(crate) struct Added {
    pub(crate) server: Arc<Server>,
    /// Whether its tools are listed; they can be called in any case.
    pub(crate) is_listed: bool,
}

impl Chosen {
    /// In the order in which they were added.
    pub(crate) fn added(&self) -> &[Added] {
        &self.added
    }

    /// The added server of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Added> {
        self.added.iter().find(|added| *added.server.name == *name)
    }

    /// Puts a server in, in the place of one of the same name; that one is returned.
    pub(crate) fn put(&mut self, server: Arc<Server>, is_listed: bool) -> Option<Arc<Server>> {
        let known = self
            .added
            .iter_mut()
            .find(|added| added.server.name == server.name);
        match known {
            Some(known) => {
                known.is_listed = is_listed;
                Some(std::mem::replace(&mut known.server, server))
            }
            None => {
                self.added.push(Added { server, is_listed });
                None
            }
        }
    }

    /// Takes a server out, and what was set for it.
    pub(crate) fn take(&mut self, name: &str) -> Option<Arc<Server>> {
        self.configs.remove(name);
        self.pinned.remove(name);
        let at = self
            .added
            .iter()
            .position(|added| *added.server.name == *name)?;
        Some(self.added.remove(at).server)
    }

    /// Takes out what has been there longest.
    pub(crate) fn take_oldest(&mut self) -> Option<Arc<Server>> {
        let name = self.added.first()?.server.name.clone();
        self.take(&name)
    }

    /// Takes everything out, when the workspace ends.
    pub(crate) fn take_all(&mut self) -> Vec<Arc<Server>> {
        let all = std::mem::take(self);
        all.added.into_iter().map(|added| added.server).collect()
    }

    /// Whether a configured server is not wanted here.
    pub(crate) fn hides(&self, name: &str) -> bool {
        self.hidden.iter().any(|hidden| **hidden == *name)
    }

    /// True if that is news.
    pub(crate) fn hide(&mut self, name: &str) -> bool {
        let is_news = !self.hides(name);
        if is_news {
            self.hidden.push(name.into());
        }
        is_news
    }

    /// True if it was hidden.
    pub(crate) fn show(&mut self, name: &str) -> bool {
        let before = self.hidden.len();
        self.hidden.retain(|hidden| **hidden != *name);
        self.hidden.len() < before
    }

    /// What was set here for a server.
    pub(crate) fn config(&self, server: &str) -> Map<String, Value> {
        self.configs.get(server).cloned().unwrap_or_default()
    }

    /// The entry that a server came with from a profile.
    pub(crate) fn pinned(&self, server: &str) -> Option<Arc<Entry>> {
        self.pinned.get(server).cloned()
    }

    pub(crate) fn pin(&mut self, entry: Entry) {
        let name = entry.name.as_str().into();
        self.pinned.insert(name, Arc::new(entry));
    }

    pub(crate) fn set_config(&mut self, server: &str, config: Map<String, Value>) {
        self.configs.insert(server.into(), config);
    }

    // === scripts ===

    pub(crate) fn scripts(&self) -> &[Arc<ScriptTool>] {
        &self.scripts
    }

    /// The tool of this name, if it takes scripts.
    pub(crate) fn script(&self, name: &str) -> Option<&Arc<ScriptTool>> {
        self.scripts.iter().find(|script| *script.name == *name)
    }

    /// Puts a tool in, in the place of one of the same name; false if there are `max` of them.
    pub(crate) fn put_script(&mut self, script: ScriptTool, max: usize) -> bool {
        let known = self.scripts.iter().position(|s| s.name == script.name);
        match known {
            Some(at) => self.scripts[at] = Arc::new(script),
            None if self.scripts.len() >= max => return false,
            None => self.scripts.push(Arc::new(script)),
        }
        true
    }

    /// Takes a tool out; false if there is none.
    pub(crate) fn take_script(&mut self, name: &str) -> bool {
        let before = self.scripts.len();
        self.scripts.retain(|script| *script.name != *name);
        self.scripts.len() < before
    }

    /// A server is gone: tools of its alone go too.
    pub(crate) fn forget_in_scripts(&mut self, server: &str) {
        let is_left = |script: &Arc<ScriptTool>| script.servers.iter().any(|s| **s != *server);
        self.scripts.retain(is_left);
        for script in &mut self.scripts {
            if script.servers.iter().any(|s| **s == *server) {
                let servers = script.servers.iter().filter(|s| ***s != *server);
                *script = Arc::new(ScriptTool {
                    name: script.name.clone(),
                    servers: servers.cloned().collect(),
                });
            }
        }
    }
}
