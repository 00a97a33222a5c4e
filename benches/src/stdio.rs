//! Load over stdio, as clients are built: a task per call in flight, a write per call, one task that reads and hands
//! each reply to the call that waits for it.
//!
//! A generator that writes many calls at once would measure batches, which no client sends.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::{ChildStdin, ChildStdout};
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use portolan_benches::Era;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::sync::{Mutex, oneshot};
use tokio::task::LocalSet;
use tokio::time::timeout;

use crate::calls::{Call, Load, Sample, number_in};
use crate::http::{echo_tool, initialize};
use crate::load::runtime;
use crate::process::Running;

const READ_BYTES: usize = 256 * 1024;
/// How long a load may take beyond its time before what is missing counts as lost.
const GRACE: Duration = Duration::from_secs(10);

/// A process that speaks MCP over its stdio, initialized.
pub(crate) struct Peer {
    pub process: Running,
    input: ChildStdin,
    output: ChildStdout,
    /// Read and not yet a whole line.
    held: Vec<u8>,
    tool: String,
}

impl Peer {
    /// Starts the command line and shakes hands.
    pub(crate) fn start(command: &[String]) -> io::Result<Self> {
        let (process, input, output) = Running::with_stdio(command, &[])?;
        let mut peer = Self {
            process,
            input,
            output,
            held: Vec::new(),
            tool: String::new(),
        };
        peer.ask(&initialize())?;
        peer.tell(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))?;
        let list =
            peer.ask(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}}))?;
        let error = || io::Error::other(format!("tools/list holds no echo: {list}"));
        peer.tool = echo_tool(&list).ok_or_else(error)?.into();
        Ok(peer)
    }

    fn tell(&mut self, message: &Value) -> io::Result<()> {
        self.input.write_all(format!("{message}\n").as_bytes())
    }

    fn ask(&mut self, message: &Value) -> io::Result<Value> {
        self.tell(message)?;
        reply_to(&mut self.output, &mut self.held, &message["id"])
    }

    /// Loads the peer.
    pub(crate) fn load(&mut self, load: Load) -> io::Result<Sample> {
        let input = self.input.as_fd().try_clone_to_owned()?;
        let output = self.output.as_fd().try_clone_to_owned()?;
        LocalSet::new().block_on(&runtime()?, async {
            let client = Rc::new(Client {
                input: Mutex::new(pipe::Sender::from_owned_fd(input)?),
                waiting: RefCell::default(),
                last: Cell::new(0),
            });
            let output = pipe::Receiver::from_owned_fd(output)?;
            let reader = tokio::task::spawn_local(
                client.clone().read(output, std::mem::take(&mut self.held)),
            );
            let sample = client.run(&self.tool, load).await;
            reader.abort();
            Ok(sample)
        })
    }
}

/// Reads lines until the reply to this id comes; what follows it stays in `held`.
pub(crate) fn reply_to(
    output: &mut ChildStdout,
    held: &mut Vec<u8>,
    id: &Value,
) -> io::Result<Value> {
    let mut buffer = vec![0; READ_BYTES];
    loop {
        while let Some(end) = memchr::memchr(b'\n', held) {
            let line: Vec<u8> = held.drain(..=end).collect();
            let value: Value = serde_json::from_slice(&line).map_err(io::Error::other)?;
            if value["id"] == *id && value.get("method").is_none() {
                return Ok(value);
            }
        }
        match output.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => held.extend_from_slice(&buffer[..count]),
        }
    }
}

/// What the tasks of one load share.
struct Client {
    input: Mutex<pipe::Sender>,
    /// The calls that wait, by their number.
    waiting: RefCell<HashMap<u64, oneshot::Sender<BytesMut>>>,
    last: Cell<u64>,
}

impl Client {
    async fn run(self: Rc<Self>, tool: &str, load: Load) -> Sample {
        let started = Instant::now();
        let tasks: Vec<_> = (0..load.in_flight)
            .map(|_| {
                let task = self.clone().one_after_another(
                    Call::new(Era::Handshake, tool, load.payload, |_| Vec::new()),
                    load,
                    started,
                );
                tokio::task::spawn_local(timeout(load.warm_up + load.length + GRACE, task))
            })
            .collect();
        let mut sample = Sample::default();
        for task in tasks {
            match task.await {
                Ok(Ok(Ok(part))) => sample.join(part),
                _ => sample.errors += 1,
            }
        }
        sample
    }

    async fn one_after_another(
        self: Rc<Self>,
        mut call: Call,
        load: Load,
        started: Instant,
    ) -> io::Result<Sample> {
        let mut sample = Sample::default();
        let (from, until) = (started + load.warm_up, started + load.warm_up + load.length);
        let mut last = Instant::now();
        while last < until {
            let number = self.last.get() + 1;
            self.last.set(number);
            let sent = last;
            let (sender, reply) = oneshot::channel();
            self.waiting.borrow_mut().insert(number, sender);
            self.input
                .lock()
                .await
                .write_all(call.number(number))
                .await?;
            let reply = reply.await.map_err(io::Error::other)?;
            last = Instant::now();
            if call.answered(&reply) != Some(number) {
                sample.errors += 1;
                continue;
            }
            sample.all_calls += 1;
            if sent >= from {
                sample.calls += 1;
                sample
                    .latencies_ns
                    .push(u32::try_from((last - sent).as_nanos()).unwrap_or(u32::MAX));
            }
        }
        sample.seconds = (last - from.min(last)).as_secs_f64();
        Ok(sample)
    }

    async fn read(self: Rc<Self>, mut output: pipe::Receiver, held: Vec<u8>) {
        let mut buffer = BytesMut::from(held.as_slice());
        let mut seen = 0;
        loop {
            while let Some(end) = memchr::memchr(b'\n', &buffer[seen..]).map(|at| seen + at) {
                let line = buffer.split_to(end + 1);
                seen = 0;
                let caller =
                    number_in(&line).and_then(|number| self.waiting.borrow_mut().remove(&number));
                if let Some(caller) = caller {
                    // A call that was given up does not wait any more.
                    let _ = caller.send(line);
                }
            }
            seen = buffer.len();
            buffer.reserve(READ_BYTES);
            if !matches!(output.read_buf(&mut buffer).await, Ok(1..)) {
                self.waiting.borrow_mut().clear();
                return;
            }
        }
    }
}
