//! The event streams of HTTP servers: the one of a call, resumed where it breaks, and the standing one of a
//! handshake-era session.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::Instant;
use transport::client::EventStream;
use wire::{Era, Frame, Kind, method};

use super::http::{Got, Listed, is_answer_to};
use super::incoming::{self, About};
use super::{Busy, Link, Live, Upstream};
use crate::error::Fault;
use crate::limits::{RESUMES_MAX, RETRY_WAIT_MAX};
use crate::slot::Step;

/// How long to wait before a stream is resumed whose server did not say.
const RETRY_WAIT: Duration = Duration::from_secs(1);
/// The shortest wait that a server can ask for.
const RETRY_WAIT_MIN: Duration = Duration::from_millis(100);

/// One event stream of one call, read to its end.
pub(super) struct Reading {
    pub(super) live: Arc<Live>,
    pub(super) upstream: Arc<Upstream>,
    pub(super) about: About,
    pub(super) _listed: Option<Listed>,
    pub(super) id: u64,
    pub(super) stream: EventStream,
    pub(super) last_event: Option<String>,
    pub(super) retry: Option<u64>,
    pub(super) resumes: u32,
    /// Why it ended, if it ended before anything was read.
    pub(super) broken: Option<String>,
    pub(super) until: Instant,
    /// How long it may say nothing.
    pub(super) patience: Duration,
}

/// What the next event was.
enum Next {
    Answer(Frame),
    Other,
    Broken(String),
    /// It said nothing for too long.
    Silent,
}

type Outcome = Result<(Frame, u16), Fault>;

impl Reading {
    /// The answer, if it is the first message of the stream; else there is more to read.
    pub(super) async fn first(&mut self) -> Option<Outcome> {
        match self.next().await {
            Next::Answer(frame) => Some(Ok((frame, 200))),
            Next::Other => None,
            Next::Broken(reason) => {
                self.broken = Some(reason);
                None
            }
            Next::Silent => Some(Err(self.given_up())),
        }
    }

    /// The server had its time; it is told that nobody waits any more.
    fn given_up(&self) -> Fault {
        self.live.cancel(self.id, Some("no answer in time"));
        Fault::TimedOut {
            server: self.live.server.clone(),
            after_s: self.live.call_timeout.as_secs(),
        }
    }

    /// Reads on until the answer.
    pub(super) async fn pump(mut self: Box<Self>, _busy: Option<Busy<Arc<Upstream>>>) {
        let handle = self.about.handle.clone();
        let until = self.until;
        let over = std::future::poll_fn(|cx| handle.slot.poll_over(cx));
        let outcome = tokio::select! {
            outcome = self.answer() => outcome,
            () = over => return,
            () = tokio::time::sleep_until(until) => Err(self.given_up()),
        };
        let is_answered = outcome.is_ok();
        handle.slot.finish(outcome);
        if is_answered {
            self.end();
        }
    }

    /// The answer was read: the connection can be used again once the server has ended the stream.
    pub(super) fn end(self) {
        self.stream.release();
    }

    async fn answer(&mut self) -> Outcome {
        if let Some(reason) = self.broken.take() {
            self.after_break(&reason).await?;
        }
        loop {
            match self.next().await {
                Next::Answer(frame) => return Ok((frame, 200)),
                Next::Other => {}
                Next::Broken(reason) => self.after_break(&reason).await?,
                Next::Silent => return Err(self.given_up()),
            }
        }
    }

    async fn next(&mut self) -> Next {
        let event = match self.stream.next_within(self.patience).await {
            None => return Next::Broken("it closed the stream before the answer".to_owned()),
            Some(Err(error)) if error.is_timeout() => {
                return match self.about.handle.waits_for_client(self.patience) {
                    true => Next::Other,
                    false => Next::Silent,
                };
            }
            Some(Err(error)) => return Next::Broken(error.to_string()),
            Some(Ok(event)) => event,
        };
        // A server that goes on may break off as often as it likes.
        self.resumes = 0;
        if event.id.is_some() {
            self.last_event = event.id;
        }
        if event.retry.is_some() {
            self.retry = event.retry;
        }
        if event.data.is_empty() {
            return Next::Other;
        }
        let data = self.upstream.server.secrecy.mask(event.data);
        let Ok(frame) = Frame::parse(data) else {
            self.upstream.server.metrics.bad_frames.inc();
            self.upstream.server.complaints.unreadable();
            return Next::Other;
        };
        if is_answer_to(&frame, self.id) {
            return Next::Answer(frame);
        }
        dispatch(&self.upstream, &self.live, frame, Some(&self.about));
        Next::Other
    }

