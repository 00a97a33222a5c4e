//! What a worker gives up before it sees a script.
//!
//! Owns the order: what needs the system comes first (namespaces, limits, Landlock), the filter of system calls last,
//! when the engine stands and only reading, writing and memory are left to do. A script that takes over the engine
//! finds a process without files, sockets, other processes or a way to start one. The filter is a must; the rest is
//! as much as the system allows, and reported.

use std::io;

use crate::limits::{ADDRESS_EXTRA_BYTES, CPU_EXTRA_SECONDS, Limits};
use crate::protocol::Confinement;

#[cfg(target_os = "linux")]
mod linux;

/// What copies of this process have given up with it: everything that other processes and files are. The process must have
/// one thread.
///
/// # Errors
/// If the system refuses what it never does.
#[cfg(target_os = "linux")]
pub fn leave() -> io::Result<Confinement> {
    linux::leave()
}

/// Limits of this process alone: memory, time, descriptors, and no process after it.
///
/// # Errors
/// If the system refuses one.
#[cfg(target_os = "linux")]
pub fn limit(limits: &Limits) -> io::Result<()> {
    let cpu_seconds = limits.wall.as_secs() + CPU_EXTRA_SECONDS;
    let memory = u64::try_from(limits.memory_bytes).unwrap_or(u64::MAX);
    linux::limit(memory.saturating_add(ADDRESS_EXTRA_BYTES), cpu_seconds)
}

/// The filter of system calls: from here on, any other call ends the process.
///
/// # Errors
/// If the system has no such filter.
#[cfg(target_os = "linux")]
pub fn filter() -> io::Result<()> {
    linux::filter()
}

/// Scripts are not run where nothing would hold them.
#[cfg(not(target_os = "linux"))]
pub fn leave() -> io::Result<Confinement> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Scripts are not run where nothing would hold them.
#[cfg(not(target_os = "linux"))]
pub fn limit(_: &Limits) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Scripts are not run where nothing would hold them.
#[cfg(not(target_os = "linux"))]
pub fn filter() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The system calls that are left, by name.
#[cfg(target_os = "linux")]
#[must_use]
pub fn allowed_calls() -> Vec<&'static str> {
    linux::ALLOWED.iter().map(|(name, _)| *name).collect()
}
