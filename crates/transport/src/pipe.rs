//! A duplex stream of frames, whatever carries them.
//!
//! Owns the words that stdio, HTTP+SSE and in-memory pipes share: one frame is one JSON-RPC message without its
//! newline. Refuses to look inside a frame (that is `wire`) and to block: a sink queues up to a limit and says
//! [`SendError::Full`] after that. Read [`crate::stdio`] next for the pipe that matters most.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;

/// A boxed future that may move to the runtime that runs it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Both directions of one conversation.
pub struct Pipe {
    /// Where frames go.
    pub sink: Arc<dyn FrameSink>,
    /// Where frames come from.
    pub source: Box<dyn FrameSource>,
}

/// The writing end of a [`Pipe`]. Any thread may send.
pub trait FrameSink: Send + Sync {
    /// Queues one frame, in order. Never blocks; `Ok` says that it was queued, not that it arrived.
    ///
    /// # Errors
    /// [`SendError::Full`] when the other side has stopped reading, [`SendError::Closed`] after [`Self::close`] or
    /// when the other side is gone.
    fn send(&self, frame: &[u8]) -> Result<(), SendError>;

    /// Takes nothing more, delivers what is queued within a bound, then closes. Returns at once.
    fn close(&self);

    /// Ready when nothing is queued: everything was written, or given up because the pipe is closed.
    fn poll_drained(&self, cx: &mut Context<'_>) -> Poll<()>;

    /// Waits until nobody is left who could read what is sent. Never, where that cannot be known without sending.
    fn gone(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}

/// The reading end of a [`Pipe`].
pub trait FrameSource: Send {
    /// The next frame; `None` once the other side has closed. After [`ReadError::TooLong`] reading goes on with the
    /// next line, after [`ReadError::Io`] comes only `None`.
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, ReadError>>>;
}

impl dyn FrameSink {
    /// Waits for [`FrameSink::poll_drained`].
    pub async fn drained(&self) {
        poll_fn(|cx| self.poll_drained(cx)).await;
    }
}

impl dyn FrameSource {
    /// Waits for [`FrameSource::poll_recv`]. Cancel safe.
    pub async fn recv(&mut self) -> Option<Result<Bytes, ReadError>> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }
}

/// Why a frame was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Too much is queued already: the other side does not read, or not fast enough.
    #[error("the other side does not read: its outbox is full")]
    Full,
    /// The pipe is closed.
    #[error("the pipe is closed")]
    Closed,
}

/// Why a frame was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A line longer than the limit; it was skipped.
    #[error("a line of more than {limit} bytes was skipped")]
    TooLong {
        /// The most bytes a line may have.
        limit: usize,
    },
    /// Reading failed for good.
    #[error("reading failed: {0}")]
    Io(#[from] io::Error),
}