    /// The stream ended too early: in the handshake era it is resumed where the server numbered its events.
    async fn after_break(&mut self, reason: &str) -> Result<(), Fault> {
        let died = |reason: &str| Fault::Died {
            server: self.live.server.clone(),
            reason: reason.to_owned(),
        };
        let Link::Http(http) = &self.live.link else {
            return Err(died(reason));
        };
        let (Era::Handshake, Some(last_event)) = (self.live.era(), self.last_event.clone()) else {
            return Err(died(reason));
        };
        if let Some(retry) = self.retry {
            self.about.handle.slot.put(Step::Retry(retry));
        }
        while self.resumes < RESUMES_MAX {
            self.resumes += 1;
            let wait = self.retry.map_or(RETRY_WAIT, Duration::from_millis);
            tokio::time::sleep(wait.clamp(RETRY_WAIT_MIN, RETRY_WAIT_MAX)).await;
            match http.get(Some(&last_event)).await {
                Ok(Got::Stream(stream)) => {
                    self.stream = stream;
                    return Ok(());
                }
                Ok(Got::Never) => return Err(died(reason)),
                Ok(Got::NotNow) | Err(_) => {}
            }
        }
        Err(died(reason))
    }
}

/// A message of the server that answers nothing of ours.
fn dispatch(upstream: &Arc<Upstream>, live: &Arc<Live>, frame: Frame, about: Option<&About>) {
    match frame.kind() {
        Kind::Notification => {
            if frame.method() == method::PROGRESS {
                // By its token or not at all.
                let about = match (&live.link, incoming::progress_token(&frame)) {
                    (Link::Http(http), Some(token)) => http.by_token(token),
                    _ => None,
                };
                incoming::notification(upstream, frame, about.as_ref());
            } else {
                incoming::notification(upstream, frame, about);
            }
        }
        Kind::Request => incoming::question(upstream, live, &frame, about),
        // An answer to a call of another stream, or to none.
        Kind::Result | Kind::Error => {}
    }
}

/// Reads the standing stream of a session for as long as the server offers one.
pub(super) async fn standing(upstream: Weak<Upstream>, live: Weak<Live>) {
    if !live.upgrade().is_some_and(|live| set_standing(&live, true)) {
        if let Some(live) = live.upgrade() {
            told(&live);
        }
        return;
    }
    read_standing(&upstream, &live).await;
    if let Some(live) = live.upgrade() {
        set_standing(&live, false);
        told(&live);
    }
}

/// Whoever waits for the stream to open goes on.
fn told(live: &Live) {
    if let Link::Http(http) = &live.link {
        http.standing_tried.notify_one();
    }
}

/// True if that changed something.
fn set_standing(live: &Live, on: bool) -> bool {
    match &live.link {
        Link::Http(http) => http.has_standing.swap(on, Ordering::Relaxed) != on,
        Link::Pipe(_) => false,
    }
}

async fn read_standing(upstream: &Weak<Upstream>, live: &Weak<Live>) {
    let mut last_event: Option<String> = None;
    let mut failures = 0;
    loop {
        let Some(now) = live.upgrade() else { return };
        let Link::Http(http) = &now.link else { return };
        let mut wait = RETRY_WAIT;
        let got = http.get(last_event.as_deref()).await;
        told(&now);
        match got {
            // 405: the server has none.
            Ok(Got::Never) => return,
            Ok(Got::Stream(mut stream)) => {
                failures = 0;
                drop(now);
                while let Some(Ok(event)) = stream.next().await {
                    let (Some(upstream), Some(live)) = (upstream.upgrade(), live.upgrade()) else {
                        return;
                    };
                    last_event = event.id.or(last_event);
                    wait = event.retry.map_or(wait, Duration::from_millis);
                    let data = upstream.server.secrecy.mask(event.data);
                    if let Ok(frame) = Frame::parse(data) {
                        dispatch(&upstream, &live, frame, None);
                    }
                }
            }
            Ok(Got::NotNow) | Err(_) => failures += 1,
        }
        if failures > RESUMES_MAX {
            return;
        }
        let wait = wait.saturating_mul(2u32.pow(failures));
        tokio::time::sleep(wait.clamp(RETRY_WAIT_MIN, RETRY_WAIT_MAX)).await;
    }
}
