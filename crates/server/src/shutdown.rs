//! When to stop, as every door sees it: first drain, then now. Owns the signals; refuses to decide how long
//! a drain takes (`serve` does). Read `serve.rs` next.

use std::io;

use tokio::sync::watch;

/// SIGUSR1: what we send ourselves where the program that started us is gone without a signal.
#[cfg(unix)]
pub const PARENT_GONE: rustix::process::Signal = rustix::process::Signal::USR1;

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Not at all.
    Serving,
    /// No new connections; what runs may finish.
    Draining,
    /// Whatever still runs is dropped.
    Now,
}

/// Tells when to stop. Clones tell the same.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<Phase>);

/// Ends what holds the matching [`Shutdown`]. Dropping it begins the drain: nobody else could.
#[derive(Debug)]
pub struct Trigger(watch::Sender<Phase>);

impl Shutdown {
    /// A shutdown and what triggers it.
    pub fn new() -> (Trigger, Self) {
        let (sender, receiver) = watch::channel(Phase::Serving);
        (Trigger(sender), Self(receiver))
    }

    /// Drains on the first SIGTERM or SIGINT, stops at once on the second. A [`PARENT_GONE`] drains too, and counts as neither:
    /// who stops a whole group of processes sends us one signal, and our parent's end says the same again. Call it on a runtime
    /// with I/O.
    pub fn on_signals() -> io::Result<Self> {
        let (trigger, shutdown) = Self::new();
        let mut signals = signals::Signals::new()?;
        tokio::spawn(async move {
            let is_told = signals.recv_or_parent_gone().await;
            trigger.drain();
            if !is_told {
                signals.recv().await;
            }
            signals.recv().await;
            trigger.now();
        });
        Ok(shutdown)
    }

    /// Where we are.
    pub fn phase(&self) -> Phase {
        if self.0.has_changed().is_err() {
            return (*self.0.borrow()).max(Phase::Draining);
        }
        *self.0.borrow()
    }

    /// Returns when the drain begins.
    pub async fn draining(&mut self) {
        // An error says that the trigger is gone, which means the same.
        let _gone = self.0.wait_for(|phase| *phase >= Phase::Draining).await;
    }

    /// Returns when nothing may run any longer, or when nobody is left who could say so.
    pub(crate) async fn over(&mut self) {
        let _gone = self.0.wait_for(|phase| *phase == Phase::Now).await;
    }

    /// Returns when nothing may run any longer. Never, if the trigger is gone before.
    pub async fn now(&mut self) {
        if self.0.wait_for(|phase| *phase == Phase::Now).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Trigger {
    /// Begins the drain.
    pub fn drain(&self) {
        self.0.send_if_modified(|phase| {
            let earlier = *phase < Phase::Draining;
            *phase = (*phase).max(Phase::Draining);
            earlier
        });
    }

    /// Ends the drain.
    pub fn now(&self) {
        self.0.send_replace(Phase::Now);
    }
}

#[cfg(unix)]
mod signals {
    use std::io;

    use tokio::signal::unix::{Signal, SignalKind, signal};

    pub(super) struct Signals {
        terminate: Signal,
        interrupt: Signal,
        parent_gone: Signal,
    }

    impl Signals {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                parent_gone: signal(SignalKind::from_raw(super::PARENT_GONE.as_raw()))?,
            })
        }

        pub(super) async fn recv(&mut self) {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
            }
        }

        /// Whether it was a signal of somebody's.
        pub(super) async fn recv_or_parent_gone(&mut self) -> bool {
            tokio::select! {
                _ = self.terminate.recv() => true,
                _ = self.interrupt.recv() => true,
                _ = self.parent_gone.recv() => false,
            }
        }
    }
}

#[cfg(not(unix))]
mod signals {
    use std::io;

    pub(super) struct Signals;

    impl Signals {
        #[expect(clippy::unnecessary_wraps, reason = "the same signature as on unix")]
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self)
        }

        pub(super) async fn recv(&mut self) {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        }

        pub(super) async fn recv_or_parent_gone(&mut self) -> bool {
            self.recv().await;
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn phases_only_go_forward() {
        let (trigger, mut shutdown) = Shutdown::new();
        assert_eq!(shutdown.phase(), Phase::Serving);
        trigger.now();
        trigger.drain();
        shutdown.draining().await;
        shutdown.now().await;
        assert_eq!(shutdown.phase(), Phase::Now);
    }

    #[tokio::test]
    async fn a_lost_trigger_begins_the_drain() {
        let (trigger, mut shutdown) = Shutdown::new();
        drop(trigger);
        shutdown.draining().await;
        assert_eq!(shutdown.phase(), Phase::Draining);
    }
}
