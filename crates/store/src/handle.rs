//! The store for those who serve calls. Owns the thread that writes and what waits for it. Refuses more than its limits, so
//! that a slow disk costs what can be learnt again and never a call.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::limits::{PENDING_BYTES_MAX, PENDING_KEYS_MAX};
use crate::store::check;
use crate::{Store, StoreError};

/// The store for those who serve calls: [`put`](Self::put) never waits, one thread writes. Clones share both.
///
/// What waits to be written is bounded and there is one value per key at most: the latest. When the last clone is dropped,
/// what waits is written and the thread ends.
#[derive(Clone)]
pub struct StoreHandle(Arc<Owner>);

/// How the writer is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Values that wait to be written.
    pub pending: usize,
    /// Values refused because too much was waiting, or because they were too large.
    pub refused: u64,
    /// Values lost because the disk failed.
    pub lost: u64,
    /// What the disk said last.
    pub last_error: Option<String>,
}

struct Owner {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

/// Lock order: `store` before `queue`.
struct Shared {
    store: Mutex<Store>,
    queue: Mutex<Queue>,
    /// Told when there is work, and when there is none left.
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    pending: HashMap<(String, String), Option<Vec<u8>>>,
    bytes: usize,
    /// Whether the writer holds changes that are in neither `pending` nor the file.
    writing: bool,
    closed: bool,
    /// Whether there is no writer any more.
    gone: bool,
    health: Health,
}

impl StoreHandle {
    /// Starts the writer thread, `portolan-store`.
    pub fn start(store: Store) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            store: Mutex::new(store),
            queue: Mutex::default(),
            changed: Condvar::new(),
        });
        let worker = Arc::clone(&shared);
        let writer = Builder::new()
            .name("portolan-store".into())
            .spawn(move || worker.run())?;
        Ok(Self(Arc::new(Owner {
            shared,
            writer: Some(writer),
        })))
    }

    /// Keeps a value soon, in place of the former one. Never waits for the disk. `false`: refused, see [`Health`].
    pub fn put(&self, key: &str, kind: &str, value: Vec<u8>) -> bool {
        self.0.shared.enqueue(key, kind, Some(value))
    }

    /// Forgets a value soon.
    pub fn remove(&self, key: &str, kind: &str) -> bool {
        self.0.shared.enqueue(key, kind, None)
    }

    /// What is known under a key, what still waits to be written included. Blocks: for start-up.
    pub fn get(&self, key: &str, kind: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let shared = &self.0.shared;
        if let Some(value) = lock(&shared.queue)
            .pending
            .get(&(key.to_owned(), kind.to_owned()))
        {
            return Ok(value.clone());
        }
        // The writer takes changes out of the queue only while it holds the store: nothing can be in between.
        lock(&shared.store).learnt_get(key, kind)
    }

    /// Anything else that the store can do. Blocks, and holds the writer up: for start-up and commands.
    pub fn with<T>(&self, work: impl FnOnce(&mut Store) -> T) -> T {
        work(&mut lock(&self.0.shared.store))
    }

    /// Waits until all that was put is in the file. Blocks: for shutdown. The error is the last one of the disk, if
    /// anything was ever lost.
    pub fn flush(&self) -> Result<(), String> {
        let shared = &self.0.shared;
        let mut queue = lock(&shared.queue);
        while !queue.gone && (!queue.pending.is_empty() || queue.writing) {
            queue = shared
                .changed
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
        match &queue.health.last_error {
            Some(error) => Err(error.clone()),
            None if queue.gone => {
                Err("the thread that writes to the state file is gone".to_owned())
            }
            None => Ok(()),
        }
    }

    /// How the writer is doing.
    pub fn health(&self) -> Health {
        let queue = lock(&self.0.shared.queue);
        Health {
            pending: queue.pending.len(),
            ..queue.health.clone()
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        lock(&self.shared.queue).closed = true;
        self.shared.changed.notify_all();
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has nothing more to write; its panic was reported when it happened.
            drop(writer.join());
        }
    }
}

impl Shared {
    fn enqueue(&self, key: &str, kind: &str, value: Option<Vec<u8>>) -> bool {
        let mut queue = lock(&self.queue);
        let accepted = check(key, kind, value.as_deref()).is_ok()
            && queue.accept((key.to_owned(), kind.to_owned()), value);
        if accepted {
            self.changed.notify_all();
        } else {
            queue.health.refused += 1;
        }
        accepted
    }

    /// The writer thread.
    fn run(&self) {
        let _gone = Gone(self);
        let mut queue = lock(&self.queue);
        loop {
            while queue.pending.is_empty() {
                if queue.closed {
                    return;
                }
                queue = self
                    .changed
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            drop(queue);
            self.write();
            queue = lock(&self.queue);
        }
    }

    fn write(&self) {
        let mut store = lock(&self.store);
        let mut changes: Vec<_> = {
            let mut queue = lock(&self.queue);
            queue.writing = true;
            queue.bytes = 0;
            queue.pending.drain().collect()
        };
        changes.sort_by(|a, b| a.0.cmp(&b.0));
        let result = store.write(&changes, now_s());
        drop(store);
        let mut queue = lock(&self.queue);
        queue.writing = false;
        if let Err(error) = result {
            queue.health.lost += changes.len() as u64;
            queue.health.last_error = Some(error.to_string());
        }
        self.changed.notify_all();
    }
}

/// Whoever waits for the writer is told when it ends, should it ever end by a panic.
struct Gone<'a>(&'a Shared);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        lock(&self.0.queue).gone = true;
        self.0.changed.notify_all();
    }
}

impl Queue {
    fn accept(&mut self, key: (String, String), value: Option<Vec<u8>>) -> bool {
        let size = |value: &Option<Vec<u8>>| value.as_ref().map_or(0, Vec::len);
        let (keys, added) = (self.pending.len(), size(&value));
        if self.gone {
            return false;
        }
        match self.pending.entry(key) {
            Entry::Occupied(mut entry) => {
                let bytes = self.bytes - size(entry.get()) + added;
                if bytes > PENDING_BYTES_MAX {
                    return false;
                }
                self.bytes = bytes;
                entry.insert(value);
            }
            Entry::Vacant(entry) => {
                if keys >= PENDING_KEYS_MAX || self.bytes + added > PENDING_BYTES_MAX {
                    return false;
                }
                self.bytes += added;
                entry.insert(value);
            }
        }
        true
    }
}

/// A thread that panicked while it held a lock left nothing half done: every change under these locks is a single step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now_s() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        })
}

#[cfg(test)]
mod tests;
