//! Every number that bounds the store.

use std::time::Duration;

/// How long one process waits for another that is writing.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Most keys that wait for the writer thread; further new keys are refused until it caught up.
pub const PENDING_KEYS_MAX: usize = 4_096;
/// Most bytes that wait for the writer thread.
pub const PENDING_BYTES_MAX: usize = 64 << 20;
/// Largest single value.
pub const VALUE_BYTES_MAX: usize = 16 << 20;
/// Longest key or kind.
pub const KEY_BYTES_MAX: usize = 1_024;
/// The WAL file is cut back to this size after a checkpoint.
pub const WAL_BYTES_KEPT: i64 = 8 << 20;
