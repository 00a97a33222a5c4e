//! The client of the transport that came before streamable HTTP (HTTP+SSE, 2024-11-05), as a [`Pipe`].
//!
//! Owns the two halves that this transport has: a GET stream on which everything arrives, whose first event says where
//! to POST everything that leaves. Refuses an address of another origin, since the headers are meant for this one.
//! A message that the server does not take is answered here, so that nobody waits for what cannot come.

use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until, timeout};
use wire::{Frame, Kind, build, code};

use super::{Body, Endpoint, EndpointError, EventStream, HttpError, Phase, Timeouts, get, post};
use crate::limits::{HEAD_TIME, POST_HEAD_START, POSTS_MAX};
use crate::memory;
use crate::pipe::{FrameSink, FrameSource, Pipe, ReadError};

/// Connects to an HTTP+SSE server and waits until it has said where to post.
///
/// Closing the sink ends the conversation once everything was posted; dropping the source ends it at once.
///
/// # Errors
/// No connection, or no server of this kind there.
pub async fn sse_pipe(endpoint: &Endpoint) -> Result<Pipe, HttpError> {
    let times = Timeouts::default();
    let not_sse = |status, reason: String| HttpError::NotSse {
        origin: endpoint.origin().into(),
        status,
        reason,
    };
    let response = get(endpoint, &[], &times).await?;
    let status = response.status;
    let Body::Events(mut events) = response.body else {
        return Err(not_sse(
            status,
            format!("GET was answered with status {status} and no event stream"),
        ));
    };
    let address = match timeout(HEAD_TIME, address(&mut events)).await {
        Ok(Ok(Some(address))) => address,
        Ok(Ok(None)) => {
            return Err(not_sse(
                status,
                "its stream ended without an endpoint event".into(),
            ));
        }
        Ok(Err(error)) => return Err(error),
        Err(_) => {
            let origin = endpoint.origin().into();
            return Err(HttpError::Timeout {
                origin,
                phase: Phase::Body,
                after: HEAD_TIME,
            });
        }
    };
    let target = endpoint
        .current()
        .join(address.trim())
        .map_err(|error| match error {
            EndpointError::OtherOrigin(_) => {
                not_sse(status, "its endpoint event leads to another origin".into())
            }
            other => not_sse(status, format!("its endpoint event is of no use: {other}")),
        })?;
    let (ours, theirs) = memory::pair();
    let poster = tokio::spawn(post_frames(target, theirs)).abort_handle();
    let source = SseSource {
        events: Some(events),
        answers: ours.source,
        poster,
    };
    Ok(Pipe {
        sink: ours.sink,
        source: Box::new(source),
    })
}

/// What the `endpoint` event says. Others before it are none of the protocol.
async fn address(events: &mut EventStream) -> Result<Option<String>, HttpError> {
    while let Some(event) = events.next().await {
        let event = event?;
        if event.event.as_deref() == Some("endpoint") {
            return Ok(Some(String::from_utf8_lossy(&event.data).into_owned()));
        }
    }
    Ok(None)
}

struct SseSource {
    events: Option<EventStream>,
    /// What we answer in the server's place. Ends with the task that posts.
    answers: Box<dyn FrameSource>,
    poster: AbortHandle,
}

impl FrameSource for SseSource {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, ReadError>>> {
        match self.answers.poll_recv(cx) {
            Poll::Ready(Some(answer)) => return Poll::Ready(Some(answer)),
            Poll::Ready(None) => self.events = None,
            Poll::Pending => {}
        }
        loop {
            let Some(events) = &mut self.events else {
                return Poll::Ready(None);
            };
            let event = match events.poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(event) => event,
            };
            match event {
                Some(Ok(event)) if event.is_message() && !event.data.is_empty() => {
                    return Poll::Ready(Some(Ok(wire::one_line(&event.data))));
                }
                Some(Ok(_)) => {}
                Some(Err(HttpError::TooLarge { limit, .. })) => {
                    return Poll::Ready(Some(Err(ReadError::TooLong { limit })));
                }
                Some(Err(error)) => {
                    self.end();
                    return Poll::Ready(Some(Err(ReadError::Io(std::io::Error::other(error)))));
                }
                None => {
                    self.end();
                    return Poll::Ready(None);
                }
            }
        }
    }
}

impl SseSource {
    /// Without the stream no answer can come, so nothing more is posted: the sink is closed with the task.
    fn end(&mut self) {
        self.events = None;
        self.poster.abort();
    }
}

impl Drop for SseSource {
    fn drop(&mut self) {
        self.poster.abort();
    }
}

/// Posts what leaves, in order: the next frame when the one before was taken. A server that holds a POST open until
/// it has worked on the message would keep its own questions from being answered and a call from being cancelled, so
/// after a head start the next one goes beside it.
async fn post_frames(target: Endpoint, pipe: Pipe) {
    let Pipe { sink, mut source } = pipe;
    let mut posts = FuturesUnordered::new();
    let mut alone_until = Instant::now();
    let mut open = true;
    while open || !posts.is_empty() {
        let (held, room) = (!posts.is_empty(), posts.len() < POSTS_MAX);
        let next = async {
            if held {
                sleep_until(alone_until).await;
            }
            source.recv().await
        };
        tokio::select! {
            biased;
            Some(()) = posts.next() => {}
            frame = next, if open && room => match frame {
                Some(Ok(frame)) => {
                    alone_until = Instant::now() + POST_HEAD_START;
                    posts.push(deliver(&target, &*sink, frame));
                }
                Some(Err(_)) => {}
                None => open = false,
            },
        }
    }
}

async fn deliver(target: &Endpoint, answers: &dyn FrameSink, frame: Bytes) {
    // How long an answer may take is for the caller to say, who waits for it on the stream.
    let times = Timeouts {
        head: Duration::MAX,
        ..Timeouts::default()
    };
    let reason = match post(target, &[], frame.clone(), &times).await {
        Ok(response) if (200..300).contains(&response.status) => return,
        Ok(response) => format!(
            "{} refused the message with status {}",
            target.origin(),
            response.status
        ),
        Err(error) => error.to_string(),
    };
    let Ok(frame) = Frame::parse(frame) else {
        return;
    };
    if frame.kind() == Kind::Request {
        // Full only if nobody has read answers for long: then this one is not read either.
        let _ = answers.send(&build::error(
            frame.id(),
            code::INTERNAL_ERROR,
            &reason,
            None,
        ));
    }
}
