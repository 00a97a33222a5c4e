//! Start, limit, watch and stop MCP servers.
//!
//! Owns everything about a server's process from the search in PATH to the last signal, and the way to servers that
//! run elsewhere. Refuses to leave anything behind: whatever a server started ends with it, and with us. When a
//! server starts or stops is decided by `gateway`, which sees the [`Launcher`] trait alone.
//!
//! Read `launcher` first, then `process`, then `guard`, then `sandbox`, then `container`, then `package`.

mod backoff;
mod capture;
#[cfg(target_os = "linux")]
pub mod container;
mod detached;
mod environment;
mod error;
mod exit;
mod granted;
#[cfg(target_os = "linux")]
pub mod guard;
#[cfg(target_os = "linux")]
pub mod image;
mod kept;
mod launcher;
pub mod limits;
mod lookup;
#[cfg(target_os = "linux")]
pub mod nursery;
#[cfg(target_os = "linux")]
mod one_shot;
mod own;
mod package;
mod process;
mod remote;
mod running;
#[cfg(target_os = "linux")]
pub mod sandbox;
#[cfg(target_os = "linux")]
mod signed;
mod spawn;
mod starting;
mod stderr;
#[cfg(target_os = "linux")]
mod way_out;

pub use backoff::Backoff;
pub use capture::ProgramRunner;
pub use detached::Detached;
pub use error::LaunchError;
pub use exit::ExitReason;
pub use granted::{GrantedLauncher, Grants};
pub use kept::{Kept, Shelf, Tidy};
pub use launcher::{Isolation, Launched, Launcher, Link, Options, ProcessLauncher};
pub use own::OwnProcess;
pub use package::{
    BundlePart, FetchFile, PackageLauncher, PackageOptions, Updated, bundle_entry, read_bundle,
    walk_bundle,
};
pub use process::{Hold, Process, Refused};
pub use remote::RemoteLauncher;
pub use running::RunningLauncher;
#[cfg(target_os = "linux")]
pub use signed::Signers;
pub use stderr::StderrLog;
