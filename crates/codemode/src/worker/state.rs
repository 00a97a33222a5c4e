//! What a running script has under way, shared between the engine's natives and the steps of its run.

use std::cell::{Cell, RefCell};
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
    pub(crate) limits: Limits,
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
    /// The most jobs that ran one after the other without anything from outside.
    pub(crate) chain: Cell<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupt {
    Deadline,
    /// Nobody is left to answer to.
    Gone,
}

impl State {
    pub(crate) fn new(limits: Limits, channel: Channel) -> Shared {
        let deadline = Cell::new(Instant::now() + limits.wall);
        Rc::new(Self {
            limits,
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
            chain: Cell::new(0),
        })
    }

    /// A new deadline, from now.
    pub(crate) fn left(&self, left_ms: u64) {
        let longest = self.limits.wall + PERSON_WAIT_MAX;
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
        let room = self.limits.log_bytes.saturating_sub(self.logged.get());
        if room > 0 && self.lines.get() < LOG_LINES_MAX {
            return Some(room);
        }
        if !self.log_full.replace(true) {
            let text = format!(
                "the log is full ({} bytes or {LOG_LINES_MAX} lines): the rest is left out",
                self.limits.log_bytes
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
