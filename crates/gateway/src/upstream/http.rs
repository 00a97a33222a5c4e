//! Calls over streamable HTTP: one POST each, answered by one JSON object or by a stream of events; for the
//! handshake era also the session, its standing GET stream and resumption.

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;
use transport::client::{self, Body, Endpoint, EventStream, HttpError, Timeouts};
use wire::{Era, Frame, Kind, Version, build, header_value, method};

use super::incoming::{About, Behalf};
use super::reading::Reading;
use super::{Busy, Link, Live, Outgoing, Upstream};
use crate::calls::CallHandle;
use crate::error::Fault;
use crate::limits::{CALL_LIFE_MAX, SIGN_INS_MAX};
use crate::outbox::lock;
use crate::secrecy::Secrecy;
use crate::server::Server;
use crate::sign_in::Pass;

/// See the module.
pub(crate) struct HttpLink {
    server: Arc<str>,
    endpoint: Endpoint,
    /// What must not be seen of what it says.
    secrecy: Arc<Secrecy>,
    /// The way in, where it may want somebody to sign in.
    pass: Option<Arc<Pass>>,
    /// `Mcp-Session-Id`, if the server gave one.
    session: ArcSwapOption<String>,
    version: ArcSwapOption<Version>,
    timeouts: Timeouts,
    /// Calls under way by our id, for progress that comes on another stream.
    calls: Mutex<HashMap<u64, About>>,
    /// Whether the standing stream is being read.
    pub(super) has_standing: AtomicBool,
    /// Told when it was opened, or could not be.
    pub(super) standing_tried: Notify,
    /// One caller at a time opens a lost session again.
    reopening: Semaphore,
}

/// How one POST went.
enum Posted {
    /// The response.
    Answer(Frame, u16),
    /// A stream whose events have to be read on.
    Stream(EventStream),
    /// 202 or the like: nothing will come.
    Nothing,
    /// The server does not know the session (any more).
    Expired,
}

/// How one GET went.
pub(super) enum Got {
    Stream(EventStream),
    /// Something on the way has trouble.
    NotNow,
    /// The server has no such stream, or none any more.
    Never,
}

type Outcome = Result<(Frame, u16), Fault>;

impl HttpLink {
    pub(crate) fn new(
        server: &Server,
        pass: Option<Arc<Pass>>,
        endpoint: Endpoint,
        call_timeout: Duration,
    ) -> Self {
        Self {
            server: server.name.clone(),
            endpoint,
            secrecy: server.secrecy.clone(),
            pass,
            session: ArcSwapOption::empty(),
            version: ArcSwapOption::empty(),
            timeouts: Timeouts {
                head: call_timeout,
                body_idle: call_timeout,
                ..Timeouts::default()
            },
            calls: Mutex::default(),
            has_standing: AtomicBool::new(false),
            standing_tried: Notify::new(),
            reopening: Semaphore::new(1),
        }
    }

    /// Whether what belongs to a call may come before its own stream has begun.
    pub(super) fn has_standing(&self) -> bool {
        self.has_standing.load(Ordering::Relaxed)
    }

    pub(crate) fn is_busy(&self) -> bool {
        !lock(&self.calls).is_empty()
    }

    pub(crate) fn set_version(&self, version: Version) {
        self.version.store(Some(Arc::new(version)));
    }

