//! The body of a reply, piece by piece or whole.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};

use super::chunked::{ChunkError, Chunked, Piece};
use super::conn::Conn;
use super::head::Framing;
use super::{HttpError, Phase};
use crate::limits::{BODY_BYTES_MAX, BODY_BYTES_TRUSTED, RECEIVE_BYTES};

/// Where in the body of a reply its connection is.
#[derive(Debug, Default)]
pub(super) struct BodyReader {
    rest: Rest,
    bytes: usize,
}

#[derive(Debug, Default)]
enum Rest {
    Length(u64),
    Chunked(Chunked),
    Close,
    #[default]
    Nothing,
}

impl BodyReader {
    pub(super) fn new(framing: Framing) -> Self {
        let rest = match framing {
            Framing::Length(0) => Rest::Nothing,
            Framing::Length(length) => Rest::Length(length),
            Framing::Chunked => Rest::Chunked(Chunked::default()),
            Framing::Close => Rest::Close,
        };
        Self { rest, bytes: 0 }
    }

    /// How much of the body was given out.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The next piece; `None` at the end, after which the connection may carry another request.
    pub(super) fn poll_piece(
        &mut self,
        conn: &mut Conn,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, HttpError>> {
        loop {
            match self.next_piece(conn) {
                Ok(Some(piece)) => {
                    self.bytes += piece.len();
                    return Poll::Ready(Ok(Some(piece)));
                }
                Ok(None) if matches!(self.rest, Rest::Nothing) => return Poll::Ready(Ok(None)),
                Ok(None) => {}
                Err(ChunkError) => {
                    conn.spent = true;
                    let origin = conn.slot.origin.name.clone();
                    return Poll::Ready(Err(HttpError::Body {
                        origin,
                        reason: "its chunks are malformed",
                    }));
                }
            }
            match ready!(conn.poll_receive(cx)) {
                Ok(0) => {
                    conn.spent = true;
                    if !matches!(self.rest, Rest::Close) {
                        return Poll::Ready(Err(HttpError::Truncated {
                            origin: conn.slot.origin.name.clone(),
                        }));
                    }
                    self.rest = Rest::Nothing;
                }
                Ok(_) => {}
                Err(source) => return Poll::Ready(Err(broken(conn, source))),
            }
        }
    }

    /// What the inbox has of the body.
    fn next_piece(&mut self, conn: &mut Conn) -> Result<Option<Bytes>, ChunkError> {
        while !conn.inbox.is_empty() {
            match &mut self.rest {
                Rest::Nothing => return Ok(None),
                Rest::Close => {
                    let all = conn.inbox.len();
                    return Ok(Some(cut(&mut conn.inbox, all)));
                }
                Rest::Length(left) => {
                    let take = usize::try_from(*left)
                        .map_or(conn.inbox.len(), |left| left.min(conn.inbox.len()));
                    *left -= take as u64;
                    if *left == 0 {
                        self.rest = Rest::Nothing;
                    }
                    return Ok(Some(cut(&mut conn.inbox, take)));
                }
                Rest::Chunked(chunked) => match chunked.piece(&conn.inbox)? {
                    Piece::Data { skip, take } => {
                        conn.inbox.advance(skip);
                        return Ok(Some(cut(&mut conn.inbox, take)));
                    }
                    Piece::More => conn.inbox.clear(),
                    Piece::End { skip } => {
                        conn.inbox.advance(skip);
                        self.rest = Rest::Nothing;
                    }
                },
            }
        }
        Ok(None)
    }

    /// All of it.
    pub(super) async fn whole(
        mut self,
        conn: &mut Conn,
        idle: Duration,
    ) -> Result<Bytes, HttpError> {
        if let Rest::Length(length) = self.rest {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            return known(conn, length, idle).await;
        }
        let mut body = Bytes::new();
        let mut joined: Option<BytesMut> = None;
        conn.timer.clear();
        loop {
            let piece = poll_fn(|cx| match self.poll_piece(conn, cx) {
                Poll::Pending => overdue(conn, cx, idle),
                ready => {
                    conn.timer.clear();
                    ready
                }
            });
            let Some(piece) = piece.await? else { break };
            if self.bytes > BODY_BYTES_MAX {
                return Err(too_large(conn));
            }
            // Most chunked replies are one chunk.
            match &mut joined {
                None if body.is_empty() => body = piece,
                None => joined = Some(join(std::mem::take(&mut body), &piece)),
                Some(joined) => joined.extend_from_slice(&piece),
            }
        }
        Ok(joined.map_or(body, BytesMut::freeze))
    }
}

/// A body whose length is known. It is read to where it stays.
async fn known(conn: &mut Conn, length: usize, idle: Duration) -> Result<Bytes, HttpError> {
    if length > BODY_BYTES_MAX {
        return Err(too_large(conn));
    }
    if conn.inbox.len() >= length {
        return Ok(cut(&mut conn.inbox, length));
    }
    let mut body = BytesMut::with_capacity(length.min(BODY_BYTES_TRUSTED));
    body.extend_from_slice(&conn.inbox);
    conn.inbox.clear();
    conn.timer.clear();
    while body.len() < length {
        if body.capacity() == body.len() {
            body.reserve(length.min(body.len() * 2) - body.len());
        }
        let received = poll_fn(|cx| match conn.poll_receive_into(cx, &mut body) {
            Poll::Pending => overdue(conn, cx, idle),
            Poll::Ready(Ok(received)) => {
                conn.timer.clear();
                Poll::Ready(Ok(received))
            }
            Poll::Ready(Err(source)) => Poll::Ready(Err(broken(conn, source))),
        });
        if received.await? == 0 {
            return Err(HttpError::Truncated {
                origin: conn.slot.origin.name.clone(),
            });
        }
    }
    // What follows a reply is no answer to anything.
    if body.len() > length {
        body.truncate(length);
        conn.spent = true;
    }
    Ok(body.freeze())
}

/// The start of the inbox. A small piece is copied: sharing the buffer would cost as much, and keep all of it alive
/// for as long as somebody keeps the piece.
fn cut(inbox: &mut BytesMut, take: usize) -> Bytes {
    if take < RECEIVE_BYTES / 2 {
        let piece = Bytes::copy_from_slice(&inbox[..take]);
        inbox.advance(take);
        piece
    } else {
        inbox.split_to(take).freeze()
    }
}

fn join(first: Bytes, second: &[u8]) -> BytesMut {
    let mut both = BytesMut::with_capacity(2 * (first.len() + second.len()));
    both.extend_from_slice(&first);
    both.extend_from_slice(second);
    both
}

fn overdue<T>(conn: &mut Conn, cx: &mut Context<'_>, idle: Duration) -> Poll<Result<T, HttpError>> {
    ready!(conn.timer.poll_over(cx, idle));
    let origin = conn.slot.origin.name.clone();
    Poll::Ready(Err(HttpError::Timeout {
        origin,
        phase: Phase::Body,
        after: idle,
    }))
}

fn broken(conn: &mut Conn, source: io::Error) -> HttpError {
    conn.spent = true;
    HttpError::Io {
        origin: conn.slot.origin.name.clone(),
        source,
        phase: Phase::Body,
    }
}

fn too_large(conn: &Conn) -> HttpError {
    HttpError::TooLarge {
        origin: conn.slot.origin.name.clone(),
        limit: BODY_BYTES_MAX,
    }
}
