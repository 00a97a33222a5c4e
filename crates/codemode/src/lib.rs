//! The JavaScript sandbox whose only outside world is calls.

pub mod limits;
mod names;
pub mod protocol;
pub mod worker;
pub use limits::Limits;
pub use names::{Names, ServerNames, ToolName};
