//! A worker's end of the channel, in whole frames.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::Serialize;

use super::Duplex;
use crate::protocol::{HEAD_BYTES, first, frame};

/// Frames in both directions. Clones are the same channel.
#[derive(Clone)]
pub(crate) struct Channel {
    inner: Rc<Inner>,
}

struct Inner {
    duplex: Box<dyn Duplex>,
    /// Read, and not yet a whole frame.
    read: RefCell<Vec<u8>>,
}

impl Channel {
    pub(crate) fn new(duplex: impl Duplex + 'static) -> Self {
        Self {
            inner: Rc::new(Inner {
                duplex: Box::new(duplex),
                read: RefCell::default(),
            }),
        }
    }

    /// Sends a message; waits while the other end does not read.
    pub(crate) fn send<M: Serialize>(&self, message: &M) -> io::Result<()> {
        self.inner.duplex.write_all(&frame(message))
    }

    /// The next frame; waits for it.
    pub(crate) fn receive(&self, max: usize) -> io::Result<Vec<u8>> {
        let mut read = self.inner.read.borrow_mut();
        loop {
            if let Some(body) = first(&read, max).map_err(io::Error::other)? {
                let body = body.to_vec();
                read.drain(..HEAD_BYTES + body.len());
                return Ok(body);
            }
            let mut bytes = [0; 16 << 10];
            match self.inner.duplex.read(&mut bytes) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => read.extend_from_slice(&bytes[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until a frame may be received, at most so long. False if the time is over.
    pub(crate) fn wait(&self, at_most: Option<Duration>) -> io::Result<bool> {
        if !self.inner.read.borrow().is_empty() {
            return Ok(true);
        }
        self.inner.duplex.wait(at_most)
    }

    /// Whether nobody is left to answer to.
    pub(crate) fn is_gone(&self) -> bool {
        self.inner.duplex.is_gone()
    }
}

pub(super) fn poll_stdin(at_most: Option<Duration>) -> io::Result<PollFlags> {
    let timeout = at_most.map(|duration| Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    });
    let stdin = rustix::stdio::stdin();
    let mut fds = [PollFd::from_borrowed_fd(stdin, PollFlags::IN)];
    match poll(&mut fds, timeout.as_ref()) {
        Ok(_) => Ok(fds[0].revents()),
        Err(rustix::io::Errno::INTR) => Ok(PollFlags::empty()),
        Err(errno) => Err(errno.into()),
    }
}
