//! A client before a gateway of another process, which may die or hang: frames pass as they are, and where the gateway is gone the
//! client goes on with another one. Owns what the client notices of that, which is one failed answer for each call that was under
//! way. Refuses to make a call twice. Read `relay/ledger.rs` for what the next gateway is told.

mod ledger;

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep_until, timeout};
use transport::{Pipe, ReadError, SendError};
use wire::Frame;

use crate::limits;
use crate::shutdown::Shutdown;
use crate::stdio::StdioError;
use ledger::Ledger;
pub(crate) use ledger::ended;

/// Serves a client by the gateway at the other end of `first`; `next` gives another one where that is gone.
pub async fn relay(
    client: Pipe,
    first: Pipe,
    mut next: impl AsyncFnMut() -> Option<Pipe>,
    mut shutdown: Shutdown,
) -> Result<(), StdioError> {
    let sink = client.sink.clone();
    let mut gone = pin!(sink.gone());
    let mut relay = Relay {
        client,
        gateway: first,
        ledger: Ledger::default(),
        heard: Instant::now(),
        is_asked: false,
    };
    let mut has_left = false;
    // The time for what is under way, once the end was asked for.
    let mut until: Option<Instant> = None;
    let served = loop {
        let end = until.unwrap_or_else(Instant::now);
        let silence = relay.silence();
        let step = tokio::select! {
            line = relay.client.source.recv(), if !has_left && until.is_none() => match line {
                Some(line) => relay.up(line),
                None => {
                    has_left = true;
                    relay.gateway.sink.close();
                    Ok(())
                }
            },
            line = relay.gateway.source.recv() => match line {
                Some(Ok(line)) => relay.down(line),
                Some(Err(ReadError::TooLong { .. })) => Ok(()),
                None | Some(Err(ReadError::Io(_))) if has_left || until.is_some() => break Ok(()),
                None | Some(Err(ReadError::Io(_))) => match relay.go_on(&mut next).await {
                    Ok(true) => Ok(()),
                    Ok(false) => break Err(StdioError::NoGateway),
                    Err(stopped) => Err(stopped),
                },
            },
            () = sleep_until(silence), if relay.ledger.is_waited_for() && until.is_none() => {
                match relay.is_asked {
                    false => {
                        relay.ask();
                        Ok(())
                    }
                    // It hangs, which is no better than gone.
                    true if has_left => break Ok(()),
                    true => match relay.go_on(&mut next).await {
                        Ok(true) => Ok(()),
                        Ok(false) => break Err(StdioError::NoGateway),
                        Err(stopped) => Err(stopped),
                    },
                }
            }
            () = &mut gone => break Ok(()),
            () = shutdown.draining(), if until.is_none() => {
                until = Some(Instant::now() + limits::STDIO_TERM_FINISH);
                relay.gateway.sink.close();
                Ok(())
            }
            () = sleep_until(end), if until.is_some() => break Ok(()),
        };
        match step {
            Ok(()) => {}
            Err(SendError::Closed) => break Ok(()),
            Err(SendError::Full) => break Err(StdioError::Full),
        }
    };
    relay.gateway.sink.close();
    relay.client.sink.close();
    if served.is_ok() {
        relay.client.sink.drained().await;
    }
    served
}

/// Errors of its methods are those of the client's side.
struct Relay {
    client: Pipe,
    gateway: Pipe,
    ledger: Ledger,
    /// When the gateway said something last, or nobody waited for it.
    heard: Instant,
    /// Whether it was asked for a sign of life since.
    is_asked: bool,
}

impl Relay {
    /// Until when a gateway that is waited for may say nothing.
    fn silence(&self) -> Instant {
        let answer = match self.is_asked {
            true => limits::ATTACH_WAIT,
            false => Duration::ZERO,
        };
        self.heard + limits::ATTACHED_SILENCE + answer
    }

    fn hears(&mut self) {
        self.heard = Instant::now();
        self.is_asked = false;
    }

    /// Asks the gateway for a sign of life: an answer of any kind is one.
    fn ask(&mut self) {
        self.is_asked = true;
        let ping = self.ledger.ping();
        // Where it is gone, the end of its output follows.
        let _gone = self.gateway.sink.send(&ping);
    }

    /// What the client sends. What cannot be read is refused by the gateway, in its words.
    fn up(&mut self, line: Result<Bytes, ReadError>) -> Result<(), SendError> {
        let line = match line {
            Ok(line) => line,
            Err(bad @ ReadError::TooLong { .. }) => {
                let refusal =
                    wire::build::error(None, wire::code::INVALID_REQUEST, &bad.to_string(), None);
                return self.client.sink.send(&refusal);
            }
            // The end of the input follows.
            Err(ReadError::Io(_)) => return Ok(()),
        };
        if !self.ledger.is_waited_for() {
            self.hears();
        }
        let line = match Frame::parse(line.clone()) {
            Err(_) => {
                self.ledger.other(frames(&line));
                Some(line)
            }
            Ok(frame) => match self.ledger.up(frame) {
                Ok(line) => line,
                Err(refusal) => return self.client.sink.send(&refusal),
            },
        };
        if let Some(line) = line {
            // Where it is gone, the end of its output follows, and then this counts as under way.
            let _gone = self.gateway.sink.send(&line);
        }
        Ok(())
    }

    fn down(&mut self, line: Bytes) -> Result<(), SendError> {
        self.hears();
        let line = match Frame::parse(line.clone()) {
            Err(_) => {
                for frame in frames(&line) {
                    self.ledger.down(frame);
                }
                Some(line)
            }
            Ok(frame) => self.ledger.down(frame),
        };
        match line {
            Some(line) => self.client.sink.send(&line),
            None => Ok(()),
        }
    }

    /// Goes on with another gateway; false: there is none.
    async fn go_on(
        &mut self,
        next: &mut impl AsyncFnMut() -> Option<Pipe>,
    ) -> Result<bool, SendError> {
        let lost = self.ledger.lost();
        for told in &lost.told {
            self.client.sink.send(told)?;
        }
        let Some(gateway) = next().await else {
            return Ok(false);
        };
        self.gateway = gateway;
        self.hears();
        if let Some(hello) = lost.hello {
            let _gone = self.gateway.sink.send(&hello);
            // One that does not answer is gone, too: the end of its output is next.
            let _late = timeout(limits::ATTACH_WAIT, self.greeted()).await;
        }
        for again in &lost.again {
            let _gone = self.gateway.sink.send(again);
        }
        for news in &lost.news {
            self.client.sink.send(news)?;
        }
        Ok(true)
    }

    /// Waits for the answer to our own greeting.
    async fn greeted(&mut self) {
        while self.ledger.waits_for_greeting() {
            match self.gateway.source.recv().await {
                Some(Ok(line)) => {
                    let _gone = self.down(line);
                }
                Some(Err(ReadError::TooLong { .. })) => {}
                None | Some(Err(ReadError::Io(_))) => return,
            }
        }
    }
}

/// The messages of a batch.
fn frames(line: &Bytes) -> impl Iterator<Item = Frame> {
    let messages = wire::batch(line).ok().flatten().unwrap_or_default();
    messages
        .into_iter()
        .filter_map(|message| Frame::parse(message).ok())
}

#[cfg(test)]
mod tests;
