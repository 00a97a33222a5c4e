//! What a server writes on stderr, for somebody who follows it: each line once, over all its processes, also those that have
//! ended since.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use launch::StderrLog;

use crate::limits::LOGS_KEPT;
use crate::outbox::lock;
use crate::secrecy::Secrecy;

/// The logs of the last processes of one server.
#[derive(Default)]
pub(crate) struct Logs {
    kept: Mutex<VecDeque<(u64, StderrLog)>>,
    next: AtomicU64,
}

/// Lines, and from where to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPage {
    /// Oldest first.
    pub lines: Vec<String>,
    /// To be given back to hear what comes next.
    pub next: String,
}

impl Logs {
    /// A process has begun.
    pub(crate) fn begin(&self, log: StderrLog) {
        let mut kept = lock(&self.kept);
        if kept.iter().any(|(_, known)| known.is(&log)) {
            return;
        }
        if kept.len() == LOGS_KEPT {
            kept.pop_front();
        }
        kept.push_back((self.next.fetch_add(1, Ordering::Relaxed), log));
    }

    /// What was written after `cursor`, which an earlier page gave; without one the last lines.
    pub(crate) fn page(&self, cursor: Option<&str>, last: usize, secrecy: &Secrecy) -> LogPage {
        let seen = cursor.map(parse);
        let mut page = LogPage::default();
        for (number, log) in lock(&self.kept).iter() {
            let (lines, ended) = log.whole_lines();
            let seen_of = |seen: &Vec<(u64, u64)>| {
                let known = seen.iter().find(|(of, _)| of == number);
                known.map_or(0, |(_, seen)| *seen)
            };
            let seen = seen.as_ref().map_or(0, seen_of);
            let missed = (ended - lines.len() as u64).saturating_sub(seen);
            let old = lines.len()
                - usize::try_from(ended.saturating_sub(seen))
                    .map_or(lines.len(), |n| n.min(lines.len()));
            // A value may have begun in what was shown before, so all of it is looked at.
            let skipped = secrecy.mask_lines(lines[..old].to_vec()).len();
            if missed > 0 && cursor.is_some() {
                page.lines.push(format!(
                    "portolan: {missed} lines came too fast to be shown"
                ));
            }
            page.lines
                .extend(secrecy.mask_lines(lines).into_iter().skip(skipped));
            if !page.next.is_empty() {
                page.next.push(',');
            }
            page.next.push_str(&format!("{number}.{ended}"));
        }
        if cursor.is_none() {
            page.lines.drain(..page.lines.len().saturating_sub(last));
        }
        page
    }
}

/// `number.lines,…`; what is none is passed over.
fn parse(cursor: &str) -> Vec<(u64, u64)> {
    let pairs = cursor.split(',').take(LOGS_KEPT);
    pairs
        .filter_map(|pair| {
            let (number, seen) = pair.split_once('.')?;
            Some((number.parse().ok()?, seen.parse().ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_of_somebody_else_is_harmless() {
        assert_eq!(parse("1.2,x,3.-4,5.6"), [(1, 2), (5, 6)]);
        let many = "1.1,".repeat(10_000);
        assert_eq!(parse(&many).len(), LOGS_KEPT);
    }
}
