//! What becomes other while conversations go on: entries, rules, and what tools look like. Owns who hears of it.

use std::sync::Arc;

use catalog::Entry;
use wire::Era;

use super::{Core, made};
use crate::front::Reloaded;
use crate::lists::{Kind, Lists};
use crate::server::Server;

impl Core {
    /// Other entries from now on. Servers whose entry stays the same go on undisturbed; the others are let go once
    /// their calls have ended.
    pub(crate) fn reload(self: &Arc<Self>, entries: Vec<Entry>) -> Reloaded {
        let before = self.servers();
        let mut reloaded = Reloaded::default();
        let servers: Vec<Arc<Server>> = entries
            .into_iter()
            .map(|entry| {
                match before
                    .iter()
                    .find(|server| *server.name == *entry.name.as_str())
                {
                    Some(server) if server.entry == entry => server.clone(),
                    known => {
                        let names = if known.is_some() {
                            &mut reloaded.changed
                        } else {
                            &mut reloaded.added
                        };
                        names.push(entry.name.to_string());
                        made(
                            entry,
                            &self.tools,
                            self.sign_ins.as_ref(),
                            &self.telemetry,
                            &self.settings,
                        )
                    }
                }
            })
            .collect();
        let gone: Vec<&Arc<Server>> = before
            .iter()
            .filter(|old| !servers.iter().any(|new| Arc::ptr_eq(old, new)))
            .collect();
        reloaded.removed = gone
            .iter()
            .filter(|old| !servers.iter().any(|new| new.name == old.name))
            .map(|server| server.name.to_string())
            .collect();
        if let Some(directory) = &self.directory {
            directory.reloaded(&servers, &reloaded.removed);
        }
        let fresh: Vec<Arc<Server>> = servers
            .iter()
            .filter(|new| !before.iter().any(|old| Arc::ptr_eq(old, new)))
            .cloned()
            .collect();
        self.servers.store(Arc::new(servers));
        if reloaded.is_empty() {
            return reloaded;
        }
        self.changed();
        // Once they are found no more.
        for upstream in gone.iter().flat_map(|server| server.go()) {
            upstream.retire();
        }
        for server in &fresh {
            crate::method::subscriptions::moved(self, server);
        }
        self.tell_all(&[Kind::Tools, Kind::Prompts, Kind::Resources]);
        reloaded
    }

    /// The rules are others now.
    pub(crate) fn rules_changed(&self) {
        self.changed();
        self.tell_all(&[Kind::Tools, Kind::Prompts, Kind::Resources]);
    }

    /// A server lists this now: tools that are others than when they were first seen are told of.
    pub(crate) fn note_pins(&self, server: &Server, lists: &Lists) {
        for told in self.pins.seen(server, lists) {
            let name = &server.name;
            let hint = format!("portolan tools pins {name} shows the difference");
            self.recorder.odd(name, &told, &hint);
        }
    }

    /// The person may have agreed to what is held back, in another process.
    pub(super) fn look_at_pins(&self) {
        if !self.pins.holds_any() {
            return;
        }
        let servers = self.all_servers();
        let is_less = |server: &&Arc<Server>| self.pins.refresh(server);
        if servers.iter().filter(is_less).count() > 0 {
            self.changed();
            self.tell_all(&[Kind::Tools]);
        }
    }

    /// Tells every conversation that its lists may be others now.
    pub(super) fn tell_all(&self, kinds: &[Kind]) {
        for workspace in self.workspaces() {
            for kind in kinds {
                workspace.list_changed(*kind, Era::Handshake);
                workspace.list_changed(*kind, Era::Stateless);
            }
        }
    }
}
