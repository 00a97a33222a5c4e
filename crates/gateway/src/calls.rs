//! One call under way: its mailbox, and how to take it back.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use crate::error::Fault;
use crate::slot::Slot;
use crate::upstream::Live;

/// See the module.
#[derive(Default)]
pub(crate) struct CallHandle {
    pub(crate) slot: Slot,
    way: OnceLock<Way>,
    taken_back: AtomicBool,
}

/// Where the call went.
struct Way {
    live: Arc<Live>,
    id: u64,
}

impl CallHandle {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Does something for the call, unless the call is over before that: then `None`, and its slot says why.
    pub(crate) async fn unless_over<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending => self.slot.poll_over(cx).map(|()| None),
        })
        .await
    }

    /// Notes that the call went to this upstream under this id.
    pub(crate) fn went(&self, live: &Arc<Live>, id: u64) {
        // A call goes out once more only after its upstream session was re-opened; the id is the same then.
        let _ = self.way.set(Way {
            live: live.clone(),
            id,
        });
    }

    /// The client wants no answer any more: the server is told, by its transport's and era's means.
    pub(crate) fn cancel(&self, reason: Option<&str>) {
        if self.slot.is_over() || self.taken_back.swap(true, Ordering::Relaxed) {
            return;
        }
        if let Some(way) = self.way.get() {
            way.live.cancel(way.id, reason);
        }
        self.slot.finish(Err(Fault::Cancelled));
    }

    /// The client has gone without a word; the server is left to finish, nobody keeps the answer.
    pub(crate) fn abandon(&self) {
        self.slot.leave();
    }
}
