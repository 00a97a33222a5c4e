//! One request and the head of its reply, on a connection that is at hand or a new one.
//!
//! # Sending again
//!
//! A server may close an idle connection at any moment, and its close may cross a request on the wire (RFC 9112
//! section 9.5). Section 9.3.1 lets a client repeat a request by itself if it is idempotent, or if the client can tell
//! that the server never had it. A tool call is not idempotent, so we repeat, once, on a new connection, only if
//!
//! * the connection had carried a request before, since a server does not tire of a connection it has just accepted,
//! * and not one byte of a reply has come,
//! * and the connection ended: a server that is merely slow has the request,
//! * and the server cannot have been at work: either it did not get all of the request, or the end came within about
//!   a round trip of the last byte, which is when a close that crosses a request shows. A server that had the request,
//!   worked on it and then died takes longer. GET and DELETE, which are idempotent, need not pass this last test.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use bytes::{Buf, Bytes};

use super::body::BodyReader;
use super::conn::Conn;
use super::connect::connect;
use super::endpoint::{Endpoint, Method};
use super::events::EventStream;
use super::head::{Framing, Head, HeadError};
use super::sending::Sending;
use super::{Body, HttpError, Phase, Response, Timeouts, pool};
use crate::limits::{
    CROSSED_CLOSE_MAX, CROSSED_CLOSE_MIN, HEAD_BYTES_MAX, INTERIM_MAX, REDIRECTS_MAX,
};

/// What changes from request to request.
#[derive(Clone)]
pub(super) struct Request<'a> {
    pub(super) method: Method,
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) body: Bytes,
}

/// A request and its reply; redirects within the origin are followed where the method stays the same.
pub(super) async fn exchange(
    endpoint: &Endpoint,
    request: Request<'_>,
    timeouts: &Timeouts,
) -> Result<Response, HttpError> {
    let mut target = endpoint.current().clone();
    let mut redirects = 0;
    loop {
        let (mut conn, head) = round_trip(&target, &request, timeouts).await?;
        if redirects == 0 && target.url() != endpoint.url() {
            endpoint.moved_to(head.status);
        }
        let Some(next) = redirect(&target, &head).filter(|_| redirects < REDIRECTS_MAX) else {
            return reply(conn, head, timeouts).await;
        };
        let rest = BodyReader::new(head.framing);
        if rest.whole(&mut conn, timeouts.body_idle).await.is_ok() && head.keep_alive {
            pool::put(conn);
        }
        target = next;
        redirects += 1;
    }
}

/// Where to go on. Another method (301 to 303) would be another request, another origin is not meant to see this one.
fn redirect(from: &Endpoint, head: &Head) -> Option<Endpoint> {
    if !matches!(head.status, 307 | 308) {
        return None;
    }
    let location = head.headers.get(http::header::LOCATION)?.to_str().ok()?;
    from.redirected(head.status, location).ok()
}

async fn reply(
    mut conn: Box<Conn>,
    head: Head,
    timeouts: &Timeouts,
) -> Result<Response, HttpError> {
    let idle = timeouts.body_idle;
    let body = BodyReader::new(head.framing);
    conn.spent |= !head.keep_alive || head.framing == Framing::Close;
    let success = (200..300).contains(&head.status);
    let body = if head.event_stream && success && head.framing != Framing::Length(0) {
        let mut events = EventStream::new(conn, body);
        let is_json = poll_fn(|cx| Poll::Ready(events.poll_is_json(cx))).await;
        if is_json {
            Body::Full(Box::pin(events.json(idle)).await?)
        } else {
            Body::Events(events)
        }
    } else {
        let bytes = body.whole(&mut conn, idle).await?;
        pool::put(conn);
        Body::Full(bytes)
    };
    Ok(Response {
        status: head.status,
        headers: head.headers,
        body,
    })
}

async fn round_trip(
    endpoint: &Endpoint,
    request: &Request<'_>,
    timeouts: &Timeouts,
) -> Result<(Box<Conn>, Head), HttpError> {
    let origin = endpoint.at();
    if let Some(mut conn) = pool::take(origin) {
        match send(&mut conn, endpoint, request, timeouts.head).await {
            Ok(head) => return Ok((conn, head)),
            Err(failure) if failure.may_repeat(&conn, request.method) => {}
            Err(failure) => return Err(failure.error),
        }
    }
    // Boxed: it is rare and large, and every request would carry its size.
    let mut conn = Box::pin(connect(origin, timeouts.connect)).await?;
    match send(&mut conn, endpoint, request, timeouts.head).await {
        Ok(head) => Ok((conn, head)),
        Err(failure) => Err(failure.error),
    }
}

