//! Whoever reads much lets others have their turn. The runtime counts reads, not bytes: by itself it would let one reader of a
//! fast sender have megabytes at a time, while all others of its thread wait.

use std::pin::pin;
use std::task::{Context, Poll};

use crate::limits::TURN_BYTES_MAX;

/// What was read since others had their turn.
#[derive(Debug, Default)]
pub(crate) struct Turn(usize);

impl Turn {
    /// So many bytes were read.
    pub(crate) fn took(&mut self, bytes: usize) {
        self.0 += bytes;
    }

    /// There was nothing to read: others have their turn anyway.
    pub(crate) fn over(&mut self) {
        self.0 = 0;
    }

    /// Whether it is the turn of others; asked again, it is not.
    pub(crate) fn is_over(&mut self) -> bool {
        let is_over = self.0 >= TURN_BYTES_MAX;
        if is_over {
            self.over();
        }
        is_over
    }

    /// Pending until others had their turn, where it is theirs.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.is_over() {
            true => after_others(cx),
            false => Poll::Ready(()),
        }
    }
}

/// Pending until all others had their turn, those too that the system has news for: a task that merely wakes itself runs
/// dozens of times before the runtime asks the system.
pub(crate) fn after_others<T>(cx: &mut Context<'_>) -> Poll<T> {
    // Polled once, it has put the waker where it has to be; what it would say the second time, the caller knows.
    let waits = pin!(tokio::task::yield_now()).poll(cx);
    debug_assert!(waits.is_pending());
    Poll::Pending
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn who_has_read_much_waits_for_others_once() {
        let others = Arc::new(AtomicBool::new(false));
        let had = others.clone();
        tokio::spawn(async move { had.store(true, Ordering::Relaxed) });
        let mut turn = Turn::default();
        turn.took(TURN_BYTES_MAX - 1);
        poll_fn(|cx| turn.poll(cx)).await;
        assert!(!others.load(Ordering::Relaxed));
        turn.took(1);
        poll_fn(|cx| turn.poll(cx)).await;
        assert!(others.load(Ordering::Relaxed));

        turn.took(TURN_BYTES_MAX);
        turn.over();
        assert!(!turn.is_over());
    }
}
