//! One started connection to a server: the link, what the server said of itself, its process and our tasks for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use launch::Process;
use tokio::time::Instant;
use wire::{Era, Frame, Version, one_line};

use super::kept::KeptTasks;
use super::{Outgoing, Upstream, http, pipe};
use crate::calls::CallHandle;
use crate::core::Place;
use crate::error::Fault;
use crate::limits::{START_LASTS, STOP_GRACE};
use crate::outbox::lock;
use crate::server::Server;

/// One started connection.
pub(crate) struct Live {
    pub(crate) link: Link,
    pub(super) hello: OnceLock<Hello>,
    process: Mutex<Option<Arc<Process>>>,
    tasks: KeptTasks,
    /// Its time is stopped. Who sends to it looks here after the call was counted, who stops it counts calls afterwards:
    /// one of both sees the other.
    is_frozen: AtomicBool,
    /// Its place among those that may run at once.
    place: Mutex<Option<Place>>,
    started: Instant,
    pub(crate) server: Arc<str>,
    /// Where calls of this server end at the latest.
    pub(super) call_timeout: Duration,
}

pub(crate) enum Link {
    Pipe(pipe::PipeLink),
    Http(http::HttpLink),
}

/// What the server said of itself.
pub(crate) struct Hello {
    pub(crate) version: Version,
    /// `serverInfo`, raw JSON.
    pub(crate) info: Option<Box<str>>,
    pub(crate) capabilities: Box<str>,
    pub(crate) instructions: Option<Box<str>>,
}