/// How a request failed, as far as it decides whether to send it again.
struct Failure {
    error: HttpError,
    /// The connection ended, and nothing had been received.
    ended_silent: bool,
    /// The system took all of the request.
    sent: bool,
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        Self {
            error,
            ended_silent: false,
            sent: false,
        }
    }
}

impl Failure {
    fn may_repeat(&self, conn: &Conn, method: Method) -> bool {
        let waited = conn
            .timer
            .started()
            .map_or(Duration::ZERO, |started| started.elapsed());
        let crossing = (conn.round_trip * 2).clamp(CROSSED_CLOSE_MIN, CROSSED_CLOSE_MAX);
        self.ended_silent && (method != Method::Post || !self.sent || waited <= crossing)
    }
}

/// Sends the request and waits for the head of the reply.
async fn send(
    conn: &mut Conn,
    endpoint: &Endpoint,
    request: &Request<'_>,
    limit: Duration,
) -> Result<Head, Failure> {
    let mut sending = Sending::new(conn, endpoint, request)?;
    let mut interim = 0;
    let mut silent = true;
    conn.timer.clear();
    let head = poll_fn(|cx| {
        loop {
            sending.poll(conn, cx);
            // Received even while sending: a server may refuse a request before it has all of it, and read no more.
            let failed = match conn.poll_receive(cx) {
                Poll::Pending if conn.timer.poll_over(cx, limit).is_pending() => {
                    return Poll::Pending;
                }
                Poll::Pending => {
                    let origin = conn.slot.origin.name.clone();
                    return Poll::Ready(Err(HttpError::Timeout {
                        origin,
                        phase: Phase::Head,
                        after: limit,
                    }));
                }
                Poll::Ready(received) => received,
            };
            match failed {
                Ok(0) if conn.inbox.is_empty() => {
                    return Poll::Ready(Err(HttpError::Closed {
                        origin: conn.slot.origin.name.clone(),
                    }));
                }
                Ok(0) => {
                    return Poll::Ready(Err(HttpError::Truncated {
                        origin: conn.slot.origin.name.clone(),
                    }));
                }
                Ok(received) => {
                    silent = false;
                    if !may_end_head(&conn.inbox, received) {
                        continue;
                    }
                }
                Err(source) => {
                    let origin = conn.slot.origin.name.clone();
                    return Poll::Ready(Err(HttpError::Io {
                        origin,
                        source,
                        phase: Phase::Head,
                    }));
                }
            }
            if let Some(head) = heads(conn, &mut interim)? {
                return Poll::Ready(Ok(head));
            }
        }
    });
    match head.await {
        Ok(head) => {
            conn.spent |= !sending.is_done();
            Ok(head)
        }
        Err(error) => {
            let ended = matches!(error, HttpError::Closed { .. } | HttpError::Io { .. });
            Err(Failure {
                error,
                ended_silent: ended && silent,
                sent: sending.is_done(),
            })
        }
    }
}

/// Whether looking at the head again can lead to anything: a server that sends it byte by byte is not to be read from
/// the beginning each time.
fn may_end_head(inbox: &[u8], received: usize) -> bool {
    let new = &inbox[inbox.len() - received..];
    new.len() == inbox.len()
        || inbox.len() >= HEAD_BYTES_MAX
        || memchr::memchr(b'\n', new).is_some()
}

/// The head of the real reply, if it is there; interim ones are dropped.
fn heads(conn: &mut Conn, interim: &mut usize) -> Result<Option<Head>, HttpError> {
    let refused = |source| HttpError::Head {
        origin: conn.slot.origin.name.clone(),
        source,
    };
    loop {
        let Some(head) = Head::parse(&conn.inbox).map_err(refused)? else {
            return Ok(None);
        };
        conn.inbox.advance(head.bytes);
        if !head.is_interim() {
            return Ok(Some(head));
        }
        *interim += 1;
        if *interim > INTERIM_MAX {
            return Err(HttpError::Head {
                origin: conn.slot.origin.name.clone(),
                source: HeadError::Status(head.status),
            });
        }
        if conn.inbox.is_empty() {
            return Ok(None);
        }
    }
}
