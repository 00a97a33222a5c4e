//! Our end of a worker's channel: whole frames in, whole frames out, nobody waited for.

use std::collections::VecDeque;
use std::io;

use tokio::io::Interest;
use tokio::net::UnixStream;

use crate::limits::QUEUE_BYTES_MAX;
use crate::protocol::{HEAD_BYTES, first};

/// A worker's channel.
pub(crate) struct Link {
    stream: UnixStream,
    read: Vec<u8>,
    /// Of `read`, handed out already.
    taken: usize,
    /// Written by us, not yet taken by the system: a worker that computes does not read.
    queue: VecDeque<Vec<u8>>,
    queued: usize,
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
            queued: 0,
            written: 0,
        })
    }

    /// Sends a frame, now or as soon as it is read. A worker that has ended takes none; what it said before is still to
    /// be received, and then its end.
    pub(crate) fn send(&mut self, frame: Vec<u8>) {
        self.queued += frame.len();
        self.queue.push_back(frame);
        self.flush();
    }

    /// So much waits to be read that no more should be sent: whoever does not read is not answered.
    pub(crate) fn is_full(&self) -> bool {
        self.queued > QUEUE_BYTES_MAX
    }

    /// Waits for the next frame, or, if the queue was full, until it no longer is (`None`). Nothing is lost if it is
    /// dropped meanwhile.
    pub(crate) async fn receive(&mut self, max: usize) -> io::Result<Option<Vec<u8>>> {
        let was_full = self.is_full();
        loop {
            if self.is_full() {
                self.stream.ready(Interest::WRITABLE).await?;
                self.flush();
                continue;
            }
            if was_full {
                return Ok(None);
            }
            if let Some(frame) = first(&self.read[self.taken..], max).map_err(io::Error::other)? {
                let frame = frame.to_vec();
                self.taken += HEAD_BYTES + frame.len();
                return Ok(Some(frame));
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
                    self.queued -= frame.len();
                    self.queue.pop_front();
                    self.written = 0;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => {
                    self.queue.clear();
                    self.queued = 0;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream as Std;

    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn whoever_does_not_read_is_not_answered() {
        let (ours, mut theirs) = Std::pair().unwrap();
        let mut link = Link::new(ours).unwrap();
        theirs.write_all(&[1, 0, 0, 0, b'x']).unwrap();
        while !link.is_full() {
            link.send(vec![0; 1 << 20]);
        }
        let waiting = link.receive(10).now_or_never();
        assert!(waiting.is_none(), "nothing is taken in meanwhile");
        let reader = std::thread::spawn(move || theirs.read_to_end(&mut Vec::new()));
        assert_eq!(link.receive(10).await.unwrap(), None);
        assert_eq!(link.receive(10).await.unwrap().unwrap(), b"x");
        drop(link);
        assert!(reader.join().unwrap().unwrap() > 1 << 20);
    }
}
