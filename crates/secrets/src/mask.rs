//! Finding known values in what servers say, and putting [`MASK`] in their place.
//!
//! Exact: it knows values and the forms they take on their way (`mask/forms`: base64, percent-encoded, escaped in JSON, also
//! twice), and guesses nothing. One automaton finds all forms in one pass, in a time that no text and no value can make
//! quadratic; where forms overlap, all that belongs to any of them is covered. Refuses nothing of what is masked: any bytes
//! will do. It cannot help against a server that means to tell a value: reversed or in parts it is another text.
//! Read `mask/stream` for texts that come in pieces.

mod forms;
mod stream;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use zeroize::Zeroize as _;

pub use stream::MaskStream;

use crate::Secret;
use crate::limits::{MASK_BYTES_MIN, MASK_FORMS_BYTES_MAX};
use crate::words::Words;

/// What stands where a value stood. It fits into JSON, a URL and a log line alike.
pub const MASK: &str = "***";

/// Bytes of the table of beginnings.
const BEGINS_TABLE: usize = 8 << 10;

/// Finds known values. Clones share it. It holds the values, in clear, as long as it lives, and cannot be printed.
#[derive(Clone, Default)]
pub struct Masker(Option<Arc<Inner>>);

struct Inner {
    /// How all forms begin, where there are not too many: what holds none of that is passed over faster than by the automaton.
    begins: Option<Words<BEGINS_TABLE>>,
    automaton: AhoCorasick,
    longest: usize,
}

/// Why values cannot be masked. Whoever gets this must not pass on what may hold them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MaskError {
    /// All forms of all values are longer than [`MASK_FORMS_BYTES_MAX`].
    #[error(
        "the secrets are too long, or too many, to be masked together: their forms take more than {MASK_FORMS_BYTES_MAX} bytes"
    )]
    TooMuch,
}

impl Masker {
    /// For these values. Those shorter than [`MASK_BYTES_MIN`] are not masked: see [`covers`](Self::covers).
    pub fn new<'a>(known: impl IntoIterator<Item = &'a Secret>) -> Result<Self, MaskError> {
        let mut all = BTreeSet::new();
        let mut bytes = 0;
        for secret in known.into_iter().filter(|secret| Self::covers(secret)) {
            for form in forms::of(secret.reveal()) {
                let length = form.len();
                if length >= MASK_BYTES_MIN && all.insert(form) {
                    bytes += length;
                }
            }
            if bytes > MASK_FORMS_BYTES_MAX {
                return Err(MaskError::TooMuch);
            }
        }
        let Some(longest) = all.iter().map(String::len).max() else {
            return Ok(Self::default());
        };
        let begins: BTreeSet<&[u8]> = all
            .iter()
            .map(|form| &form.as_bytes()[..MASK_BYTES_MIN])
            .collect();
        let begins = (begins.len() <= BEGINS_TABLE / 64).then(|| Words::new(begins));
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            // The faster DFA takes a quadratic time to build where a long value repeats itself.
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&all);
        for mut form in all {
            form.zeroize();
        }
        let automaton = automaton.map_err(|_| MaskError::TooMuch)?;
        Ok(Self(Some(Arc::new(Inner {
            begins,
            automaton,
            longest,
        }))))
    }

    /// Whether a value is long enough to be masked.
    pub fn covers(secret: &Secret) -> bool {
        secret.reveal().len() >= MASK_BYTES_MIN
    }

    /// Whether there is nothing to mask.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// A text without the values. Borrowed where there were none.
    pub fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let spans = self.spans(text.as_bytes());
        if spans.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        // Forms are text, so their places in a text are between its characters.
        for span in spans {
            out.push_str(&text[at..span.start]);
            out.push_str(MASK);
            at = span.end;
        }
        out.push_str(&text[at..]);
        Cow::Owned(out)
    }

    /// The same for bytes.
    pub fn mask_bytes<'t>(&self, bytes: &'t [u8]) -> Cow<'t, [u8]> {
        let spans = self.spans(bytes);
        if spans.is_empty() {
            return Cow::Borrowed(bytes);
        }
        let mut out = Vec::with_capacity(bytes.len());
        let mut at = 0;
        for span in spans {
            out.extend_from_slice(&bytes[at..span.start]);
            out.extend_from_slice(MASK.as_bytes());
            at = span.end;
        }
        out.extend_from_slice(&bytes[at..]);
        Cow::Owned(out)
    }

    /// The same for bytes that come in pieces.
    pub fn stream(&self) -> MaskStream {
        MaskStream::new(self.clone())
    }

    /// The longest form.
    fn longest(&self) -> usize {
        self.0.as_ref().map_or(0, |inner| inner.longest)
    }

    /// Where forms are, in order; those that overlap as one.
    fn spans(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let mut spans = Vec::new();
        let Some(inner) = &self.0 else {
            return spans;
        };
        if !inner.may_hold(bytes) {
            return spans;
        }
        // They come in the order of their ends.
        for found in inner.automaton.find_overlapping_iter(bytes) {
            cover(&mut spans, found.range());
        }
        spans
    }
}

impl Inner {
    /// False: none of the forms is there.
    fn may_hold(&self, bytes: &[u8]) -> bool {
        let Some(begins) = &self.begins else {
            return true;
        };
        let mut is_there = false;
        begins.each(bytes, |_, _| {
            is_there = true;
            false
        });
        is_there
    }
}

/// Adds a span that ends after all others.
fn cover(spans: &mut Vec<Range<usize>>, mut span: Range<usize>) {
    while let Some(last) = spans.pop_if(|last| span.start < last.end) {
        span = span.start.min(last.start)..span.end.max(last.end);
    }
    spans.push(span);
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Masker(***)")
    }
}

#[cfg(test)]
mod tests;
