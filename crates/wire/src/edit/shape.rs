//! Which members one object loses and gains, and what that does to its commas.

use std::borrow::Cow;
use std::ops::Range;

use super::Cut;
use crate::text::quote;

/// The members of one object, by place: which stay, which go, which come.
#[derive(Debug)]
pub(super) struct Shape<'a> {
    /// Where the opening brace is.
    start: usize,
    members: Vec<Place>,
    added: Vec<(String, Cow<'a, str>)>,
}

#[derive(Debug)]
struct Place {
    /// From the quote of the name to the end of the value.
    range: Range<usize>,
    is_removed: bool,
}

impl<'a> Shape<'a> {
    pub(super) fn new(start: usize, members: Vec<Range<usize>>) -> Self {
        let members = members
            .into_iter()
            .map(|range| Place {
                range,
                is_removed: false,
            })
            .collect();
        Self {
            start,
            members,
            added: Vec::new(),
        }
    }

    pub(super) const fn start(&self) -> usize {
        self.start
    }

    pub(super) fn add(&mut self, name: &str, value: Cow<'a, str>) {
        match self.added.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.added.push((name.to_owned(), value)),
        }
    }

    /// Takes back an [`add`](Self::add).
    pub(super) fn forget(&mut self, name: &str) {
        self.added.retain(|(known, _)| known != name);
    }

    pub(super) fn remove(&mut self, index: usize) {
        self.members[index].is_removed = true;
    }

    /// Takes back a [`remove`](Self::remove).
    pub(super) fn keep(&mut self, index: usize) {
        self.members[index].is_removed = false;
    }

    pub(super) fn is_unchanged(&self) -> bool {
        self.added.is_empty() && !self.members.iter().any(|place| place.is_removed)
    }

    /// Writes the changes down as cuts. A run of removed members goes with the comma after it, or with the one before it
    /// if nothing follows, so that the rest keeps its own spacing.
    pub(super) fn cut(self, cuts: &mut Vec<Cut<'a>>) {
        let mut kept_end = None;
        let mut run_start = None;
        for place in &self.members {
            match (place.is_removed, run_start) {
                (true, None) => run_start = Some(place.range.start),
                (true, Some(_)) => {}
                (false, begun) => {
                    if let Some(start) = begun {
                        cuts.push(Cut {
                            range: start..place.range.start,
                            with: Cow::Borrowed(""),
                        });
                    }
                    run_start = None;
                    kept_end = Some(place.range.end);
                }
            }
        }
        let last_end = self
            .members
            .last()
            .map_or(self.start + 1, |place| place.range.end);
        if let Some(start) = run_start {
            cuts.push(Cut {
                range: kept_end.unwrap_or(start)..last_end,
                with: Cow::Borrowed(""),
            });
        }
        if self.added.is_empty() {
            return;
        }
        let mut text = String::new();
        let mut is_first = kept_end.is_none();
        for (name, value) in &self.added {
            text.push_str(if is_first { "" } else { "," });
            text.push_str(&quote(name));
            text.push(':');
            text.push_str(value);
            is_first = false;
        }
        cuts.push(Cut {
            range: last_end..last_end,
            with: Cow::Owned(text),
        });
    }
}
