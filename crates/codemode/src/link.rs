//! Our end of a worker's channel: whole frames in, whole frames out, nobody waited for.

use std::collections::VecDeque;
use std::io;

use tokio::io::Interest;
use tokio::net::UnixStream;

use crate::protocol::{HEAD_BYTES, first};

/// A worker's channel.
pub(crate) struct Link {
    stream: UnixStream,
    read: Vec<u8>,
    /// Of `read`, handed out already.
    taken: usize,
    /// Written by us, not yet taken by the system; a worker that computes does not read. Bounded by the calls in flight.
    queue: VecDeque<Vec<u8>>,
    /// Of the first in the queue.
    written: usize,
}

impl Link {
    pub(crate) fn new(stream: std::os::unix::net::UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream: UnixStream::from_std(stream)?,
            read: Vec::new(),
            taken: 0,
            queue: VecDeque::new(),
            written: 0,
        })
    }

    /// Sends a frame, now or as soon as it is read. A worker that has ended takes none; what it said before is still to
    /// be received, and then its end.
    pub(crate) fn send(&mut self, frame: Vec<u8>) {
        self.queue.push_back(frame);
        self.flush();
    }

    /// Waits for the next frame. Nothing is lost if it is dropped meanwhile.
    pub(crate) async fn receive(&mut self, max: usize) -> io::Result<Vec<u8>> {
        loop {
            if let Some(frame) = first(&self.read[self.taken..], max).map_err(io::Error::other)? {
                let frame = frame.to_vec();
                self.taken += HEAD_BYTES + frame.len();
                return Ok(frame);
            }
            self.read.drain(..self.taken);
            self.taken = 0;
            let interest = if self.queue.is_empty() {
                Interest::READABLE
            } else {
                Interest::READABLE | Interest::WRITABLE
            };
            let ready = self.stream.ready(interest).await?;
            if ready.is_writable() {
                self.flush();
            }
            if ready.is_readable() || ready.is_read_closed() {
                let mut bytes = [0; 32 << 10];
                match self.stream.try_read(&mut bytes) {
                    Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(count) => self.read.extend_from_slice(&bytes[..count]),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    fn flush(&mut self) {
        while let Some(frame) = self.queue.front() {
            match self.stream.try_write(&frame[self.written..]) {
                Ok(count) if self.written + count < frame.len() => self.written += count,
                Ok(_) => {
                    self.queue.pop_front();
                    self.written = 0;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => self.queue.clear(),
            }
        }
    }
}
