//! Scripts in real workers: hostile ones, ordinary ones, and what a worker may do.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![cfg(target_os = "linux")]

mod scripts {
    mod api;
    mod confined;
    mod hostile;
    mod hostile_list;
    mod limits;
    mod ordinary;
    mod world;
}
