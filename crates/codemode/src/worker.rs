//! The process that runs one script.
//!
//! Owns the order of a worker's life: it gives up everything but its channel (`worker/confine.rs`) and sets up the engine
//! (`worker/engine.rs`). Here its process may be copied, and the copies go on: told its limits, each makes them its own,
//! gives up all but a few system calls, says that it is ready, gets one script, answers once, and ends. One thread, no
//! runtime. Its standard input is one end of a socket pair, and all it has. Refuses a second script.

pub(crate) mod bridge;
mod channel;
pub mod confine;
pub mod engine;
mod forms;
mod natives;
pub(crate) mod show;
mod state;
mod steps;
pub mod types;

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use crate::limits::START_FRAME_BYTES_MAX;
use crate::protocol::{Confinement, Failed, FromWorker, ToWorker};
use channel::Channel;
use engine::Engine;

/// A worker that is ready but for its limits. Copies of its process are workers of their own.
pub struct Ready {
    channel: Channel,
    engine: Engine,
    confinement: Confinement,
}

impl Ready {
    /// Gives up everything but standard input, and sets up the engine. The process must have one thread.
    ///
    /// # Errors
    /// If the system has no such way, or no memory is left.
    pub fn new() -> io::Result<Self> {
        // What would be printed has nowhere to go, and printing may need a system call that is not allowed.
        std::panic::set_hook(Box::new(|_| {}));
        let channel = Channel::new(Stdin);
        let confinement = confine::leave()?;
        let engine = Engine::new(channel.clone()).map_err(io::Error::other)?;
        Ok(Self {
            channel,
            engine,
            confinement,
        })
    }

    /// Runs one script of whoever is at the other end of standard input. Returns when it has ended, or when nobody is left
    /// who wants one.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.serve()));
        let code = match outcome {
            Ok(Ok(())) => ExitCode::SUCCESS,
            Ok(Err(_)) => ExitCode::from(2),
            Err(_) => {
                let _ = self.channel.send(&FromWorker::Failed(Failed {
                    kind: "worker".into(),
                    message: "the worker panicked".into(),
                    ..Failed::default()
                }));
                ExitCode::from(101)
            }
        };
        // What the engine holds is not worth giving back: the process ends, and the system is quicker.
        std::mem::forget(self);
        code
    }

    fn serve(&self) -> io::Result<()> {
        let first = self.channel.receive(START_FRAME_BYTES_MAX)?;
        let Ok(ToWorker::Prepare(limits)) = serde_json::from_slice(&first) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        confine::limit(&limits)?;
        self.engine.limit(limits.into_owned());
        self.engine.seed()?;
        self.engine.stretch().map_err(io::Error::other)?;
        confine::filter()?;
        self.channel.send(&FromWorker::Ready(Confinement {
            seccomp: true,
            ..self.confinement
        }))?;
        let run = self.channel.receive(START_FRAME_BYTES_MAX)?;
        let Ok(ToWorker::Run {
            script,
            names,
            args,
            left_ms,
        }) = serde_json::from_slice(&run)
        else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        self.engine.run(&script, names.into_owned(), &args, left_ms)
    }
}

/// A worker that is no copy.
#[must_use]
pub fn main() -> ExitCode {
    Ready::new().map_or(ExitCode::from(2), Ready::run)
}

/// Where a worker's channel leads: its standard input, which is a socket, or a stand-in of a test.
pub trait Duplex {
    /// As [`Read::read`].
    ///
    /// # Errors
    /// As there.
    fn read(&self, bytes: &mut [u8]) -> io::Result<usize>;

    /// As [`Write::write_all`].
    ///
    /// # Errors
    /// As there.
    fn write_all(&self, bytes: &[u8]) -> io::Result<()>;

    /// Waits for something to read, at most so long. True if there is, or if the other end is gone.
    ///
    /// # Errors
    /// If it cannot be waited for.
    fn wait(&self, at_most: Option<std::time::Duration>) -> io::Result<bool>;

    /// Whether the other end is gone for good.
    fn is_gone(&self) -> bool;
}

struct Stdin;

impl Duplex for Stdin {
    fn read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        Fd.read(bytes)
    }

    fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        Fd.write_all(bytes)
    }

    fn wait(&self, at_most: Option<std::time::Duration>) -> io::Result<bool> {
        Ok(!channel::poll_stdin(at_most)?.is_empty())
    }

    fn is_gone(&self) -> bool {
        channel::poll_stdin(Some(std::time::Duration::ZERO))
            .is_ok_and(|events| events.contains(rustix::event::PollFlags::HUP))
    }
}

/// Standard input, in both directions and without a buffer.
struct Fd;

impl Read for Fd {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(rustix::stdio::stdin(), bytes)?)
    }
}

impl Write for Fd {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(rustix::stdio::stdin(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
