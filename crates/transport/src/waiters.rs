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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn each_waits_once_and_the_oldest_makes_room() {
        let mut waiters = Waiters::default();
        let counts: Vec<Arc<Count>> = (0..=DRAIN_WAITERS_MAX).map(|_| Arc::default()).collect();
        for count in &counts {
            let waker = Waker::from(count.clone());
            waiters.add(&waker);
            waiters.add(&waker);
        }
        let woken = || counts.iter().map(|count| count.0.load(Ordering::Relaxed));
        assert_eq!(woken().collect::<Vec<_>>()[..2], [1, 0]);
        assert_eq!(waiters.0.len(), DRAIN_WAITERS_MAX);
        waiters.wake();
        waiters.wake();
        assert!(woken().all(|woken| woken == 1));
    }
}
