//! The visits to which requests can come back: those of clients that are asked by answers. Each belongs to one caller's one
//! request, however often that is made.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::time::Instant;

use crate::front::Caller;
use crate::limits::{VISIT_LIFE, VISITS_MAX};
use crate::outbox::lock;
use crate::visit::Visit;

/// See the module.
#[derive(Default)]
pub(super) struct Visits(Mutex<HashMap<Key, Known>>);

/// Who asks, and the digest of what they ask.
pub(super) type Key = (Caller, [u8; 32]);

struct Known {
    visit: Arc<Visit>,
    url: Arc<str>,
    /// When nobody can come back to it any more.
    until: Instant,
}

impl Visits {
    /// The visit of a request and its address, even if it is over.
    pub(super) fn get(&self, key: &Key) -> Option<(Arc<Visit>, Arc<str>)> {
        let visits = lock(&self.0);
        let known = visits.get(key)?;
        Some((known.visit.clone(), known.url.clone()))
    }

    /// Keeps a visit in the place of what the request had before. Where there are too many, it is withdrawn: then false.
    pub(super) fn put(&self, key: Key, visit: Arc<Visit>, url: &str) -> bool {
        let now = Instant::now();
        let mut visits = lock(&self.0);
        visits.retain(|_, known| known.until > now);
        if visits.len() >= VISITS_MAX && !visits.contains_key(&key) {
            visits.retain(|_, known| known.visit.is_open());
        }
        if visits.len() >= VISITS_MAX && !visits.contains_key(&key) {
            visit.withdraw();
            return false;
        }
        let known = Known {
            visit,
            url: url.into(),
            // A client may come only after it is over, to hear how it ended.
            until: now + 2 * VISIT_LIFE,
        };
        if let Some(before) = visits.insert(key, known) {
            before.visit.withdraw();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visit::Page;

    fn visit() -> Arc<Visit> {
        Arc::new(Visit::new(Page::default(), VISIT_LIFE, |_| Ok(())))
    }

    fn key(number: usize) -> Key {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&number.to_be_bytes());
        (Caller("ann".into()), digest)
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_not_endlessly_many() {
        let visits = Visits::default();
        for number in 0..VISITS_MAX {
            assert!(visits.put(key(number), visit(), "u"), "{number}");
        }
        let late = visit();
        assert!(!visits.put(key(VISITS_MAX), late.clone(), "u"));
        assert!(!late.is_open());
        // Again for the same request there is room, and the visit before it is over.
        let (before, _) = visits.get(&key(3)).unwrap();
        assert!(visits.put(key(3), visit(), "u") && !before.is_open());
        // One that is over makes room.
        visits.get(&key(5)).unwrap().0.withdraw();
        assert!(visits.put(key(VISITS_MAX), visit(), "u"));
        assert!(visits.get(&key(5)).is_none());
        tokio::time::advance(3 * VISIT_LIFE).await;
        assert!(visits.put(key(0), visit(), "u"));
        assert_eq!(lock(&visits.0).len(), 1);
    }
}
