//! What happened in the game of one seed, for whoever has to find out why it went wrong.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

/// Lines kept; what a failure needs stands near its end.
const LINES_MAX: usize = 4000;

/// See the module.
pub(crate) struct Log {
    began: Instant,
    pub(crate) step: usize,
    lines: VecDeque<Line>,
}

struct Line {
    at: Duration,
    step: usize,
    who: String,
    what: &'static str,
    text: Bytes,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            step: 0,
            lines: VecDeque::new(),
        }
    }

    /// Notes a message, or a deed of one word.
    pub(crate) fn add(&mut self, who: &str, what: &'static str, text: &Bytes) {
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(Line {
            at: self.began.elapsed(),
            step: self.step,
            who: who.to_owned(),
            what,
            text: text.clone(),
        });
    }

    /// The last lines.
    pub(crate) fn last(&self, count: usize) -> String {
        let mut text = String::new();
        for line in self
            .lines
            .iter()
            .skip(self.lines.len().saturating_sub(count))
        {
            let _ = writeln!(
                text,
                "{:>4} {:>9.3} {} {} {}",
                line.step,
                line.at.as_secs_f64(),
                line.who,
                line.what,
                String::from_utf8_lossy(&line.text)
            );
        }
        text
    }
}
