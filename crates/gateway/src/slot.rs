//! The mailbox of one call: what its server says about it, in order, until the last word.
//! Upstreams fill it from any thread; one reader (the door that answers the client) empties it.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use wire::Frame;

use crate::error::Fault;
use crate::limits::{CALL_EVENTS_BYTES_MAX, CALL_EVENTS_MAX};
use crate::outbox::lock;

/// One thing that happened to a call.
#[derive(Debug)]
pub(crate) enum Step {
    /// A notification or question that belongs to the call, ready for the client.
    Message(Bytes),
    /// The server asked to resume its stream after so many milliseconds.
    Retry(u64),
    /// The server asks something that the client hears of in the answer to its request (see `bridge`).
    Asked,
    /// The response of the server, with our id, and the HTTP status it came with (0: none).
    Done(Result<(Frame, u16), Fault>),
}

/// See the module.
#[derive(Default)]
pub(crate) struct Slot {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    steps: VecDeque<Step>,
    /// What the messages among them hold.
    bytes: usize,
    reader: Option<Waker>,
    /// Woken when the call is over.
    watchers: Vec<Waker>,
    done: bool,
    gone: bool,
}

impl Step {
    fn bytes(&self) -> usize {
        match self {
            Self::Message(message) => message.len(),
            Self::Retry(_) | Self::Asked | Self::Done(_) => 0,
        }
    }
}

impl Inner {
    fn has_room(&self, bytes: usize) -> bool {
        self.steps.is_empty()
            || self.steps.len() < CALL_EVENTS_MAX && self.bytes + bytes <= CALL_EVENTS_BYTES_MAX
    }
}

impl Slot {
    /// Adds a message. What nobody reads is dropped beyond the limit: then false.
    pub(crate) fn message(&self, message: Bytes) -> bool {
        self.put(Step::Message(message))
    }

    /// Adds a step; nothing is added after the last word.
    pub(crate) fn put(&self, step: Step) -> bool {
        let (reader, watchers) = {
            let mut inner = lock(&self.inner);
            if inner.done || inner.gone {
                return false;
            }
            let last = matches!(step, Step::Done(_));
            let is_asked_already = matches!(inner.steps.back(), Some(Step::Asked));
            if matches!(step, Step::Asked) && is_asked_already {
                return true;
            }
            // How much can be asked is limited where it is kept.
            let is_bounded = matches!(step, Step::Message(_) | Step::Retry(_));
            if is_bounded && !inner.has_room(step.bytes()) {
                return false;
            }
            inner.done = last;
            inner.bytes += step.bytes();
            inner.steps.push_back(step);
            let watchers = if last {
                std::mem::take(&mut inner.watchers)
            } else {
                Vec::new()
            };
            (inner.reader.take(), watchers)
        };
        reader.into_iter().chain(watchers).for_each(Waker::wake);
        true
    }

    /// The last word.
    pub(crate) fn finish(&self, outcome: Result<(Frame, u16), Fault>) {
        self.put(Step::Done(outcome));
    }

    /// Whether the last word was said or the reader has gone.
    pub(crate) fn is_over(&self) -> bool {
        let inner = lock(&self.inner);
        inner.done || inner.gone
    }

    /// The next step.
    pub(crate) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Step> {
        let mut inner = lock(&self.inner);
        match inner.steps.pop_front() {
            Some(step) => {
                inner.bytes -= step.bytes();
                Poll::Ready(step)
            }
            None => {
                inner.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// The next step.
    pub(crate) async fn next(&self) -> Step {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The reader goes away: nothing more is kept, and whoever fills the slot is told.
    pub(crate) fn leave(&self) {
        let watchers = {
            let mut inner = lock(&self.inner);
            inner.gone = true;
            inner.steps.clear();
            inner.bytes = 0;
            std::mem::take(&mut inner.watchers)
        };
        watchers.into_iter().for_each(Waker::wake);
    }

    /// Ready once the call is over, by its last word or by the reader's leaving.
    pub(crate) fn poll_over(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut inner = lock(&self.inner);
        if inner.done || inner.gone {
            return Poll::Ready(());
        }
        if !inner
            .watchers
            .iter()
            .any(|known| known.will_wake(cx.waker()))
        {
            inner.watchers.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_comes_after_the_last_word() {
        let slot = Slot::default();
        slot.message(Bytes::from_static(b"one"));
        slot.finish(Err(Fault::Cancelled));
        slot.message(Bytes::from_static(b"two"));
        slot.finish(Err(Fault::Cancelled));
        assert!(matches!(slot.next().await, Step::Message(m) if m == "one"));
        assert!(matches!(
            slot.next().await,
            Step::Done(Err(Fault::Cancelled))
        ));
        assert!(poll_fn(|cx| Poll::Ready(slot.poll_next(cx).is_pending())).await);
    }

    #[tokio::test]
    async fn everybody_who_waits_for_the_end_hears_of_it() {
        let slot = std::sync::Arc::new(Slot::default());
        let over = |slot: std::sync::Arc<Slot>| {
            tokio::spawn(async move { poll_fn(|cx| slot.poll_over(cx)).await })
        };
        let (one, two) = (over(slot.clone()), over(slot.clone()));
        tokio::task::yield_now().await;
        slot.finish(Err(Fault::Cancelled));
        one.await.unwrap();
        two.await.unwrap();
    }

    #[tokio::test]
    async fn an_unread_call_keeps_a_bounded_number_of_messages_and_its_answer() {
        let slot = Slot::default();
        for _ in 0..CALL_EVENTS_MAX * 2 {
            slot.message(Bytes::from_static(b"x"));
        }
        slot.finish(Err(Fault::Cancelled));
        let mut messages = 0;
        while let Step::Message(_) = slot.next().await {
            messages += 1;
        }
        assert_eq!(messages, CALL_EVENTS_MAX);
    }

    #[tokio::test]
    async fn an_unread_call_keeps_a_bounded_number_of_bytes() {
        let slot = Slot::default();
        let large = Bytes::from(vec![b'x'; CALL_EVENTS_BYTES_MAX / 2]);
        for _ in 0..3 {
            slot.message(large.clone());
        }
        slot.message(Bytes::from_static(b"small"));
        for _ in 0..2 {
            assert!(matches!(slot.next().await, Step::Message(m) if m == large));
        }
        let whole = Bytes::from(vec![b'x'; CALL_EVENTS_BYTES_MAX + 1]);
        slot.message(whole.clone());
        assert!(matches!(slot.next().await, Step::Message(m) if m == whole));
    }
}
