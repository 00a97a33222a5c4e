//! Tasks that wait for the same thing.

use std::task::Waker;

use crate::limits::DRAIN_WAITERS_MAX;

#[derive(Default)]
pub(crate) struct Waiters(Vec<Waker>);

impl Waiters {
    pub(crate) fn add(&mut self, waker: &Waker) {
        if self.0.iter().any(|waiting| waiting.will_wake(waker)) {
            return;
        }
        // Those that gave up cannot be told from those that wait: the oldest asks again if it still wants to know.
        if self.0.len() == DRAIN_WAITERS_MAX {
            self.0.remove(0).wake();
        }
        self.0.push(waker.clone());
    }

    pub(crate) fn wake(&mut self) {
        for waiting in self.0.drain(..) {
            waiting.wake();
        }
    }
}
