//! Workers that wait for a script, so that none has to wait for a worker.
//!
//! Owns when workers are started: the pool is filled after its first use, and again after each. How a process is
//! started is the host's affair ([`Start`]). One worker runs one script, and whoever drops it ends it.

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};

use crate::limits::{Limits, WARM_MAX};
use crate::protocol::{ToWorker, frame};

/// Starts workers.
pub trait Start: Send + Sync {
    /// Starts our own program so that it runs a [`crate::worker::Ready`], or copies one that is, with this as its standard
    /// input and nothing else of ours: no environment, no other descriptor. Blocks for the time that takes.
    ///
    /// # Errors
    /// If it cannot be started.
    fn start(&self, channel: OwnedFd) -> io::Result<Box<dyn Process>>;
}

impl<F> Start for F
where
    F: Fn(OwnedFd) -> io::Result<Box<dyn Process>> + Send + Sync,
{
    fn start(&self, channel: OwnedFd) -> io::Result<Box<dyn Process>> {
        self(channel)
    }
}

/// A worker's process. Dropping it kills it and leaves nothing behind.
pub trait Process: Send + Sync {
    /// Kills it if it still runs, and gives the signal that ended it, if one did. Blocks until it is gone.
    fn end(&mut self) -> Option<i32>;
}

/// A worker that has been told its limits.
pub(crate) struct Worker {
    pub(crate) channel: UnixStream,
    process: Option<Box<dyn Process>>,
}

impl Worker {
    /// Ends it, and gives the signal that did, if one did.
    pub(crate) fn end(&mut self) -> Option<i32> {
        self.process.as_mut()?.end()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The system takes a moment to take a process apart: nobody waits for that.
        if let (Some(process), Ok(runtime)) =
            (self.process.take(), tokio::runtime::Handle::try_current())
        {
            runtime.spawn_blocking(move || drop(process));
        }
    }
}

/// The workers of one gateway.
pub(crate) struct Pool {
    start: Arc<dyn Start>,
    limits: Limits,
    /// How many wait, as a rule.
    size: usize,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    workers: Vec<Worker>,
    /// Being started for the pool.
    coming: usize,
}

impl Pool {
    pub(crate) fn new(start: Arc<dyn Start>, limits: Limits, size: usize) -> Arc<Self> {
        Arc::new(Self {
            start,
            limits,
            size: size.min(WARM_MAX),
            idle: Mutex::default(),
        })
    }

    /// A worker: a waiting one, else a new one.
    pub(crate) async fn take(self: &Arc<Self>) -> io::Result<Worker> {
        let waiting = self.lock().workers.pop();
        match waiting {
            Some(worker) => Ok(worker),
            None => self.fresh().await,
        }
    }

    /// A new worker.
    pub(crate) async fn fresh(self: &Arc<Self>) -> io::Result<Worker> {
        let pool = self.clone();
        tokio::task::spawn_blocking(move || pool.started())
            .await
            .map_err(io::Error::other)?
    }

    /// Starts what is missing, in the background.
    pub(crate) fn fill(self: &Arc<Self>) {
        let missing = {
            let mut idle = self.lock();
            let missing = self.size.saturating_sub(idle.workers.len() + idle.coming);
            idle.coming += missing;
            missing
        };
        for _ in 0..missing {
            let pool = Arc::downgrade(self);
            tokio::task::spawn_blocking(move || {
                let Some(pool) = pool.upgrade() else {
                    return;
                };
                let worker = pool.started();
                let mut idle = pool.lock();
                idle.coming -= 1;
                // A start that fails now is told to whoever needs a worker.
                idle.workers.extend(worker.ok());
            });
        }
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().workers.len()
    }

    fn started(&self) -> io::Result<Worker> {
        let (mut ours, theirs) = UnixStream::pair()?;
        let process = self.start.start(theirs.into())?;
        ours.write_all(&frame(&ToWorker::Prepare(std::borrow::Cow::Borrowed(
            &self.limits,
        ))))?;
        Ok(Worker {
            channel: ours,
            process: Some(process),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
