//! Small changes to a message that is otherwise copied byte for byte.
//!
//! Owns: replacing values, and setting and removing members with their commas. Refuses: pieces that are not slices of the
//! text (that would be a mistake of ours, so it panics). Read next: `frame.rs`, where edits of a message begin.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::ops::Range;

use bytes::Bytes;

use crate::object::Object;
use crate::span::range_of;

mod shape;

use shape::Shape;

/// Replacements in one piece of text; everything else is copied byte for byte.
///
/// Changes may come in any order, and the later of two to the same value or member counts. Where one lies inside another
/// (a member of an object that is itself replaced or removed), the outer one counts.
#[derive(Debug)]
pub struct Edits<'a> {
    text: &'a str,
    /// The same text where it is known as bytes that need no copy.
    bytes: Option<&'a Bytes>,
    cuts: Vec<Cut<'a>>,
    shapes: Vec<Shape<'a>>,
}

/// One range of the text and what stands there instead.
#[derive(Debug)]
struct Cut<'a> {
    range: Range<usize>,
    with: Cow<'a, str>,
}

impl<'a> Edits<'a> {
    /// No changes to `text` yet.
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        Self {
            text,
            bytes: None,
            cuts: Vec::new(),
            shapes: Vec::new(),
        }
    }

    pub(crate) const fn of_bytes(text: &'a str, bytes: &'a Bytes) -> Self {
        Self {
            text,
            bytes: Some(bytes),
            cuts: Vec::new(),
            shapes: Vec::new(),
        }
    }

    /// Puts something in the place of `part`, which must be a slice of the text.
    ///
    /// # Panics
    /// If `part` is not a slice of the text.
    pub fn replace(&mut self, part: &'a str, with: impl Into<Cow<'a, str>>) {
        let range = self.locate(part);
        let with = with.into();
        match self.cuts.iter_mut().find(|cut| cut.range == range) {
            Some(cut) => cut.with = with,
            None => self.cuts.push(Cut { range, with }),
        }
    }

    /// Gives a member of `object` the value `value` (JSON text). A member that is not there becomes the last one; of one
    /// that is there more than once, the first stays.
    ///
    /// # Panics
    /// If `object` does not lie in the text.
    pub fn set(&mut self, object: &Object<'a>, name: &str, value: impl Into<Cow<'a, str>>) {
        let value = value.into();
        let mut there = (0..)
            .zip(object.members())
            .filter(|(_, member)| member.name == name);
        let Some((first, member)) = there.next() else {
            self.shape(object).add(name, value);
            return;
        };
        self.replace(member.value, value);
        if let Some(shape) = self.known_shape(object) {
            shape.keep(first);
        }
        for (again, _) in there {
            self.shape(object).remove(again);
        }
    }

    /// Takes a member out of `object`, every time it is there.
    ///
    /// # Panics
    /// If `object` does not lie in the text.
    pub fn remove(&mut self, object: &Object<'a>, name: &str) {
        for (index, member) in object.members().iter().enumerate() {
            if member.name == name {
                self.shape(object).remove(index);
            }
        }
        if let Some(shape) = self.known_shape(object) {
            shape.forget(name);
        }
    }

    /// Whether nothing would change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cuts.is_empty() && self.shapes.iter().all(Shape::is_unchanged)
    }

    /// The text with all changes made.
    #[must_use]
    pub fn apply(self) -> Bytes {
        let Self {
            text,
            bytes,
            mut cuts,
            shapes,
        } = self;
        for shape in shapes {
            shape.cut(&mut cuts);
        }
        if cuts.is_empty() {
            return bytes
                .cloned()
                .unwrap_or_else(|| Bytes::copy_from_slice(text.as_bytes()));
        }
        // Of two that begin at one place the longer comes first and swallows the other; an insertion swallows nothing.
        cuts.sort_by_key(|cut| {
            (
                cut.range.start,
                !cut.range.is_empty(),
                Reverse(cut.range.end),
            )
        });
        let mut done = 0;
        cuts.retain(|cut| {
            let is_free = cut.range.start >= done;
            done = if is_free { cut.range.end } else { done };
            is_free
        });
        let gone: usize = cuts.iter().map(|cut| cut.range.len()).sum();
        let added: usize = cuts.iter().map(|cut| cut.with.len()).sum();
        let mut out = String::with_capacity(text.len() - gone + added);
        let mut done = 0;
        for Cut { range, with } in cuts {
            out.push_str(&text[done..range.start]);
            out.push_str(&with);
            done = range.end;
        }
        out.push_str(&text[done..]);
        Bytes::from(out)
    }

    fn locate(&self, part: &str) -> Range<usize> {
        range_of(self.text, part)
            .expect("what is edited is a slice of the text that the edits began with")
    }

    fn known_shape(&mut self, object: &Object<'a>) -> Option<&mut Shape<'a>> {
        let start = self.locate(object.raw()).start;
        self.shapes.iter_mut().find(|shape| shape.start() == start)
    }

    fn shape(&mut self, object: &Object<'a>) -> &mut Shape<'a> {
        let range = self.locate(object.raw());
        let known = self
            .shapes
            .iter()
            .position(|shape| shape.start() == range.start);
        let index = known.unwrap_or_else(|| {
            let members = object
                .members()
                .iter()
                .map(|member| self.locate(member.literal).start..self.locate(member.value).end);
            self.shapes.push(Shape::new(range.start, members.collect()));
            self.shapes.len() - 1
        });
        &mut self.shapes[index]
    }
}

#[cfg(test)]
mod tests;
