//! One worker: takes connections as they are handed out, serves each in its own task, looks after their
//! time limits once a second, and drains them at the end. Owns the tasks. Read `connection.rs` next.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use hyper::server::conn::http1::Builder;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::MissedTickBehavior;

use crate::connection;
use crate::door::Door;
use crate::pulse::{Pulse, Verdict};
use crate::runtime::{Handoff, Handoffs, Share};
use crate::shutdown::Shutdown;

/// What the workers say of themselves to whoever started them.
#[derive(Clone)]
pub(crate) struct Tally {
    /// Connections that are open; `Options::connections_max` counts them.
    pub(crate) open: Arc<AtomicUsize>,
    /// Workers that still have connections, or may get some.
    pub(crate) busy: watch::Sender<usize>,
}

/// Serves connections until there are no more to come and the last has ended; then its runtime goes on for the
/// others, since the servers that were started here are theirs too, until the shutdown says now.
pub(crate) async fn run(handoffs: Handoffs, door: Arc<Door>, tally: Tally, mut shutdown: Shutdown) {
    let mut connections = Connections::default();
    let idle = Idle(tally.busy);
    tokio::select! {
        () = connections.serve(handoffs, &door, &tally.open) => {}
        () = shutdown.over() => {}
    }
    drop(idle);
    shutdown.over().await;
    connections.tasks.shutdown().await;
}

/// Says so when it is dropped, also by a panic.
struct Idle(watch::Sender<usize>);

impl Drop for Idle {
    fn drop(&mut self) {
        self.0.send_modify(|busy| *busy -= 1);
    }
}
#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    watched: Vec<(Arc<Pulse>, AbortHandle)>,
}

/// One of the connections that are open.
struct Counted {
    open: Arc<AtomicUsize>,
    _share: Share,
}

impl Connections {
    async fn serve(&mut self, mut handoffs: Handoffs, door: &Arc<Door>, open: &Arc<AtomicUsize>) {
        let builder = connection::builder();
        let mut seconds = tokio::time::interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_accepting = true;
        while is_accepting || !self.tasks.is_empty() {
            tokio::select! {
                handoff = handoffs.recv(), if is_accepting => match handoff {
                    Some(Handoff { stream, share }) => {
                        let counted = Counted {
                            open: open.clone(),
                            _share: share,
                        };
                        // A socket that cannot be registered is dropped, which is all that can be done about it.
                        if let Ok(stream) = TcpStream::from_std(stream) {
                            self.add(stream, &builder, door, counted);
                        }
                    }
                    None => {
                        is_accepting = false;
                        self.close();
                    }
                },
                Some(_ended) = self.tasks.join_next() => {}
                // A gateway without connections is not woken.
                _ = seconds.tick(), if !self.tasks.is_empty() => self.tick(),
            }
        }
    }

    fn add(&mut self, stream: TcpStream, builder: &Builder, door: &Arc<Door>, counted: Counted) {
        let pulse = Arc::new(Pulse::default());
        let served = connection::serve(
            stream,
            builder.clone(),
            door.clone(),
            pulse.clone(),
            door.tls.clone(),
        );
        let task = self.tasks.spawn(async move {
            served.await;
            drop(counted);
        });
        self.watched.push((pulse, task));
    }

    fn tick(&mut self) {
        self.watched.retain(|(pulse, task)| {
            if task.is_finished() {
                return false;
            }
            if pulse.tick() == Verdict::Drop {
                task.abort();
                return false;
            }
            true
        });
    }

    fn close(&self) {
        for (pulse, _) in &self.watched {
            pulse.close();
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests;
