//! Responses, and the one table from what went wrong at a front door to an HTTP status. The fast path is
//! `answer`: one prebuilt header and the bytes of the gateway. Read `body.rs` next.

use bytes::{BufMut, Bytes, BytesMut};
use gateway::front::Answer;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use transport::sse;
use wire::{FrameError, code};

use crate::body::Body;
use crate::guard::Refusal;

pub(crate) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
pub(crate) const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The gateway's answer. One without a frame was cancelled by its client, which waits for nothing any more.
pub(crate) fn answer(answer: Answer) -> Response<Body> {
    if answer.frame.is_empty() {
        return accepted();
    }
    json(
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK),
        answer.frame,
    )
}

/// A JSON document.
pub(crate) fn json(status: StatusCode, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::Full(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// A stream of events.
pub(crate) fn events(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, EVENT_STREAM);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}

/// The text of an event. Messages say that they are some, for clients that ignore events without a type.
pub(crate) fn event(event: &sse::Event) -> Bytes {
    let mut out = BytesMut::with_capacity(event.data.len() + 96);
    if event.event.is_none() && !event.data.is_empty() {
        out.put_slice(b"event: message\n");
    }
    sse::encode_into(event, &mut out);
    out.freeze()
}

/// Notifications and responses are taken, not answered.
pub(crate) fn accepted() -> Response<Body> {
    empty(StatusCode::ACCEPTED)
}

pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Full(Bytes::new()));
    *response.status_mut() = status;
    response
}

/// A JSON-RPC error that answers no request in particular, or the one with this id.
pub(crate) fn error(
    status: StatusCode,
    id: Option<&str>,
    code: i64,
    message: &str,
) -> Response<Body> {
    json(status, wire::build::error(id, code, message, None))
}

/// A frame that could not be read.
pub(crate) fn bad_frame(bad: &FrameError) -> Response<Body> {
    json(StatusCode::BAD_REQUEST, bad.reply())
}

/// The guard said no.
pub(crate) fn refused(refusal: &Refusal) -> Response<Body> {
    let why = refusal.to_string();
    match refusal {
        Refusal::Unavailable(_) => busy(None, &why),
        _ => error(refusal.status(), None, code::INVALID_REQUEST, &why),
    }
}

/// The resource is here, the method is not.
pub(crate) fn wrong_method(allow: &'static str, why: &str) -> Response<Body> {
    let mut response = error(
        StatusCode::METHOD_NOT_ALLOWED,
        None,
        code::INVALID_REQUEST,
        why,
    );
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(allow));
    response
}

/// Too much is going on.
pub(crate) fn busy(id: Option<&str>, why: &str) -> Response<Body> {
    let mut response = error(
        StatusCode::SERVICE_UNAVAILABLE,
        id,
        code::INTERNAL_ERROR,
        why,
    );
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}
