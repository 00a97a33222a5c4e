//! Everything about real processes: started, watched, stopped, boxed.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed unwrap is a failed test, and what was left out here is said"
)]
#![cfg(target_os = "linux")]

mod capture;
mod containers;
mod nursery;
mod packages;
mod processes;
mod sandbox;
