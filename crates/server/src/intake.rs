//! Reads the body of a request within its limits. The usual body is one piece and is passed on without a copy.
//! Owns the 413, and what all bodies together may hold while they arrive; its time limit is the pulse's.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use bytes::{Bytes, BytesMut};
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use wire::code;

use crate::body::Body;
use crate::pulse::{Pulse, Stage};
use crate::{limits, respond};

/// What bodies may hold on one worker.
#[derive(Debug)]
pub(crate) struct Budget {
    body_bytes_max: usize,
    /// What those hold that are still arriving.
    held: AtomicUsize,
}

impl Budget {
    /// `body_bytes_max` is the limit of one body.
    pub(crate) fn new(body_bytes_max: usize) -> Self {
        Self {
            body_bytes_max: body_bytes_max.min(limits::BODY_BYTES_MAX),
            held: AtomicUsize::new(0),
        }
    }
}

/// Why a body was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum BadBody {
    #[error("the body is longer than {0} bytes")]
    TooLarge(usize),
    #[error("the body ended early or was malformed")]
    Broken,
    #[error("too many large bodies are arriving at once; try again in a moment")]
    Busy,
}

/// Reads all of a body, or says what to answer.
pub(crate) async fn take(
    body: Incoming,
    budget: &Budget,
    pulse: &Pulse,
) -> Result<Bytes, Box<Response<Body>>> {
    pulse.enter(Stage::Body);
    let read = read(body, budget).await;
    pulse.enter(Stage::Serving);
    read.map_err(|bad| {
        pulse.linger();
        let why = bad.to_string();
        Box::new(match bad {
            BadBody::TooLarge(_) => respond::error(
                StatusCode::PAYLOAD_TOO_LARGE,
                None,
                code::INVALID_REQUEST,
                &why,
            ),
            BadBody::Broken => {
                respond::error(StatusCode::BAD_REQUEST, None, code::PARSE_ERROR, &why)
            }
            BadBody::Busy => respond::busy(None, &why),
        })
    })
}

async fn read(mut body: Incoming, budget: &Budget) -> Result<Bytes, BadBody> {
    let promised = body.size_hint().lower();
    if promised > budget.body_bytes_max as u64 {
        return Err(BadBody::TooLarge(budget.body_bytes_max));
    }
    let Some(first) = next(&mut body).await? else {
        return Ok(Bytes::new());
    };
    if body.is_end_stream() && first.len() <= budget.body_bytes_max {
        return Ok(first);
    }
    let mut share = Share { budget, bytes: 0 };
    let reserve = usize::try_from(promised)
        .unwrap_or(0)
        .min(limits::BODY_RESERVE_BYTES_MAX);
    let mut whole = BytesMut::with_capacity(reserve.max(first.len()));
    let mut piece = Some(first);
    while let Some(bytes) = piece {
        if whole.len() + bytes.len() > budget.body_bytes_max {
            return Err(BadBody::TooLarge(budget.body_bytes_max));
        }
        share.grow(bytes.len())?;
        whole.extend_from_slice(&bytes);
        piece = next(&mut body).await?;
    }
    Ok(whole.freeze())
}

/// The next piece with something in it.
async fn next(body: &mut Incoming) -> Result<Option<Bytes>, BadBody> {
    while let Some(frame) = body.frame().await {
        match frame.map_err(|_lost| BadBody::Broken)?.into_data() {
            Ok(bytes) if !bytes.is_empty() => return Ok(Some(bytes)),
            // Nothing, or trailers, which nobody reads.
            _ => {}
        }
    }
    Ok(None)
}

struct Share<'b> {
    budget: &'b Budget,
    bytes: usize,
}

impl Share<'_> {
    fn grow(&mut self, bytes: usize) -> Result<(), BadBody> {
        self.bytes += bytes;
        let all = self.budget.held.fetch_add(bytes, Relaxed) + bytes;
        if all > limits::BODIES_BYTES_MAX {
            Err(BadBody::Busy)
        } else {
            Ok(())
        }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.budget.held.fetch_sub(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_come_back_whatever_happens() {
        let budget = Budget::new(1);
        {
            let mut share = Share {
                budget: &budget,
                bytes: 0,
            };
            share.grow(limits::BODIES_BYTES_MAX).unwrap();
            let mut other = Share {
                budget: &budget,
                bytes: 0,
            };
            assert_eq!(other.grow(1), Err(BadBody::Busy));
        }
        assert_eq!(budget.held.load(Relaxed), 0);
    }
}
