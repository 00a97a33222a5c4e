//! One caller and what it has under way: how much at once, how much within a minute.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How much a caller may do; none: as much as it likes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Allowance {
    /// Requests within a minute.
    pub(super) rate: Option<u32>,
    /// Requests at once.
    pub(super) concurrency: Option<u32>,
}

/// See the module.
pub(super) struct One {
    pub(super) name: Arc<str>,
    allowance: Allowance,
    in_flight: AtomicU32,
    bucket: Mutex<Bucket>,
}

/// How many requests it may make now; it fills with time.
struct Bucket {
    left: f64,
    at: Instant,
}

/// A request that is under way.
pub(super) struct Under(Arc<One>);

impl One {
    pub(super) fn new(name: &str, allowance: Allowance) -> Self {
        Self {
            name: name.into(),
            in_flight: AtomicU32::new(0),
            bucket: Mutex::new(Bucket {
                left: f64::from(allowance.rate.unwrap_or(0)),
                at: Instant::now(),
            }),
            allowance,
        }
    }

    /// Lets in one more request.
    pub(super) fn enter(self: Arc<Self>) -> Result<Option<Under>, &'static str> {
        if !self.has_rate(Instant::now()) {
            return Err("requests of this caller within a minute");
        }
        let Some(max) = self.allowance.concurrency else {
            return Ok(None);
        };
        if self.in_flight.fetch_add(1, Ordering::AcqRel) >= max {
            self.in_flight.fetch_sub(1, Ordering::AcqRel);
            return Err("requests of this caller at once");
        }
        Ok(Some(Under(self)))
    }

    /// Whether nothing would be different if it were made anew.
    pub(super) fn is_at_rest(&self, now: Instant) -> bool {
        let bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = now.saturating_duration_since(bucket.at) >= Duration::from_secs(60);
        is_full && self.in_flight.load(Ordering::Acquire) == 0
    }

    /// Takes one request of those that it may make within a minute.
    fn has_rate(&self, now: Instant) -> bool {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.at = now;
        let Some(rate) = self.allowance.rate.map(f64::from) else {
            return true;
        };
        bucket.left = (bucket.left + since * rate / 60.0).min(rate);
        let has = bucket.left >= 1.0;
        if has {
            bucket.left -= 1.0;
        }
        has
    }
}

impl Drop for Under {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(rate: Option<u32>, concurrency: Option<u32>) -> Arc<One> {
        Arc::new(One::new("ci", Allowance { rate, concurrency }))
    }

    #[test]
    fn no_more_at_once_than_it_may() {
        let one = one(None, Some(2));
        let enter = || Arc::clone(&one).enter();
        let (first, second) = (enter().unwrap(), enter().unwrap());
        assert!(first.is_some() && enter().is_err());
        drop(second);
        assert!(enter().is_ok());
    }

    #[test]
    fn no_more_within_a_minute_than_it_may() {
        let one = one(Some(3), None);
        let now = Instant::now();
        let taken = (0..5).filter(|_| one.has_rate(now)).count();
        assert_eq!(taken, 3);
        assert!(!one.has_rate(now + Duration::from_secs(19)));
        assert!(one.has_rate(now + Duration::from_secs(41)));
        let taken = (0..9)
            .filter(|_| one.has_rate(now + Duration::from_secs(3_600)))
            .count();
        assert_eq!(taken, 3);
    }

    #[test]
    fn who_has_nothing_under_way_and_all_before_it_can_be_forgotten() {
        let one = one(Some(3), Some(1));
        let later = Instant::now() + Duration::from_secs(61);
        let under = Arc::clone(&one).enter().unwrap();
        assert!(!one.is_at_rest(later));
        drop(under);
        assert!(one.is_at_rest(later) && !one.is_at_rest(Instant::now()));
    }
}