impl Live {
    pub(super) fn new(
        link: Link,
        process: Option<Arc<Process>>,
        server: &Server,
        call_timeout: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            link,
            hello: OnceLock::new(),
            process: Mutex::new(process),
            tasks: KeptTasks::default(),
            is_frozen: AtomicBool::new(false),
            place: Mutex::default(),
            started: Instant::now(),
            server: server.name.clone(),
            call_timeout,
        })
    }

    /// Whether it has run for long enough to count as a success.
    pub(super) fn has_lasted(&self) -> bool {
        self.started.elapsed() >= START_LASTS
    }

    /// Its process, while it runs.
    pub(super) fn process(&self) -> Option<Arc<Process>> {
        lock(&self.process).clone()
    }

    /// What its process wanted to reach and may not, since then or since it was started.
    pub(crate) fn refused(&self, since: Option<std::time::Instant>) -> Vec<launch::Refused> {
        let since = since.unwrap_or_else(|| self.started.into_std());
        self.process()
            .map_or_else(Vec::new, |process| process.refused(since))
    }

    /// Lets its process reach a host, until it ends.
    pub(crate) fn allow(&self, host: &str) {
        if let Some(process) = self.process() {
            // What is no host was not refused as one.
            let _ = process.allow(host);
        }
    }

    /// Stops its time; false where that is done already, or cannot be.
    pub(super) fn freeze(&self) -> bool {
        let Some(process) = self.process() else {
            return false;
        };
        if self.is_frozen.swap(true, Ordering::SeqCst) {
            return false;
        }
        process.freeze();
        true
    }

    /// Lets it go on, where its time is stopped.
    pub(super) fn thaw(&self) {
        if self.is_frozen.load(Ordering::SeqCst)
            && self.is_frozen.swap(false, Ordering::SeqCst)
            && let Some(process) = self.process()
        {
            process.thaw();
        }
    }

    pub(super) fn is_frozen(&self) -> bool {
        self.is_frozen.load(Ordering::Relaxed)
    }

    /// Keeps its place for as long as it runs.
    pub(super) fn keep_place(&self, place: Option<Place>) {
        *lock(&self.place) = place;
    }

    /// What the server said of itself.
    pub(crate) fn hello(&self) -> Option<&Hello> {
        self.hello.get()
    }

    /// The era that is spoken; that of the handshake while nothing was said yet.
    pub(crate) fn era(&self) -> Era {
        self.hello
            .get()
            .map_or(Era::Handshake, |hello| hello.version.era())
    }

    pub(super) async fn call(
        self: &Arc<Self>,
        upstream: &Arc<Upstream>,
        handle: &Arc<CallHandle>,
        out: Outgoing,
    ) -> Option<Result<(Frame, u16), Fault>> {
        handle.went(self, out.id);
        match &self.link {
            Link::Pipe(pipe) => pipe.send(self, handle, out).err().map(Err),
            Link::Http(http)
                if (out.progress.is_some() || out.behalf.inquiry().is_some())
                    && http.has_standing() =>
            {
                // Its reader must not wait for the head of the answer.
                let (live, upstream, handle) = (self.clone(), upstream.clone(), handle.clone());
                tokio::spawn(async move {
                    let Link::Http(http) = &live.link else { return };
                    if let Some(outcome) = http.exchange(&live, &upstream, &handle, out).await {
                        handle.slot.finish(outcome);
                    }
                });
                None
            }
            Link::Http(http) => http.exchange(self, upstream, handle, out).await,
        }
    }

    /// Takes a request back.
    pub(crate) fn cancel(self: &Arc<Self>, id: u64, reason: Option<&str>) {
        match &self.link {
            Link::Pipe(pipe) => pipe.cancel(id, reason),
            Link::Http(http) => http.cancel(self, id, reason),
        }
    }

    /// Sends a notification or an answer of ours.
    pub(crate) fn send(self: &Arc<Self>, frame: Bytes) {
        match &self.link {
            // A full or closed pipe loses it; whoever waits for its effect is told by the pipe's end.
            Link::Pipe(pipe) => {
                self.thaw();
                let _ = pipe.sink.send(&one_line(&frame));
            }
            Link::Http(http) => http.send(self, frame),
        }
    }

    pub(super) fn is_dead(&self) -> bool {
        match &self.link {
            Link::Pipe(pipe) => pipe.is_dead(),
            Link::Http(_) => false,
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        match &self.link {
            Link::Pipe(pipe) => pipe.is_busy(),
            Link::Http(http) => http.is_busy(),
        }
    }

    pub(super) fn sweep(self: &Arc<Self>) {
        if let Link::Pipe(pipe) = &self.link {
            pipe.sweep(self);
        }
    }

    pub(super) fn fail_all(&self, fault: &Fault) {
        if let Link::Pipe(pipe) = &self.link {
            pipe.fail_all(fault);
        }
    }

    /// Ends the task with the connection.
    pub(super) fn keep_task(&self, task: &tokio::task::JoinHandle<()>) {
        self.tasks.keep(task);
    }

    pub(super) fn with_last_words(&self, reason: &str, server: &Server) -> String {
        let process = lock(&self.process).clone();
        let words = process
            .map(|process| last_words(&process, 20, server))
            .unwrap_or_default();
        server.set_last_words(words.clone());
        match &words[words.len().saturating_sub(5)..] {
            [] => reason.to_owned(),
            last => format!(
                "{reason}; its last words on stderr:\n  {}",
                last.join("\n  ")
            ),
        }
    }

    /// Ends the connection in good order, within limits.
    pub(super) async fn end(self: &Arc<Self>, server: &Server) {
        let process = lock(&self.process).take();
        match &self.link {
            Link::Pipe(pipe) => pipe.close(),
            Link::Http(http) => http.delete().await,
        }
        if let Some(process) = process {
            process.stop(STOP_GRACE).await;
            server.set_last_words(last_words(&process, 200, server));
        }
        drop(lock(&self.place).take());
        self.tasks.end();
        self.fail_all(&Fault::Died {
            server: server.name.clone(),
            reason: "it was stopped".to_owned(),
        });
    }
}

/// The last lines that a process wrote on stderr, without what the server was given as credentials.
pub(super) fn last_words(process: &launch::Process, lines: usize, server: &Server) -> Vec<String> {
    // Of all lines, lest the first ones are the end of a value.
    let mut all = server.secrecy.mask_lines(process.stderr_tail(usize::MAX));
    all.split_off(all.len().saturating_sub(lines))
}
