//! Masking what comes in pieces: as much is held back as a value could still begin in.

use std::ops::Range;

use zeroize::Zeroizing;

use super::{MASK, Masker, cover};

/// One stream of bytes. What comes out is what [`Masker::mask_bytes`] makes of all that went in, however it was cut.
pub struct MaskStream {
    masker: Masker,
    /// What is not given out yet.
    held: Zeroizing<Vec<u8>>,
    /// So many of its first bytes are part of a value for which [`MASK`] was given out.
    covered: usize,
}

impl MaskStream {
    pub(super) fn new(masker: Masker) -> Self {
        Self {
            masker,
            held: Zeroizing::default(),
            covered: 0,
        }
    }

    /// Takes a piece, and adds to `out` what is certain by now.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        self.held.extend_from_slice(piece);
        let back = self.masker.longest().saturating_sub(1);
        self.give(self.held.len().saturating_sub(back), out);
    }

    /// Adds the rest to `out`: nothing more comes.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        self.give(self.held.len(), out);
    }

    /// Gives out the first bytes, in which no value can begin that is not there as a whole.
    fn give(&mut self, sure: usize, out: &mut Vec<u8>) {
        if sure == 0 {
            return;
        }
        let (mut at, mut covered) = (0, 0);
        for span in self.spans() {
            if span.start >= sure {
                break;
            }
            out.extend_from_slice(&self.held[at..span.start]);
            if span.start > 0 || self.covered == 0 {
                out.extend_from_slice(MASK.as_bytes());
            }
            at = span.end.min(sure);
            covered = span.end.saturating_sub(sure);
        }
        out.extend_from_slice(&self.held[at..sure]);
        self.held.drain(..sure);
        self.covered = covered;
    }

    fn spans(&self) -> Vec<Range<usize>> {
        let mut spans = Vec::new();
        let found = self.masker.spans(&self.held);
        if self.covered == 0 {
            return found;
        }
        // The rest of a value that was begun comes first; the others may overlap it.
        spans.push(0..self.covered);
        for span in found {
            cover(&mut spans, span);
        }
        spans
    }
}

impl std::fmt::Debug for MaskStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MaskStream(***)")
    }
}
