//! Words with labels. Owns what labels look like, and how wide text is on a terminal.

use std::borrow::Cow;

use super::Stream;

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    /// Ordinary text.
    Plain,
    /// The word before a failure.
    Error,
    /// The word before a warning.
    Warning,
    /// The word before a hint.
    Hint,
    /// The head of a column, the title of a part.
    Heading,
    /// The name of a server or a tool.
    Name,
    /// A state that is fine.
    Good,
    /// A state that is not.
    Bad,
    /// Less important.
    Dim,
}

impl Label {
    /// The one table of looks.
    const fn look(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Error | Self::Bad => "\u{1b}[1;31m",
            Self::Warning => "\u{1b}[1;33m",
            Self::Hint => "\u{1b}[36m",
            Self::Heading => "\u{1b}[1m",
            Self::Name => "\u{1b}[1;34m",
            Self::Good => "\u{1b}[32m",
            Self::Dim => "\u{1b}[2m",
        }
    }
}

/// One line of labelled words.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line(Vec<(Label, Cow<'static, str>)>);

impl Line {
    /// An empty line.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Ordinary text.
    pub(crate) fn text(self, text: impl Into<Cow<'static, str>>) -> Self {
        self.put(Label::Plain, text)
    }

    /// Text with a label.
    pub(crate) fn put(mut self, label: Label, text: impl Into<Cow<'static, str>>) -> Self {
        self.0.push((label, text.into()));
        self
    }

    /// The line as a stream wants it.
    pub(crate) fn render(&self, stream: Stream) -> String {
        let mut all = String::new();
        for (label, text) in &self.0 {
            let text = if stream.terminal {
                clean(text, false)
            } else {
                Cow::Borrowed(&**text)
            };
            let look = label.look();
            if stream.colour && !look.is_empty() && !text.is_empty() {
                all.push_str(look);
                all.push_str(&text);
                all.push_str("\u{1b}[0m");
            } else {
                all.push_str(&text);
            }
        }
        all.truncate(all.trim_end_matches(' ').len());
        all
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self::new().text(text)
    }
}

/// Text without what would move a cursor or change a terminal: each control character is spelled out.
pub(crate) fn clean(text: &str, keep_lines: bool) -> Cow<'_, str> {
    let bad = |c: char| (c.is_control() && !(c == '\t' || keep_lines && c == '\n')) || is_bidi(c);
    if !text.contains(bad) {
        return Cow::Borrowed(text);
    }
    let mut all = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if bad(c) {
            all.extend(c.escape_default());
        } else {
            all.push(c);
        }
    }
    Cow::Owned(all)
}

/// Characters that make a terminal show text in another order than it is stored.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Columns that text takes on a terminal: near enough to align tables.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// Columns of one character.
pub(super) fn char_width(c: char) -> usize {
    match u32::from(c) {
        0x300..=0x36f | 0x200b..=0x200f | 0xfe00..=0xfe0f | 0x20d0..=0x20ff => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}
