//! Turns on a shared pipe. Nothing in the protocol tells for which call a server asks; so where several clients that can be
//! asked share one, their calls go one after the other, and what is asked is about the call that has the turn.
//!
//! A call whose client thinks about a question gives its turn to the next one, and takes it again before its server gets
//! the answer; unless several callers can meet on the upstream, for then a late question must not find the next one's
//! client.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wire::{Era, method};

use super::{Link, Live, Upstream};
use crate::calls::CallHandle;
use crate::error::Fault;
use crate::limits::TAKEN_BACK_LINGER;
use crate::outbox::lock;

/// See the module.
pub(super) struct Turns {
    /// None where no turns are taken.
    free: Option<Arc<Semaphore>>,
    waiting: AtomicU64,
}

/// The turn of one call, for as long as the call has it.
#[derive(Clone, Default)]
pub(crate) struct Turn(Arc<Mutex<Option<OwnedSemaphorePermit>>>);

impl Turns {
    pub(super) fn new(are_taken: bool) -> Self {
        Self {
            free: are_taken.then(|| Arc::new(Semaphore::new(1))),
            waiting: AtomicU64::new(0),
        }
    }

    /// Whether calls wait for one.
    pub(super) fn are_awaited(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }
}

impl Turn {
    /// Gives it up.
    pub(super) fn end(&self) {
        drop(lock(&self.0).take());
    }
}

impl Upstream {
    /// Waits until it is the turn of this call, if its server may ask something about it. None if the call is over.
    pub(crate) async fn take_turn(
        &self,
        live: &Live,
        handle: &CallHandle,
        asked: &str,
        turn: &Turn,
    ) -> Option<Result<(), Fault>> {
        let is_shared_pipe = matches!(live.link, Link::Pipe(_)) && live.era() == Era::Handshake;
        let free = self.turns.free.clone();
        let Some(free) = free.filter(|_| is_shared_pipe && may_ask(asked)) else {
            return Some(Ok(()));
        };
        let _waiting = Waiting::new(&self.turns.waiting);
        let taken = handle.unless_over(free.acquire_owned());
        match tokio::time::timeout(live.call_timeout, taken).await {
            Ok(taken) => *lock(&turn.0) = taken?.ok(),
            Err(_) => return Some(Err(Fault::Busy("calls that wait for one another"))),
        }
        Some(Ok(()))
    }

    /// Sees to it that the turn ends with the call.
    pub(super) fn end_turn_with(handle: &Arc<CallHandle>, turn: Turn) {
        if lock(&turn.0).is_none() {
            return;
        }
        let handle = handle.clone();
        tokio::spawn(async move {
            std::future::poll_fn(|cx| handle.slot.poll_over(cx)).await;
            if handle.is_taken_back() {
                // The server may go on for a while; what it asks then must not be taken for the next call's.
                tokio::time::sleep(TAKEN_BACK_LINGER).await;
            }
            turn.end();
        });
    }

    /// The client of a call thinks: others may go on. False if the turn is kept.
    pub(crate) fn lend_turn(&self, turn: &Turn) -> bool {
        let is_lent = !self.key.is_of_all();
        if is_lent {
            turn.end();
        }
        is_lent
    }
}

/// Whether a server may ask something before it answers such a request.
pub(crate) fn may_ask(asked: &str) -> bool {
    matches!(
        asked,
        method::TOOLS_CALL | method::PROMPTS_GET | method::RESOURCES_READ
    )
}

/// Counts a call for as long as it waits for its turn.
struct Waiting<'a>(&'a AtomicU64);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicU64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
