//! HTTP+SSE, the transport of 2024-11-05: `GET /sse` is a session for as long as it is open and carries every
//! answer; `POST /messages?sessionId=…` carries every message there. Owns the letterboxes through which the
//! one reaches the other. A client that closes the stream has ended its session.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use gateway::front::{Caller, Door as Way, Event, Origin, Session};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use hyper::body::Incoming;
use tokio::sync::{Semaphore, mpsc};
use transport::sse;
use wire::{Frame, Kind, code};

use crate::body::{Body, Chunks};
use crate::callers::Admitted;
use crate::connection::Link;
use crate::door::Door;
use crate::exchange::{Batch, Exchange};
use crate::vigil::Watched;
use crate::{intake, limits, respond};

/// Where the answers of every open stream go.
#[derive(Default)]
pub(crate) struct Letterboxes(Mutex<HashMap<Box<str>, Letterbox>>);

#[derive(Clone)]
struct Letterbox {
    mail: mpsc::Sender<Bytes>,
    running: Arc<Semaphore>,
}

impl Letterboxes {
    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Letterbox>> {
        // Nothing under this lock can panic half way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, id: &str) -> Option<Letterbox> {
        self.lock().get(id).cloned()
    }
}

/// `GET /sse`: begins a session and says where to send its messages.
pub(crate) fn open(
    door: &Arc<Door>,
    link: &Arc<Link>,
    admitted: Admitted,
    head: &Parts,
) -> Response<Body> {
    if head.method != Method::GET {
        return respond::wrong_method(
            "GET",
            "open the stream with GET, then POST to the endpoint that it names",
        );
    }
    let watch = door.guard.watch(&admitted.name, admitted.lease);
    let session = match door.gateway.open(Caller(admitted.name), Way::Sse) {
        Ok(session) => session,
        Err(busy) => return respond::busy(None, &busy.to_string()),
    };
    let (mail, letters) = mpsc::channel(limits::SSE_QUEUE_MAX);
    let running = Arc::new(Semaphore::new(limits::REQUESTS_RUNNING_MAX));
    let letterbox = Letterbox {
        mail,
        running: running.clone(),
    };
    door.letterboxes
        .lock()
        .insert(session.id().into(), letterbox);
    let greeting = sse::Event {
        event: Some("endpoint".to_owned()),
        data: Bytes::from(format!("/messages?sessionId={}", session.id())),
        ..sse::Event::default()
    };
    let greeting = Some(respond::event(&greeting));
    let stream = Stream {
        door: door.clone(),
        session,
        letters,
        running,
        greeting,
    };
    respond::events(Body::events(link, Watched::new(stream, watch)))
}

/// `POST /messages?sessionId=…`: takes messages; the stream answers.
pub(crate) async fn post(
    door: &Arc<Door>,
    link: &Link,
    admitted: Admitted,
    head: &Parts,
    body: Incoming,
) -> Response<Body> {
    if head.method != Method::POST {
        return respond::wrong_method("POST", "messages are sent with POST");
    }
    let say = |status, why| respond::error(status, None, code::INVALID_REQUEST, why);
    let Some(id) = session_id(head.uri.query()) else {
        return say(
            StatusCode::BAD_REQUEST,
            "the sessionId parameter is missing: post to the endpoint that /sse named",
        );
    };
    let caller = Caller(admitted.name);
    let session = door.gateway.session(id, &caller);
    let (Some(session), Some(letterbox)) = (session, door.letterboxes.find(id)) else {
        return say(
            StatusCode::NOT_FOUND,
            "there is no open stream with this sessionId: open one with GET /sse",
        );
    };
    let bytes = match intake::take(body, &door.bodies, &link.pulse).await {
        Ok(bytes) => bytes,
        Err(refused) => return *refused,
    };
    let origin = Origin {
        caller,
        scopes: admitted.scopes,
        session: Some(session.clone()),
        headers: None,
        only: None,
        workspace: None,
    };
    let exchange = match wire::batch(&bytes) {
        Err(bad) => return respond::bad_frame(&bad),
        Ok(Some(messages)) if session.version().is_some_and(wire::Version::has_batches) => {
            Batch::begin(door, &origin, messages).map(Exchange::batch)
        }
        Ok(_) => match Frame::parse(bytes) {
            Err(bad) => return respond::bad_frame(&bad),
            Ok(frame) => match frame.kind() {
                Kind::Request => Some(Exchange::begin(door, origin, frame)),
                Kind::Notification => {
                    door.gateway.notification(&origin, frame);
                    None
                }
                Kind::Result | Kind::Error => {
                    door.gateway.response(&origin, frame);
                    None
                }
            },
        },
    };
    let Some(exchange) = exchange else {
        return respond::accepted();
    };
    let Ok(permit) = letterbox.running.clone().try_acquire_owned() else {
        return respond::busy(
            None,
            "this session has too many requests running; wait for some of their answers",
        );
    };
    tokio::spawn(async move {
        deliver(exchange, &letterbox.mail).await;
        drop(permit);
    });
    respond::accepted()
}

/// Until the answer, or until nobody reads any more: then the call is dropped, which cancels it.
async fn deliver(mut exchange: Exchange, mail: &mpsc::Sender<Bytes>) {
    loop {
        let event = tokio::select! {
            event = exchange.next() => event,
            () = mail.closed() => return,
        };
        let message = match event {
            None => return,
            Some(Event::Retry(_)) => continue,
            Some(Event::Message(message)) => message,
            Some(Event::Answer(answer)) => answer.frame,
        };
        if !message.is_empty() && mail.send(message).await.is_err() {
            return;
        }
    }
}

fn session_id(query: Option<&str>) -> Option<&str> {
    let pairs = query?.split('&');
    pairs
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| *name == "sessionId")
        .map(|(_, id)| id)
}

/// The open stream; closing it ends the session.
struct Stream {
    door: Arc<Door>,
    session: Arc<Session>,
    letters: mpsc::Receiver<Bytes>,
    running: Arc<Semaphore>,
    greeting: Option<Bytes>,
}

impl Chunks for Stream {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(greeting) = self.greeting.take() {
            return Poll::Ready(Some(greeting));
        }
        if let Poll::Ready(letter) = self.letters.poll_recv(cx) {
            return Poll::Ready(letter.map(|letter| respond::event(&sse::Event::message(letter))));
        }
        if self.door.is_draining() && self.is_at_rest() {
            return Poll::Ready(None);
        }
        self.session
            .poll_outbox(cx)
            .map(|message| message.map(|message| respond::event(&sse::Event::message(message))))
    }

    /// Answers have no other way than the stream.
    fn is_at_rest(&self) -> bool {
        self.running.available_permits() == limits::REQUESTS_RUNNING_MAX
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.door.letterboxes.lock().remove(self.session.id());
        self.door.gateway.close(&self.session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_is_named_by_its_parameter() {
        assert_eq!(session_id(Some("sessionId=abc")), Some("abc"));
        assert_eq!(session_id(Some("x=1&sessionId=abc&y")), Some("abc"));
        for query in [None, Some(""), Some("sessionid=abc"), Some("sessionId")] {
            assert_eq!(session_id(query), None, "{query:?}");
        }
    }
}
