//! A request on its way out: one buffer, one write; a large body follows from where it is.

use std::task::{Context, Poll};

use bytes::{Buf, Bytes};

use super::HttpError;
use super::conn::Conn;
use super::endpoint::{Endpoint, Method};
use super::exchange::Request;
use crate::limits::BODY_BYTES_JOINED;

/// A request on its way out.
pub(super) struct Sending {
    /// A body too large to be worth copying behind the head.
    rest: Bytes,
    sent: usize,
    state: Progress,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Sending,
    Flushing,
    Done,
    /// The server takes no more; what it may still say decides what that means.
    GivenUp,
}

impl Sending {
    pub(super) fn new(
        conn: &mut Conn,
        endpoint: &Endpoint,
        request: &Request<'_>,
    ) -> Result<Self, HttpError> {
        let out = &mut conn.outbox;
        out.clear();
        // A large request must not stay with the connection for ever.
        out.shrink_to(2 * BODY_BYTES_JOINED);
        out.extend_from_slice(endpoint.head(request.method));
        for (name, value) in request.headers {
            if !is_token(name) || !is_value(value) {
                return Err(HttpError::Header {
                    name: (*name).to_owned(),
                });
            }
            for part in [name, ": ", value, "\r\n"] {
                out.extend_from_slice(part.as_bytes());
            }
        }
        let mut rest = Bytes::new();
        if request.method == Method::Post {
            out.extend_from_slice(b"content-length: ");
            decimal(out, request.body.len());
            out.extend_from_slice(b"\r\n\r\n");
            if request.body.len() <= BODY_BYTES_JOINED {
                out.extend_from_slice(&request.body);
            } else {
                rest = request.body.clone();
            }
        } else {
            out.extend_from_slice(b"\r\n");
        }
        Ok(Self {
            rest,
            sent: 0,
            state: Progress::Sending,
        })
    }

    pub(super) fn is_done(&self) -> bool {
        self.state == Progress::Done
    }

    /// Sends what can be sent now.
    pub(super) fn poll(&mut self, conn: &mut Conn, cx: &mut Context<'_>) {
        while self.state == Progress::Sending {
            match conn.poll_send(cx, self.sent, &self.rest) {
                Poll::Pending => return,
                Poll::Ready(Ok(0) | Err(_)) => self.state = Progress::GivenUp,
                Poll::Ready(Ok(written)) => {
                    let of_head = written.min(conn.outbox.len() - self.sent);
                    self.sent += of_head;
                    self.rest.advance(written - of_head);
                }
            }
            if self.state == Progress::Sending
                && self.sent == conn.outbox.len()
                && self.rest.is_empty()
            {
                self.state = Progress::Flushing;
            }
        }
        if self.state == Progress::Flushing {
            match conn.poll_flush(cx) {
                Poll::Pending => {}
                Poll::Ready(Ok(())) => self.state = Progress::Done,
                Poll::Ready(Err(_)) => self.state = Progress::GivenUp,
            }
        }
    }
}

/// Appends a number without going through the formatting machinery.
fn decimal(out: &mut Vec<u8>, number: usize) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Nothing that could end the field and begin another.
fn is_value(value: &str) -> bool {
    value
        .bytes()
        .all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f))
}
