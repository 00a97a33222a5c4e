//! Everything about real processes: started, watched, stopped, boxed.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![cfg(target_os = "linux")]

mod processes;
mod sandbox;
