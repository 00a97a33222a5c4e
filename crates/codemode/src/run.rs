//! One run: a worker, its deadline, and the calls that its script makes.
//!
//! Owns the conversation with a worker. Everything it says is checked as if the script had said it: places, numbers
//! and sizes. Calls run here, as futures of this run, so that whatever ends the run ends them.

use std::io;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use gateway::scripts::{BoxFuture, Call, CallError, Calls, Progress, Script, Tool, Waits};
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout};

use crate::clock::Clock;
use crate::codemode::CodeMode;
use crate::limits::{DEADLINE_GRACE, FRAME_EXTRA_BYTES, START_WAIT};
use crate::link::Link;
use crate::outcome::{Failure, FailureKind, Outcome};
use crate::pool::Worker;
use crate::protocol::{Confinement, Failed, FromWorker, ToWorker, frame};
use crate::scope::Scope;

mod answers;
mod ending;
mod ledger;

use ledger::Ledger;

/// Times that a worker is started for one script.
const STARTS: u32 = 2;

pub(crate) async fn run(
    mode: &CodeMode,
    script: Script<'_>,
    text: &str,
    scope: &Scope,
    calls: &dyn Calls,
) -> Outcome {
    let mut fresh = false;
    loop {
        let (mut link, mut worker) = match ready_worker(mode, fresh).await {
            Ok(ready) => ready,
            Err(error) => {
                let message = format!("no worker could be started for the script: {error}");
                return Outcome::failed(Failure::new(FailureKind::Worker, message));
            }
        };
        let mut run = Run::new(mode, script, text, scope, calls);
        let end = run.converse(&mut link).await;
        // One that was ended while it waited never saw the script.
        if matches!(end, End::Gone) && !run.heard && !fresh {
            fresh = true;
            continue;
        }
        return run.conclude(end, &mut worker);
    }
}

