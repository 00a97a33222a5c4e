//! The reading half: pieces of text in, events out.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr2;

use super::Event;
use crate::limits::SSE_EVENT_BYTES_MAX;

/// Splits a stream of bytes into events.
///
/// Give it what arrives with [`Decoder::push`], then call [`Decoder::next`] until it says `None`. Data that lies in
/// one line of one piece is handed out as a slice of that piece, not copied.
#[derive(Debug)]
pub struct Decoder {
    /// What was pushed and not yet looked at.
    input: Bytes,
    /// The start of a line whose end has not come yet.
    line: BytesMut,
    /// The line before ended in CR: a LF right now belongs to it.
    after_cr: bool,
    /// How much of a byte order mark has been seen; all of it once past the place where it may be.
    mark: usize,
    state: State,
    event: Event,
    /// Data of several lines.
    lines: Option<BytesMut>,
    limit: usize,
}

const MARK: &[u8] = b"\xEF\xBB\xBF";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No field of the next event has come.
    Between,
    /// Some field has, but no data line.
    Fields,
    /// A data line has.
    Data,
    /// The event is too long: everything up to the next blank line is dropped.
    Skip {
        /// The line that is passing by is empty so far.
        blank: bool,
    },
}

/// Why an event was not given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// An event, or a line of it, is longer than the limit. It was skipped, reading goes on with the next.
    #[error("an event of more than {limit} bytes was skipped")]
    TooLong {
        /// The most bytes that an event may have.
        limit: usize,
    },
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(SSE_EVENT_BYTES_MAX)
    }

    /// A decoder that takes events of at most so many bytes: all their data, their id and type.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            input: Bytes::new(),
            line: BytesMut::new(),
            after_cr: false,
            mark: 0,
            state: State::Between,
            event: Event::default(),
            lines: None,
            limit,
        }
    }

    /// Takes the next piece of the stream. What the piece before held should have been read by now with
    /// [`Self::next`]; if not, the two are joined.
    pub fn push(&mut self, piece: Bytes) {
        if self.input.is_empty() {
            self.input = piece;
        } else {
            let mut both = BytesMut::with_capacity(self.input.len() + piece.len());
            both.extend_from_slice(&self.input);
            both.extend_from_slice(&piece);
            self.input = both.freeze();
        }
    }

    /// The next event, or `None` when more of the stream is needed.
    #[expect(
        clippy::should_implement_trait,
        reason = "None is not the end, so this is no iterator"
    )]
    pub fn next(&mut self) -> Option<Result<Event, DecodeError>> {
        self.pass_mark();
        loop {
            if self.after_cr && self.input.first().is_some_and(|first| *first == b'\n') {
                self.input.advance(1);
                self.after_cr = false;
            }
            if self.input.is_empty() {
                return None;
            }
            self.after_cr = false;
            let done = match memchr2(b'\n', b'\r', &self.input) {
                Some(end) => self.whole_line(end),
                None => self.part_of_line(),
            };
            if done.is_some() {
                return done;
            }
        }
    }

    /// Says that the stream has ended.
    ///
    /// By the book an event without its blank line is lost. Servers exist that leave the blank line after the last
    /// event out, and a message that really was cut off is no JSON: so it is given out.
    pub fn finish(&mut self) -> Option<Result<Event, DecodeError>> {
        if let Some(event) = self.next() {
            return Some(event);
        }
        if !self.line.is_empty() && !matches!(self.state, State::Skip { .. }) {
            let line = self.line.split().freeze();
            if let Err(error) = self.field(line) {
                return Some(Err(error));
            }
        }
        match self.state {
            State::Data => self.dispatch().map(Ok),
            State::Between | State::Fields | State::Skip { .. } => None,
        }
    }

    fn whole_line(&mut self, end: usize) -> Option<Result<Event, DecodeError>> {
        self.after_cr = self.input[end] == b'\r';
        let part = self.input.split_to(end);
        self.input.advance(1);
        if let State::Skip { blank } = self.state {
            let over = blank && part.is_empty();
            self.state = if over {
                State::Between
            } else {
                State::Skip { blank: true }
            };
            return None;
        }
        let line = if self.line.is_empty() {
            part
        } else {
            self.line.extend_from_slice(&part);
            self.line.split().freeze()
        };
        if line.is_empty() {
            return self.dispatch().map(Ok);
        }
        self.field(line).err().map(Err)
    }

    fn part_of_line(&mut self) -> Option<Result<Event, DecodeError>> {
        let part = std::mem::take(&mut self.input);
        if let State::Skip { .. } = self.state {
            self.state = State::Skip { blank: false };
            return None;
        }
        // A comment may be as long as it likes, since none of it is kept.
        if self.line.first() == Some(&b':') {
            return None;
        }
        if self.line.is_empty() && part.first() == Some(&b':') {
            self.line.extend_from_slice(b":");
            return None;
        }
        if self.line.len() + part.len() > self.line_limit() {
            return Some(Err(self.skip(State::Skip { blank: false })));
        }
        self.line.extend_from_slice(&part);
        None
    }

    /// Room for the name of a field beside the largest value.
    fn line_limit(&self) -> usize {
        self.limit.saturating_add(16)
    }

    /// Drops the byte order mark that a stream may begin with, in however many pieces it comes.
    fn pass_mark(&mut self) {
        while self.mark < MARK.len() {
            let Some(first) = self.input.first() else {
                return;
            };
            if *first == MARK[self.mark] {
                self.input.advance(1);
                self.mark += 1;
            } else {
                self.line.extend_from_slice(&MARK[..self.mark]);
                self.mark = MARK.len();
            }
        }
    }

    fn field(&mut self, mut line: Bytes) -> Result<(), DecodeError> {
        if line.first() == Some(&b':') {
            return Ok(());
        }
        if line.len() > self.line_limit() {
            return Err(self.skip(State::Skip { blank: true }));
        }
        let colon = memchr::memchr(b':', &line);
        let name = line.split_to(colon.unwrap_or(line.len()));
        if colon.is_some() {
            line.advance(1);
            if line.first() == Some(&b' ') {
                line.advance(1);
            }
        }
        let text = || Some(String::from_utf8_lossy(&line).into_owned());
        match &name[..] {
            b"event" => self.event.event = text(),
            b"id" if !line.contains(&0) => self.event.id = text(),
            b"retry" => match number(&line) {
                Some(retry) => self.event.retry = Some(retry),
                None => return Ok(()),
            },
            b"data" => self.add_data(line),
            _ => return Ok(()),
        }
        if self.state == State::Between {
            self.state = State::Fields;
        }
        if self.size() > self.limit {
            Err(self.skip(State::Skip { blank: true }))
        } else {
            Ok(())
        }
    }

    fn add_data(&mut self, line: Bytes) {
        if self.state != State::Data {
            self.state = State::Data;
            self.event.data = line;
            return;
        }
        let first = &mut self.event.data;
        let lines = self
            .lines
            .get_or_insert_with(|| BytesMut::from(&std::mem::take(first)[..]));
        lines.extend_from_slice(b"\n");
        lines.extend_from_slice(&line);
    }

    fn size(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let lines = self.lines.as_ref().map_or(0, BytesMut::len);
        self.event.data.len() + lines + text(&self.event.id) + text(&self.event.event)
    }

    fn dispatch(&mut self) -> Option<Event> {
        if self.state == State::Between {
            return None;
        }
        self.state = State::Between;
        let mut event = std::mem::take(&mut self.event);
        if let Some(lines) = self.lines.take() {
            event.data = lines.freeze();
        }
        Some(event)
    }

    fn skip(&mut self, state: State) -> DecodeError {
        self.line = BytesMut::new();
        self.lines = None;
        self.event = Event::default();
        self.state = state;
        DecodeError::TooLong { limit: self.limit }
    }
}

/// Digits only: no sign, no space.
fn number(text: &[u8]) -> Option<u64> {
    if !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}
