//! Pipes that stay in memory: for tests, and for servers that live in this process.
//!
//! Owns a queue per direction, with the same limits and the same manners as [`crate::stdio`]: frames sent before
//! [`FrameSink::close`] are still read, and dropping the source closes the sink. Passes over blank frames, as
//! lines would.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use tokio::task::coop::poll_proceed;

use crate::limits::{LINE_BYTES_MAX, OUTBOX_BYTES_MAX};
use crate::pipe::{FrameSink, FrameSource, Pipe, ReadError, SendError};
use crate::waiters::Waiters;

/// Two pipes: what is sent into one comes out of the other.
#[must_use]
pub fn pair() -> (Pipe, Pipe) {
    let (there, back) = (Arc::<Queue>::default(), Arc::<Queue>::default());
    (
        Pipe::over(there.clone(), back.clone()),
        Pipe::over(back, there),
    )
}

impl Pipe {
    fn over(out: Arc<Queue>, back: Arc<Queue>) -> Self {
        Self {
            sink: Arc::new(MemorySink(out)),
            source: Box::new(MemorySource(back)),
        }
    }
}

#[derive(Default)]
struct Queue(Mutex<State>);

#[derive(Default)]
struct State {
    frames: VecDeque<Bytes>,
    bytes: usize,
    closed: bool,
    reader: Option<Waker>,
    drained: Waiters,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

struct MemorySink(Arc<Queue>);

impl FrameSink for MemorySink {
    fn send(&self, frame: &[u8]) -> Result<(), SendError> {
        let mut state = self.0.lock();
        if state.closed {
            return Err(SendError::Closed);
        }
        if frame.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        if state.bytes + cost(frame) > OUTBOX_BYTES_MAX {
            return Err(SendError::Full);
        }
        state.bytes += cost(frame);
        state.frames.push_back(Bytes::copy_from_slice(frame));
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        Ok(())
    }

    fn close(&self) {
        self.0.close();
    }

    fn poll_drained(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if state.frames.is_empty() {
            return Poll::Ready(());
        }
        state.drained.add(cx.waker());
        Poll::Pending
    }
}

impl Drop for MemorySink {
    fn drop(&mut self) {
        self.0.close();
    }
}

struct MemorySource(Arc<Queue>);

impl FrameSource for MemorySource {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, ReadError>>> {
        let turn = ready!(poll_proceed(cx));
        let mut state = self.0.lock();
        if let Some(frame) = state.frames.pop_front() {
            turn.made_progress();
            state.bytes -= cost(&frame);
            if state.frames.is_empty() {
                state.drained.wake();
            }
            if frame.len() > LINE_BYTES_MAX {
                return Poll::Ready(Some(Err(ReadError::TooLong {
                    limit: LINE_BYTES_MAX,
                })));
            }
            return Poll::Ready(Some(Ok(frame)));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        state.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for MemorySource {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closed = true;
        state.frames.clear();
        state.bytes = 0;
        state.drained.wake();
    }
}

/// What a queued frame holds of the limit, its place in the queue included.
fn cost(frame: &[u8]) -> usize {
    frame.len() + size_of::<Bytes>()
}

#[cfg(test)]
mod tests;
