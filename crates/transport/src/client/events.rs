//! The events of a reply, as they come.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::body::BodyReader;
use super::conn::Conn;
use super::{HttpError, Phase, pool};
use crate::limits::BODY_BYTES_MAX;
use crate::sse::{DecodeError, Decoder, Event};

/// The events of one reply, pulled by whoever wants them.
///
/// Dropping it closes the connection, which tells the server to stop, unless the reply had ended. How long a
/// stream may be silent is for the reader to decide: see [`Self::next_within`].
///
/// Some servers label a plain JSON reply as an event stream. What does not begin as a field may but begins as JSON is
/// given out as one event, when it is there as a whole.
pub struct EventStream {
    /// Gone once the reply has ended.
    conn: Option<Box<Conn>>,
    body: BodyReader,
    decoder: Box<Decoder>,
    content: Content,
    /// An error that came while nobody was polling.
    failed: Option<HttpError>,
    origin: Arc<str>,
}

enum Content {
    /// Nothing but blanks so far.
    Unknown,
    Events,
    Json(BytesMut),
}

impl EventStream {
    pub(super) fn new(conn: Box<Conn>, body: BodyReader) -> Self {
        let origin = conn.slot.origin.name.clone();
        Self {
            conn: Some(conn),
            body,
            decoder: Box::default(),
            content: Content::Unknown,
            failed: None,
            origin,
        }
    }

    /// The next event, or `None` at the end. After [`HttpError::TooLarge`] the stream goes on; after other errors it
    /// has ended.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Event, HttpError>>> {
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Some(Err(error)));
        }
        loop {
            if let Some(event) = self.decoder.next() {
                return Poll::Ready(Some(self.given(event)));
            }
            match self.poll_piece(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false)) => return Poll::Ready(self.last()),
                Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error))),
            }
        }
    }

    /// Waits for [`Self::poll_next`]. Cancel safe.
    pub async fn next(&mut self) -> Option<Result<Event, HttpError>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// As [`Self::next`], unless no event comes for so long, which is an [`HttpError::Timeout`]; comments do not count,
    /// and the stream can be read on. The connection's own timer is used, so an event that is there costs none.
    pub async fn next_within(&mut self, patience: Duration) -> Option<Result<Event, HttpError>> {
        if let Some(conn) = &mut self.conn {
            conn.timer.clear();
        }
        poll_fn(|cx| match self.poll_next(cx) {
            Poll::Pending => self.poll_impatient(cx, patience),
            ready => ready,
        })
        .await
    }

    fn poll_impatient<T>(
        &mut self,
        cx: &mut Context<'_>,
        patience: Duration,
    ) -> Poll<Option<Result<T, HttpError>>> {
        let Some(conn) = &mut self.conn else {
            return Poll::Pending;
        };
        ready!(conn.timer.poll_over(cx, patience));
        Poll::Ready(Some(Err(HttpError::Timeout {
            origin: self.origin.clone(),
            phase: Phase::Body,
            after: patience,
        })))
    }

    /// Gives the stream back when its reader has all it wanted: the answer came, and the end of the reply should
    /// follow at once. The connection is used again if it does, and closed a little later if it does not.
    pub fn release(mut self) {
        if let Some(conn) = self.conn.take() {
            pool::put_unfinished(conn, std::mem::take(&mut self.body));
        }
    }

    /// Looks whether the body, as far as it is there, is JSON under a wrong label.
    pub(super) fn poll_is_json(&mut self, cx: &mut Context<'_>) -> bool {
        while matches!(self.content, Content::Unknown) && self.conn.is_some() {
            match self.poll_piece(cx) {
                Poll::Pending => break,
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => self.failed = Some(error),
            }
        }
        matches!(self.content, Content::Json(_))
    }

    /// The JSON that [`Self::poll_is_json`] found.
    pub(super) async fn json(&mut self, idle: Duration) -> Result<Bytes, HttpError> {
        let whole = async {
            self.next()
                .await
                .unwrap_or_else(|| Ok(Event::default()))
                .map(|event| event.data)
        };
        match tokio::time::timeout(idle, whole).await {
            Ok(done) => done,
            Err(_) => {
                self.stop();
                Err(HttpError::Timeout {
                    origin: self.origin.clone(),
                    phase: Phase::Body,
                    after: idle,
                })
            }
        }
    }

    /// Takes one piece of the body to where it belongs. `false` at the end.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, HttpError>> {
        let Some(conn) = &mut self.conn else {
            return Poll::Ready(Ok(false));
        };
        let piece = match self.body.poll_piece(conn, cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(Some(piece))) => piece,
            Poll::Ready(Ok(None)) => {
                if let Some(conn) = self.conn.take() {
                    pool::put(conn);
                }
                return Poll::Ready(Ok(false));
            }
            Poll::Ready(Err(error)) => {
                self.stop();
                return Poll::Ready(Err(error));
            }
        };
        if matches!(self.content, Content::Unknown) {
            match piece
                .iter()
                .find(|byte| !b" \t\r\n\xEF\xBB\xBF".contains(byte))
            {
                None => {}
                Some(b'{' | b'[') => self.content = Content::Json(BytesMut::new()),
                Some(_) => self.content = Content::Events,
            }
        }
        if let Content::Json(whole) = &mut self.content {
            if whole.len() + piece.len() > BODY_BYTES_MAX {
                self.stop();
                return Poll::Ready(Err(HttpError::TooLarge {
                    origin: self.origin.clone(),
                    limit: BODY_BYTES_MAX,
                }));
            }
            whole.extend_from_slice(&piece);
        } else {
            self.decoder.push(piece);
        }
        Poll::Ready(Ok(true))
    }

    /// What is left when the body has ended.
    fn last(&mut self) -> Option<Result<Event, HttpError>> {
        match std::mem::replace(&mut self.content, Content::Events) {
            Content::Json(whole) => Some(Ok(Event::message(whole.freeze()))),
            Content::Unknown | Content::Events => {
                self.decoder.finish().map(|event| self.given(event))
            }
        }
    }

    fn given(&self, event: Result<Event, DecodeError>) -> Result<Event, HttpError> {
        event.map_err(|DecodeError::TooLong { limit }| HttpError::TooLarge {
            origin: self.origin.clone(),
            limit,
        })
    }

    /// After an error nothing is left to give.
    fn stop(&mut self) {
        self.conn = None;
        self.content = Content::Events;
        *self.decoder = Decoder::new();
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take() {
            pool::put_if_ended(conn, std::mem::take(&mut self.body));
        }
    }
}

impl std::fmt::Debug for EventStream {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("EventStream")
            .field("ended", &self.conn.is_none())
            .finish_non_exhaustive()
    }
}
