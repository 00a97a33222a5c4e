//! From the threads that serve calls to the one that writes. Owns how little this costs a call: a push under
//! a lock that only its own thread takes, and a wake-up at most every few milliseconds however many calls
//! there are. Bounded: what does not fit is counted.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Thread};

use crate::limits::{LOG_BATCH, LOG_RECORDS_MAX};

const SHARDS: usize = 8;
const SHARD_RECORDS_MAX: usize = LOG_RECORDS_MAX / SHARDS;

/// See the module.
pub(crate) struct Queue<T> {
    shards: [Mutex<Vec<T>>; SHARDS],
    dropped: AtomicU64,
    /// The writer sleeps until it is woken.
    sleeps: AtomicBool,
    closed: AtomicBool,
    writer: OnceLock<Thread>,
}

thread_local! {
    static SHARD: Cell<usize> = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        Cell::new(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS)
    };
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            dropped: AtomicU64::default(),
            sleeps: AtomicBool::default(),
            closed: AtomicBool::default(),
            writer: OnceLock::new(),
        }
    }
}

impl<T> Queue<T> {
    /// Who is to be woken.
    pub(crate) fn attend(&self, writer: Thread) {
        let _ = self.writer.set(writer);
        self.hurry();
    }

    /// Adds a record. False: there was no room.
    pub(crate) fn put(&self, record: T) -> bool {
        let mut shard = lock(&self.shards[SHARD.get()]);
        if shard.len() >= SHARD_RECORDS_MAX {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        shard.push(record);
        drop(shard);
        // While the writer is at work, or waits for more to come together, it needs no waking.
        if self.sleeps.load(Ordering::SeqCst) && self.sleeps.swap(false, Ordering::SeqCst) {
            self.hurry();
        }
        true
    }

    /// Wakes the writer now.
    pub(crate) fn hurry(&self) {
        if let Some(writer) = self.writer.get() {
            writer.unpark();
        }
    }

    /// Nothing more will come.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.hurry();
    }

    /// How many did not fit.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// For the writer: waits for records, a moment longer so that more come together. None: closed and empty.
    pub(crate) fn take(&self) -> Option<Vec<T>> {
        loop {
            let is_last = self.closed.load(Ordering::SeqCst);
            let records = self.collect();
            if !records.is_empty() {
                return Some(records);
            }
            if is_last {
                return None;
            }
            self.sleeps.store(true, Ordering::SeqCst);
            // A record may have come between the look and the word.
            if self.is_empty() && !self.closed.load(Ordering::SeqCst) {
                thread::park();
            }
            self.sleeps.store(false, Ordering::SeqCst);
            if !self.closed.load(Ordering::SeqCst) {
                thread::park_timeout(LOG_BATCH);
            }
        }
    }

    fn collect(&self) -> Vec<T> {
        let mut all = Vec::new();
        for shard in &self.shards {
            all.append(&mut lock(shard));
        }
        all
    }

    fn is_empty(&self) -> bool {
        self.shards.iter().all(|shard| lock(shard).is_empty())
    }
}

/// A thread that panicked while it held a lock left nothing half done.
fn lock<T>(shard: &Mutex<Vec<T>>) -> MutexGuard<'_, Vec<T>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
