//! One POST: read, told apart by era and kind, given to the gateway, and answered in the form that fits.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use gateway::front::{Door as Way, Gateway, Origin, Session};
use http::{HeaderValue, Response, StatusCode};
use hyper::body::Incoming;
use wire::{Frame, Kind, code, method};

use super::stream::{self, CallStream};
use super::{Visit, accepts_both, era, prefers_stream, sends_json, session};
use crate::body::Body;
use crate::exchange::{Batch, Exchange, Start};
use crate::{intake, limits, respond};

pub(super) async fn answer(visit: &Visit<'_>, body: Incoming) -> Response<Body> {
    if let Err(refused) =
        accepts_both(&visit.head.headers).and_then(|()| sends_json(&visit.head.headers))
    {
        visit.link.pulse.linger();
        return *refused;
    }
    let bytes = match intake::take(body, &visit.door.bodies, &visit.link.pulse).await {
        Ok(bytes) => bytes,
        Err(refused) => return *refused,
    };
    match wire::batch(&bytes) {
        Ok(None) => {}
        Ok(Some(messages)) => return Box::pin(answer_batch(visit, messages)).await,
        Err(bad) => return respond::bad_frame(&bad),
    }
    let frame = match Frame::parse(bytes) {
        Ok(frame) => frame,
        Err(bad) => return respond::bad_frame(&bad),
    };
    if era::is_stateless(&visit.head.headers, &frame) {
        return answer_stateless(visit, frame).await;
    }
    if frame.kind() == Kind::Request && frame.method() == method::INITIALIZE {
        return Box::pin(open(visit, frame)).await;
    }
    let session = match session::of(visit, frame.id()) {
        Ok(session) => session,
        Err(refused) => return *refused,
    };
    let origin = origin(visit, Some(session.clone()));
    match frame.kind() {
        Kind::Request => {
            let exchange = Exchange::begin(visit.door, origin, frame);
            answer_in_session(visit, &session, exchange).await
        }
        Kind::Notification => {
            visit.door.gateway.notification(&origin, frame);
            respond::accepted()
        }
        Kind::Result | Kind::Error => {
            visit.door.gateway.response(&origin, frame);
            respond::accepted()
        }
    }
}

fn origin(visit: &Visit<'_>, session: Option<Arc<Session>>) -> Origin {
    Origin {
        caller: visit.caller.clone(),
        scopes: visit.scopes.clone(),
        session,
        headers: None,
        only: visit.only.clone(),
        workspace: visit.workspace.clone(),
    }
}

async fn answer_stateless(visit: &Visit<'_>, frame: Frame) -> Response<Body> {
    let mut origin = origin(visit, None);
    origin.headers = Some(era::stateless_headers(&visit.head.headers));
    match frame.kind() {
        Kind::Request => {
            let is_endless = frame.method() == method::SUBSCRIPTIONS_LISTEN;
            let mut exchange = Exchange::begin(visit.door, origin, frame);
            match start(visit, &mut exchange).await {
                Start::Answer(answer) => visit.door.answered(visit.head, answer),
                Start::Events => {
                    if is_endless {
                        visit.endless(CallStream::listening(exchange, &visit.door.readiness))
                    } else {
                        let stream = CallStream::passing(exchange);
                        respond::events(Body::events(visit.link, stream))
                    }
                }
                Start::Nothing => respond::accepted(),
            }
        }
        Kind::Notification => {
            visit.door.gateway.notification(&origin, frame);
            respond::accepted()
        }
        Kind::Result | Kind::Error => {
            let why = "servers ask nothing in this protocol version, so nothing is to be answered";
            respond::error(StatusCode::BAD_REQUEST, None, code::INVALID_REQUEST, why)
        }
    }
}

async fn answer_batch(visit: &Visit<'_>, messages: Vec<Bytes>) -> Response<Body> {
    let why = "only sessions of the protocol version 2025-03-26 may send batches; send one message per request";
    let refused = || respond::error(StatusCode::BAD_REQUEST, None, code::INVALID_REQUEST, why);
    if era::says_stateless(&visit.head.headers) {
        return refused();
    }
    let session = match session::of(visit, None) {
        Ok(session) => session,
        Err(refused) => return *refused,
    };
    if !session.version().is_some_and(wire::Version::has_batches) {
        return refused();
    }
    let origin = origin(visit, Some(session.clone()));
    match Batch::begin(visit.door, &origin, messages) {
        Some(batch) => answer_in_session(visit, &session, Exchange::batch(batch)).await,
        None => respond::accepted(),
    }
}

/// A session's client may lose its connection and come back: nothing is cancelled by that, and what a stream
/// said is kept.
async fn answer_in_session(
    visit: &Visit<'_>,
    session: &Arc<Session>,
    mut exchange: Exchange,
) -> Response<Body> {
    exchange.run_out_when_dropped();
    match start(visit, &mut exchange).await {
        Start::Answer(answer) => visit.door.answered(visit.head, answer),
        Start::Events => {
            let streams = visit.door.sessions.streams(session);
            let stream = CallStream::kept(exchange, &streams, stream::primes(session));
            respond::events(Body::events(visit.link, stream))
        }
        Start::Nothing => respond::accepted(),
    }
}

/// How the call begins; one that says nothing for long becomes a stream, which can be kept alive.
async fn start(visit: &Visit<'_>, exchange: &mut Exchange) -> Start {
    let is_silent = || visit.link.pulse.quiet_s() >= limits::KEEP_ALIVE_SECONDS;
    let start = poll_fn(|cx| match exchange.poll_start(cx) {
        Poll::Pending if is_silent() => Poll::Ready(Start::Events),
        start => start,
    })
    .await;
    match start {
        Start::Answer(answer) if answer.status == 200 && prefers_stream(&visit.head.headers) => {
            exchange.put_back(answer);
            Start::Events
        }
        start => start,
    }
}

/// `initialize` begins a session, and ends it again if it fails.
async fn open(visit: &Visit<'_>, frame: Frame) -> Response<Body> {
    if visit.workspace.is_some() {
        return respond::error(
            StatusCode::BAD_REQUEST,
            frame.id(),
            wire::code::INVALID_REQUEST,
            "this is the endpoint of a workspace, for requests of 2026-07-28; a session has a workspace of its own: initialize it at /mcp",
        );
    }
    let session = match visit.door.gateway.open(visit.caller.clone(), Way::Http) {
        Ok(session) => session,
        Err(busy) => return respond::busy(frame.id(), &busy.to_string()),
    };
    let mut opening = Opening {
        gateway: &visit.door.gateway,
        session: Some(session.clone()),
    };
    let mut exchange = Exchange::begin(visit.door, origin(visit, Some(session.clone())), frame);
    let answer = loop {
        match exchange.next().await {
            Some(gateway::front::Event::Answer(answer)) => break answer,
            Some(_) => {}
            None => return respond::accepted(),
        }
    };
    let is_open =
        Frame::parse(answer.frame.clone()).is_ok_and(|frame| frame.kind() == Kind::Result);
    let mut response = visit.door.answered(visit.head, answer);
    if is_open && let Ok(id) = HeaderValue::from_str(session.id()) {
        opening.session = None;
        response.headers_mut().insert(respond::SESSION_ID, id);
    }
    response
}

/// Closes the session again unless `initialize` went well, also when its client goes away meanwhile.
struct Opening<'g> {
    gateway: &'g Gateway,
    session: Option<Arc<Session>>,
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.gateway.close(&session);
        }
    }
}
