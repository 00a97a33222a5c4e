//! The simulated servers, and what starts them: late, never, or with an excuse.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use catalog::{Entry, ServerName, Share};
use launch::{LaunchError, Launched, Launcher, Link};
use transport::{BoxFuture, memory};

use super::conn::Conn;
use super::rng::Rng;
use super::world::World;

/// The eras that a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    Handshake,
    Stateless,
    Both,
}

/// What is fixed about a server.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) name: String,
    pub(crate) speaks: Speaks,
    pub(crate) share: Share,
    /// Changes the entry and nothing else: how often it was edited.
    pub(crate) edits: u64,
}

impl Spec {
    pub(crate) fn draw(rng: &mut Rng, number: usize) -> Self {
        Self {
            name: ["alpha", "beta", "gamma", "delta"][number].to_owned(),
            speaks: *rng.pick(&[Speaks::Handshake, Speaks::Stateless, Speaks::Both]),
            share: rng.weighted(&[
                (50, Share::Workspace),
                (30, Share::Caller),
                (20, Share::All),
            ]),
            edits: 0,
        }
    }

    pub(crate) fn entry(&self) -> Entry {
        Entry {
            share: Some(self.share),
            call_timeout_s: (self.edits > 0).then_some(8 + self.edits),
            ..Entry::command(
                ServerName::new(&self.name).expect("a good name"),
                &self.name,
                [""; 0],
            )
        }
    }
}

/// Starts the servers of one world.
pub(crate) struct Fleet {
    pub(crate) specs: Vec<Spec>,
    pub(crate) world: Arc<World>,
}

impl Launcher for Fleet {
    fn launch<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Launched, LaunchError>> {
        let spec = self
            .specs
            .iter()
            .find(|spec| *spec.name == *entry.name.as_str());
        let spec = spec.expect("only what there is can be configured").clone();
        let name = format!("{}.{}", spec.name, self.world.launched(&spec.name));
        let mut rng = Rng::of(self.world.seed, &format!("start of {name}"));
        Box::pin(async move {
            let fate = rng.weighted(&[(80, 0), (10, 1), (6, 2), (2, 3), (2, 4)]);
            let wait = match fate {
                0 => Duration::ZERO,
                4 => Duration::from_secs(86_400),
                _ => rng.ms(100..3000),
            };
            tokio::time::sleep(wait).await;
            if fate == 2 {
                return Err(LaunchError::NotFound {
                    command: name,
                    file: "nowhere".to_owned(),
                });
            }
            let (ours, theirs) = memory::pair();
            let conn = Conn::new(name, spec, self.world.clone());
            self.world.connected(conn.clone());
            if fate == 3 {
                // It is gone before it has said a word.
                conn.let_act(super::conn::Act::Die);
            }
            tokio::spawn(conn.run(ours));
            Ok(Launched {
                link: Link::Pipe(theirs),
                process: None,
            })
        })
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
