//! One connection: bytes out, bytes in, and a clock for both.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_rustls::client::TlsStream;

use super::endpoint::Slot;
use crate::limits::{RECEIVE_BYTES, RECEIVE_BYTES_LARGE};
use crate::turn::Turn;

/// A connection and all that outlives a request on it.
pub(super) struct Conn {
    io: Io,
    /// What was received and not yet consumed.
    pub(super) inbox: BytesMut,
    /// The last read used all the room it had, so the next one gets more.
    crowded: bool,
    /// The inbox has been larger than it needs to be while idle.
    grown: bool,
    turn: Turn,
    /// The request on its way out; kept for its capacity.
    pub(super) outbox: Vec<u8>,
    pub(super) timer: Timer,
    /// It cannot carry another one.
    pub(super) spent: bool,
    /// How long connecting took: about one round trip.
    pub(super) round_trip: Duration,
    pub(super) slot: Slot,
}

/// Plain or encrypted.
pub(super) enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Conn {
    pub(super) fn new(io: Io, slot: Slot, round_trip: Duration) -> Box<Self> {
        Box::new(Self {
            io,
            inbox: BytesMut::with_capacity(RECEIVE_BYTES),
            crowded: false,
            grown: false,
            turn: Turn::default(),
            outbox: Vec::new(),
            timer: Timer::default(),
            spent: false,
            round_trip,
            slot,
        })
    }

    /// Receives into the inbox. 0: the server sends no more.
    pub(super) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        ready!(self.turn.poll(cx));
        // Half the buffer at least: a read that does not fill what it is offered saves the one that would find nothing.
        if self.inbox.capacity() - self.inbox.len() < RECEIVE_BYTES / 2 {
            self.grown |= self.crowded;
            self.inbox.reserve(if self.crowded {
                RECEIVE_BYTES_LARGE
            } else {
                RECEIVE_BYTES
            });
        }
        let room = self.inbox.capacity() - self.inbox.len();
        let received = pin!(self.io.read_buf(&mut self.inbox)).poll(cx);
        if let Poll::Ready(Ok(received)) = received {
            self.crowded = received == room;
        }
        self.count(received)
    }

    /// Receives into a buffer of the caller, which must have room.
    pub(super) fn poll_receive_into(
        &mut self,
        cx: &mut Context<'_>,
        body: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        ready!(self.turn.poll(cx));
        let received = pin!(self.io.read_buf(body)).poll(cx);
        self.count(received)
    }

    fn count(&mut self, received: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &received {
            Poll::Ready(Ok(received)) => self.turn.took(*received),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.turn.over(),
        }
        received
    }

    /// Sends what is left of the outbox, and then of the body behind it.
    pub(super) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        sent: usize,
        body: &[u8],
    ) -> Poll<io::Result<usize>> {
        let head = &self.outbox[sent..];
        let io = Pin::new(&mut self.io);
        if body.is_empty() {
            io.poll_write(cx, head)
        } else {
            io.poll_write_vectored(cx, &[IoSlice::new(head), IoSlice::new(body)])
        }
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(_) => Poll::Ready(Ok(())),
            Io::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    /// Gives back what only a large reply needed.
    pub(super) fn settle(&mut self) {
        self.turn.over();
        if std::mem::take(&mut self.grown) && self.inbox.is_empty() {
            self.inbox = BytesMut::with_capacity(RECEIVE_BYTES);
        }
    }

    /// Whether an idle connection still is one: nothing has come, the end neither.
    ///
    /// Costs no system call as long as the runtime has seen nothing happen on the socket.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.inbox.is_empty()
            && self
                .poll_receive(&mut Context::from_waker(Waker::noop()))
                .is_pending()
    }
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// The one timer of a connection.
///
/// Registering a timer with the runtime costs a lock and often a wake-up of its driver; moving one to a later time
/// costs a store. So it is made at the first wait, stays with the pooled connection, and each request only moves it.
#[derive(Default)]
pub(super) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    deadline: Option<Instant>,
    started: Option<Instant>,
}

impl Timer {
    /// Forgets the wait before. The next one starts when something is first waited for.
    pub(super) fn clear(&mut self) {
        self.started = None;
    }

    /// When the current wait began.
    pub(super) fn started(&self) -> Option<Instant> {
        self.started
    }

    /// Ready when the current wait, which begins now if there is none, has lasted too long.
    pub(super) fn poll_over(&mut self, cx: &mut Context<'_>, after: Duration) -> Poll<()> {
        if self.started.is_none() {
            let now = Instant::now();
            self.started = Some(now);
            self.deadline = now.checked_add(after);
        }
        // A time that the clock cannot express does not end.
        let Some(deadline) = self.deadline else {
            return Poll::Pending;
        };
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() != deadline {
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(cx)
    }
}
