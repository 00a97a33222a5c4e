//! What becomes of a server that nobody uses for a while: it is asked whether it is there, its time is stopped, and then it
//! is stopped itself. Refuses all of it while anybody waits for anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use wire::{Era, method};

use super::{Link, Live, Upstream};
use crate::error::Fault;
use crate::limits::PING_WAIT;
use crate::outbox::lock;
use crate::server::Server;

/// After how long without a call what happens; zero: never.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Patience {
    pub(crate) ping: Duration,
    pub(crate) freeze: Duration,
    pub(crate) stop: Duration,
}

/// What is known of a server and pings.
#[derive(Debug, Default)]
pub(crate) struct Pings(AtomicU8);

/// It has never been asked.
const UNKNOWN: u8 = 0;
/// It has answered one: silence means something now.
const ANSWERS: u8 = 1;
/// It let the first one pass: one of those that answer only what they know.
const IGNORES: u8 = 2;

impl Pings {
    fn heard(&self) {
        self.0.store(ANSWERS, Ordering::Relaxed);
    }

    /// Whether silence means that it hangs.
    fn missed(&self) -> bool {
        let first = self
            .0
            .compare_exchange(UNKNOWN, IGNORES, Ordering::Relaxed, Ordering::Relaxed);
        first == Err(ANSWERS)
    }

    /// Whether it is of no use to ask.
    pub(crate) fn are_ignored(&self) -> bool {
        self.0.load(Ordering::Relaxed) == IGNORES
    }
}

/// The state of one upstream in this.
#[derive(Default)]
pub(super) struct Quiet {
    is_pinged: AtomicBool,
    pinged_ms: AtomicU64,
}

impl Upstream {
    /// Does what is due.
    pub(crate) fn tend(self: &Arc<Self>, now_ms: u64, patience: Patience) {
        let Some(live) = self.current() else { return };
        let quiet_ms = now_ms.saturating_sub(self.last_used.load(Ordering::Relaxed));
        let is_due = |after: Duration| !after.is_zero() && quiet_ms >= after.as_millis() as u64;
        if self.is_busy() {
            // Calls count until their end. Our own question does not.
            if !self.quiet.is_pinged() {
                self.touch(now_ms);
            }
            return;
        }
        let is_wanted = self.is_wanted();
        if is_due(patience.stop) && !is_wanted {
            let upstream = self.clone();
            tokio::spawn(async move { upstream.stop().await });
        } else if is_due(patience.freeze) && !is_wanted && !self.quiet.is_pinged() {
            self.freeze(&live);
        } else if is_due(patience.ping) {
            self.ping_if_due(&live, now_ms, patience.ping);
        }
    }

    /// Whether a client wants to hear of changes of something.
    fn is_wanted(&self) -> bool {
        !lock(&self.subscribed).is_empty() || self.watch.is_wanted()
    }

    /// Whether stopping it would be noticed.
    pub(crate) fn is_needed(&self) -> bool {
        self.is_busy() || self.is_wanted()
    }

    /// Stops its time, unless somebody comes just now.
    fn freeze(&self, live: &Arc<Live>) {
        if live.freeze() && self.is_busy() {
            live.thaw();
        }
    }

    /// Whether its time is stopped.
    pub(crate) fn is_frozen(&self) -> bool {
        self.live
            .load()
            .as_ref()
            .is_some_and(|live| live.is_frozen())
    }

    /// Only the handshake has pings, and only of a process can be told that silence is its own.
    fn ping_if_due(self: &Arc<Self>, live: &Arc<Live>, now_ms: u64, every: Duration) {
        let since = now_ms.saturating_sub(self.quiet.pinged_ms.load(Ordering::Relaxed));
        let can_be_asked = matches!(live.link, Link::Pipe(_))
            && live.hello().is_some()
            && live.era() == Era::Handshake
            && !live.is_frozen()
            && !self.server.pings.are_ignored();
        if !can_be_asked
            || since < every.as_millis() as u64
            || self.quiet.is_pinged.swap(true, Ordering::Relaxed)
        {
            return;
        }
        self.quiet.pinged_ms.store(now_ms, Ordering::Relaxed);
        let (upstream, live) = (self.clone(), live.clone());
        tokio::spawn(async move {
            let answer = upstream.ask(&live, method::PING, None, PING_WAIT).await;
            upstream.quiet.is_pinged.store(false, Ordering::Relaxed);
            match answer {
                // Also that it knows no pings.
                Ok(_) => upstream.server.pings.heard(),
                // One that is at work on a call that came meanwhile may have no ear for anything else.
                Err(Fault::TimedOut { .. }) if !upstream.is_busy() => {
                    upstream.silent(&live).await;
                }
                // Its end is told elsewhere.
                Err(_) => {}
            }
        });
    }

    async fn silent(self: &Arc<Self>, live: &Arc<Live>) {
        if !self.server.pings.missed() {
            return;
        }
        let _ending = self.ending();
        let seconds = PING_WAIT.as_secs();
        self.lost(
            live,
            &format!("it did not answer a ping within {seconds} s"),
        );
        self.server.complaints.hung();
        live.end(&self.server).await;
    }
}

impl Quiet {
    fn is_pinged(&self) -> bool {
        self.is_pinged.load(Ordering::Relaxed)
    }
}

/// What the entry says of itself, else the settings.
pub(crate) fn patience(server: &Server, settings: &crate::options::Settings) -> Patience {
    let stop = server.entry.idle_timeout_s;
    Patience {
        ping: settings.ping_after,
        freeze: settings.freeze_after,
        stop: stop.map_or(settings.idle_timeout, Duration::from_secs),
    }
}
