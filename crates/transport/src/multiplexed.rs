//! The stream that carries a container's standard output and standard error in one.
//!
//! Owns its framing, as the Docker Engine API describes it for `POST /containers/{id}/attach`: eight bytes (which
//! stream, three zeros, the length as big-endian 32 bits), then so many bytes. Pure: it is shown what was received and
//! sorts it in place, so that a length is never waited for and never allocated. Refuses what is not framed like this.
//! Used by [`crate::stdio::attached`].

use std::io;

use crate::limits::TURN_BYTES_MAX;

const HEADER_BYTES: usize = 8;
const STDOUT: u8 = 1;
/// What the engine itself has to say; it comes with errors of the engine alone.
const SYSTEM: u8 = 3;

/// Whoever wants the standard error, piece by piece.
pub type OnStderr = Box<dyn FnMut(&[u8]) + Send>;

/// Takes the streams apart.
pub struct Sorter {
    header: [u8; HEADER_BYTES],
    /// How much of the header is there.
    filled: usize,
    /// What is left of the frame whose header was read.
    left: usize,
    stream: u8,
    on_stderr: OnStderr,
    /// Bytes of standard error since somebody asked.
    stderr: usize,
}

impl Sorter {
    /// With somebody who gets the standard error.
    #[must_use]
    pub fn new(on_stderr: OnStderr) -> Self {
        Self {
            header: [0; HEADER_BYTES],
            filled: 0,
            left: 0,
            stream: STDOUT,
            on_stderr,
            stderr: 0,
        }
    }

    /// Moves what belongs to standard output to the front, and says how much that is.
    ///
    /// # Errors
    /// It is not multiplexed.
    pub fn sort(&mut self, received: &mut [u8]) -> io::Result<usize> {
        let (mut at, mut kept) = (0, 0);
        while at < received.len() {
            if self.left == 0 {
                let take = (HEADER_BYTES - self.filled).min(received.len() - at);
                self.header[self.filled..self.filled + take]
                    .copy_from_slice(&received[at..at + take]);
                self.filled += take;
                at += take;
                if self.filled == HEADER_BYTES {
                    self.filled = 0;
                    self.begin()?;
                }
                continue;
            }
            let take = self.left.min(received.len() - at);
            self.left -= take;
            if self.stream == STDOUT {
                received.copy_within(at..at + take, kept);
                kept += take;
            } else {
                (self.on_stderr)(&received[at..at + take]);
                self.stderr += take;
            }
            at += take;
        }
        Ok(kept)
    }

    fn begin(&mut self) -> io::Result<()> {
        let [stream, 0, 0, 0, length @ ..] = self.header else {
            return Err(garbage());
        };
        if !(STDOUT..=SYSTEM).contains(&stream) {
            return Err(garbage());
        }
        self.stream = stream;
        self.left = u32::from_be_bytes(length) as usize;
        Ok(())
    }

    /// Whether it was mostly standard error that came, more than a turn's worth, since this was last asked.
    pub(crate) fn take_flooded(&mut self) -> bool {
        std::mem::take(&mut self.stderr) > TURN_BYTES_MAX / 2
    }
}

fn garbage() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the engine sent what is neither standard output nor standard error of a container",
    )
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use proptest::prelude::*;

    use super::*;

    fn sorter() -> (Sorter, Arc<Mutex<Vec<u8>>>) {
        let stderr = Arc::<Mutex<Vec<u8>>>::default();
        let heard = stderr.clone();
        let on_stderr = move |bytes: &[u8]| heard.lock().unwrap().extend_from_slice(bytes);
        (Sorter::new(Box::new(on_stderr)), stderr)
    }

    fn framed(stream: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        [&[stream, 0, 0, 0][..], &length, bytes].concat()
    }

    proptest! {
        #[test]
        fn streams_are_whole_however_they_are_cut(
            frames in proptest::collection::vec((1u8..=2, proptest::collection::vec(any::<u8>(), 0..40)), 0..12),
            cut in 1usize..30,
        ) {
            let (mut sorter, stderr) = sorter();
            let all: Vec<u8> = frames.iter().flat_map(|(stream, bytes)| framed(*stream, bytes)).collect();
            let mut stdout = Vec::new();
            for piece in all.chunks(cut) {
                let mut piece = piece.to_vec();
                let kept = sorter.sort(&mut piece).unwrap();
                stdout.extend_from_slice(&piece[..kept]);
            }
            let of = |which: u8| -> Vec<u8> {
                frames.iter().filter(|(stream, _)| *stream == which).flat_map(|(_, bytes)| bytes.clone()).collect()
            };
            prop_assert_eq!(stdout, of(1));
            prop_assert_eq!(&*stderr.lock().unwrap(), &of(2));
        }
    }

    #[test]
    fn a_length_is_not_believed_before_it_came() {
        let (mut sorter, _) = sorter();
        let mut huge = vec![1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, b'a', b'b'];
        assert_eq!(sorter.sort(&mut huge).unwrap(), 2);
        assert_eq!(&huge[..2], b"ab");
    }

    #[test]
    fn what_is_not_framed_is_refused() {
        for bytes in [
            &b"{\"jsonrpc\":\"2.0\"}"[..],
            &[0; 8],
            &[1, 0, 1, 0, 0, 0, 0, 1],
        ] {
            let (mut sorter, _) = sorter();
            let error = sorter.sort(&mut bytes.to_vec()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }

    #[test]
    fn a_flood_of_errors_is_noticed_once() {
        let (mut sorter, stderr) = sorter();
        let mut flood = framed(2, &vec![b'x'; TURN_BYTES_MAX]);
        assert_eq!(sorter.sort(&mut flood).unwrap(), 0);
        assert_eq!(stderr.lock().unwrap().len(), TURN_BYTES_MAX);
        assert!(sorter.take_flooded());
        assert!(!sorter.take_flooded());
    }
}
