//! What one connection is waiting for, and for how long: the time limits of heads, bodies, writes and idle
//! connections without a timer per request. A worker looks at its connections once a second (`Pulse::tick`);
//! the connection itself only notes what it does. Owns no socket. Read `connection.rs` next.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering::Relaxed};
use std::task::Waker;

use crate::limits;

/// The state of one connection, written by it and looked at by its worker. Both live on the same thread:
/// the atomics are there because a task must be `Send`, and relaxed ones cost nothing.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    stage: AtomicU8,
    stage_s: AtomicU32,
    quiet_s: AtomicU32,
    write_blocked: AtomicBool,
    write_blocked_s: AtomicU32,
    is_closing: AtomicBool,
    lingers: AtomicBool,
    waker: OnceLock<Waker>,
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Stage {
    /// It waits for a request.
    Idle = 0,
    /// The first bytes of a head are there.
    Head = 1,
    /// The head is there, the body is being read.
    Body = 2,
    /// The request is being answered.
    Serving = 3,
    /// The answer is out; what the client still sends is read away.
    Linger = 4,
}

/// What a worker does about a connection after a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing.
    Fine,
    /// The connection has been asked to end after what it is doing.
    Close,
    /// It is beyond hope: drop it.
    Drop,
}

impl Pulse {
    pub(crate) fn stage(&self) -> Stage {
        match self.stage.load(Relaxed) {
            0 => Stage::Idle,
            1 => Stage::Head,
            2 => Stage::Body,
            3 => Stage::Serving,
            _ => Stage::Linger,
        }
    }

    pub(crate) fn enter(&self, stage: Stage) {
        self.stage.store(stage as u8, Relaxed);
        self.stage_s.store(0, Relaxed);
        self.quiet_s.store(0, Relaxed);
    }

    /// Something was said to the client.
    pub(crate) fn spoke(&self) {
        self.quiet_s.store(0, Relaxed);
    }

    /// Seconds since something was said to the client. The connection is woken when this makes a difference.
    pub(crate) fn quiet_s(&self) -> u32 {
        self.quiet_s.load(Relaxed)
    }

    /// Bytes came in.
    pub(crate) fn read(&self) {
        if self.stage() == Stage::Idle {
            self.enter(Stage::Head);
        }
    }

    /// A write went through, or did not.
    pub(crate) fn write(&self, is_blocked: bool) {
        if is_blocked != self.write_blocked.load(Relaxed) {
            self.write_blocked.store(is_blocked, Relaxed);
        }
        if !is_blocked && self.write_blocked_s.load(Relaxed) != 0 {
            self.write_blocked_s.store(0, Relaxed);
        }
    }

    /// The answer to what was refused must reach a client that is still sending.
    pub(crate) fn linger(&self) {
        self.lingers.store(true, Relaxed);
    }

    pub(crate) fn lingers(&self) -> bool {
        self.lingers.load(Relaxed)
    }

    /// The connection's own task, to be woken by [`Pulse::close`] and when it has been quiet for too long.
    pub(crate) fn register(&self, waker: &Waker) {
        if self.waker.get().is_none() {
            let _first = self.waker.set(waker.clone());
        }
    }

    /// Asks the connection to end after what it is doing.
    pub(crate) fn close(&self) {
        self.is_closing.store(true, Relaxed);
        self.wake();
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing.load(Relaxed)
    }

    /// A second has passed.
    pub(crate) fn tick(&self) -> Verdict {
        let seconds = self.stage_s.fetch_add(1, Relaxed) + 1;
        if self.write_blocked.load(Relaxed)
            && self.write_blocked_s.fetch_add(1, Relaxed) + 1 > limits::WRITE_SECONDS_MAX
        {
            return Verdict::Drop;
        }
        match self.stage() {
            Stage::Idle if seconds > limits::IDLE_SECONDS_MAX => {
                self.close();
                Verdict::Close
            }
            Stage::Head if seconds > limits::HEAD_SECONDS_MAX => Verdict::Drop,
            Stage::Body if seconds > limits::BODY_SECONDS_MAX => Verdict::Drop,
            Stage::Linger if seconds > limits::LINGER_SECONDS_MAX => Verdict::Drop,
            Stage::Serving => {
                if self.quiet_s.fetch_add(1, Relaxed) + 1 >= limits::KEEP_ALIVE_SECONDS {
                    self.wake();
                }
                Verdict::Fine
            }
            _ => Verdict::Fine,
        }
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks_until(pulse: &Pulse, verdict: Verdict) -> u32 {
        (1..=1000).find(|_| pulse.tick() == verdict).unwrap()
    }

    #[test]
    fn a_head_in_drops_is_dropped_however_often_a_byte_comes() {
        let pulse = Pulse::default();
        pulse.read();
        for _ in 0..limits::HEAD_SECONDS_MAX {
            pulse.read();
            assert_eq!(pulse.tick(), Verdict::Fine);
        }
        assert_eq!(pulse.tick(), Verdict::Drop);
    }

    #[test]
    fn a_body_in_drops_is_dropped() {
        let pulse = Pulse::default();
        pulse.enter(Stage::Body);
        assert_eq!(
            ticks_until(&pulse, Verdict::Drop),
            limits::BODY_SECONDS_MAX + 1
        );
    }

    #[test]
    fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
        let pulse = Pulse::default();
        assert_eq!(
            ticks_until(&pulse, Verdict::Close),
            limits::IDLE_SECONDS_MAX + 1
        );
        assert!(pulse.is_closing());
        let pulse = Pulse::default();
        pulse.enter(Stage::Serving);
        assert!((0..100_000).all(|_| pulse.tick() == Verdict::Fine));
    }

    #[test]
    fn a_client_that_stops_reading_is_dropped_and_one_that_reads_slowly_is_not() {
        let pulse = Pulse::default();
        pulse.enter(Stage::Serving);
        for _ in 0..10 {
            pulse.write(true);
            assert!((0..limits::WRITE_SECONDS_MAX).all(|_| pulse.tick() == Verdict::Fine));
            pulse.write(false);
        }
        pulse.write(true);
        assert_eq!(
            ticks_until(&pulse, Verdict::Drop),
            limits::WRITE_SECONDS_MAX + 1
        );
    }
}
