//! The stdio door: one client on one pipe, both eras. Owns the order of things on that pipe: every line is
//! read as it comes, requests run side by side, answers and messages leave as they are ready. Refuses to let
//! a client that does not read hold anything up: its pipe is closed. Read `exchange.rs` next.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use gateway::front::{Caller, Door, Event, Gateway, Origin, Session};
use tokio::task::JoinSet;
use tokio::time::timeout;
use transport::{FrameSink, Pipe, ReadError, SendError};
use wire::{Frame, Kind, code};

use crate::exchange::{Batch, Exchange};
use crate::limits;
use crate::relay::ended;
use crate::shutdown::Shutdown;

/// Why a stdio client was not served to its end.
#[derive(Debug, thiserror::Error)]
pub enum StdioError {
    /// No conversation could be opened.
    #[error(transparent)]
    Busy(#[from] gateway::front::Busy),
    /// The gateway that it was attached to is gone, and there is no other.
    #[error("the shared gateway is gone, and no other could be started")]
    NoGateway,
    /// The client stopped reading.
    #[error("the client does not read its input: {} MiB wait for it", transport::limits::OUTBOX_BYTES_MAX >> 20)]
    Full,
}

/// A process of ours that hands its client on.
#[derive(Debug)]
pub struct Attached {
    /// Where the client works.
    pub folder: Option<PathBuf>,
}

/// Serves the client at the other end of a pipe until it closes its side, or until we are told to stop. What
/// runs then may finish for a moment, as long as somebody is left who reads the answers. `attached`: whoever hands the
/// client on to us.
pub async fn serve_stdio(
    gateway: Gateway,
    pipe: Pipe,
    attached: Option<Attached>,
    mut shutdown: Shutdown,
) -> Result<(), StdioError> {
    let Pipe { sink, mut source } = pipe;
    let caller = Caller(Arc::from("local"));
    let session = gateway.open(caller.clone(), Door::Stdio)?;
    let is_attached = attached.is_some();
    if let Some(folder) = attached.and_then(|attached| attached.folder) {
        session.work_in(folder);
    }
    let origin = Origin {
        caller,
        scopes: None,
        session: Some(session.clone()),
        headers: None,
        only: None,
        workspace: None,
    };
    let mut desk = Desk {
        gateway,
        session,
        origin,
        sink,
        taken: 0,
        running: JoinSet::new(),
        waiting: VecDeque::new(),
    };
    let served = loop {
        let step = tokio::select! {
            Some(answered) = desk.running.join_next() => desk.free(answered.unwrap_or(Ok(()))),
            line = source.recv() => match line {
                None => break Ok(()),
                Some(line) => desk.take(line),
            },
            message = poll_fn(|cx| desk.session.poll_outbox(cx)) => match message {
                None => break Ok(()),
                Some(message) => desk.sink.send(&message),
            },
            () = shutdown.draining() => break Ok(()),
        };
        if let Err(stopped) = step {
            break Err(stopped);
        }
        // A client that never pauses must not keep its own requests from running.
        tokio::task::coop::consume_budget().await;
    };
    let result = match served {
        Ok(()) => {
            let sink = desk.sink.clone();
            tokio::select! {
                _late = timeout(limits::STDIO_FINISH, desk.finish()) => {}
                // Who asks for the end does not wait for answers.
                _late = told_to_end(&mut shutdown) => {}
                () = sink.gone() => {}
            }
            Ok(())
        }
        Err(SendError::Closed) => Ok(()),
        Err(SendError::Full) => Err(StdioError::Full),
    };
    // In this order: calls are taken back while they are there, so that their servers hear of it.
    desk.gateway.close(&desk.session);
    desk.running.shutdown().await;
    if is_attached {
        // It is the end in any case.
        let _gone = desk.sink.send(&ended(desk.taken));
    }
    desk.sink.close();
    if result.is_ok() {
        // The pipe bounds this itself: a closed one gives up after a moment.
        desk.sink.drained().await;
    }
    result
}

/// Returns a moment after the end was asked for, or at once where it was asked for twice.
async fn told_to_end(shutdown: &mut Shutdown) {
    shutdown.draining().await;
    let _over = timeout(limits::STDIO_TERM_FINISH, shutdown.now()).await;
}

/// One client's affairs.
struct Desk {
    gateway: Gateway,
    session: Arc<Session>,
    origin: Origin,
    sink: Arc<dyn FrameSink>,
    /// Lines of the client.
    taken: u64,
    running: JoinSet<Result<(), SendError>>,
    /// Requests for which there is no room yet. Notifications and answers pass them by: a call that runs may
    /// be waiting for one of those.
    waiting: VecDeque<Exchange>,
}

impl Desk {
    fn take(&mut self, line: Result<Bytes, ReadError>) -> Result<(), SendError> {
        self.taken += 1;
        let line = match line {
            Ok(line) => line,
            Err(bad @ ReadError::TooLong { .. }) => {
                return self.refuse(None, code::INVALID_REQUEST, &bad.to_string());
            }
            // The end of the input follows.
            Err(ReadError::Io(_)) => return Ok(()),
        };
        if self
            .session
            .version()
            .is_some_and(wire::Version::has_batches)
        {
            match wire::batch(&line) {
                Ok(None) => {}
                Ok(Some(messages)) => {
                    return match Batch::begin(&self.gateway, &self.origin, messages) {
                        Some(batch) => self.start(Exchange::batch(batch), None),
                        None => Ok(()),
                    };
                }
                Err(bad) => return self.sink.send(&bad.reply()),
            }
        }
        let frame = match Frame::parse(line) {
            Ok(frame) => frame,
            Err(bad) => return self.sink.send(&bad.reply()),
        };
        match frame.kind() {
            Kind::Request => {
                let id = frame.to_id();
                let exchange = Exchange::begin(&self.gateway, self.origin.clone(), frame);
                return self.start(exchange, id.as_ref());
            }
            Kind::Notification => self.gateway.notification(&self.origin, frame),
            Kind::Result | Kind::Error => self.gateway.response(&self.origin, frame),
        }
        Ok(())
    }

