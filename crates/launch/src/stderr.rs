//! The last words of a server.
//!
//! Owns a bounded ring of the lines that a server wrote to its standard error. Refuses to be flooded: what comes
//! faster than a few megabytes a second waits in the server, and control characters, which could steer the terminal
//! that shows them, are left out.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;
use tokio::io::unix::AsyncFd;

use crate::limits::{
    STDERR_BYTES_MAX, STDERR_LINE_BYTES_MAX, STDERR_LINES_MAX, STDERR_READ_BYTES, STDERR_REST,
};

#[derive(Default)]
pub(crate) struct Tail(Mutex<Ring>);

/// What one process wrote on its standard error, also after its end.
#[derive(Clone)]
pub struct StderrLog(Arc<Tail>);

impl StderrLog {
    pub(crate) fn new(tail: Arc<Tail>) -> Self {
        Self(tail)
    }

    /// The lines that have ended and are still kept, oldest first, and how many there ever were.
    #[must_use]
    pub fn whole_lines(&self) -> (Vec<String>, u64) {
        let ring = self.0.lock();
        (
            ring.lines.iter().map(|line| clean(line)).collect(),
            ring.ended,
        )
    }

    /// Whether both are of one process.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

#[derive(Default)]
struct Ring {
    /// As they came: few lines are ever read, but some servers write without end.
    lines: VecDeque<Box<[u8]>>,
    /// How many there ever were.
    ended: u64,
    /// What the lines hold together.
    bytes: usize,
    /// The line that has not ended yet, as far as it is kept.
    partial: Vec<u8>,
}

impl Tail {
    /// The last lines, oldest first.
    pub(crate) fn last(&self, lines: usize) -> Vec<String> {
        let ring = self.lock();
        let partial = (!ring.partial.is_empty()).then(|| clean(&ring.partial));
        let whole = lines.saturating_sub(partial.iter().len());
        let skipped = ring.lines.len().saturating_sub(whole);
        ring.lines
            .iter()
            .skip(skipped)
            .map(|line| clean(line))
            .chain(partial.filter(|_| lines > 0))
            .collect()
    }

    /// A line of ours, among the server's.
    pub(crate) fn note(&self, line: &str) {
        self.push(format!("portolan: {line}\n").as_bytes());
    }

    /// What it wrote.
    pub(crate) fn push(&self, bytes: &[u8]) {
        let mut ring = self.lock();
        let mut parts = bytes.split(|byte| *byte == b'\n');
        ring.extend(parts.next().unwrap_or_default());
        for part in parts {
            ring.end_line();
            ring.extend(part);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn extend(&mut self, part: &[u8]) {
        let room = STDERR_LINE_BYTES_MAX - self.partial.len();
        self.partial
            .extend_from_slice(&part[..part.len().min(room)]);
    }

    fn end_line(&mut self) {
        let line: Box<[u8]> = self.partial.as_slice().into();
        self.partial.clear();
        self.bytes += line.len();
        self.lines.push_back(line);
        self.ended += 1;
        while self.lines.len() > STDERR_LINES_MAX || self.bytes > STDERR_BYTES_MAX {
            self.bytes -= self.lines.pop_front().map_or(0, |line| line.len());
        }
    }
}

/// Reads until the end: until nobody has the other end of the pipe any more.
pub(crate) async fn read(fd: AsyncFd<OwnedFd>, tail: Arc<Tail>) {
    let mut buffer = Vec::new();
    while let Ok(mut ready) = fd.readable().await {
        // Servers that say nothing cost nothing.
        buffer.resize(STDERR_READ_BYTES, 0);
        match rustix::io::read(fd.get_ref(), &mut buffer) {
            Ok(0) => return,
            Ok(read) => {
                tail.push(&buffer[..read]);
                if read < buffer.len() {
                    buffer = Vec::new();
                    ready.clear_ready();
                }
                // Also after a short read: who writes line by line would have us run for each of them.
                tokio::time::sleep(STDERR_REST).await;
            }
            Err(Errno::AGAIN) => {
                buffer = Vec::new();
                ready.clear_ready();
            }
            Err(Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

/// As text, without control characters and the sequences that begin with them.
fn clean(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut clean = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if char == '\u{1b}' && chars.next_if_eq(&'[').is_some() {
            // A control sequence: parameters up to one final character.
            while chars.next_if(|char| (' '..='?').contains(char)).is_some() {}
            chars.next_if(|char| ('@'..='~').contains(char));
        } else if char == '\t' || !char.is_control() {
            clean.push(char);
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tokio::io::Interest;
    use transport::readiness::register;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_writes_line_by_line_is_not_read_line_by_line() {
        let (ours, mut theirs) = std::io::pipe().unwrap();
        rustix::io::ioctl_fionbio(&ours, true).unwrap();
        let tail = Arc::<Tail>::default();
        let ours = register(OwnedFd::from(ours), Interest::READABLE).unwrap();
        let reading = tokio::spawn(read(ours, tail.clone()));
        let began = tokio::time::Instant::now();
        for n in 1..=10 {
            writeln!(theirs, "{n}").unwrap();
            while tail.last(1) != [n.to_string()] {
                // The clock stands still but for those who wait for it.
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        }
        assert!(began.elapsed() >= 9 * STDERR_REST);
        drop(theirs);
        reading.await.unwrap();
    }

    #[test]
    fn lines_are_cut_where_they_end_whatever_the_reads() {
        let tail = Tail::default();
        for part in ["on", "e\ntw", "o\r\n", "\nthr", "ee"] {
            tail.push(part.as_bytes());
        }
        assert_eq!(tail.last(10), ["one", "two", "", "three"]);
        assert_eq!(tail.last(2), ["", "three"]);
        assert_eq!(tail.last(0), [""; 0]);
    }

    #[test]
    fn what_is_kept_is_bounded_in_lines_and_in_bytes() {
        let tail = Tail::default();
        for n in 0..10 * STDERR_LINES_MAX {
            tail.push(format!("{n}\n").as_bytes());
        }
        assert_eq!(tail.last(usize::MAX).len(), STDERR_LINES_MAX);
        let (lines, ended) = StderrLog::new(Arc::new(tail)).whole_lines();
        assert_eq!(
            (lines.len(), ended),
            (STDERR_LINES_MAX, 10 * STDERR_LINES_MAX as u64)
        );

        let tail = Tail::default();
        for n in 0..10 * STDERR_LINES_MAX {
            tail.push(format!("{n}\n").as_bytes());
        }
        assert_eq!(tail.last(1), [(10 * STDERR_LINES_MAX - 1).to_string()]);

        let long = "x".repeat(3 * STDERR_LINE_BYTES_MAX);
        for _ in 0..STDERR_LINES_MAX {
            tail.push(long.as_bytes());
            tail.push(b"\n");
        }
        let kept = tail.last(usize::MAX);
        assert!(kept.iter().all(|line| line.len() <= STDERR_LINE_BYTES_MAX));
        assert_eq!(
            kept.iter().map(String::len).sum::<usize>(),
            STDERR_BYTES_MAX
        );
    }

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        let tail = Tail::default();
        tail.push(b"\x1b[1;31merror\x1b[0m:\tbad \x07\x1b]0;title\xff\x1b");
        assert_eq!(tail.last(1), ["error:\tbad ]0;title\u{fffd}"]);
    }
}
