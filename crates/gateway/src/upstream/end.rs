//! How a connection ends: because nobody uses it, because somebody wants it to, or by itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Live, State, Upstream, live};
use crate::core::Ending;
use crate::error::Fault;
use crate::limits::{RETIRE_LOOK, RETIRE_WAIT};
use crate::outbox::lock;

impl Upstream {
    pub(crate) fn touch(&self, now_ms: u64) {
        self.last_used.store(now_ms, Ordering::Relaxed);
    }

    /// When a call last began or ended, on the gateway's clock.
    pub(crate) fn last_used(&self) -> u64 {
        self.last_used.load(Ordering::Relaxed)
    }

    /// Ends calls whose time is over.
    pub(crate) fn sweep(&self) {
        if let Some(live) = self.live.load_full() {
            live.sweep();
        }
    }

    /// Stops the connection; the next call starts it again.
    pub(crate) async fn stop(&self) {
        let _ending = self.ending();
        let live = {
            let mut state = lock(&self.state);
            match *state {
                State::Closed => {}
                State::Starting => self.is_unwanted.store(true, Ordering::Relaxed),
                _ => *state = State::Idle,
            }
            self.live.swap(None)
        };
        if let Some(live) = live {
            if live.has_lasted() {
                self.server.succeeded();
            }
            self.drop_questions();
            live.end(&self.server).await;
            self.watch.hang_up();
        }
        self.turned.notify_waiters();
    }

    /// To be held while it ends, or is being started: the gateway does not end before.
    pub(super) fn ending(&self) -> Option<Ending> {
        Some(self.core_if_up()?.endings.begin())
    }

    /// Its clients need not answer any more.
    fn drop_questions(&self) {
        for session in self
            .workspaces()
            .iter()
            .filter_map(|workspace| workspace.session())
        {
            session.drop_questions(self.id);
        }
        self.inquiries.forget_all();
    }

    /// Stops it for good.
    pub(crate) async fn close(&self) {
        *lock(&self.state) = State::Closed;
        self.watch.stop();
        self.stop().await;
    }

    /// Its entry is gone: nobody finds it any more, and it ends once its calls have ended.
    pub(crate) fn retire(self: Arc<Self>) {
        self.is_retired.store(true, Ordering::SeqCst);
        for workspace in self.workspaces() {
            workspace.detach(&self);
        }
        let ending = self.ending();
        tokio::spawn(async move {
            let idle = async {
                while self.is_busy() && !self.is_over() {
                    tokio::time::sleep(RETIRE_LOOK).await;
                }
            };
            // What still runs then is cut off.
            let _ = tokio::time::timeout(RETIRE_WAIT, idle).await;
            self.close().await;
            drop(ending);
        });
    }

    /// Whether the gateway ends.
    fn is_over(&self) -> bool {
        self.core_if_up()
            .is_none_or(|core| core.is_over.load(Ordering::Relaxed))
    }

    /// Whether calls are under way.
    pub(crate) fn is_busy(&self) -> bool {
        self.in_flight.load(Ordering::SeqCst) > 0
            || self.current().is_some_and(|live| live.is_busy())
    }

    /// Process ids, for people.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.live
            .load_full()?
            .process()
            .map(|process| process.pid())
    }

    /// What its process wanted to reach and may not, since then or since it was started.
    pub(crate) fn refused(&self, since: Option<std::time::Instant>) -> Vec<launch::Refused> {
        let live = self.live.load_full();
        live.map_or_else(Vec::new, |live| live.refused(since))
    }

    /// The last lines on stderr.
    pub(crate) fn stderr(&self, lines: usize) -> Vec<String> {
        let live = self.live.load_full();
        let process = live.and_then(|live| live.process());
        process
            .map(|process| live::last_words(&process, lines, &self.server))
            .unwrap_or_default()
    }

    /// The connection was lost: what hung on it is told, the next call opens a new one.
    pub(super) fn lost(self: &Arc<Self>, live: &Arc<Live>, reason: &str) {
        let was_current = {
            let current = self.live.load_full();
            current.is_some_and(|current| Arc::ptr_eq(&current, live))
                && self.live.swap(None).is_some()
        };
        let reason = live.with_last_words(reason, &self.server);
        if was_current {
            // Dying right after the start, again and again, is a failure to start.
            match live.has_lasted() {
                true => self.server.succeeded(),
                false => self.server.failed(reason.clone()),
            }
            let mut state = lock(&self.state);
            if matches!(*state, State::Ready) {
                *state = State::Idle;
            }
        }
        if was_current {
            self.drop_questions();
        }
        live.fail_all(&Fault::Died {
            server: self.server.name.clone(),
            reason,
        });
        self.turned.notify_waiters();
    }
}