/// A worker that is confined and waits for its script.
async fn ready_worker(mode: &CodeMode, fresh: bool) -> io::Result<(Link, Worker)> {
    let mut last = io::Error::from(io::ErrorKind::TimedOut);
    for attempt in 0..STARTS {
        // One that waited may have been ended meanwhile; a new one was not.
        let worker = if attempt == 0 && !fresh {
            mode.pool.take().await
        } else {
            mode.pool.fresh().await
        };
        match became_ready(worker?).await {
            Ok(ready) => return Ok(ready),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn became_ready(mut worker: Worker) -> io::Result<(Link, Worker)> {
    let mut link = Link::new(worker.channel.try_clone()?)?;
    let first = timeout(START_WAIT, link.receive(FRAME_EXTRA_BYTES)).await;
    match first {
        Ok(Ok(first)) => match serde_json::from_slice(&first.unwrap_or_default()) {
            Ok(FromWorker::Ready(Confinement { seccomp: true, .. })) => Ok((link, worker)),
            _ => Err(io::Error::other("it is not confined")),
        },
        Ok(Err(_)) => Err(io::Error::other(match worker.end() {
            Some(signal) => format!("it was ended by signal {signal}"),
            None => "it ended at once: this system lacks what confines a worker (seccomp)".into(),
        })),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

struct Run<'a> {
    mode: &'a CodeMode,
    script: Script<'a>,
    text: &'a str,
    scope: &'a Scope,
    calls: &'a dyn Calls,
    clock: std::sync::Arc<Clock>,
    ledger: Ledger,
    in_flight: FuturesUnordered<BoxFuture<'a, Answer>>,
    /// Checked, and waiting for their turn.
    waiting: std::collections::VecDeque<(u32, Call)>,
    last_id: u32,
    lookups: u32,
    /// The worker has said something since it got the script.
    heard: bool,
}

/// The end of a call.
struct Answer {
    id: u32,
    tool: std::sync::Arc<Tool>,
    gave: Result<Box<RawValue>, CallError>,
    took: Duration,
}

/// How the conversation ended.
enum End {
    Done {
        result: Box<RawValue>,
        unused: Vec<u32>,
        unheard: Option<Box<Failed>>,
    },
    Failed(Box<Failed>),
    /// The time is over, and the worker did not say so itself.
    Over,
    /// The worker is gone.
    Gone,
    /// The worker said what no worker says.
    Broken(&'static str),
}

impl<'a> Run<'a> {
    fn new(
        mode: &'a CodeMode,
        script: Script<'a>,
        text: &'a str,
        scope: &'a Scope,
        calls: &'a dyn Calls,
    ) -> Self {
        Self {
            mode,
            script,
            text,
            scope,
            calls,
            clock: std::sync::Arc::new(Clock::start(mode.limits.wall)),
            ledger: Ledger::default(),
            in_flight: FuturesUnordered::new(),
            waiting: std::collections::VecDeque::new(),
            last_id: 0,
            lookups: 0,
            heard: false,
        }
    }

    async fn converse(&mut self, link: &mut Link) -> End {
        let start = frame(&ToWorker::Run {
            script: self.text.into(),
            names: std::borrow::Cow::Borrowed(&self.scope.names),
            args: std::borrow::Cow::Borrowed(self.script.args.unwrap_or(ledger::no_arguments())),
            left_ms: self.left_ms(),
        });
        link.send(start);
        let clock = self.clock.clone();
        let over = clock.over(DEADLINE_GRACE);
        tokio::pin!(over);
        let max = self.mode.limits.value_bytes + FRAME_EXTRA_BYTES;
        loop {
            tokio::select! {
                biased;
                () = &mut over => return End::Over,
                Some(answer) = self.in_flight.next(), if !self.in_flight.is_empty() && !link.is_full() => {
                    let frame = self.answer(answer);
                    self.begin_waiting();
                    link.send(frame);
                }
                () = clock.turned() => link.send(frame(&ToWorker::Time { left_ms: self.left_ms() })),
                said = link.receive(max) => match said {
                    Ok(None) => {}
                    Ok(Some(said)) => match self.said(&said) {
                        Ok(Some(frame)) => link.send(frame),
                        Ok(None) => {}
                        Err(end) => return end,
                    },
                    Err(error) if error.kind() == io::ErrorKind::Other => return End::Broken("a frame too long"),
                    Err(_) => return End::Gone,
                }
            }
        }
    }

    /// What a frame of the worker means: an answer for now, nothing for now, or the end.
    fn said(&mut self, said: &[u8]) -> Result<Option<Vec<u8>>, End> {
        self.heard = true;
        match serde_json::from_slice(said) {
            Ok(FromWorker::Call {
                id,
                server,
                tool,
                args,
            }) => self.call(id, server, tool, &args),
            Ok(FromWorker::Lookup { id, what }) => self.lookup(id, &what).map(Some),
            Ok(FromWorker::Log { level, text }) => {
                if !self.ledger.log(&level, &text, &self.mode.limits) {
                    return Err(End::Broken("more log than there may be"));
                }
                Ok(None)
            }
            Ok(FromWorker::Done {
                result,
                unused,
                unheard,
            }) => Err(End::Done {
                result: result.into_owned(),
                unused,
                unheard: unheard.map(Box::new),
            }),
            Ok(FromWorker::Failed(failed)) => Err(End::Failed(Box::new(failed))),
            Ok(FromWorker::Ready(_)) => Err(End::Broken("ready twice")),
            Err(_) => Err(End::Broken("no message")),
        }
    }

    fn begin_waiting(&mut self) {
        while self.in_flight.len() < self.mode.limits.in_flight.max(1) as usize {
            let Some((id, call)) = self.waiting.pop_front() else {
                break;
            };
            self.begin(id, call);
        }
    }

    fn begin(&mut self, id: u32, call: Call) {
        self.ledger.began(id);
        let calls = self.calls;
        let tool = call.tool.clone();
        self.in_flight.push(Box::pin(async move {
            let began = Instant::now();
            let gave = calls.call(call).await;
            Answer {
                id,
                tool,
                gave,
                took: began.elapsed(),
            }
        }));
        self.tell_progress();
    }

    fn tell_progress(&self) {
        self.calls.progress(&Progress {
            ended: self.ledger.ended(),
            running: self.ledger.running(),
        });
    }

    fn waits(&self) -> Waits {
        Waits::new(self.clock.clone())
    }

    fn left_ms(&self) -> u64 {
        self.clock
            .until()
            .as_millis()
            .try_into()
            .unwrap_or(u64::MAX)
    }
}
