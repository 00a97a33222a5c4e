//! The threads that serve: one current-thread runtime per core, each connection handed to the one that has fewest.
//! Owns the threads and the way a connection reaches them; what is done with it is the worker's business.
//! No work stealing: whatever a call touches stays on the thread of its connection. Read `connection.rs` next.

use std::future::Future;
use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::JoinHandle;

use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::oneshot;

use crate::limits;

/// Connections for one worker, in the order they were accepted. Closed when no more will come.
pub type Handoffs = mpsc::Receiver<Handoff>;

/// A connection for a worker.
pub struct Handoff {
    /// The connection.
    pub stream: TcpStream,
    /// To be dropped with it.
    pub share: Share,
}

/// One connection of those that a worker has.
#[derive(Default)]
pub struct Share(Option<Arc<AtomicUsize>>);

impl Share {
    fn of(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Relaxed);
        Self(Some(open.clone()))
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Some(open) = &self.0 {
            open.fetch_sub(1, Relaxed);
        }
    }
}

/// Worker threads, each with its own runtime.
pub struct Workers {
    lanes: Vec<Lane>,
    turn: AtomicUsize,
}

struct Lane {
    /// None once nothing more is handed out.
    sender: Option<mpsc::Sender<Handoff>>,
    open: Arc<AtomicUsize>,
    finished: oneshot::Receiver<()>,
    thread: JoinHandle<()>,
}

impl Workers {
    /// Starts `count` threads. Each builds a runtime and runs there the future that `worker` makes of its
    /// connections, until it ends.
    pub fn start<W, F>(count: usize, worker: W) -> io::Result<Self>
    where
        W: Fn(Handoffs) -> F + Send + Sync + 'static,
        F: Future<Output = ()>,
    {
        let worker = Arc::new(worker);
        let lanes = (0..count.clamp(1, limits::WORKERS_MAX))
            .map(|number| Lane::start(number, worker.clone()));
        Ok(Self {
            lanes: lanes.collect::<io::Result<_>>()?,
            turn: AtomicUsize::new(0),
        })
    }

    /// One worker per core.
    pub fn count_for_this_machine() -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }

    /// Gives a connection to the worker that has fewest, of these in turn, or to the next one that takes it. Comes back if
    /// every worker has too many waiting.
    pub fn hand_out(&self, stream: TcpStream) -> Result<(), TcpStream> {
        let mut stream = stream;
        let turn = self.turn.fetch_add(1, Relaxed);
        let first = (0..self.lanes.len())
            .map(|at| (turn + at) % self.lanes.len())
            .min_by_key(|at| self.lanes[*at].open.load(Relaxed))
            .unwrap_or_default();
        for at in first..first + self.lanes.len() {
            let lane = &self.lanes[at % self.lanes.len()];
            let Some(sender) = &lane.sender else {
                continue;
            };
            let share = Share::of(&lane.open);
            match sender.try_send(Handoff { stream, share }) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(back) | TrySendError::Closed(back)) => stream = back.stream,
            }
        }
        Err(stream)
    }

    /// Hands out nothing more: every worker comes to the end of its connections.
    pub fn close(&mut self) {
        for lane in &mut self.lanes {
            lane.sender = None;
        }
    }

    /// Hands out nothing more, and waits until every worker has ended.
    pub async fn finish(mut self) {
        self.close();
        let ends: Vec<_> = self
            .lanes
            .into_iter()
            .map(|lane| (lane.finished, lane.thread))
            .collect();
        for (finished, thread) in ends {
            // An error says that the thread ended without saying so, that is, by a panic.
            let _ended = finished.await;
            // A panic has been reported by its own hook; the other workers go on.
            let _reported = thread.join();
        }
    }
}

impl Lane {
    fn start<W, F>(number: usize, worker: Arc<W>) -> io::Result<Self>
    where
        W: Fn(Handoffs) -> F + Send + Sync + 'static,
        F: Future<Output = ()>,
    {
        let (sender, receiver) = mpsc::channel(limits::HANDOFFS_MAX);
        let (ended, finished) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .event_interval(limits::TASKS_BETWEEN_EVENTS)
            .max_blocking_threads(limits::BLOCKING_THREADS_MAX)
            .thread_name(format!("worker-{number}-aux"))
            .build()?;
        let thread = std::thread::Builder::new()
            .name(format!("worker-{number}"))
            .spawn(move || {
                runtime.block_on(worker(receiver));
                // Blocking work that hangs (a name lookup) must not hang the end.
                runtime.shutdown_background();
                let _nobody_waits = ended.send(());
            })?;
        Ok(Self {
            sender: Some(sender),
            open: Arc::default(),
            finished,
            thread,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_connection_goes_to_the_worker_that_has_fewest() {
        // Each says who it is, and keeps a connection until its client has spoken.
        let workers = Workers::start(2, |mut handoffs| async move {
            let mut open = tokio::task::JoinSet::new();
            while let Some(handoff) = handoffs.recv().await {
                handoff.stream.set_nonblocking(true).unwrap();
                let mut stream = tokio::net::TcpStream::from_std(handoff.stream).unwrap();
                let name = std::thread::current().name().unwrap_or_default().to_owned();
                open.spawn(async move {
                    stream.write_all(name.as_bytes()).await.unwrap();
                    stream.read_u8().await.unwrap();
                    drop(handoff.share);
                    stream.write_all(b".").await.unwrap();
                });
            }
            open.join_all().await;
        })
        .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connect = || {
            let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            workers.hand_out(listener.accept().unwrap().0).unwrap();
            let mut name = [0; 8];
            client.read_exact(&mut name).unwrap();
            (client, String::from_utf8(name.into()).unwrap())
        };
        let leave = |mut client: TcpStream| {
            client.write_all(b"x").unwrap();
            client.read_exact(&mut [0]).unwrap();
        };
        let clients = [connect(), connect(), connect(), connect()];
        let [first, second, third, fourth] = clients;
        let names = [&first.1, &second.1, &third.1, &fourth.1];
        assert_eq!(names, ["worker-0", "worker-1", "worker-0", "worker-1"]);
        leave(second.0);
        leave(fourth.0);
        let clients = [connect(), connect()];
        assert_eq!(clients.each_ref().map(|c| &*c.1), ["worker-1"; 2]);
        for (client, _) in clients.into_iter().chain([first, third]) {
            leave(client);
        }
        workers.finish().await;
    }

    #[tokio::test]
    async fn a_worker_that_is_stuck_is_passed_over_and_then_refused() {
        let (release, hold) = std::sync::mpsc::sync_channel::<()>(0);
        let hold = std::sync::Mutex::new(hold);
        let workers = Workers::start(1, move |handoffs| {
            let _released = hold.lock().map(|hold| hold.recv());
            async move { drop(handoffs) }
        })
        .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = || TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        // The listener's backlog is smaller than the queue: clones of one connection will do.
        let one = stream();
        for _ in 0..limits::HANDOFFS_MAX {
            assert!(workers.hand_out(one.try_clone().unwrap()).is_ok());
        }
        assert!(workers.hand_out(one).is_err());
        release.send(()).unwrap();
        workers.finish().await;
    }

    #[tokio::test]
    async fn a_worker_that_panics_does_not_hang_the_end() {
        let workers = Workers::start(2, |_handoffs| async { panic!("on purpose") }).unwrap();
        workers.finish().await;
    }
}
