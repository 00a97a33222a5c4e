//! Splits what was read into lines.
//!
//! Owns the read buffer: lines are handed out as slices of it, not copied, so a frame that is kept for long should
//! be copied by whoever keeps it. Only a line that outgrows the buffer is gathered in a place of its own, piece by
//! piece, so that no single step takes long however long the line is. Refuses lines over the limit (the rest of such a
//! line is skipped) and passes over blank ones. Knows no file descriptor: the caller reads into [`Lines::space`] and
//! says how much with [`Lines::filled`].

use bytes::{Bytes, BytesMut};

use crate::limits::{READ_BYTES_MAX, READ_BYTES_MIN};
use crate::pipe::ReadError;

pub(crate) struct Lines {
    /// Initialised to its whole length, so that it can be read into; the first `filled` bytes hold data.
    chunk: BytesMut,
    filled: usize,
    /// The beginning of a line that is longer than a chunk; the rest of it is in `chunk`.
    long: Vec<BytesMut>,
    /// What `long` holds together.
    long_bytes: usize,
    /// How far there is known to be no newline.
    scanned: usize,
    /// Inside a line that was too long.
    skipping: bool,
    limit: usize,
    /// How large the next chunk will be; follows what reads return.
    size: usize,
    /// A read used all the space it got since the chunk was made.
    crowded: bool,
}

impl Lines {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            chunk: BytesMut::new(),
            filled: 0,
            long: Vec::new(),
            long_bytes: 0,
            scanned: 0,
            skipping: false,
            limit,
            size: READ_BYTES_MIN,
            crowded: false,
        }
    }

    /// The next whole line, without its newline.
    pub(crate) fn next(&mut self) -> Option<Result<Bytes, ReadError>> {
        loop {
            let Some(at) = memchr::memchr(b'\n', &self.chunk[self.scanned..self.filled]) else {
                return self.no_newline();
            };
            let end = self.scanned + at + 1;
            let mut line = self.chunk.split_to(end);
            self.filled -= end;
            self.scanned = 0;
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            line.truncate(end - 1);
            let line = self.whole(line);
            if line.len() > self.limit {
                return Some(Err(ReadError::TooLong { limit: self.limit }));
            }
            if !blank(&line) {
                return Some(Ok(line));
            }
        }
    }

    /// What is left at the end: a last line that has no newline.
    pub(crate) fn finish(&mut self) -> Option<Bytes> {
        let line = self.chunk.split_to(std::mem::take(&mut self.filled));
        self.scanned = 0;
        let line = self.whole(line);
        (!self.skipping && !blank(&line)).then_some(line)
    }

    /// A line whose end was found, with its beginning.
    fn whole(&mut self, end: BytesMut) -> Bytes {
        let mut line = if self.long.is_empty() {
            end.freeze()
        } else {
            let mut whole = Vec::with_capacity(self.long_bytes + end.len());
            for piece in self.take_long() {
                whole.extend_from_slice(&piece);
            }
            whole.extend_from_slice(&end);
            whole.into()
        };
        if line.last() == Some(&b'\r') {
            line.truncate(line.len() - 1);
        }
        line
    }

    /// Whether what is read now is the rest of a line that was too long.
    pub(crate) fn is_skipping(&self) -> bool {
        self.skipping
    }

    /// Where to read to; never empty.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.chunk.len() - self.filled < READ_BYTES_MIN / 2 {
            if self.filled > READ_BYTES_MAX / 2 {
                self.spill();
            } else {
                self.renew();
            }
        }
        &mut self.chunk[self.filled..]
    }

    /// So many bytes were read to the start of [`Self::space`].
    pub(crate) fn filled(&mut self, read: usize) {
        self.filled += read;
        if self.filled == self.chunk.len() {
            self.crowded = true;
        }
    }

    /// What was received before there was anybody to read it.
    pub(crate) fn put(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let space = self.space();
            let put = space.len().min(bytes.len());
            space[..put].copy_from_slice(&bytes[..put]);
            bytes = &bytes[put..];
            self.filled(put);
        }
    }

    fn no_newline(&mut self) -> Option<Result<Bytes, ReadError>> {
        if self.skipping {
            self.filled = 0;
        } else if self.long_bytes + self.filled > self.limit {
            self.filled = 0;
            self.take_long();
            self.scanned = 0;
            self.skipping = true;
            return Some(Err(ReadError::TooLong { limit: self.limit }));
        }
        self.scanned = self.filled;
        None
    }

    fn renew(&mut self) {
        self.size = if std::mem::take(&mut self.crowded) {
            (self.size * 2).min(READ_BYTES_MAX)
        } else {
            (self.size / 2).max(READ_BYTES_MIN)
        };
        let mut chunk = BytesMut::zeroed(self.size.max(2 * self.filled));
        chunk[..self.filled].copy_from_slice(&self.chunk[..self.filled]);
        self.chunk = chunk;
    }

    /// The chunk is full of one line: more of it goes to another one.
    fn spill(&mut self) {
        self.long_bytes += self.filled;
        let piece = self.chunk.split_to(std::mem::take(&mut self.filled));
        self.long.push(piece);
        self.scanned = 0;
        self.renew();
    }

    fn take_long(&mut self) -> Vec<BytesMut> {
        self.long_bytes = 0;
        std::mem::take(&mut self.long)
    }
}

fn blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests;
