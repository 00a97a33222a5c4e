//! The JavaScript sandbox whose only outside world is calls.
//!
//! Owns everything about a script: what it may look like, the process that runs it, what it sees of tools, its limits,
//! and what its agent gets. A script runs in a process of its own that has nothing but a channel to us; whatever it
//! does, the worst that can happen is that this process ends. Refuses to know where calls go: [`gateway::scripts::Calls`]
//! does.
//!
//! Read `gateway::scripts` first, then `codemode`, then `run` for our side and `worker` for the other.

mod check;
mod clock;
mod codemode;
mod declare;
mod hints;
mod kept;
pub mod limits;
mod link;
mod names;
mod outcome;
mod pool;
pub mod protocol;
mod run;
mod scope;
mod script;
mod shape;
mod shapes;
mod text;
mod typescript;
mod unwrap;
pub mod worker;

pub use codemode::CodeMode;
pub use limits::Limits;
pub use names::{Names, ServerNames, ToolName};
pub use outcome::{CallRecord, Failure, FailureKind, Outcome, Preview};
pub use pool::{Process, Start};