    /// One call. `Some` is its answer; `None`: the rest comes through the handle's slot.
    pub(crate) async fn exchange(
        &self,
        live: &Arc<Live>,
        upstream: &Arc<Upstream>,
        handle: &Arc<CallHandle>,
        out: Outgoing,
    ) -> Option<Outcome> {
        let about = About {
            handle: handle.clone(),
            progress: out.progress.clone(),
            behalf: out.behalf.clone(),
        };
        let listed = about
            .progress
            .is_some()
            .then(|| Listed::new(live, self, out.id, about.clone()));
        let session = self.session.load_full();
        let mut posted = match self.post_until(handle, &out).await {
            Ok(posted) => posted,
            Err(fault) => {
                if let Fault::TimedOut { .. } = fault {
                    self.cancel(live, out.id, Some("no answer in time"));
                }
                return Some(Err(fault));
            }
        };
        if session.is_some() && matches!(posted, Posted::Expired) {
            // The server forgot the session, so it did not run the call: it is sent once more in a new one.
            if let Err(fault) = Box::pin(self.reopen(live, upstream, session)).await {
                return Some(Err(fault));
            }
            posted = match Box::pin(self.post_until(handle, &out)).await {
                Ok(posted) => posted,
                Err(fault) => return Some(Err(fault)),
            };
        }
        let stream = match posted {
            Posted::Answer(frame, status) => return Some(Ok((frame, status))),
            Posted::Nothing => {
                return Some(Err(self.unavailable(
                    "it accepted the request without answering it".to_owned(),
                )));
            }
            Posted::Expired => return Some(Err(self.refused(404, b""))),
            Posted::Stream(stream) => stream,
        };

        let mut reading = Box::new(Reading {
            live: live.clone(),
            upstream: upstream.clone(),
            about,
            _listed: listed,
            id: out.id,
            stream,
            last_event: None,
            retry: None,
            resumes: 0,
            broken: None,
            until: Instant::now() + CALL_LIFE_MAX,
            patience: self.patience(&out.method),
        });
        // Most streams hold nothing but the answer: then no task is needed.
        match handle.unless_over(reading.first()).await? {
            Some(outcome) => {
                if outcome.is_ok() {
                    reading.end();
                }
                Some(outcome)
            }
            None => {
                // The call goes on here; our own streams do not keep a server from being idle.
                let is_call = !reading.about.behalf.is_gateway();
                let busy = is_call.then(|| Busy::new(upstream.clone()));
                tokio::spawn(reading.pump(busy));
                None
            }
        }
    }

    /// How long the stream of an answer may say nothing. Only our own `subscriptions/listen` may do so for ever.
    fn patience(&self, asked: &str) -> Duration {
        match asked {
            method::SUBSCRIPTIONS_LISTEN => Duration::MAX,
            _ => self.timeouts.head,
        }
    }

    /// POSTs, unless the client takes the call back meanwhile.
    async fn post_until(&self, handle: &CallHandle, out: &Outgoing) -> Result<Posted, Fault> {
        let mut post = pin!(self.post(out));
        std::future::poll_fn(|cx| match post.as_mut().poll(cx) {
            Poll::Ready(posted) => Poll::Ready(posted),
            Poll::Pending => handle.slot.poll_over(cx).map(|()| Err(Fault::Cancelled)),
        })
        .await
    }

    async fn post(&self, out: &Outgoing) -> Result<Posted, Fault> {
        let token = match &self.pass {
            Some(pass) if pass.has_token() => pass.token().await?,
            _ => None,
        };
        let session = self.session.load();
        let version = match out.era {
            Era::Handshake => self.version.load().as_deref().copied(),
            Era::Stateless => Some(Version::LATEST),
        };
        let name = out.name.as_deref().map(header_value);
        let mut headers: Vec<(&str, &str)> = Vec::with_capacity(4 + out.params.len());
        let is_greeting = &*out.method == method::INITIALIZE;
        if let Some(version) = version
            .as_ref()
            .filter(|v| **v >= Version::V2025_06_18 && !is_greeting)
        {
            headers.push(("mcp-protocol-version", version.as_str()));
        }
        match out.era {
            // What a greeting has to do with is the session to come.
            Era::Handshake if is_greeting => {}
            Era::Handshake => {
                if let Some(session) = session.as_deref() {
                    headers.push(("mcp-session-id", session));
                }
            }
            Era::Stateless => {
                headers.push(("mcp-method", &out.method));
                if let Some(name) = &name {
                    headers.push(("mcp-name", name));
                }
                headers.extend(
                    out.params
                        .iter()
                        .map(|(name, value)| (name.as_str(), value.as_str())),
                );
            }
        }
        if let Some(token) = &token {
            headers.push(("authorization", token.bearer.reveal()));
        }
        let response =
            client::post(&self.endpoint, &headers, out.frame.clone(), &self.timeouts).await;
        let mut response = response.map_err(|error| self.fault_of(error))?;
        if matches!(response.status, 401 | 403)
            && let Some(pass) = &self.pass
        {
            headers.truncate(headers.len() - usize::from(token.is_some()));
            let used = token.clone();
            response =
                Box::pin(self.post_again(pass, used, &headers, &out.frame, response)).await?;
        }
        let status = response.status;
        if is_greeting && status < 300 {
            let id = response.headers.get("mcp-session-id");
            let id = id.and_then(|value| value.to_str().ok());
            self.session.store(id.map(|id| Arc::new(id.to_owned())));
        }
        if status == 404 && out.era == Era::Handshake && session.is_some() && !is_greeting {
            return Ok(Posted::Expired);
        }
        let body = match response.body {
            Body::Full(body) => Body::Full(self.secrecy.mask(body)),
            events => events,
        };
        match body {
            Body::Events(stream) if status < 300 => Ok(Posted::Stream(stream)),
            Body::Events(_) => Err(self.refused(status, &[])),
            Body::Full(body) if body.is_empty() && status < 300 => Ok(Posted::Nothing),
            Body::Full(body) => match Frame::parse(body.clone()) {
                Ok(frame)
                    if frame.kind() == Kind::Error && (frame.id().is_none() || status >= 400) =>
                {
                    // An error that the server could not pin to a request, or gave an id of its own, still answers
                    // this one.
                    let frame = with_new_id(&frame, out.id);
                    frame
                        .map(|frame| Posted::Answer(frame, status))
                        .ok_or_else(|| self.refused(status, &body))
                }
                Ok(frame) if is_answer_to(&frame, out.id) => Ok(Posted::Answer(frame, status)),
                Ok(_) => Err(self.wrong_frame()),
                Err(_) => Err(self.refused(status, &body)),
            },
        }
    }

