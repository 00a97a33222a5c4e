//! Pipes over file descriptors: a child's stdin and stdout, or our own.
//!
//! Owns how newline-delimited frames get in and out without blocking a runtime. Everything happens on the caller's
//! runtime, in few system calls: a source reads large chunks and hands out slices; a sink gathers what becomes ready
//! in one turn of the scheduler and writes it at once. Refuses to wait for a reader that has stopped: what it does
//! not take stays in the outbox, whose limit is [`crate::limits::OUTBOX_BYTES_MAX`]. What cannot be polled (files,
//! terminals) goes through helper threads. Read `outbox` next for the queue and `lines` for the reading.

use std::future::Future;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::thread::{self, ThreadId};

use bytes::Bytes;
use rustix::event::{PollFd, PollFlags};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::coop::poll_proceed;
use tokio::time::Sleep;

use crate::limits::{CLOSE_FLUSH, LINE_BYTES_MAX, READ_BYTES_MAX, SKIP_REST};
use crate::lines::Lines;
use crate::multiplexed::Sorter;
use crate::outbox::{Batch, Outbox, Pushed, Work};
use crate::pipe::{BoxFuture, FrameSink, FrameSource, Pipe, ReadError, SendError};
use crate::readiness::register;
use crate::stream::{Stream, Way};
use crate::turn::{Turn, after_others};

/// A pipe that reads frames from one descriptor and writes them to another. Both must be the caller's alone: pipes
/// are made non-blocking. Call it on the runtime that will read; other threads may send too.
///
/// # Errors
/// When a descriptor cannot be registered, or outside a runtime.
pub fn from_fds(read: OwnedFd, write: OwnedFd) -> io::Result<Pipe> {
    connect(Way::owned(read)?, Way::owned(write)?, None)
}

/// A pipe over the socket that a container engine hands out for a container's standard streams: what is read from it
/// is sorted (see [`crate::multiplexed`]), what is sent goes out as it is. `first` was received already.
///
/// # Errors
/// As [`from_fds`]; also when `first` is not multiplexed.
pub fn attached(socket: OwnedFd, mut first: Vec<u8>, mut sorter: Sorter) -> io::Result<Pipe> {
    let there = sorter.sort(&mut first)?;
    first.truncate(there);
    let write = socket.try_clone()?;
    connect(
        Way::owned(socket)?,
        Way::owned(write)?,
        Some((sorter, first)),
    )
}

/// A pipe over this process' stdin and stdout, whatever they are. Both are replaced by `/dev/null`, so that a stray
/// print does not end up between two frames; whoever shares them does not notice.
///
/// # Errors
/// When they are closed or cannot be registered, or outside a runtime.
pub fn own() -> io::Result<Pipe> {
    let read = Way::shared(io::stdin().as_fd(), OFlags::RDONLY)?;
    let write = Way::shared(io::stdout().as_fd(), OFlags::WRONLY)?;
    let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    connect(read, write, None)
}

fn connect(read: Way, write: Way, sorted: Option<(Sorter, Vec<u8>)>) -> io::Result<Pipe> {
    let runtime = tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
    let read = match read {
        Way::Pollable(stream) => stream,
        Way::Blocking(fd) => pump(fd)?,
    };
    let mut lines = Lines::new(LINE_BYTES_MAX);
    let sorter = sorted.map(|(sorter, first)| {
        lines.put(&first);
        sorter
    });
    let source = FdSource {
        fd: Some(register(read, Interest::READABLE)?),
        lines,
        sorter,
        turn: Turn::default(),
        rest: None,
    };
    let outbox = Arc::new(Outbox::default());
    let direct = match write {
        Way::Pollable(stream) => {
            let fd = Arc::new(register(stream, Interest::WRITABLE)?);
            let direct = Direct {
                fd: Arc::downgrade(&fd),
                home: thread::current().id(),
            };
            runtime.spawn(Flusher {
                fd,
                outbox: End(outbox.clone()),
                batch: Batch::default(),
                deadline: None,
            });
            Some(direct)
        }
        Way::Blocking(fd) => {
            let outbox = End(outbox.clone());
            thread::Builder::new()
                .name("stdout".into())
                .spawn(move || write_blocking(fd, &outbox.0))?;
            None
        }
    };
    Ok(Pipe {
        sink: Arc::new(FdSink { outbox, direct }),
        source: Box::new(source),
    })
}

