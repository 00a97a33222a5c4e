//! The threads that serve: one current-thread runtime per core, connections handed out in turn.
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
pub type Handoffs = mpsc::Receiver<TcpStream>;

/// Worker threads, each with its own runtime.
pub struct Workers {
    lanes: Vec<Lane>,
    turn: AtomicUsize,
}

struct Lane {
    /// None once nothing more is handed out.
    sender: Option<mpsc::Sender<TcpStream>>,
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

    /// Gives a connection to the worker whose turn it is, or to the next one that takes it. Comes back if
    /// every worker has too many waiting.
    pub fn hand_out(&self, stream: TcpStream) -> Result<(), TcpStream> {
        let mut stream = stream;
        for _ in 0..self.lanes.len() {
            let turn = self.turn.fetch_add(1, Relaxed) % self.lanes.len();
            let Some(sender) = &self.lanes[turn].sender else {
                continue;
            };
            match sender.try_send(stream) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(back) | TrySendError::Closed(back)) => stream = back,
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
            finished,
            thread,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn connections_go_to_the_workers_in_turn() {
        let workers = Workers::start(2, |mut handoffs| async move {
            while let Some(mut stream) = handoffs.recv().await {
                let name = std::thread::current().name().unwrap_or_default().to_owned();
                stream.write_all(name.as_bytes()).unwrap();
            }
        })
        .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut names = Vec::new();
        for _ in 0..4 {
            let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            workers.hand_out(listener.accept().unwrap().0).unwrap();
            let mut name = String::new();
            client.read_to_string(&mut name).unwrap();
            names.push(name);
        }
        assert_eq!(names, ["worker-0", "worker-1", "worker-0", "worker-1"]);
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
