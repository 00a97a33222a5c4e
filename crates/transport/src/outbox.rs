//! Frames on their way to a file descriptor.
//!
//! Owns the queue between whoever sends and the one that writes: a flusher task (`stdio::flush`) or, for what cannot
//! be written without blocking, a thread. Order is the order of the calls to [`Outbox::push`]. The lock covers memory
//! only, never a system call. Refuses more than [`OUTBOX_BYTES_MAX`] bytes. Writing itself is in [`crate::stdio`].

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::limits::{KEEP_BYTES_MAX, OUTBOX_BYTES_MAX};
use crate::pipe::SendError;
use crate::waiters::Waiters;

/// Bytes being written; what was written of them is counted, not moved.
#[derive(Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    done: usize,
}

impl Batch {
    pub(crate) fn rest(&self) -> &[u8] {
        &self.bytes[self.done..]
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done == self.bytes.len()
    }

    pub(crate) fn wrote(&mut self, bytes: usize) {
        self.done += bytes;
    }

    fn clear(&mut self) {
        self.done = 0;
        self.bytes.clear();
        if self.bytes.capacity() > KEEP_BYTES_MAX {
            self.bytes = Vec::new();
        }
    }
}

/// What a writer does next.
pub(crate) enum Work {
    /// Write what is in the batch now.
    Write,
    /// Nothing to do yet.
    Idle,
    /// Closed, and everything is written.
    Finished,
}

/// Who writes a frame that was just pushed.
pub(crate) enum Pushed {
    /// The writer: it knows, or has been woken.
    Queued,
    /// The caller: it holds the turn to write, and must give the batch back with [`Outbox::hand_back`].
    Yours(Batch),
}

#[derive(Default)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    /// For a writer that is a thread.
    bell: Condvar,
}

#[derive(Default)]
struct State {
    queued: Vec<u8>,
    /// Somebody writes; until they are done nobody else does.
    busy: bool,
    /// How much they have left at most.
    in_flight: usize,
    /// Handed back unfinished; goes before `queued`.
    unfinished: Option<Batch>,
    closing: bool,
    gone: bool,
    /// The writer, when it waits: a task, or a thread at the bell.
    writer: Option<Waker>,
    at_bell: bool,
    drained: Waiters,
}

impl Outbox {
    /// Queues a frame. With `direct`, an idle outbox gives the turn to write to the caller instead.
    pub(crate) fn push(&self, frame: &[u8], direct: bool) -> Result<Pushed, SendError> {
        let mut state = self.lock();
        if state.closing || state.gone {
            return Err(SendError::Closed);
        }
        let held = state.queued.len() + state.in_flight;
        if held.saturating_add(frame.len()) >= OUTBOX_BYTES_MAX {
            return Err(SendError::Full);
        }
        let idle = !state.busy;
        state.queued.reserve(frame.len() + 1);
        state.queued.extend_from_slice(frame);
        state.queued.push(b'\n');
        if direct && idle && held == 0 {
            let bytes = std::mem::take(&mut state.queued);
            state.busy = true;
            state.in_flight = bytes.len();
            return Ok(Pushed::Yours(Batch { bytes, done: 0 }));
        }
        if idle {
            self.wake(state);
        }
        Ok(Pushed::Queued)
    }

    /// Ends the turn that [`Pushed::Yours`] gave.
    pub(crate) fn hand_back(&self, mut batch: Batch) {
        let mut state = self.lock();
        state.busy = false;
        if batch.is_done() {
            state.in_flight = 0;
            batch.clear();
            if state.queued.capacity() == 0 {
                state.queued = batch.bytes;
            }
        } else {
            state.in_flight = batch.rest().len();
            state.unfinished = Some(batch);
        }
        if state.held() > 0 || state.closing {
            self.wake(state);
        } else {
            state.drained.wake();
        }
    }

    /// The writer's next batch, into `batch`, whose own bytes are all written. Registers the writer while idle.
    pub(crate) fn poll_work(&self, batch: &mut Batch, cx: &Context<'_>) -> Work {
        let mut state = self.lock();
        let work = state.work(batch);
        if matches!(work, Work::Idle) {
            state.set_writer(cx.waker());
        }
        work
    }

    /// As [`Self::poll_work`], for a thread: never [`Work::Idle`].
    pub(crate) fn wait_work(&self, batch: &mut Batch) -> Work {
        let mut state = self.lock();
        loop {
            match state.work(batch) {
                Work::Idle => {
                    state.at_bell = true;
                    state = self
                        .bell
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                    state.at_bell = false;
                }
                work => return work,
            }
        }
    }

    /// Whether the end was asked for; else the writer, which cannot write now, is registered to hear of it.
    pub(crate) fn poll_closing(&self, cx: &Context<'_>) -> bool {
        let mut state = self.lock();
        if !state.closing {
            state.set_writer(cx.waker());
        }
        state.closing
    }

    /// Takes nothing more; the writer finishes what is queued.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        if !std::mem::replace(&mut state.closing, true) {
            self.wake(state);
        }
    }

    /// Nothing more will be written. Whoever waits for the end is told, the writer too.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        let (writer, at_bell) = (state.writer.take(), state.at_bell);
        let mut drained = std::mem::take(&mut state.drained);
        *state = State {
            closing: true,
            gone: true,
            writer,
            at_bell,
            ..State::default()
        };
        drained.wake();
        self.wake(state);
    }

    pub(crate) fn poll_drained(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        // A closing outbox is drained when its descriptor is closed, which the other side sees.
        if state.gone || (!state.busy && state.held() == 0 && !state.closing) {
            return Poll::Ready(());
        }
        state.drained.add(cx.waker());
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change below is complete before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the writer after the lock is released: waking another thread's runtime is a system call.
    fn wake(&self, mut state: MutexGuard<'_, State>) {
        let writer = state.writer.take();
        let at_bell = state.at_bell;
        drop(state);
        // The bell is a system call too, whether somebody hears it or not.
        if at_bell {
            self.bell.notify_one();
        }
        if let Some(writer) = writer {
            writer.wake();
        }
    }
}

impl State {
    fn held(&self) -> usize {
        self.queued.len() + self.in_flight
    }

    fn work(&mut self, batch: &mut Batch) -> Work {
        if !batch.bytes.is_empty() && batch.is_done() {
            batch.clear();
            self.busy = false;
            self.in_flight = 0;
        }
        if self.gone {
            return Work::Finished;
        }
        if self.busy {
            return Work::Idle;
        }
        if let Some(unfinished) = self.unfinished.take() {
            *batch = unfinished;
        } else if !self.queued.is_empty() {
            std::mem::swap(&mut self.queued, &mut batch.bytes);
        } else if self.closing {
            return Work::Finished;
        } else {
            self.drained.wake();
            return Work::Idle;
        }
        self.busy = true;
        self.in_flight = batch.rest().len();
        Work::Write
    }

    fn set_writer(&mut self, waker: &Waker) {
        if !self
            .writer
            .as_ref()
            .is_some_and(|known| known.will_wake(waker))
        {
            self.writer = Some(waker.clone());
        }
    }
}
