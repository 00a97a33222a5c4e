//! The servers that conversations have added, one object for all that added the same thing in the same configuration: what
//! is learnt of it is learnt once. Who may share its upstreams is the isolation key's matter, as with all servers.

use std::sync::Arc;

use catalog::Entry;

use super::{Core, made};
use crate::outbox::lock;
use crate::server::Server;
use crate::workspace::Workspace;

/// A server, and how many workspaces have it.
pub(super) struct Pooled {
    server: Arc<Server>,
    users: usize,
}

/// A server that is to come into a workspace: unless it is kept there, it is given back, whatever becomes of who wanted it.
pub(crate) struct Loan {
    core: Arc<Core>,
    pub(crate) server: Arc<Server>,
    workspace: Arc<Workspace>,
    is_kept: bool,
}

impl Loan {
    /// It is in the workspace now, which gives it back.
    pub(crate) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if !self.is_kept {
            self.core.give_back(&self.server, &self.workspace);
        }
    }
}

impl Core {
    /// The server of this entry, for a workspace.
    pub(crate) fn lend(self: &Arc<Self>, entry: Entry, workspace: &Arc<Workspace>) -> Loan {
        Loan {
            core: self.clone(),
            server: self.borrow(entry),
            workspace: workspace.clone(),
            is_kept: false,
        }
    }

    fn borrow(&self, entry: Entry) -> Arc<Server> {
        let mut pool = lock(&self.pool);
        if let Some(known) = pool.iter_mut().find(|known| known.server.entry == entry) {
            known.users += 1;
            return known.server.clone();
        }
        let server = made(
            entry,
            &self.tools,
            self.sign_ins.as_ref(),
            &self.telemetry,
            &self.settings,
        );
        pool.push(Pooled {
            server: server.clone(),
            users: 1,
        });
        server
    }

    /// A workspace has no use for this server any more: what it alone used is stopped, once its calls have ended.
    pub(crate) fn give_back(&self, server: &Arc<Server>, workspace: &Workspace) {
        let is_last = {
            let mut pool = lock(&self.pool);
            let at = pool
                .iter()
                .position(|known| Arc::ptr_eq(&known.server, server));
            at.is_some_and(|at| {
                pool[at].users -= 1;
                let is_last = pool[at].users == 0;
                if is_last {
                    pool.swap_remove(at);
                }
                is_last
            })
        };
        // It may have been added twice, and be here still.
        let is_here = lock(&workspace.chosen)
            .get(&server.name)
            .is_some_and(|added| Arc::ptr_eq(&added.server, server));
        if !is_here {
            self.part(server, workspace, true);
        }
        if is_last {
            for upstream in server.upstreams() {
                server.forget(&upstream);
                upstream.retire();
            }
        }
    }

    /// Lets go of a workspace's upstreams to a server. Those that nobody uses any more are stopped; of a configured server only
    /// those that are the workspace's own, for the others go on for whoever comes.
    pub(crate) fn part(&self, server: &Arc<Server>, workspace: &Workspace, is_added: bool) {
        for upstream in workspace.upstreams() {
            if Arc::ptr_eq(&upstream.server, server) {
                workspace.detach(&upstream);
                if upstream.detach(workspace) && (is_added || !upstream.key.is_shared()) {
                    server.forget(&upstream);
                    upstream.retire();
                }
            }
        }
    }

    /// Every server that may run: the configured ones and what was added.
    pub(crate) fn all_servers(&self) -> Vec<Arc<Server>> {
        let mut all: Vec<Arc<Server>> = self.servers().iter().cloned().collect();
        all.extend(lock(&self.pool).iter().map(|known| known.server.clone()));
        all
    }

    /// The servers of a name: the configured one, and what conversations have added under it.
    pub(crate) fn servers_named(&self, name: &str) -> Vec<Arc<Server>> {
        let mut all = self.all_servers();
        all.retain(|server| *server.name == *name);
        all
    }

    /// Lets go of what was made for a call whose server has left the workspace since it was found there: who took it out did
    /// not see this. True if so. A configured server of another entry than before is one that goes on until its calls end.
    pub(crate) fn has_left(&self, server: &Arc<Server>, workspace: &Workspace) -> bool {
        let configured = self.server(&server.name);
        let has_left = {
            let chosen = lock(&workspace.chosen);
            match chosen.get(&server.name) {
                Some(added) => !Arc::ptr_eq(&added.server, server),
                None => configured.is_none() || chosen.hides(&server.name),
            }
        };
        if has_left {
            let is_configured = configured.is_some_and(|known| Arc::ptr_eq(&known, server));
            self.part(server, workspace, !is_configured);
        }
        has_left
    }

    /// The server that a workspace means by a name.
    pub(crate) fn server_in(&self, workspace: &Workspace, name: &str) -> Option<Arc<Server>> {
        let chosen = lock(&workspace.chosen);
        if let Some(added) = chosen.get(name) {
            return Some(added.server.clone());
        }
        let is_hidden = chosen.hides(name);
        drop(chosen);
        self.server(name)
            .filter(|server| !is_hidden && !server.entry.disabled)
    }
}
