//! One call under way: its mailbox, and how to take it back.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::Fault;
use crate::outbox::lock;
use crate::slot::Slot;
use crate::upstream::Live;

/// See the module.
#[derive(Default)]
pub(crate) struct CallHandle {
    pub(crate) slot: Slot,
    way: OnceLock<Way>,
    taken_back: AtomicBool,
    questions: Mutex<Questions>,
}

/// The questions of a call's server.
#[derive(Default)]
struct Questions {
    /// How many wait for the client.
    open: usize,
    /// When the last one was settled.
    settled: Option<Instant>,
    /// Who wants to hear of the next change.
    watcher: Option<Waker>,
    /// Who is at the answer, and wants to hear that nobody waits for it.
    returning: Option<Waker>,
}

/// A question that belongs to a call, for as long as it waits for the client.
pub(crate) struct Asking(Arc<CallHandle>);

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

    /// What its server wanted to reach since then and may not.
    pub(crate) fn refused(&self, since: std::time::Instant) -> Vec<launch::Refused> {
        let way = self.way.get();
        way.map_or_else(Vec::new, |way| way.live.refused(Some(since)))
    }

    /// Notes that the client is asked something.
    pub(crate) fn asking(self: &Arc<Self>) -> Asking {
        self.questioned(|questions| questions.open += 1);
        Asking(self.clone())
    }

    fn questioned(&self, change: impl FnOnce(&mut Questions)) {
        let watcher = {
            let mut questions = lock(&self.questions);
            change(&mut questions);
            questions.watcher.take()
        };
        watcher.into_iter().for_each(Waker::wake);
    }

    /// Whether its server waits for the client; woken when that changes.
    pub(crate) fn asks_now(&self, cx: &Context<'_>) -> bool {
        let mut questions = lock(&self.questions);
        questions.watcher = Some(cx.waker().clone());
        questions.open > 0
    }

    /// Whether its server waits for the client, or did so within this time: then it is not the server that is slow.
    pub(crate) fn waits_for_client(&self, within: Duration) -> bool {
        let questions = lock(&self.questions);
        let settled = questions.settled;
        questions.open > 0 || settled.is_some_and(|settled| settled.elapsed() < within)
    }

    /// The client wants no answer any more: the server is told, by its transport's and era's means.
    pub(crate) fn cancel(&self, reason: Option<&str>) {
        let was_taken_back = self.taken_back.swap(true, Ordering::SeqCst);
        let returning = lock(&self.questions).returning.take();
        returning.into_iter().for_each(Waker::wake);
        if was_taken_back || self.slot.is_over() {
            return;
        }
        if let Some(way) = self.way.get() {
            way.live.cancel(way.id, reason);
        }
        self.slot.finish(Err(Fault::Cancelled));
    }

    /// Whether the client took it back.
    pub(crate) fn is_taken_back(&self) -> bool {
        self.taken_back.load(Ordering::Relaxed)
    }

    /// Ready once the client has taken it back, also after its server's last word.
    pub(crate) fn poll_taken_back(&self, cx: &Context<'_>) -> Poll<()> {
        lock(&self.questions).returning = Some(cx.waker().clone());
        match self.taken_back.load(Ordering::SeqCst) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    /// The client has gone without a word; the server is left to finish, nobody keeps the answer.
    pub(crate) fn abandon(&self) {
        self.slot.leave();
    }
}

impl Asking {
    /// The call.
    pub(crate) fn call(&self) -> &CallHandle {
        &self.0
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.questioned(|questions| {
            questions.open -= 1;
            questions.settled = Some(Instant::now());
        });
    }
}
