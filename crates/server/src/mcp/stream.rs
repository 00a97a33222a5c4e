//! The event stream that answers a POST. In sessions every event is kept under an id before it is sent, so
//! that a client that lost the connection reads on by `Last-Event-ID`; when the connection goes, the rest of
//! the call moves into a task that goes on keeping. Without a session there is nothing to come back to:
//! dropping the stream cancels.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use gateway::front::{Event, Session};
use transport::resume::{Reader, StreamHandle, Streams};
use transport::sse;
use wire::Version;

use crate::body::Chunks;
use crate::exchange::Exchange;
use crate::readiness::Readiness;
use crate::respond;

/// See the module.
pub(super) struct CallStream(Form);

enum Form {
    Passing {
        exchange: Exchange,
        /// Set for streams that would never end: they end with the gateway.
        until: Option<Readiness>,
    },
    Kept {
        reader: Reader,
        rest: Option<Rest>,
        is_sent_away: bool,
    },
}

/// What has not been said yet.
struct Rest {
    exchange: Exchange,
    log: StreamHandle,
    /// Whether the client understands events without data, which old ones take for broken messages.
    is_primed: bool,
}

impl CallStream {
    /// Events as they come.
    pub(super) fn passing(exchange: Exchange) -> Self {
        Self(Form::Passing {
            exchange,
            until: None,
        })
    }

    /// Events as they come, as long as the gateway wants any.
    pub(super) fn listening(exchange: Exchange, readiness: &Readiness) -> Self {
        Self(Form::Passing {
            exchange,
            until: Some(readiness.clone()),
        })
    }

    /// Events that can be asked for again. If the session has too many of those, as they come.
    pub(super) fn kept(exchange: Exchange, streams: &Streams, is_primed: bool) -> Self {
        let Ok(log) = streams.open() else {
            return Self::passing(exchange);
        };
        let Some(reader) = log.attach() else {
            return Self::passing(exchange);
        };
        if is_primed {
            log.push(&Bytes::new(), None);
        }
        let rest = Rest {
            exchange,
            log,
            is_primed,
        };
        Self(Form::Kept {
            reader,
            rest: Some(rest),
            is_sent_away: false,
        })
    }
}

/// Whether streams of this session begin with an event that has an id and nothing else.
pub(super) fn primes(session: &Session) -> bool {
    session.version() >= Some(Version::V2025_11_25)
}

impl Chunks for CallStream {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match &mut self.0 {
            Form::Passing {
                until: Some(until), ..
            } if until.is_draining() => Poll::Ready(None),
            Form::Passing { exchange, .. } => poll_passing(exchange, cx),
            Form::Kept {
                is_sent_away: true, ..
            } => Poll::Ready(None),
            Form::Kept {
                reader,
                rest,
                is_sent_away,
            } => loop {
                if let Poll::Ready(event) = reader.poll_next(cx) {
                    *is_sent_away = event.as_ref().is_some_and(|event| event.retry.is_some());
                    return Poll::Ready(event.map(|event| respond::event(&event)));
                }
                let Some(some) = rest else {
                    return Poll::Pending;
                };
                if ready!(some.poll_keep(cx)).is_none() {
                    // Finishes the log: the reader then comes to its end.
                    *rest = None;
                }
            },
        }
    }
}

fn poll_passing(exchange: &mut Exchange, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
    loop {
        let message = match ready!(exchange.poll_event(cx)) {
            None => return Poll::Ready(None),
            Some(Event::Message(message)) => message,
            Some(Event::Answer(answer)) if answer.frame.is_empty() => return Poll::Ready(None),
            Some(Event::Answer(answer)) => answer.frame,
            Some(Event::Retry(_)) => continue,
        };
        return Poll::Ready(Some(respond::event(&sse::Event::message(message))));
    }
}

impl Rest {
    /// Takes one step; `None` when nothing is left.
    fn poll_keep(&mut self, cx: &mut Context<'_>) -> Poll<Option<()>> {
        ready!(self.log.poll_room(cx));
        let Some(event) = ready!(self.exchange.poll_event(cx)) else {
            return Poll::Ready(None);
        };
        match event {
            Event::Message(message) => drop(self.log.push(&message, None)),
            Event::Retry(ms) if self.is_primed => drop(self.log.push(&Bytes::new(), Some(ms))),
            Event::Retry(_) => {}
            Event::Answer(answer) => {
                if !answer.frame.is_empty() {
                    self.log.push(&answer.frame, None);
                }
                return Poll::Ready(None);
            }
        }
        Poll::Ready(Some(()))
    }
}

impl Drop for CallStream {
    fn drop(&mut self) {
        let Form::Kept { rest, .. } = &mut self.0 else {
            return;
        };
        let Some(mut rest) = rest.take() else { return };
        // Without a runtime the process is ending, and the call ends with it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { while poll_fn(|cx| rest.poll_keep(cx)).await.is_some() {} });
        }
    }
}

#[cfg(test)]
mod tests;