    /// POSTs once more with each token that is got in the place of a refused one, until the answer is another.
    async fn post_again(
        &self,
        pass: &Arc<Pass>,
        mut token: Option<Arc<auth::Token>>,
        headers: &[(&str, &str)],
        frame: &Bytes,
        mut response: client::Response,
    ) -> Result<client::Response, Fault> {
        for left in (0..=SIGN_INS_MAX).rev() {
            let renewed = pass.refused(token.as_ref(), &response, left == 0).await;
            let Some(renewed) = renewed.transpose()? else {
                break;
            };
            let mut headers = headers.to_vec();
            headers.push(("authorization", renewed.bearer.reveal()));
            let sent = client::post(&self.endpoint, &headers, frame.clone(), &self.timeouts);
            response = sent.await.map_err(|error| self.fault_of(error))?;
            token = Some(renewed.clone());
        }
        Ok(response)
    }

    /// Opens a session in place of `lost`, unless another call has done so already.
    async fn reopen(
        &self,
        live: &Arc<Live>,
        upstream: &Arc<Upstream>,
        lost: Option<Arc<String>>,
    ) -> Result<(), Fault> {
        let _turn = self
            .reopening
            .acquire()
            .await
            .map_err(|_| Fault::ShuttingDown)?;
        if self.session.load_full() != lost {
            return Ok(());
        }
        // Until there is a new session, calls go out with the lost one, and come here in their turn.
        upstream.greet_again(live).await
    }

    /// Sends a notification or an answer of ours, in a task of its own.
    pub(crate) fn send(&self, live: &Arc<Live>, frame: Bytes) {
        let live = live.clone();
        tokio::spawn(async move {
            if let Link::Http(http) = &live.link {
                http.post_message(frame).await;
            }
        });
    }

    pub(crate) async fn post_message(&self, frame: Bytes) {
        let method = Frame::parse(frame.clone())
            .map(|frame| frame.method().to_owned())
            .unwrap_or_default();
        let out = Outgoing {
            id: 0,
            // The other one has no messages without an answer over HTTP.
            era: Era::Handshake,
            frame,
            method: method.into(),
            name: None,
            params: Vec::new(),
            progress: None,
            behalf: Behalf::Gateway,
        };
        // Nothing waits for it; a server that cannot take it will be noticed by the next call.
        drop(self.post(&out).await);
    }

