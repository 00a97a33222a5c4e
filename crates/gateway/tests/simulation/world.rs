//! What servers, clients and the game of one seed have in common.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use portolan_gateway::{CallRecord, Recorder, StartRecord};

use super::conn::Conn;
use super::judge::Judge;
use super::servers::lock;

/// See the module.
pub(crate) struct World {
    pub(crate) seed: u64,
    judge: Mutex<Judge>,
    conns: Mutex<Vec<Arc<Conn>>>,
    launches: Mutex<BTreeMap<String, usize>>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self {
            seed,
            judge: Mutex::new(Judge::new()),
            conns: Mutex::default(),
            launches: Mutex::default(),
        })
    }

    pub(crate) fn judge(&self) -> MutexGuard<'_, Judge> {
        lock(&self.judge)
    }

    pub(crate) fn conns(&self) -> Vec<Arc<Conn>> {
        lock(&self.conns).clone()
    }

    /// Those that neither side has ended.
    pub(crate) fn live(&self) -> Vec<Arc<Conn>> {
        let mut conns = self.conns();
        conns.retain(|conn| conn.state().end.is_none());
        conns
    }

    pub(crate) fn connected(&self, conn: Arc<Conn>) {
        self.judge().note(&conn.name, "is", "launched");
        lock(&self.conns).push(conn);
    }

    /// The number of a start of a server.
    pub(crate) fn launched(&self, name: &str) -> usize {
        let mut launches = lock(&self.launches);
        let number = launches.entry(name.to_owned()).or_default();
        *number += 1;
        *number
    }
}

/// Counts what is recorded.
pub(crate) struct Clerk(pub(crate) Arc<World>);

impl Recorder for Clerk {
    fn call(&self, _: CallRecord) {
        self.0.judge().records += 1;
    }

    fn start(&self, _: StartRecord) {}
}
