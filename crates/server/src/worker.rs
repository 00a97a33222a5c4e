//! One worker: takes connections as they are handed out, serves each in its own task, looks after their
//! time limits once a second, and drains them at the end. Owns the tasks. Read `connection.rs` next.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::MissedTickBehavior;

use crate::connection;
use crate::door::Door;
use crate::pulse::{Pulse, Verdict};
use crate::runtime::Handoffs;
use crate::shutdown::Shutdown;

/// Serves connections until there are no more to come and the last has ended, or until it must stop.
pub(crate) async fn run(
    mut handoffs: Handoffs,
    door: Arc<Door>,
    open: Arc<AtomicUsize>,
    mut shutdown: Shutdown,
) {
    let builder = connection::builder();
    let mut connections = Connections::default();
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_accepting = true;
    loop {
        tokio::select! {
            biased;
            () = shutdown.now() => break,
            stream = handoffs.recv(), if is_accepting => match stream {
                Some(stream) => {
                    let Ok(stream) = TcpStream::from_std(stream) else {
                        open.fetch_sub(1, Relaxed);
                        continue;
                    };
                    let pulse = Arc::new(Pulse::default());
                    let counted = Counted(open.clone());
                    let served = connection::serve(stream, builder.clone(), door.clone(), pulse.clone());
                    connections.add(pulse, async move {
                        served.await;
                        drop(counted);
                    });
                }
                None => {
                    is_accepting = false;
                    connections.close();
                }
            },
            Some(_ended) = connections.tasks.join_next() => {}
            // A gateway without connections is not woken.
            _ = seconds.tick(), if !connections.tasks.is_empty() => connections.tick(),
        }
        if !is_accepting && connections.tasks.is_empty() {
            break;
        }
    }
    connections.tasks.shutdown().await;
}

#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    watched: Vec<(Arc<Pulse>, AbortHandle)>,
}

/// One of the connections that `limits::CONNECTIONS_MAX` counts.
struct Counted(Arc<AtomicUsize>);

impl Connections {
    fn add(&mut self, pulse: Arc<Pulse>, served: impl Future<Output = ()> + Send + 'static) {
        let handle = self.tasks.spawn(served);
        self.watched.push((pulse, handle));
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
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests;
