//! Results that were too large to hand over, readable by range until they are forgotten.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::limits::{KEPT_BYTES_MAX, KEPT_FOR, KEPT_MAX};

/// Kept results of all runs, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    results: Mutex<VecDeque<Result>>,
}

#[derive(Debug)]
struct Result {
    handle: String,
    /// Who may read it.
    owner: String,
    value: Box<RawValue>,
    until: Instant,
}

impl Kept {
    /// Keeps a result for whoever is `owner`. Gives its handle, or none if there is no randomness for one.
    pub(crate) fn keep(&self, owner: &str, value: Box<RawValue>) -> Option<String> {
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random).ok()?;
        let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let handle = format!("r-{digits}");
        let mut results = self.fresh();
        results.push_back(Result {
            handle: handle.clone(),
            owner: owner.into(),
            value,
            until: Instant::now() + KEPT_FOR,
        });
        while results.len() > KEPT_MAX || bytes(&results) > KEPT_BYTES_MAX {
            results.pop_front();
        }
        Some(handle)
    }

    /// What is kept under this handle, if it is this owner's.
    pub(crate) fn get(&self, owner: &str, handle: &str) -> Option<Box<RawValue>> {
        let mut results = self.fresh();
        let found = results
            .iter_mut()
            .find(|result| result.handle == handle && result.owner == owner)?;
        found.until = Instant::now() + KEPT_FOR;
        Some(found.value.clone())
    }

    /// Those that are not forgotten.
    fn fresh(&self) -> MutexGuard<'_, VecDeque<Result>> {
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        results.retain(|result| result.until > now);
        results
    }
}

fn bytes(results: &VecDeque<Result>) -> usize {
    results.iter().map(|result| result.value.get().len()).sum()
}

/// The part of a text between these bytes, widened to whole characters.
pub(crate) fn range(text: &str, from: usize, to: usize) -> &str {
    let from = text.floor_char_boundary(from.min(text.len()));
    let to = text.ceil_char_boundary(to.clamp(from, text.len()));
    &text[from..to]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(length: usize) -> Box<RawValue> {
        RawValue::from_string(format!("\"{}\"", "x".repeat(length))).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn only_its_owner_reads_it_and_only_for_a_while() {
        let kept = Kept::default();
        let handle = kept.keep("ada", raw(3)).unwrap();
        assert_eq!(handle.len(), 34);
        assert_eq!(kept.get("ada", &handle).unwrap().get(), "\"xxx\"");
        assert!(kept.get("bob", &handle).is_none());
        assert!(kept.get("ada", "r-0").is_none());
        tokio::time::advance(KEPT_FOR / 2).await;
        assert!(kept.get("ada", &handle).is_some(), "reading keeps it");
        tokio::time::advance(KEPT_FOR).await;
        assert!(kept.get("ada", &handle).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_goes_when_there_are_too_many_or_too_much() {
        let kept = Kept::default();
        let first = kept.keep("a", raw(1)).unwrap();
        for _ in 1..KEPT_MAX {
            kept.keep("a", raw(1)).unwrap();
        }
        assert!(kept.get("a", &first).is_some());
        kept.keep("a", raw(1)).unwrap();
        assert!(kept.get("a", &first).is_none());
        let large = kept.keep("a", raw(KEPT_BYTES_MAX / 2)).unwrap();
        kept.keep("a", raw(KEPT_BYTES_MAX / 2)).unwrap();
        assert!(kept.get("a", &large).is_none());
    }

    #[test]
    fn a_range_is_of_whole_characters() {
        assert_eq!(range("aäb", 0, 2), "aä");
        assert_eq!(range("aäb", 2, 3), "ä");
        assert_eq!(range("aäb", 9, 2), "");
        assert_eq!(range("aäb", 3, usize::MAX), "b");
    }
}
