//! Servers that are being ended, by whichever task: the gateway itself ends only after them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// See the module.
#[derive(Clone, Default)]
pub(crate) struct Endings(Arc<Shared>);

#[derive(Default)]
struct Shared {
    count: AtomicUsize,
    turned: Notify,
}

/// One that is under way, until it is dropped.
pub(crate) struct Ending(Arc<Shared>);

impl Endings {
    /// Whoever ends a server, or may have to, holds this for as long as that takes.
    pub(crate) fn begin(&self) -> Ending {
        self.0.count.fetch_add(1, Ordering::Relaxed);
        Ending(self.0.clone())
    }

    /// Waits until none is under way.
    pub(crate) async fn over(&self) {
        loop {
            let turned = self.0.turned.notified();
            tokio::pin!(turned);
            turned.as_mut().enable();
            if self.0.count.load(Ordering::Acquire) == 0 {
                return;
            }
            turned.await;
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.turned.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Endings;

    #[tokio::test]
    async fn the_last_one_is_waited_for() {
        let endings = Endings::default();
        endings.over().await;
        let (one, two) = (endings.begin(), endings.begin());
        let waiter = tokio::spawn({
            let endings = endings.clone();
            async move { endings.over().await }
        });
        drop(one);
        tokio::task::yield_now().await;
        assert!(!waiter.is_finished());
        drop(two);
        waiter.await.unwrap();
    }
}
