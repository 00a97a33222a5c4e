//! Everything that was said, for whoever reads a failure.

use std::sync::{Arc, Mutex};

use super::server::lock;

/// Longer messages are cut in the log.
const SHOWN: usize = 400;

/// See the module. Clones are the same log.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, who: &str, arrow: &str, message: &[u8]) {
        let mut text = String::from_utf8_lossy(message).into_owned();
        if let Some((at, _)) = text.char_indices().nth(SHOWN) {
            text.truncate(at);
            text.push('…');
        }
        self.note(format!("{who} {arrow} {text}"));
    }

    pub(crate) fn note(&self, line: String) {
        lock(&self.0).push(line);
    }

    /// The last lines.
    pub(crate) fn text(&self) -> String {
        let lines = lock(&self.0);
        lines[lines.len().saturating_sub(60)..].join("\n  ")
    }
}
