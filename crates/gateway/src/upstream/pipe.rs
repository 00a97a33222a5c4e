//! Calls over a duplex pipe (stdio, HTTP+SSE): a table of what is pending by our ids, and one reader.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::time::Instant;
use transport::{FrameSink, FrameSource, ReadError, SendError};
use wire::{Frame, Kind, build, method, one_line, quote};

use super::incoming::{self, About};
use super::{Live, Outgoing, Upstream, may_ask};
use crate::calls::CallHandle;
use crate::error::Fault;
use crate::limits::CALL_LIFE_MAX;
use crate::outbox::lock;

/// See the module.
pub(crate) struct PipeLink {
    pub(crate) sink: Arc<dyn FrameSink>,
    pending: Mutex<HashMap<u64, Pending>>,
    dead: AtomicBool,
}

struct Pending {
    about: About,
    /// Our own `subscriptions/listen`, which is answered when it ends.
    is_standing: bool,
    /// The server may ask something before it answers.
    may_ask: bool,
    began: Instant,
    heard: Instant,
}

impl PipeLink {
    pub(crate) fn new(sink: Arc<dyn FrameSink>) -> Self {
        Self {
            sink,
            pending: Mutex::default(),
            dead: AtomicBool::new(false),
        }
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    pub(crate) fn is_busy(&self) -> bool {
        let pending = lock(&self.pending);
        pending.values().any(|pending| !pending.is_standing)
    }

    /// Sends a request; its answer comes through the handle's slot.
    pub(crate) fn send(
        &self,
        live: &Live,
        handle: &Arc<CallHandle>,
        out: Outgoing,
    ) -> Result<(), Fault> {
        let now = Instant::now();
        let about = About {
            handle: handle.clone(),
            progress: out.progress,
            behalf: out.behalf,
        };
        lock(&self.pending).insert(
            out.id,
            Pending {
                about,
                is_standing: out.method == method::SUBSCRIPTIONS_LISTEN,
                may_ask: may_ask(&out.method),
                began: now,
                heard: now,
            },
        );
        let sent = if self.is_dead() {
            Err(SendError::Closed)
        } else {
            live.thaw();
            self.sink.send(&one_line(&out.frame))
        };
        sent.map_err(|error| {
            lock(&self.pending).remove(&out.id);
            let reason = match error {
                SendError::Full => "it has stopped reading its input",
                SendError::Closed => "it has closed its input",
            };
            Fault::Died {
                server: live.server.clone(),
                reason: reason.to_owned(),
            }
        })
    }

    /// Takes a request back.
    pub(crate) fn cancel(&self, id: u64, reason: Option<&str>) {
        if lock(&self.pending).remove(&id).is_some() {
            let _ = self.sink.send(&cancelled(id, reason));
        }
    }

    /// Ends calls that have waited too long.
    pub(crate) fn sweep(&self, live: &Live) {
        let limit = live.call_timeout;
        let expired: Vec<(u64, Pending)> = {
            let mut pending = lock(&self.pending);
            let is_silent =
                |p: &Pending| p.heard.elapsed() >= limit && !p.about.handle.waits_for_client(limit);
            let ids: Vec<u64> = pending
                .iter()
                .filter(|(_, p)| !p.is_standing)
                .filter(|(_, p)| is_silent(p) || p.began.elapsed() >= CALL_LIFE_MAX)
                .map(|(id, _)| *id)
                .collect();
            ids.into_iter()
                .filter_map(|id| Some((id, pending.remove(&id)?)))
                .collect()
        };
        for (id, pending) in expired {
            let _ = self.sink.send(&cancelled(id, Some("no answer in time")));
            let fault = Fault::TimedOut {
                server: live.server.clone(),
                after_s: limit.as_secs(),
            };
            pending.about.handle.slot.finish(Err(fault));
        }
    }

    /// Ends every call with this fault.
    pub(crate) fn fail_all(&self, fault: &Fault) {
        let all: Vec<Pending> = lock(&self.pending)
            .drain()
            .map(|(_, pending)| pending)
            .collect();
        for pending in all {
            pending.about.handle.slot.finish(Err(fault.clone()));
        }
    }

    pub(crate) fn close(&self) {
        self.dead.store(true, Ordering::Relaxed);
        self.sink.close();
    }

    /// The call that progress with this token is about.
    fn by_token(&self, token: u64) -> Option<About> {
        let mut pending = lock(&self.pending);
        let pending = pending.get_mut(&token)?;
        pending.heard = Instant::now();
        Some(pending.about.clone())
    }

    /// The call that a message without any reference must be about, if only one of a client is under way.
    fn only_call(&self) -> Option<About> {
        self.only(|_| true)
    }

    /// The same for a question.
    fn only_asking(&self) -> Option<About> {
        let is_parked = |pending: &Pending| {
            let inquiry = pending.about.behalf.inquiry();
            inquiry.is_some_and(|inquiry| inquiry.is_parked())
        };
        // Who waits for its client has lent its turn.
        self.only(|pending| pending.may_ask && !is_parked(pending))
            .or_else(|| self.only(|pending| pending.may_ask))
            .or_else(|| self.only_call())
    }

    fn only(&self, which: impl Fn(&Pending) -> bool) -> Option<About> {
        let mut pending = lock(&self.pending);
        let mut of_clients = pending
            .values_mut()
            .filter(|p| !p.about.behalf.is_gateway() && which(p));
        let only = of_clients.next()?;
        if of_clients.next().is_some() {
            return None;
        }
        only.heard = Instant::now();
        Some(only.about.clone())
    }

    /// All calls under way.
    pub(super) fn under_way(&self) -> Vec<About> {
        lock(&self.pending)
            .values()
            .map(|pending| pending.about.clone())
            .collect()
    }

    fn take(&self, upstream: &Arc<Upstream>, live: &Arc<Live>, frame: Frame) {
        match frame.kind() {
            Kind::Result | Kind::Error => {
                // An id that we never sent, or sent once and heard of before: nobody waits for it.
                let id = frame.id().and_then(|id| id.parse::<u64>().ok());
                if id.is_none() {
                    upstream.server.complaints.strange_id();
                }
                if let Some(pending) = id.and_then(|id| lock(&self.pending).remove(&id)) {
                    pending.about.handle.slot.finish(Ok((frame, 0)));
                }
            }
            Kind::Notification => {
                let about = match frame.method() {
                    // By its token or not at all.
                    method::PROGRESS => {
                        incoming::progress_token(&frame).and_then(|token| self.by_token(token))
                    }
                    _ => self.only_call(),
                };
                incoming::notification(upstream, frame, about.as_ref());
            }
            Kind::Request => {
                let about = self.only_asking();
                incoming::question(upstream, live, &frame, about.as_ref());
            }
        }
    }
}

fn cancelled(id: u64, reason: Option<&str>) -> bytes::Bytes {
    let reason = reason.map_or(String::new(), |reason| {
        format!(r#","reason":{}"#, quote(reason))
    });
    build::notification(
        method::CANCELLED,
        Some(&format!(r#"{{"requestId":{id}{reason}}}"#)),
    )
}

/// Reads until the server closes its end.
pub(crate) async fn read(
    upstream: Weak<Upstream>,
    live: Weak<Live>,
    mut source: Box<dyn FrameSource>,
) {
    let reason = loop {
        let line = match source.recv().await {
            None => break "it closed its output".to_owned(),
            Some(Err(ReadError::Io(error))) => break format!("reading its output failed: {error}"),
            // The line is gone; a call that waited for it runs into its deadline.
            Some(Err(ReadError::TooLong { .. })) => {
                if let Some(upstream) = upstream.upgrade() {
                    upstream.server.complaints.too_long();
                }
                continue;
            }
            Some(Ok(line)) => line,
        };
        let (Some(upstream), Some(live)) = (upstream.upgrade(), live.upgrade()) else {
            return;
        };
        let super::Link::Pipe(link) = &live.link else {
            return;
        };
        match Frame::parse(upstream.server.secrecy.mask(line)) {
            Ok(frame) => link.take(&upstream, &live, frame),
            Err(_) => {
                upstream.server.metrics.bad_frames.inc();
                upstream.server.complaints.unreadable();
            }
        }
    };
    if let (Some(upstream), Some(live)) = (upstream.upgrade(), live.upgrade()) {
        if let super::Link::Pipe(link) = &live.link {
            link.dead.store(true, Ordering::Relaxed);
        }
        // What it wrote on stderr while dying may still be on its way.
        let process = live.process();
        let mut reason = reason;
        if let Some(process) = process
            && let Ok(exit) =
                tokio::time::timeout(Duration::from_millis(500), process.exited()).await
        {
            reason = exit.to_string();
        }
        upstream.lost(&live, &reason);
    }
}
