//! How many servers may run on this machine at once. Where there is no room, the one that was not used for longest makes
//! place, if nobody waits for anything of it.

use std::sync::{Arc, Mutex};

use super::Core;
use crate::error::Fault;
use crate::limits::ROOM_WAIT;
use crate::outbox::lock;
use crate::server::Server;
use crate::upstream::Upstream;

/// See the module.
pub(crate) struct Room {
    /// 0: as many as there are.
    max: usize,
    used: Arc<Mutex<usize>>,
}

/// A place of one server, until it is dropped.
pub(crate) struct Place(Arc<Mutex<usize>>);

impl Room {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            used: Arc::default(),
        }
    }

    fn take(&self) -> Option<Place> {
        let mut used = lock(&self.used);
        if self.max > 0 && *used >= self.max {
            return None;
        }
        *used += 1;
        Some(Place(self.used.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *lock(&self.0) -= 1;
    }
}

impl Core {
    /// A place for one more server of this machine; none for one that runs elsewhere.
    ///
    /// # Errors
    /// There is none, and every server that runs is in use.
    pub(crate) async fn place(&self, server: &Server) -> Result<Option<Place>, Fault> {
        if !server.entry.launch.is_local() {
            return Ok(None);
        }
        // Somebody else may be quicker; so often at most as there are servers to stop.
        for _ in 0..=self.room.max {
            if let Some(place) = self.room.take() {
                return Ok(Some(place));
            }
            let Some(idlest) = self.idlest() else { break };
            let _ = tokio::time::timeout(ROOM_WAIT, idlest.stop()).await;
        }
        Err(Fault::NoRoom {
            server: server.name.clone(),
            max: self.room.max,
        })
    }

    /// The upstream on this machine that was not used for longest, of those that nobody needs.
    fn idlest(&self) -> Option<Arc<Upstream>> {
        let servers = self.all_servers();
        let local = servers
            .iter()
            .filter(|server| server.entry.launch.is_local());
        let upstreams = local.flat_map(|server| server.upstreams());
        let idle =
            upstreams.filter(|upstream| upstream.current().is_some() && !upstream.is_needed());
        idle.min_by_key(|upstream| upstream.last_used())
    }
}
