//! The only writer. Data goes to stdout, chatter to stderr; what a piece of text *is* stands in the code
//! as a [`Label`], what it looks like in one table here. Refuses: colour where nobody looks, and control
//! characters that a server put into its words. Read `ui/table.rs` next.

mod count;
mod line;
mod table;

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

pub(crate) use count::{agreeing, counted};
pub(crate) use line::{Label, Line, clean};
pub(crate) use table::Table;

use crate::error::Failure;
use crate::format::{self, Format};
use crate::query::Query;

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Colour {
    // On a terminal, unless `NO_COLOR` is set; everywhere with `CLICOLOR_FORCE`.
    #[default]
    Auto,
    Always,
    Never,
}

/// What the environment says about terminals.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terminal {
    /// No colour, unless it is forced.
    pub(crate) no_color: bool,
    /// Colour even where nobody seems to look.
    pub(crate) force_color: bool,
    /// It understands no colour.
    pub(crate) is_dumb: bool,
}

/// The two streams of this process and how people want them.
pub(crate) struct Ui {
    out: Stream,
    err: Stream,
    format: Format,
    gone: Cell<bool>,
}

/// One stream: whether a person reads it, and with how many columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    pub(crate) terminal: bool,
    pub(crate) colour: bool,
    pub(crate) columns: Option<usize>,
}

impl Ui {
    /// Looks at the two streams.
    pub(crate) fn new(format: Format, colour: Colour, around: &Terminal) -> Self {
        let look = |terminal: bool, size: Option<usize>| Stream {
            terminal,
            colour: match colour {
                Colour::Always => true,
                Colour::Never => false,
                Colour::Auto if around.no_color => false,
                Colour::Auto => around.force_color || (terminal && !around.is_dumb),
            },
            columns: terminal.then_some(size).flatten(),
        };
        Self {
            out: look(io::stdout().is_terminal(), columns(&io::stdout())),
            err: look(io::stderr().is_terminal(), columns(&io::stderr())),
            format,
            gone: Cell::new(false),
        }
    }

    /// The same, in JSON if a command's own flag asks for it.
    pub(crate) fn json_if(&self, is_json: bool) -> Self {
        Self {
            format: if is_json { Format::Json } else { self.format },
            gone: Cell::new(self.gone.get()),
            ..*self
        }
    }

    /// The format that lists and objects are printed in.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// How wide stdout is, on a terminal.
    pub(crate) fn columns(&self) -> Option<usize> {
        self.out.columns
    }

    /// How stderr is read; for writers on other threads.
    pub(crate) fn err(&self) -> Stream {
        self.err
    }

    /// Whether whoever read stdout has left: nothing more needs to be written.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.get()
    }

    /// One line of data.
    pub(crate) fn data(&self, line: &Line) {
        self.write_out(&format!("{}\n", line.render(self.out)));
    }

    /// Data as it is: scripts, documents, the text of a result. A missing last newline is added.
    pub(crate) fn document(&self, text: &str) {
        let text = if self.out.terminal {
            clean(text, true)
        } else {
            text.into()
        };
        let end = if text.is_empty() || text.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        self.write_out(&format!("{text}{end}"));
    }

    /// What clap renders: help, with its own colours.
    pub(crate) fn help(&self, text: &clap::builder::StyledStr) {
        let text = if self.out.colour {
            text.ansi().to_string()
        } else {
            text.to_string()
        };
        self.write_out(&text);
    }

    /// A value: its own rendering for people, the same facts for programs.
    pub(crate) fn value<T: Serialize>(
        &self,
        value: &T,
        human: impl FnOnce(&Self),
    ) -> Result<(), Failure> {
        if self.format == Format::Human {
            human(self);
            return Ok(());
        }
        let raw = serde_json::to_string(value)
            .map_err(|e| Failure::internal("cannot write the result", e))?;
        self.raw(&raw)
    }

    /// A value, or what an expression picks out of it.
    pub(crate) fn value_or_part<T: Serialize>(
        &self,
        value: &T,
        part: Option<&Query>,
        human: impl FnOnce(&Self),
    ) -> Result<(), Failure> {
        let Some(part) = part else {
            return self.value(value, human);
        };
        let raw = serde_json::to_string(value)
            .map_err(|e| Failure::internal("cannot write the result", e))?;
        part.show(self, &raw)
    }

    /// What was done: a line on stderr for people, the facts on stdout for programs.
    pub(crate) fn done(&self, facts: &serde_json::Value, line: &Line) -> Result<(), Failure> {
        self.value(facts, |ui| ui.note(line))
    }

    /// A JSON text, in the chosen format (people get indented JSON).
    pub(crate) fn raw(&self, raw: &str) -> Result<(), Failure> {
        let text = format::render(raw, self.format)
            .map_err(|e| Failure::internal("cannot write the result", e))?;
        self.document(&text);
        Ok(())
    }

    /// A table of data.
    pub(crate) fn table(&self, table: &Table) {
        for line in table.lines(self.out.columns) {
            self.data(&line);
        }
    }

    /// Chatter.
    pub(crate) fn note(&self, line: &Line) {
        write_err(&format!("{}\n", line.render(self.err)));
    }

    /// What is being waited for: on a terminal, until the next line takes its place. Empty clears it.
    pub(crate) fn passing(&self, what: &str) {
        if !self.err.terminal || self.format != Format::Human {
            return;
        }
        let shown = if what.is_empty() {
            String::new()
        } else {
            format!("  {what} …")
        };
        write_err(&format!(
            "\r\u{1b}[2K{}",
            Line::from(shown).render(self.err)
        ));
    }

    /// Something that the person should know and that stops nothing.
    pub(crate) fn warn(&self, message: &str, hints: &[String]) {
        self.lines(Label::Warning, "warning:", message);
        self.hints(hints);
    }

    /// Why the command failed: one line, its causes, its hints; one JSON object for programs.
    pub(crate) fn failure(&self, failure: &Failure) {
        self.passing("");
        if let Some(usage) = failure.usage_text() {
            let text = if self.err.colour {
                usage.ansi().to_string()
            } else {
                usage.to_string()
            };
            write_err(&text);
            return;
        }
        if self.format != Format::Human {
            write_err(&format!("{}\n", failure.to_json()));
            return;
        }
        self.lines(Label::Error, "error:", failure.message());
        for cause in failure.causes() {
            self.lines(Label::Dim, "  because:", &cause);
        }
        self.hints(failure.hints());
    }

    fn hints(&self, hints: &[String]) {
        for hint in hints {
            self.lines(Label::Hint, "  hint:", hint);
        }
    }

    /// A word, and text that may have several lines.
    fn lines(&self, label: Label, word: &'static str, text: &str) {
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default().to_owned();
        self.note(&Line::new().put(label, word).text(" ").text(first));
        for more in lines {
            self.note(&Line::new().text("        ").text(more.to_owned()));
        }
    }

    fn write_out(&self, text: &str) {
        if self.gone.get() {
            return;
        }
        let mut out = io::stdout().lock();
        if out
            .write_all(text.as_bytes())
            .and_then(|()| out.flush())
            .is_err()
        {
            self.gone.set(true);
        }
    }
}

/// Writes to stderr in one piece. When stderr is gone there is nobody left to tell.
pub(crate) fn write_err(text: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

fn columns(stream: &impl std::os::fd::AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}

#[cfg(test)]
mod tests;
