//! Load over stdio: one thread, both pipes non-blocking, so that a full pipe in one direction never stops the other.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::{ChildStdin, ChildStdout};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use serde_json::{Value, json};

use crate::calls::{Call, Load, Sample};
use crate::http::{echo_tool, initialize};
use crate::process::Running;

const READ_BYTES: usize = 256 * 1024;
/// A reply that takes longer is lost.
const REPLY_WAIT: Duration = Duration::from_secs(10);

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
        for fd in [peer.input.as_fd(), peer.output.as_fd()] {
            rustix::fs::fcntl_setfl(fd, rustix::fs::fcntl_getfl(fd)? | OFlags::NONBLOCK)?;
        }
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
        let call = Call::new(&self.tool, load.payload, |_| Vec::new());
        Run::new(self, call, load).go()
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

/// One load under way.
struct Run<'a> {
    peer: &'a mut Peer,
    call: Call,
    load: Load,
    from: Instant,
    until: Instant,
    number: u64,
    /// Calls without a reply, with the time of their sending.
    open: HashMap<u64, Instant>,
    unsent: Vec<u8>,
    sent: usize,
    sample: Sample,
}

impl<'a> Run<'a> {
    fn new(peer: &'a mut Peer, call: Call, load: Load) -> Self {
        let from = Instant::now() + load.warm_up;
        Self {
            peer,
            call,
            load,
            from,
            until: from + load.length,
            number: 0,
            open: HashMap::new(),
            unsent: Vec::new(),
            sent: 0,
            sample: Sample::default(),
        }
    }

    fn go(mut self) -> io::Result<Sample> {
        for _ in 0..self.load.in_flight {
            self.send_next();
        }
        let mut buffer = vec![0; READ_BYTES];
        let wait = Timespec::try_from(REPLY_WAIT).map_err(io::Error::other)?;
        while !self.open.is_empty() {
            self.write()?;
            let mut fds = vec![PollFd::new(&self.peer.output, PollFlags::IN)];
            if self.sent < self.unsent.len() {
                fds.push(PollFd::new(&self.peer.input, PollFlags::OUT));
            }
            if poll(&mut fds, Some(&wait))? == 0 {
                self.sample.errors += self.open.len() as u64;
                break;
            }
            match rustix::io::read(&self.peer.output, &mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.read(&buffer[..count]),
                Err(Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.sample.seconds = Instant::now()
            .min(self.until)
            .duration_since(self.from)
            .as_secs_f64();
        Ok(self.sample)
    }

    fn send_next(&mut self) {
        self.number += 1;
        self.unsent.extend_from_slice(self.call.number(self.number));
        self.unsent.push(b'\n');
        self.open.insert(self.number, Instant::now());
    }

    fn write(&mut self) -> io::Result<()> {
        while self.sent < self.unsent.len() {
            match rustix::io::write(&self.peer.input, &self.unsent[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        self.unsent.clear();
        self.sent = 0;
        Ok(())
    }

    fn read(&mut self, bytes: &[u8]) {
        let mut held = std::mem::take(&mut self.peer.held);
        let mut from = held.len();
        held.extend_from_slice(bytes);
        let mut done = 0;
        while let Some(end) = memchr::memchr(b'\n', &held[from..]).map(|at| from + at) {
            self.line(&held[done..end]);
            done = end + 1;
            from = done;
        }
        held.drain(..done);
        self.peer.held = held;
    }

    fn line(&mut self, line: &[u8]) {
        if memchr::memmem::find(line, b"\"method\":").is_some()
            && self.call.answered(line).is_none()
        {
            return; // a notification in between
        }
        let now = Instant::now();
        match self
            .call
            .answered(line)
            .and_then(|number| self.open.remove(&number))
        {
            Some(sent) => {
                self.sample.all_calls += 1;
                if sent >= self.from && now < self.until {
                    self.sample.calls += 1;
                    self.sample
                        .latencies_ns
                        .push(u32::try_from((now - sent).as_nanos()).unwrap_or(u32::MAX));
                }
            }
            None => {
                self.sample.errors += 1;
                self.open.clear();
                return;
            }
        }
        if now < self.until {
            self.send_next();
        }
    }
}
