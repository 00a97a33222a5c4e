//! Chores of the workspace that need more than a shell line.
//!
//! A library, so that `cargo test` runs the same checks as `cargo run -p portolan-xtask -- tidy`.
//! `tidy.rs` is what a change must keep true, `dist.rs` how a release becomes packages.

use std::path::PathBuf;

pub mod dist;
pub mod tidy;

/// The folder of the workspace this was built from.
#[must_use]
pub fn root() -> PathBuf {
    let mut path = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    path.pop();
    path
}
