//! One request on its way through the gateway, from the first poll to the last event, however it is answered:
//! whole, as a stream, or many at once. Owns the call's future. Dropping an exchange cancels what still runs;
//! who must not cancel (sessions, whose clients may lose a connection) lets it run out instead.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use gateway::front::{Answer, Event, Events, Gateway, Origin, Reply};
use wire::Frame;

use crate::door::Door;

mod batch;

pub(crate) use batch::Batch;

/// See the module.
pub(crate) struct Exchange {
    state: State,
    /// Read ahead to find out how to answer.
    peeked: Option<Event>,
    runs_out: bool,
}

/// A way to the gateway that a call can hold on to.
pub(crate) trait Way: Clone + Send + Sync + 'static {
    fn gateway(&self) -> &Gateway;
}

impl Way for Gateway {
    fn gateway(&self) -> &Gateway {
        self
    }
}

/// Each worker has its own `Door`: no counter is shared between cores for every call.
impl Way for Arc<Door> {
    fn gateway(&self) -> &Gateway {
        &self.gateway
    }
}

type Call = Pin<Box<dyn Future<Output = Reply> + Send>>;

enum State {
    Calling(Call),
    Streaming(Box<Events>),
    Batch(Batch),
    #[cfg(test)]
    Scripted(tokio::sync::mpsc::Receiver<Event>),
    Over,
}

/// How an exchange begins.
pub(crate) enum Start {
    /// With its end: one answer is all there is.
    Answer(Answer),
    /// With events, now or later.
    Events,
    /// With nothing, and nothing will follow.
    Nothing,
}

impl Exchange {
    /// Puts a request to the gateway. Nothing happens before it is polled.
    pub(crate) fn begin(way: &impl Way, origin: Origin, frame: Frame) -> Self {
        let way = way.clone();
        Self::of(State::Calling(Box::pin(async move {
            way.gateway().request(&origin, frame).await
        })))
    }

    pub(crate) fn batch(batch: Batch) -> Self {
        Self::of(State::Batch(batch))
    }

    /// Has these events, whatever a gateway would say.
    #[cfg(test)]
    pub(crate) fn scripted(events: tokio::sync::mpsc::Receiver<Event>) -> Self {
        Self::of(State::Scripted(events))
    }

    fn of(state: State) -> Self {
        Self {
            state,
            peeked: None,
            runs_out: false,
        }
    }

    /// Dropping it will not cancel: it runs to its end unheard.
    pub(crate) fn run_out_when_dropped(&mut self) {
        self.runs_out = true;
    }

    /// Finds out how to answer.
    pub(crate) fn poll_start(&mut self, cx: &mut Context<'_>) -> Poll<Start> {
        let event = match self.poll_event(cx) {
            Poll::Ready(event) => event,
            Poll::Pending if matches!(self.state, State::Streaming(_)) => {
                return Poll::Ready(Start::Events);
            }
            Poll::Pending => return Poll::Pending,
        };
        Poll::Ready(match event {
            None => Start::Nothing,
            Some(Event::Answer(answer)) => Start::Answer(answer),
            Some(event) => {
                self.peeked = Some(event);
                Start::Events
            }
        })
    }

    /// The answer is to be read once more, as an event.
    pub(crate) fn put_back(&mut self, answer: Answer) {
        self.peeked = Some(Event::Answer(answer));
    }

    /// [`Exchange::poll_event`] for those who wait for nothing else.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// The next event; `None` after the answer.
    pub(crate) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        if let Some(event) = self.peeked.take() {
            return Poll::Ready(Some(event));
        }
        if let State::Calling(call) = &mut self.state {
            match ready!(call.as_mut().poll(cx)) {
                Reply::Done(answer) => {
                    self.state = State::Over;
                    return Poll::Ready(Some(Event::Answer(answer)));
                }
                Reply::Stream(events) => self.state = State::Streaming(Box::new(events)),
            }
        }
        let event = match &mut self.state {
            State::Calling(_) | State::Over => None,
            State::Streaming(events) => ready!(events.poll_next(cx)),
            State::Batch(batch) => ready!(batch.poll_event(cx)),
            #[cfg(test)]
            State::Scripted(events) => ready!(events.poll_recv(cx)),
        };
        if matches!(event, None | Some(Event::Answer(_))) {
            self.state = State::Over;
        }
        Poll::Ready(event)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.runs_out || matches!(self.state, State::Over) {
            return;
        }
        let state = std::mem::replace(&mut self.state, State::Over);
        let mut rest = Self::of(state);
        // Without a runtime the process is ending, and the call ends with it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { while rest.next().await.is_some() {} });
        }
    }
}
