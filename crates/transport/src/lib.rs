//! Stdio, streamable HTTP and HTTP+SSE, both ends.
//!
//! Owns how frames travel: duplex pipes over file descriptors, memory and HTTP+SSE ([`pipe`], [`stdio`], [`memory`]), with what container engines put
//! between ([`multiplexed`]),
//! HTTP towards servers ([`client`]), the text of event streams ([`sse`]) and what our own keep for clients that come
//! back ([`resume`]). Refuses to look into a frame and to know a web framework: our HTTP door is in `server`. Read
//! `pipe.rs` next, or `client.rs` for HTTP.

pub mod client;
pub mod limits;
mod lines;
pub mod memory;
pub mod multiplexed;
mod outbox;
pub mod pipe;
pub mod readiness;
pub mod resume;
pub mod sse;
pub mod stdio;
mod stream;
mod turn;
mod waiters;

pub use pipe::{BoxFuture, FrameSink, FrameSource, Pipe, ReadError, SendError};
