//! The chunked transfer coding (RFC 9112 section 7.1), reading half.
//!
//! Pure: it is shown what was received and says how much of it is body and how much may be dropped. Refuses bare line
//! feeds, sizes beyond 16 digits, and lines or trailers over their limits.

use crate::limits::{CHUNK_LINE_BYTES_MAX, HEAD_BYTES_MAX};

/// Where in a chunked body we are.
#[derive(Debug, Default)]
pub struct Chunked {
    state: State,
    /// Bytes of the current line, or of all trailers.
    line: usize,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In the digits of a size; how many there were.
    #[default]
    Start,
    Size(u64),
    /// Behind the digits, where extensions may be.
    Extension(u64),
    /// After the CR that ends the size line.
    SizeEnd(u64),
    Data(u64),
    /// Before the CR, and the LF, that end a chunk.
    DataCr,
    DataLf,
    /// At the start of a trailer line, inside one, after its CR.
    Trailer,
    TrailerLine,
    TrailerLf,
    /// After the CR of the empty line.
    LastLf,
    Done,
}

/// What the received bytes begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// After `skip` bytes of framing, `take` bytes of the body.
    Data {
        /// Framing to drop.
        skip: usize,
        /// Body that follows.
        take: usize,
    },
    /// All of it was framing: drop it and show what comes next.
    More,
    /// After `skip` bytes of framing the body is over; what follows is not ours.
    End {
        /// Framing to drop.
        skip: usize,
    },
}

/// The body is not chunked as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its chunks are malformed")]
pub struct ChunkError;

impl Chunked {
    /// Looks at what was received, which must not be empty. Whatever the answer covers counts as consumed.
    ///
    /// # Errors
    /// The framing is wrong: the rest of the connection cannot be understood.
    pub fn piece(&mut self, received: &[u8]) -> Result<Piece, ChunkError> {
        if self.state == State::Done {
            return Ok(Piece::End { skip: 0 });
        }
        for (at, &byte) in received.iter().enumerate() {
            if let State::Data(left) = self.state {
                let there = received.len() - at;
                let take = usize::try_from(left).map_or(there, |left| left.min(there));
                let left = left - take as u64;
                self.state = if left == 0 {
                    State::DataCr
                } else {
                    State::Data(left)
                };
                return Ok(Piece::Data { skip: at, take });
            }
            self.state = self.step(byte)?;
            if self.state == State::Done {
                return Ok(Piece::End { skip: at + 1 });
            }
        }
        Ok(Piece::More)
    }

    fn step(&mut self, byte: u8) -> Result<State, ChunkError> {
        let limit = match self.state {
            State::Trailer | State::TrailerLine | State::TrailerLf | State::LastLf => {
                HEAD_BYTES_MAX
            }
            _ => CHUNK_LINE_BYTES_MAX,
        };
        self.line += 1;
        if self.line > limit {
            return Err(ChunkError);
        }
        Ok(match (self.state, byte) {
            (State::Start, digit) => State::Size(hex(digit).ok_or(ChunkError)?),
            (State::Size(size) | State::Extension(size), b'\r') => State::SizeEnd(size),
            (State::Size(size), b';' | b' ' | b'\t') => State::Extension(size),
            (State::Size(size), digit) => {
                let digit = hex(digit).ok_or(ChunkError)?;
                State::Size(size.checked_mul(16).ok_or(ChunkError)? + digit)
            }
            (State::Extension(_), b'\n') => return Err(ChunkError),
            (State::Extension(size), _) => State::Extension(size),
            (State::SizeEnd(size), b'\n') => {
                self.line = 0;
                if size == 0 {
                    State::Trailer
                } else {
                    State::Data(size)
                }
            }
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => {
                self.line = 0;
                State::Start
            }
            (State::Trailer, b'\r') => State::LastLf,
            (State::TrailerLine, b'\r') => State::TrailerLf,
            (State::Trailer | State::TrailerLine, b'\n') => return Err(ChunkError),
            (State::Trailer | State::TrailerLine, _) => State::TrailerLine,
            (State::TrailerLf, b'\n') => State::Trailer,
            (State::LastLf, b'\n') => State::Done,
            _ => return Err(ChunkError),
        })
    }
}

fn hex(digit: u8) -> Option<u64> {
    char::from(digit).to_digit(16).map(u64::from)
}

#[cfg(test)]
mod tests;
