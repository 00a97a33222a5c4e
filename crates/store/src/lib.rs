//! What outlives a process: one SQLite file.
//!
//! Owns the file, its schema and its migrations ([`Store`]), and the thread that writes to it so that nobody who serves
//! calls ever waits for a disk ([`StoreHandle`]). Several processes may have the file open at once. Refuses a file that a
//! newer version wrote, and one that is damaged, with words that say what to do. What is in it can be learnt again:
//! losing it costs time, nothing else.
//!
//! Read `store` first, then `handle`.

mod error;
mod handle;
pub mod limits;
mod migrations;
mod open;
mod store;

pub use error::StoreError;
pub use handle::{Health, StoreHandle};
pub use store::Store;