    fn start(&mut self, exchange: Exchange, id: Option<&wire::Id>) -> Result<(), SendError> {
        if self.running.len() < limits::REQUESTS_RUNNING_MAX {
            self.running.spawn(answer(exchange, self.sink.clone()));
        } else if self.waiting.len() < limits::REQUESTS_WAITING_MAX {
            self.waiting.push_back(exchange);
        } else {
            let why = "too many requests are waiting; wait for some of their answers";
            return self.refuse(id.map(wire::Id::as_json), code::INTERNAL_ERROR, why);
        }
        Ok(())
    }

    /// A request has been answered: there is room for the next.
    fn free(&mut self, answered: Result<(), SendError>) -> Result<(), SendError> {
        if let Some(exchange) = self.waiting.pop_front() {
            self.running.spawn(answer(exchange, self.sink.clone()));
        }
        answered
    }

    fn refuse(&self, id: Option<&str>, code: i64, why: &str) -> Result<(), SendError> {
        self.sink.send(&wire::build::error(id, code, why, None))
    }

    /// No more comes in; what runs, or waits to run, ends.
    async fn finish(&mut self) {
        loop {
            let step = tokio::select! {
                answered = self.running.join_next() => match answered {
                    None => return,
                    Some(answered) => self.free(answered.unwrap_or(Ok(()))),
                },
                Some(message) = poll_fn(|cx| self.session.poll_outbox(cx)) => self.sink.send(&message),
            };
            if step.is_err() {
                return;
            }
        }
    }
}

/// Says what there is to say about one request.
async fn answer(mut exchange: Exchange, sink: Arc<dyn FrameSink>) -> Result<(), SendError> {
    while let Some(event) = exchange.next().await {
        let message = match event {
            Event::Retry(_) => continue,
            Event::Message(message) => message,
            Event::Answer(answer) => answer.frame,
        };
        if !message.is_empty() {
            sink.send(&message)?;
        }
    }
    Ok(())
}
