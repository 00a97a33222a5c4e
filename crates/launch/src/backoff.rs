//! How long to wait before a server that failed is started again.

use std::time::Duration;

use crate::limits::{BACKOFF_FIRST, BACKOFF_MAX};

/// Counts failures in a row. Pure: it knows no clock, whoever asks does the waiting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// One more failure.
    pub fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// The server works: the next failure is the first one again.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// How often it failed in a row.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// The wait before the next start: 0, 0.5 s, 1 s, 2 s, 4 s … up to a minute.
    #[must_use]
    pub fn delay(&self) -> Duration {
        match self.failures {
            0 => Duration::ZERO,
            failures => BACKOFF_FIRST
                .saturating_mul(1 << (failures - 1).min(16))
                .min(BACKOFF_MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_a_minute_and_starts_over() {
        let mut backoff = Backoff::default();
        let mut waits = Vec::new();
        for _ in 0..10 {
            waits.push(backoff.delay().as_millis());
            backoff.failed();
        }
        assert_eq!(
            waits,
            [0, 500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000]
        );
        backoff = Backoff { failures: u32::MAX };
        backoff.failed();
        assert_eq!(backoff.delay(), BACKOFF_MAX);
        backoff.succeeded();
        assert_eq!((backoff.failures(), backoff.delay()), (0, Duration::ZERO));
    }
}
