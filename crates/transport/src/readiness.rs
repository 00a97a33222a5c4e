//! When a file descriptor can be read or written.
//!
//! Owns the one call that registers a descriptor with the runtime. Refuses descriptors that nobody owns, by its bound.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Registers a descriptor with the runtime of this thread.
///
/// # Errors
/// When it cannot be polled, or outside a runtime.
pub fn register<T: AsFd + AsRawFd>(inner: T, interest: Interest) -> io::Result<AsyncFd<T>> {
    tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
    #[expect(
        deprecated,
        reason = "the new constructor is unsafe because of types without `AsFd`; this bound has it"
    )]
    AsyncFd::with_interest(inner, interest)
}