// --- reading ---

struct FdSource {
    /// `None` once the end was reached.
    fd: Option<AsyncFd<Stream>>,
    lines: Lines,
    /// For what comes with something else in between.
    sorter: Option<Sorter>,
    /// Bytes that were read since others had their turn.
    turn: Turn,
    /// Runs while what nobody will get is read slowly.
    rest: Option<Pin<Box<Sleep>>>,
}

impl FrameSource for FdSource {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, ReadError>>> {
        loop {
            if let Some(rest) = &mut self.rest {
                ready!(rest.as_mut().poll(cx));
                self.rest = None;
            }
            // Lines that are there already count too: a flood of them must not keep others from their turn.
            let turn = ready!(poll_proceed(cx));
            if let Some(line) = self.lines.next() {
                turn.made_progress();
                return Poll::Ready(Some(line));
            }
            drop(turn);
            if self.turn.is_over() {
                let is_flooded = self.sorter.as_mut().is_some_and(Sorter::take_flooded);
                if self.lines.is_skipping() || is_flooded {
                    self.rest = Some(Box::pin(tokio::time::sleep(SKIP_REST)));
                    continue;
                }
                return after_others(cx);
            }
            let Some(fd) = &self.fd else {
                return Poll::Ready(None);
            };
            let failed = match fd.poll_read_ready(cx) {
                Poll::Pending => {
                    self.turn.over();
                    return Poll::Pending;
                }
                Poll::Ready(Err(gone)) => gone,
                Poll::Ready(Ok(mut ready)) => {
                    let space = self.lines.space();
                    match fd.get_ref().read(space) {
                        Ok(0) => {
                            self.fd = None;
                            return Poll::Ready(self.lines.finish().map(Ok));
                        }
                        Ok(read) => {
                            // Less than asked for: there is no more, and asking would be a system call.
                            if read < space.len() {
                                ready.clear_ready();
                            }
                            self.turn.took(read);
                            let sorted = match &mut self.sorter {
                                Some(sorter) => sorter.sort(&mut space[..read]),
                                None => Ok(read),
                            };
                            match sorted {
                                Ok(there) => {
                                    self.lines.filled(there);
                                    continue;
                                }
                                Err(garbage) => garbage,
                            }
                        }
                        Err(Errno::AGAIN) => {
                            ready.clear_ready();
                            continue;
                        }
                        Err(Errno::INTR) => continue,
                        Err(errno) => errno.into(),
                    }
                }
            };
            self.fd = None;
            return Poll::Ready(Some(Err(ReadError::Io(failed))));
        }
    }
}

/// Copies what can only be waited for into a pipe that can be polled. The thread ends with its input or, at its next
/// input, when the pipe is dropped.
fn pump(from: OwnedFd) -> io::Result<Stream> {
    let (reader, writer) = io::pipe()?;
    let Way::Pollable(stream) = Way::owned(reader.into())? else {
        return Err(io::Error::other("a pipe that is not a pipe"));
    };
    thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut buffer = vec![0; READ_BYTES_MAX];
        while let Ok(read @ 1..) =
            waiting(&from, PollFlags::IN, |fd| rustix::io::read(fd, &mut buffer))
        {
            let mut rest = &buffer[..read];
            while !rest.is_empty() {
                match waiting(&writer, PollFlags::OUT, |fd| rustix::io::write(fd, rest)) {
                    Ok(wrote) => rest = &rest[wrote..],
                    Err(_) => return,
                }
            }
        }
    })?;
    Ok(stream)
}

// --- writing ---

