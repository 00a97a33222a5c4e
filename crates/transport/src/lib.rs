//! Stdio, streamable HTTP and HTTP+SSE, both ends

pub mod client;
pub mod limits;
mod lines;
pub mod memory;
mod outbox;
pub mod pipe;
pub mod readiness;
pub mod resume;
pub mod sse;
pub mod stdio;
mod stream;
mod waiters;

pub use pipe::{BoxFuture, FrameSink, FrameSource, Pipe, ReadError, SendError};
