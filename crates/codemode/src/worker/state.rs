//! What a running script has under way, shared between the engine's natives and the steps of its run.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rquickjs::{Function, Persistent, Value};

use super::channel::Channel;
use crate::limits::{LOG_LINES_MAX, Limits, PERSON_WAIT_MAX};
use crate::names::Names;
use crate::protocol::{Failed, FromWorker};
use crate::text::cut;

/// Shared by everything of one worker.
pub(crate) type Shared = Rc<State>;

/// A function of the script that waits to be called.
pub(crate) type Waiting = Persistent<Function<'static>>;

pub(crate) struct State {
    /// Told after the engine was made.
    limits: OnceCell<Limits>,
    pub(crate) channel: Channel,
    pub(crate) names: RefCell<Names>,
    /// Calls and lookups without an answer, with what takes it and what takes a failure.
    pub(crate) pending: RefCell<HashMap<u32, (Waiting, Waiting)>>,
    /// By when they are due, then by number.
    pub(crate) timers: RefCell<BTreeMap<(Instant, u32), Waiting>>,
    pub(crate) next_id: Cell<u32>,
    pub(crate) calls: Cell<u32>,
    pub(crate) lookups: Cell<u32>,
    /// Calls that nobody has asked for a result yet.
    pub(crate) unused: RefCell<BTreeSet<u32>>,
    /// Calls whose end the script may not need: they run against something else.
    pub(crate) raced: RefCell<BTreeSet<u32>>,
    /// Promises that failed and that nobody listens to, with what they failed with.
    pub(crate) unheard: RefCell<Vec<(Persistent<Value<'static>>, Failed)>>,
    /// Lines that stand before the script, in the form that it has.
    pub(crate) before: Cell<u32>,
    logged: Cell<usize>,
    lines: Cell<u32>,
    log_full: Cell<bool>,
    /// When the script must have ended, waiting not counted.
    pub(crate) deadline: Cell<Instant>,
    /// Why the engine was interrupted.
    pub(crate) interrupted: Cell<Option<Interrupt>>,
    /// Of `Math.random`; copies of one process must not all have the same.
    random: Cell<u64>,
    /// The most jobs that ran one after the other without anything from outside.
    pub(crate) chain: Cell<u32>,
}

/// Any number but zero.
const UNSEEDED: u64 = 0x9e37_79b9_7f4a_7c15;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupt {
    Deadline,
    /// Nobody is left to answer to.
    Gone,
}

impl State {
    pub(crate) fn new(channel: Channel) -> Shared {
        let deadline = Cell::new(Instant::now());
        Rc::new(Self {
            limits: OnceCell::new(),
            channel,
            names: RefCell::default(),
            pending: RefCell::default(),
            timers: RefCell::default(),
            next_id: Cell::new(1),
            calls: Cell::new(0),
            lookups: Cell::new(0),
            unused: RefCell::default(),
            raced: RefCell::default(),
            unheard: RefCell::default(),
            before: Cell::new(0),
            logged: Cell::new(0),
            lines: Cell::new(0),
            log_full: Cell::new(false),
            deadline,
            interrupted: Cell::new(None),
            random: Cell::new(UNSEEDED),
            chain: Cell::new(0),
        })
    }

    /// Once; before that they are the usual ones.
    pub(crate) fn limit(&self, limits: Limits) {
        let _ = self.limits.set(limits);
    }

    pub(crate) fn limits(&self) -> &Limits {
        self.limits.get_or_init(Limits::default)
    }

    pub(crate) fn seed(&self, seed: u64) {
        self.random.set(seed.max(1));
    }

    /// From 0 to just under 1. `xorshift64*`, as in the engine, and no better: for shuffling, not for secrets.
    pub(crate) fn random(&self) -> f64 {
        let mut state = self.random.get();
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        self.random.set(state);
        let bits = state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11;
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let number = bits as f64;
        number / (1_u64 << 53) as f64
    }

    /// A new deadline, from now.
    pub(crate) fn left(&self, left_ms: u64) {
        let longest = self.limits().wall + PERSON_WAIT_MAX;
        self.deadline
            .set(Instant::now() + Duration::from_millis(left_ms).min(longest));
    }

    /// Asked by the engine while it runs; true ends what it does.
    pub(crate) fn interrupt(&self) -> bool {
        if self.interrupted.get().is_none() {
            if Instant::now() >= self.deadline.get() {
                self.interrupted.set(Some(Interrupt::Deadline));
            } else if self.channel.is_gone() {
                self.interrupted.set(Some(Interrupt::Gone));
            }
        }
        self.interrupted.get().is_some()
    }

    /// From the engine's lines to those of the script.
    pub(crate) fn shift(&self, failed: &mut Failed) {
        failed.line = failed
            .line
            .map(|line| line.saturating_sub(self.before.get()));
    }

    /// Calls that must have ended before the script has.
    pub(crate) fn has_open_calls(&self) -> bool {
        let raced = self.raced.borrow();
        self.pending.borrow().keys().any(|id| !raced.contains(id))
    }

    pub(crate) fn take_id(&self) -> u32 {
        let id = self.next_id.get();
        self.next_id.set(id.wrapping_add(1));
        id
    }

    /// Room for a line, in bytes; none if the log is full, which is said once.
    pub(crate) fn log_room(&self) -> Option<usize> {
        let room = self.limits().log_bytes.saturating_sub(self.logged.get());
        if room > 0 && self.lines.get() < LOG_LINES_MAX {
            return Some(room);
        }
        if !self.log_full.replace(true) {
            let text = format!(
                "the log is full ({} bytes or {LOG_LINES_MAX} lines): the rest is left out",
                self.limits().log_bytes
            );
            let _ = self.channel.send(&FromWorker::Log {
                level: "note".into(),
                text: text.into(),
            });
        }
        None
    }

    pub(crate) fn log(&self, level: &str, text: String) {
        if let Some(room) = self.log_room() {
            let text = cut(text, room.max(4));
            self.logged.set(self.logged.get() + text.len());
            self.lines.set(self.lines.get() + 1);
            let _ = self.channel.send(&FromWorker::Log {
                level: level.into(),
                text: text.into(),
            });
        }
    }
}
