//! How many calls of one server may be under way at once. The others wait in the order in which they came, so many of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Live, Upstream, may_ask};
use crate::calls::CallHandle;
use crate::error::Fault;
use crate::limits::LANE_WAITERS_MAX;

/// See the module.
pub(crate) struct Lanes {
    /// None: there is no limit.
    free: Option<Arc<Semaphore>>,
    waiting: AtomicUsize,
}

impl Lanes {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            free: (max > 0).then(|| Arc::new(Semaphore::new(max))),
            waiting: AtomicUsize::new(0),
        }
    }

    async fn enter(&self, free: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Fault> {
        if let Ok(permit) = free.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let busy = Fault::Busy("calls wait for this server");
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= LANE_WAITERS_MAX {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(busy);
        }
        let _waiting = Waiting(&self.waiting);
        free.clone().acquire_owned().await.map_err(|_| busy)
    }
}

impl Upstream {
    /// Waits until one more call of the server may be under way. None if the call is over before.
    pub(super) async fn enter_lane(
        &self,
        live: &Live,
        handle: &CallHandle,
        asked: &str,
    ) -> Option<Result<Lane, Fault>> {
        let lanes = &self.server.lanes;
        let Some(free) = lanes.free.as_ref().filter(|_| may_ask(asked)) else {
            return Some(Ok(Lane(None)));
        };
        let entered = handle.unless_over(lanes.enter(free));
        match tokio::time::timeout(live.call_timeout, entered).await {
            Ok(entered) => Some(entered?.map(|permit| Lane(Some(permit)))),
            Err(_) => Some(Err(Fault::Busy("calls of this server at once"))),
        }
    }
}

/// What one call holds for as long as it is under way.
pub(super) struct Lane(Option<OwnedSemaphorePermit>);

impl Lane {
    /// It ends with the call.
    pub(super) fn end_with(self, handle: &Arc<CallHandle>) {
        if let Some(permit) = self.0 {
            let handle = handle.clone();
            tokio::spawn(async move {
                std::future::poll_fn(|cx| handle.slot.poll_over(cx)).await;
                drop(permit);
            });
        }
    }
}

/// Counts one that waits.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
