//! What belongs to sessions: finding the one a request names, its standalone stream (GET), reading on after
//! a lost connection (GET with `Last-Event-ID`), and its end (DELETE).

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use gateway::front::Session;
use http::{HeaderValue, Response, StatusCode};
use transport::resume::{Reader, STANDALONE};
use wire::{Era, Version, code};

use super::{METHODS, Visit, accepts, era, refuse, stream};
use crate::body::{Body, Chunks};
use crate::door::Door;
use crate::respond::{self, LAST_EVENT_ID, SESSION_ID, VERSION};

/// The session that a request names, if its version fits one.
pub(super) fn of(visit: &Visit<'_>, id: Option<&str>) -> Result<Arc<Session>, Box<Response<Body>>> {
    let say = |status, why: &str| Box::new(respond::error(status, id, code::INVALID_REQUEST, why));
    let Some(name) = visit.head.headers.get(SESSION_ID) else {
        let why = "the Mcp-Session-Id header is missing: begin with `initialize`, then send the id of its reply";
        return Err(say(StatusCode::BAD_REQUEST, why));
    };
    let found = name
        .to_str()
        .ok()
        .and_then(|name| visit.door.gateway.session(name, &visit.caller));
    let Some(session) = found else {
        let why = "there is no session with this Mcp-Session-Id (it has ended, or never was): begin a new one with `initialize`";
        return Err(say(StatusCode::NOT_FOUND, why));
    };
    if visit
        .head
        .headers
        .get(VERSION)
        .is_some_and(|version| !is_handshake(version))
    {
        let why =
            "the MCP-Protocol-Version header names no protocol version that a session can have";
        return Err(say(StatusCode::BAD_REQUEST, why));
    }
    Ok(session)
}

fn is_handshake(version: &HeaderValue) -> bool {
    let version = version.to_str().ok().and_then(Version::parse);
    version.is_some_and(|version| version.era() == Era::Handshake)
}

/// GET: the stream of what belongs to no call, or the rest of one that broke.
pub(super) fn listen(visit: &Visit<'_>) -> Response<Body> {
    if let Some(refused) = refuse_without_session(visit) {
        return refused;
    }
    if !accepts(&visit.head.headers, "text/event-stream") {
        return *refuse(
            StatusCode::NOT_ACCEPTABLE,
            "the Accept header must allow text/event-stream",
        );
    }
    let session = match of(visit, None) {
        Ok(session) => session,
        Err(refused) => return *refused,
    };
    let streams = visit.door.sessions.listened(&session);
    let reader = match visit.head.headers.get(LAST_EVENT_ID) {
        Some(last) => last
            .to_str()
            .ok()
            .and_then(|last| streams.replay_after(last)),
        None => streams.attach(STANDALONE),
    };
    let Some(reader) = reader else {
        let why = "the Last-Event-ID header names no event of this session that is still kept";
        return *refuse(StatusCode::BAD_REQUEST, why);
    };
    if reader.stream() == STANDALONE && stream::primes(&session) {
        streams.push(STANDALONE, &Bytes::new(), None);
    }
    let listening = Listening {
        reader,
        door: visit.door.clone(),
        is_sent_away: false,
    };
    visit.endless(listening)
}

/// DELETE: the client needs the session no longer.
pub(super) fn close(visit: &Visit<'_>) -> Response<Body> {
    if let Some(refused) = refuse_without_session(visit) {
        return refused;
    }
    match of(visit, None) {
        Ok(session) => {
            visit.door.gateway.close(&session);
            visit.door.sessions.forget(&session);
            respond::empty(StatusCode::NO_CONTENT)
        }
        Err(refused) => *refused,
    }
}

/// Neither method exists in the stateless era, whatever other headers say.
fn refuse_without_session(visit: &Visit<'_>) -> Option<Response<Body>> {
    let headers = &visit.head.headers;
    if era::says_stateless(headers) {
        return Some(respond::wrong_method(
            "POST",
            "this protocol version has only POST here",
        ));
    }
    if !headers.contains_key(SESSION_ID) {
        let why =
            "without an Mcp-Session-Id header only POST is possible here: begin with `initialize`";
        return Some(respond::wrong_method(METHODS, why));
    }
    None
}

/// A stream that is read on, until its end, the client's or the gateway's.
struct Listening {
    reader: Reader,
    door: Arc<Door>,
    is_sent_away: bool,
}

impl Chunks for Listening {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.is_sent_away || (self.reader.stream() == STANDALONE && self.door.is_draining()) {
            return Poll::Ready(None);
        }
        self.reader.poll_next(cx).map(|event| {
            self.is_sent_away = event.as_ref().is_some_and(|event| event.retry.is_some());
            event.map(|event| respond::event(&event))
        })
    }
}
