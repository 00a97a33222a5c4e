//! Where a piece of a text lies in that text, told by address and without `unsafe`.

use std::ops::Range;

/// A range of a text of at most 4 GiB, in half the room of a `Range<usize>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// Where `part` lies in `text`. Frames are far shorter than 4 GiB, so `None` means that it lies elsewhere.
    pub(crate) fn of(text: &str, part: &str) -> Option<Self> {
        let range = range_of(text, part)?;
        Some(Self {
            start: u32::try_from(range.start).ok()?,
            end: u32::try_from(range.end).ok()?,
        })
    }

    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    pub(crate) fn in_text(self, text: &str) -> &str {
        &text[self.range()]
    }
}

/// Where `part` lies in `text`, if it is a slice of it.
pub(crate) fn range_of(text: &str, part: &str) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let end = start.checked_add(part.len())?;
    (end <= text.len()).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_found_and_strangers_are_not() {
        let text = String::from("one two three");
        assert_eq!(range_of(&text, &text[4..7]), Some(4..7));
        assert_eq!(range_of(&text, &text), Some(0..13));
        assert_eq!(range_of(&text, &text[13..]), Some(13..13));
        let other = String::from("two");
        assert_eq!(range_of(&text, &other), None);
        assert_eq!(range_of(&text[..6], &text[4..7]), None);
        assert_eq!(range_of(&text[5..], &text[4..7]), None);
    }

    #[test]
    fn spans_cut_what_they_were_made_of() {
        let text = "alpha beta";
        let span = Span::of(text, &text[6..]).unwrap();
        assert_eq!(span.in_text(text), "beta");
        assert_eq!(span.range(), 6..10);
    }
}
