//! A bounded queue of messages to one reader. Writers never wait: what does not fit pushes the oldest
//! notification out and is counted. One reader at a time; a new reader displaces the old one.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use wire::{Frame, Kind};

use crate::limits::{OUTBOX_BYTES_MAX, OUTBOX_MESSAGES_MAX};

/// See the module.
#[derive(Default)]
pub(crate) struct Outbox {
    inner: Mutex<Inner>,
    dropped: AtomicU64,
}

#[derive(Default)]
struct Inner {
    queue: VecDeque<Bytes>,
    /// What it holds.
    bytes: usize,
    waker: Option<Waker>,
    closed: bool,
}

impl Inner {
    /// Drops the oldest notification; a question only if there is nothing else, for its server waits. False: it is empty.
    fn make_room(&mut self) -> bool {
        let is_notification =
            |text: &Bytes| Frame::parse(text.clone()).is_ok_and(|f| f.kind() == Kind::Notification);
        let oldest = self.queue.iter().position(is_notification).unwrap_or(0);
        let Some(message) = self.queue.remove(oldest) else {
            return false;
        };
        self.bytes -= message.len();
        true
    }

    fn pop(&mut self) -> Option<Bytes> {
        let message = self.queue.pop_front()?;
        self.bytes -= message.len();
        Some(message)
    }
}

impl Outbox {
    /// Adds a message for the reader.
    pub(crate) fn push(&self, message: Bytes) {
        let waker = {
            let mut inner = lock(&self.inner);
            if inner.closed {
                return;
            }
            while inner.queue.len() >= OUTBOX_MESSAGES_MAX
                || inner.bytes + message.len() > OUTBOX_BYTES_MAX
            {
                if !inner.make_room() {
                    break;
                }
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
            inner.bytes += message.len();
            inner.queue.push_back(message);
            inner.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Ends the queue: the reader gets what is there, then `None`.
    pub(crate) fn close(&self) {
        let waker = {
            let mut inner = lock(&self.inner);
            inner.closed = true;
            inner.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The next message.
    pub(crate) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut inner = lock(&self.inner);
        if let Some(message) = inner.pop() {
            return Poll::Ready(Some(message));
        }
        if inner.closed {
            return Poll::Ready(None);
        }
        // The reader that asked before us, if it is another one, is woken so that it notices the change.
        if let Some(old) = inner.waker.replace(cx.waker().clone())
            && !old.will_wake(cx.waker())
        {
            drop(inner);
            old.wake();
        }
        Poll::Pending
    }

    /// Messages that did not fit so far.
    #[cfg(test)]
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// Locks; a panic elsewhere must not spread.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    #[tokio::test]
    async fn the_oldest_makes_room_and_is_counted() {
        let outbox = Outbox::default();
        for n in 0..OUTBOX_MESSAGES_MAX + 3 {
            outbox.push(Bytes::from(n.to_string()));
        }
        assert_eq!(outbox.dropped(), 3);
        assert_eq!(poll_fn(|cx| outbox.poll_next(cx)).await.unwrap(), "3");
    }

    #[tokio::test]
    async fn large_messages_make_room_sooner() {
        let outbox = Outbox::default();
        for byte in [b'1', b'2', b'3'] {
            outbox.push(Bytes::from(vec![byte; OUTBOX_BYTES_MAX / 2]));
        }
        assert_eq!(outbox.dropped(), 1);
        assert_eq!(poll_fn(|cx| outbox.poll_next(cx)).await.unwrap()[0], b'2');
        outbox.push(Bytes::from(vec![b'4'; OUTBOX_BYTES_MAX + 1]));
        assert_eq!(outbox.dropped(), 2);
        assert_eq!(poll_fn(|cx| outbox.poll_next(cx)).await.unwrap()[0], b'4');
    }

    #[tokio::test]
    async fn what_is_there_is_read_before_the_end() {
        let outbox = Outbox::default();
        outbox.push(Bytes::from_static(b"a"));
        outbox.close();
        outbox.push(Bytes::from_static(b"late"));
        assert_eq!(poll_fn(|cx| outbox.poll_next(cx)).await.unwrap(), "a");
        assert_eq!(poll_fn(|cx| outbox.poll_next(cx)).await, None);
    }
}
