//! The streamable HTTP endpoint, `/mcp`, `/mcp/w/<workspace>` and `/s/<server>/mcp`: which method means what, in both eras. Owns
//! the checks of `Accept` and `Content-Type`. What a POST says is read in `mcp/post.rs`, who says it in
//! `mcp/era.rs`; streams of sessions are `mcp/session.rs`.

mod era;
mod post;
mod session;
mod stream;

use std::sync::Arc;

use gateway::front::Caller;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, Method, Response, StatusCode};
use hyper::body::Incoming;
use wire::code;

use crate::body::{Body, Chunks};
use crate::callers::Lease;
use crate::connection::Link;
use crate::door::Door;
use crate::respond;
use crate::vigil::Watched;

/// What every request to the endpoint brings along.
pub(crate) struct Visit<'v> {
    pub(crate) door: &'v Arc<Door>,
    pub(crate) link: &'v Arc<Link>,
    pub(crate) caller: Caller,
    /// What its token is good for, where that is said.
    pub(crate) scopes: Option<Arc<str>>,
    /// What lets it in.
    pub(crate) lease: Option<Lease>,
    pub(crate) only: Option<Arc<str>>,
    pub(crate) workspace: Option<Arc<str>>,
    pub(crate) head: &'v Parts,
}

impl Visit<'_> {
    /// A stream without an end of its own: it ends with the right of whoever listens.
    fn endless(&self, chunks: impl Chunks + 'static) -> Response<Body> {
        let watch = self.door.guard.watch(&self.caller.0, self.lease);
        respond::events(Body::events(self.link, Watched::new(chunks, watch)))
    }
}

/// Answers a request to the endpoint.
pub(crate) async fn answer(visit: &Visit<'_>, body: Incoming) -> Response<Body> {
    match visit.head.method {
        Method::POST => post::answer(visit, body).await,
        Method::GET => session::listen(visit),
        Method::DELETE => session::close(visit),
        _ => respond::wrong_method(METHODS, "this endpoint takes POST, GET and DELETE"),
    }
}

/// What the endpoint takes: GET and DELETE belong to sessions.
const METHODS: &str = "POST, GET, DELETE";

/// A POST may be answered with a document or with a stream, so its client must take both. Silence and
/// wildcards mean yes.
fn accepts_both(headers: &HeaderMap) -> Result<(), Box<Response<Body>>> {
    if accepts(headers, "application/json") && accepts(headers, "text/event-stream") {
        return Ok(());
    }
    Err(refuse(
        StatusCode::NOT_ACCEPTABLE,
        "the Accept header must allow both application/json and text/event-stream",
    ))
}

/// Whether the client names the stream first of the two: then it gets one where a document would do.
fn prefers_stream(headers: &HeaderMap) -> bool {
    let Some(accept) = headers.get(ACCEPT).map(http::HeaderValue::as_bytes) else {
        return false;
    };
    let at = |wanted: &[u8]| {
        let mut windows = accept.windows(wanted.len());
        windows.position(|given| given.eq_ignore_ascii_case(wanted))
    };
    match (at(b"text/event-stream"), at(b"application/json")) {
        (Some(stream), Some(document)) => stream < document,
        _ => false,
    }
}

fn sends_json(headers: &HeaderMap) -> Result<(), Box<Response<Body>>> {
    let given = headers
        .get(CONTENT_TYPE)
        .map(http::HeaderValue::as_bytes)
        .unwrap_or_default();
    let essence = given
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    if essence.eq_ignore_ascii_case(b"application/json") {
        return Ok(());
    }
    Err(refuse(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "the Content-Type must be application/json",
    ))
}

fn accepts(headers: &HeaderMap, wanted: &str) -> bool {
    let mut ranges = headers
        .get_all(ACCEPT)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let (kind, _) = wanted.split_once('/').unwrap_or((wanted, ""));
    let is_match = |range: &[u8]| {
        let range = range
            .split(|byte| *byte == b';')
            .next()
            .unwrap_or_default()
            .trim_ascii();
        let any_of_kind = range
            .strip_suffix(b"/*")
            .is_some_and(|given| given.eq_ignore_ascii_case(kind.as_bytes()));
        range == b"*/*"
            || range == b"*"
            || any_of_kind
            || range.eq_ignore_ascii_case(wanted.as_bytes())
    };
    !headers.contains_key(ACCEPT) || ranges.any(is_match)
}

fn refuse(status: StatusCode, why: &str) -> Box<Response<Body>> {
    Box::new(respond::error(status, None, code::INVALID_REQUEST, why))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn with(name: http::HeaderName, values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(&name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn clients_that_take_both_kinds_of_answers_are_served() {
        for values in [
            &[][..],
            &["*/*"],
            &["application/json, text/event-stream"],
            &["application/json", "text/event-stream"],
            &["text/*;q=0.5 , APPLICATION/JSON; charset=utf-8"],
            &["application/*, text/*"],
        ] {
            assert!(accepts_both(&with(ACCEPT, values)).is_ok(), "{values:?}");
        }
        for values in [
            &["application/json"][..],
            &["text/event-stream"],
            &["text/html, application/xhtml+xml"],
            &[""],
        ] {
            let refused = accepts_both(&with(ACCEPT, values)).unwrap_err();
            assert_eq!(refused.status(), 406, "{values:?}");
        }
    }

    #[test]
    fn bodies_are_json() {
        for value in [
            "application/json",
            "application/json; charset=utf-8",
            "Application/JSON ;x",
        ] {
            assert!(sends_json(&with(CONTENT_TYPE, &[value])).is_ok(), "{value}");
        }
        for values in [
            &[][..],
            &["text/plain"],
            &["application/json-rpc"],
            &["application/x-www-form-urlencoded"],
        ] {
            let refused = sends_json(&with(CONTENT_TYPE, values)).unwrap_err();
            assert_eq!(refused.status(), 415, "{values:?}");
        }
    }
}