    /// Takes a request back: in the handshake era by a notification, in the stateless one by closing its stream,
    /// which the end of its slot does.
    pub(crate) fn cancel(&self, live: &Arc<Live>, id: u64, reason: Option<&str>) {
        if live.era() == Era::Handshake {
            let reason = reason.map_or(String::new(), |reason| {
                format!(r#","reason":{}"#, wire::quote(reason))
            });
            let params = format!(r#"{{"requestId":{id}{reason}}}"#);
            self.send(live, build::notification(method::CANCELLED, Some(&params)));
        }
    }

    /// Ends the session.
    pub(crate) async fn delete(&self) {
        let (session, version) = (self.session.swap(None), self.version.load());
        if let Some(session) = session {
            let mut headers = vec![("mcp-session-id", session.as_str())];
            if let Some(version) = version.as_deref() {
                headers.push(("mcp-protocol-version", version.as_str()));
            }
            let timeouts = Timeouts {
                head: crate::limits::STOP_GRACE,
                ..self.timeouts
            };
            // Servers may refuse it (405); the session then ends by its own clock.
            let token = self.token().await;
            if let Some(token) = &token {
                headers.push(("authorization", token.bearer.reveal()));
            }
            drop(client::delete(&self.endpoint, &headers, &timeouts).await);
        }
    }

    /// The standing GET stream of the session, from `last_event` on.
    pub(super) async fn get(&self, last_event: Option<&str>) -> Result<Got, HttpError> {
        let (session, version) = (self.session.load_full(), self.version.load_full());
        let mut headers: Vec<(&str, &str)> = Vec::with_capacity(3);
        if let Some(session) = session.as_deref() {
            headers.push(("mcp-session-id", session));
        }
        if let Some(version) = version.as_deref().filter(|v| **v >= Version::V2025_06_18) {
            headers.push(("mcp-protocol-version", version.as_str()));
        }
        if let Some(last_event) = last_event {
            headers.push(("last-event-id", last_event));
        }
        let timeouts = Timeouts {
            body_idle: CALL_LIFE_MAX,
            ..self.timeouts
        };
        let token = self.token().await;
        if let Some(token) = &token {
            headers.push(("authorization", token.bearer.reveal()));
        }
        let response = client::get(&self.endpoint, &headers, &timeouts).await?;
        if let Some(pass) = &self.pass
            && let Some(renewed) = pass.refused(token.as_ref(), &response, false).await
        {
            return Ok(match renewed {
                Ok(_) => Got::NotNow,
                Err(_) => Got::Never,
            });
        }
        Ok(match (response.body, response.status) {
            (Body::Events(stream), 200..300) => Got::Stream(stream),
            (_, 408 | 425 | 429 | 500..) => Got::NotNow,
            _ => Got::Never,
        })
    }

    /// What streams and farewells are signed with.
    async fn token(&self) -> Option<Arc<auth::Token>> {
        match &self.pass {
            Some(pass) => pass.token().await.ok().flatten(),
            None => None,
        }
    }

    /// The call that this token of ours belongs to.
    pub(super) fn by_token(&self, token: u64) -> Option<About> {
        lock(&self.calls).get(&token).cloned()
    }

    fn unavailable(&self, reason: String) -> Fault {
        Fault::Unavailable {
            server: self.server.clone(),
            reason,
        }
    }

    fn fault_of(&self, error: HttpError) -> Fault {
        match error {
            HttpError::Timeout { .. } => Fault::TimedOut {
                server: self.server.clone(),
                after_s: self.timeouts.head.as_secs(),
            },
            error => self.unavailable(error.to_string()),
        }
    }

    fn refused(&self, status: u16, body: &[u8]) -> Fault {
        let text = String::from_utf8_lossy(&body[..body.len().min(200)]);
        let text = text.trim();
        let hint = match status {
            401 | 403 => "; it wants credentials: give them as \"headers\" of this server",
            404 => "; is the path of its URL right?",
            _ => "",
        };
        let said = if text.is_empty() {
            String::new()
        } else {
            format!(": {}", text.lines().next().unwrap_or_default())
        };
        self.unavailable(format!("it answered with HTTP status {status}{said}{hint}"))
    }

    fn wrong_frame(&self) -> Fault {
        self.unavailable("it answered with a message that is no answer to the request".to_owned())
    }
}

pub(super) fn is_answer_to(frame: &Frame, id: u64) -> bool {
    matches!(frame.kind(), Kind::Result | Kind::Error)
        && frame.id().is_some_and(|raw| raw.parse() == Ok(id))
}

/// An error without id as the answer to request `id`.
fn with_new_id(frame: &Frame, id: u64) -> Option<Frame> {
    let text = format!(
        r#"{{"jsonrpc":"2.0","id":{id},"error":{}}}"#,
        frame.error()?
    );
    Frame::parse(Bytes::from(text)).ok()
}

/// Keeps a call in the table for as long as it is under way.
pub(super) struct Listed {
    live: Arc<Live>,
    id: u64,
}

impl Listed {
    fn new(live: &Arc<Live>, http: &HttpLink, id: u64, about: About) -> Self {
        lock(&http.calls).insert(id, about);
        Self {
            live: live.clone(),
            id,
        }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        if let Link::Http(http) = &self.live.link {
            lock(&http.calls).remove(&self.id);
        }
    }
}