struct FdSink {
    outbox: Arc<Outbox>,
    /// `None` if a thread writes.
    direct: Option<Direct>,
}

/// What it takes to write at once, for a thread that would have to wake another thread's runtime.
struct Direct {
    fd: Weak<AsyncFd<Stream>>,
    home: ThreadId,
}

impl FrameSink for FdSink {
    fn send(&self, frame: &[u8]) -> Result<(), SendError> {
        let away = self
            .direct
            .as_ref()
            .filter(|direct| direct.home != thread::current().id());
        let pushed = self.outbox.push(frame, away.is_some())?;
        let (Pushed::Yours(mut batch), Some(direct)) = (pushed, away) else {
            return Ok(());
        };
        let wrote = direct
            .fd
            .upgrade()
            .ok_or(Errno::PIPE)
            .and_then(|fd| fd.get_ref().write(batch.rest()));
        match wrote {
            Ok(wrote) => batch.wrote(wrote),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => {
                self.outbox.end();
                return Err(SendError::Closed);
            }
        }
        self.outbox.hand_back(batch);
        Ok(())
    }

    fn close(&self) {
        self.outbox.close();
    }

    fn poll_drained(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.outbox.poll_drained(cx)
    }

    fn gone(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let Some(direct) = &self.direct else {
                return std::future::pending().await;
            };
            // What ends is told without being asked for; that something can be read, only where that was asked for.
            let ends = Interest::ERROR | Interest::READABLE;
            if let Some(fd) = direct.fd.upgrade() {
                let _ended = fd.ready(ends).await;
            }
        })
    }
}

impl Drop for FdSink {
    fn drop(&mut self) {
        self.outbox.close();
    }
}

/// The task that writes. Its fields are dropped in order: the descriptor is closed before anybody hears of it.
struct Flusher {
    fd: Arc<AsyncFd<Stream>>,
    outbox: End,
    batch: Batch,
    /// Runs from the moment that a closed outbox cannot be written.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Future for Flusher {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        loop {
            if this.batch.is_done() {
                match this.outbox.0.poll_work(&mut this.batch, cx) {
                    Work::Write => {}
                    Work::Idle => return Poll::Pending,
                    Work::Finished => return Poll::Ready(()),
                }
            }
            let mut ready = match this.fd.poll_write_ready(cx) {
                Poll::Ready(Ok(ready)) => ready,
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => return this.poll_deadline(cx),
            };
            match this.fd.get_ref().write(this.batch.rest()) {
                Ok(wrote) => {
                    this.batch.wrote(wrote);
                    if !this.batch.is_done() {
                        ready.clear_ready();
                    }
                }
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(Errno::INTR) => {}
                Err(_) => return Poll::Ready(()),
            }
        }
    }
}

impl Flusher {
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.deadline.is_none() && !self.outbox.0.poll_closing(cx) {
            return Poll::Pending;
        }
        self.deadline
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(CLOSE_FLUSH)))
            .as_mut()
            .poll(cx)
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        self.fd.get_ref().finish();
    }
}

fn write_blocking(fd: OwnedFd, outbox: &Outbox) {
    let mut batch = Batch::default();
    while let Work::Write = outbox.wait_work(&mut batch) {
        while !batch.is_done() {
            match waiting(&fd, PollFlags::OUT, |fd| {
                rustix::io::write(fd, batch.rest())
            }) {
                Ok(wrote) => batch.wrote(wrote),
                Err(_) => return,
            }
        }
    }
}

/// Ends an outbox when its writer does, however that happens.
struct End(Arc<Outbox>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Repeats until it is done, also on a descriptor that somebody else made non-blocking.
fn waiting<F: AsFd>(
    fd: &F,
    flags: PollFlags,
    mut act: impl FnMut(&F) -> rustix::io::Result<usize>,
) -> rustix::io::Result<usize> {
    loop {
        match act(fd) {
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let _ = rustix::event::poll(&mut [PollFd::new(fd, flags)], None);
            }
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests;
