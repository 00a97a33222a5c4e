//! Whether whoever listens may still do so. A stream that stays open is asked for once, and the token that it came with may end or
//! be taken back while nobody asks for anything. Owns how soon that is noticed, and what is said last. Calls under way come to
//! their end: what they may do was decided when they came.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::body::Chunks;
use crate::callers::{Callers, Lease};
use crate::limits::VIGIL_PAUSE;

/// What is said before the end: a comment, which no client takes for a message.
const LAST: &[u8] = b": the token that this stream was opened with is worth nothing any more; come back with another\n\n";

/// A stream that ends with the right of whoever listens.
pub(crate) struct Watched<C> {
    chunks: C,
    watch: Option<Watch>,
    has_said: bool,
}

/// Somebody whose right may end.
pub(crate) struct Watch {
    callers: Arc<dyn Callers>,
    caller: Arc<str>,
    lease: Lease,
    due: Interval,
    is_over: bool,
}

impl Watch {
    pub(crate) fn new(callers: Arc<dyn Callers>, caller: Arc<str>, lease: Lease) -> Self {
        let mut due = interval(VIGIL_PAUSE);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            callers,
            caller,
            lease,
            due,
            is_over: false,
        }
    }

    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        while self.due.poll_tick(cx).is_ready() {
            self.is_over |= !self.callers.holds(&self.caller, &self.lease);
        }
        self.is_over
    }
}

impl<C: Chunks> Watched<C> {
    /// Nobody to watch: whoever has the gateway's own token.
    pub(crate) fn new(chunks: C, watch: Option<Watch>) -> Self {
        Self {
            chunks,
            watch,
            has_said: false,
        }
    }
}

impl<C: Chunks> Chunks for Watched<C> {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.has_said {
            return Poll::Ready(None);
        }
        let is_over = self.watch.as_mut().is_some_and(|watch| watch.is_over(cx));
        if is_over && self.chunks.is_at_rest() {
            self.has_said = true;
            return Poll::Ready(Some(Bytes::from_static(LAST)));
        }
        self.chunks.poll_chunk(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::time::{Instant, timeout};

    use super::*;
    use crate::callers::{Admitted, Unadmitted};

    /// Knows everybody until it does not.
    struct Book(AtomicBool);

    impl Callers for Book {
        fn admit(&self, _: &str, _: &str) -> Result<Admitted, Unadmitted> {
            Err(Unadmitted::Unknown)
        }

        fn holds(&self, _: &str, _: &Lease) -> bool {
            self.0.load(Ordering::Relaxed)
        }
    }

    /// Says nothing for ever, and may have calls under way.
    struct Silence(Arc<AtomicBool>);

    impl Chunks for Silence {
        fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Bytes>> {
            Poll::Pending
        }

        fn is_at_rest(&self) -> bool {
            !self.0.load(Ordering::Relaxed)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_soon_after_the_right_to_it() {
        let book = Arc::new(Book(AtomicBool::new(true)));
        let is_busy = Arc::new(AtomicBool::new(true));
        let lease = Lease {
            generation: 1,
            until_s: None,
        };
        let watch = Watch::new(book.clone(), "ann".into(), lease);
        let mut stream = Watched::new(Silence(is_busy.clone()), Some(watch));
        let day = VIGIL_PAUSE * 10_000;
        assert!(
            timeout(day, poll_fn(|cx| stream.poll_chunk(cx)))
                .await
                .is_err()
        );
        book.0.store(false, Ordering::Relaxed);
        // What is under way comes to its end.
        assert!(
            timeout(day, poll_fn(|cx| stream.poll_chunk(cx)))
                .await
                .is_err()
        );
        is_busy.store(false, Ordering::Relaxed);
        let begun = Instant::now();
        let last = poll_fn(|cx| stream.poll_chunk(cx)).await;
        assert!(begun.elapsed() <= VIGIL_PAUSE);
        assert_eq!(last, Some(Bytes::from_static(LAST)));
        assert_eq!(poll_fn(|cx| stream.poll_chunk(cx)).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_runs_the_gateway_is_not_watched() {
        let silence = Silence(Arc::default());
        let mut stream = Watched::new(silence, None);
        let day = VIGIL_PAUSE * 10_000;
        assert!(
            timeout(day, poll_fn(|cx| stream.poll_chunk(cx)))
                .await
                .is_err()
        );
    }
}
