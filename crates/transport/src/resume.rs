//! Streams of a session that survive their connection (server side, handshake era).
//!
//! Owns, for one session, what each event stream has sent lately, so that a client whose connection broke can come
//! back with `Last-Event-ID` and miss nothing: event ids are `<stream>-<seq>`, stream 0 is the standalone GET stream.
//! Refuses to know HTTP, to run tasks and to hold anything without a bound: old events give way to new ones, finished
//! streams to newer ones, and both to time. Read `state.rs` next for those rules.
//!
//! A writer pushes, a reader polls, and they need not know of each other: while a reader is attached, a writer that
//! heeds [`StreamHandle::poll_room`] loses nothing; without a reader the oldest events go first.

mod state;

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;

use crate::limits::READ_BYTES_MAX;
use crate::sse::Event;
use state::State;

/// The stream that belongs to no request.
pub const STANDALONE: u64 = 0;

/// The streams of one session. Clones are the same streams.
#[derive(Debug, Clone, Default)]
pub struct Streams {
    state: Arc<Mutex<State>>,
}

/// The session has as many unfinished streams as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session has {limit} unfinished streams already: wait for some of them to end")]
pub struct TooManyStreams {
    /// The most it may have.
    pub limit: usize,
}

impl Streams {
    /// A session without streams. Stream 0 exists from the first time it is used.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a stream, for one request.
    ///
    /// # Errors
    /// The session has too many that are not finished.
    pub fn open(&self) -> Result<StreamHandle, TooManyStreams> {
        let id = self.state().open()?;
        Ok(StreamHandle {
            id,
            streams: self.clone(),
        })
    }

    /// Adds an event to a stream and says what its id is. A stream that is finished or was never opened takes none.
    ///
    /// Empty data makes an event that only carries its id (and `retry`): what clients need before they can resume.
    pub fn push(&self, stream: u64, data: &Bytes, retry: Option<u64>) -> Option<String> {
        let (seq, reader) = self.state().push(stream, kept(data), retry)?;
        if let Some(reader) = reader {
            reader.wake();
        }
        Some(event_id(stream, seq))
    }

    /// Says that nothing more will be pushed. The reader ends when it has seen all; what was sent stays for a while.
    pub fn finish(&self, stream: u64) {
        let wakers = self.state().finish(stream);
        wakers
            .into_iter()
            .flatten()
            .for_each(std::task::Waker::wake);
    }

    /// Ready when a push would cost an attached reader nothing it has not seen. Without a reader: always.
    pub fn poll_room(&self, stream: u64, cx: &Context<'_>) -> Poll<()> {
        self.state().poll_room(stream, cx)
    }

    /// Reads a stream from the first event that no reader has taken yet. A reader that was attached before ends.
    /// `None`: there is no such stream.
    #[must_use]
    pub fn attach(&self, stream: u64) -> Option<Reader> {
        self.attach_at(stream, None)
    }

    /// Reads the stream that an event id names, from the event after it, then whatever comes live. A reader that was
    /// attached before ends. `None`: the id is none of ours, or what it names is no longer kept.
    #[must_use]
    pub fn replay_after(&self, last_event_id: &str) -> Option<Reader> {
        let (stream, seq) = parse_event_id(last_event_id)?;
        self.attach_at(stream, Some(seq))
    }

    fn attach_at(&self, stream: u64, after: Option<u64>) -> Option<Reader> {
        let (generation, missed, wakers) = self.state().attach(stream, after)?;
        wakers
            .into_iter()
            .flatten()
            .for_each(std::task::Waker::wake);
        Some(Reader {
            stream,
            generation,
            missed,
            streams: self.clone(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can panic half way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An event as it is kept: a short one is a slice of what was read along with it, which would be kept too.
fn kept(data: &Bytes) -> Bytes {
    if data.len() < READ_BYTES_MAX {
        Bytes::copy_from_slice(data)
    } else {
        data.clone()
    }
}

/// The writing end of one stream. Dropping it finishes the stream.
#[derive(Debug)]
pub struct StreamHandle {
    /// The stream's number.
    pub id: u64,
    streams: Streams,
}

impl StreamHandle {
    /// [`Streams::push`] to this stream.
    pub fn push(&self, data: &Bytes, retry: Option<u64>) -> Option<String> {
        self.streams.push(self.id, data, retry)
    }

    /// [`Streams::poll_room`] of this stream.
    pub fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        self.streams.poll_room(self.id, cx)
    }

    /// [`Streams::attach`] to this stream.
    #[must_use]
    pub fn attach(&self) -> Option<Reader> {
        self.streams.attach(self.id)
    }
}

impl Drop for StreamHandle {
    fn drop(&mut self) {
        self.streams.finish(self.id);
    }
}

/// The reading end of one stream. Dropping it detaches, it does not finish the stream.
#[derive(Debug)]
pub struct Reader {
    stream: u64,
    generation: u64,
    missed: u64,
    streams: Streams,
}

impl Reader {
    /// The stream's number.
    #[must_use]
    pub fn stream(&self) -> u64 {
        self.stream
    }

    /// How many events between the last one seen and the first one given out are lost because the ring is bounded.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// The next event, with its id. `None` at the end of a finished stream, or when another reader took over.
    pub fn poll_next(&mut self, cx: &Context<'_>) -> Poll<Option<Event>> {
        let (next, writer) = self
            .streams
            .state()
            .poll_next(self.stream, self.generation, cx);
        if let Some(writer) = writer {
            writer.wake();
        }
        next.map(|event| {
            event.map(|kept| Event {
                id: Some(event_id(self.stream, kept.seq)),
                event: None,
                retry: kept.retry,
                data: kept.data,
            })
        })
    }

    /// Waits for [`Self::poll_next`]. Cancel safe.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll_next(cx)).await
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let writer = self.streams.state().detach(self.stream, self.generation);
        if let Some(writer) = writer {
            writer.wake();
        }
    }
}

fn event_id(stream: u64, seq: u64) -> String {
    format!("{stream}-{seq}")
}

/// Takes only what [`event_id`] writes.
fn parse_event_id(text: &str) -> Option<(u64, u64)> {
    let (stream, seq) = text.split_once('-')?;
    let number = |digits: &str| {
        let canonical = digits == "0" || !digits.starts_with('0');
        (canonical && digits.bytes().all(|digit| digit.is_ascii_digit()))
            .then(|| digits.parse().ok())
            .flatten()
    };
    Some((number(stream)?, number(seq)?))
}

#[cfg(test)]
mod tests;
