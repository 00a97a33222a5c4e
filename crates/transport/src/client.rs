//! The client towards HTTP servers: streamable HTTP and legacy HTTP+SSE.
//!
//! Owns HTTP/1.1 as far as MCP needs it, inline: the request is written and the reply read on the caller's task, one
//! connection per request in flight, idle ones in a pool per thread. No task, no channel and, once warm, no timer
//! registration stands between a call and the socket; `exchange.rs` is the path of a call.
//!
//! Refuses proxies, cookies, compression, HTTP/2, and redirects that lead to another origin or change the method. Knows
//! no MCP: headers and bodies are the caller's business. Read `exchange.rs` next, then `conn.rs`.

pub mod chunked;
pub mod head;

mod body;
mod conn;
mod connect;
mod endpoint;
mod error;
mod events;
mod exchange;
mod pool;
mod sending;
mod sse_pipe;
mod tls;

use std::time::Duration;

use bytes::Bytes;

use crate::limits::{BODY_IDLE, CONNECT_TIME, HEAD_TIME};
use endpoint::Method;
use exchange::{Request, exchange};

pub use endpoint::{Endpoint, EndpointError};
pub use error::{HttpError, Phase};
pub use events::EventStream;
pub use sse_pipe::sse_pipe;
pub use tls::secure;

/// The reply of a server. Its headers are all it sent if it is no success; of a success those that mean something to
/// MCP (`Mcp-*`, `Content-Type`, `WWW-Authenticate`, `Retry-After`, `Location`, `X-Request-Id`).
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: http::HeaderMap,
    /// What came with it.
    pub body: Body,
}

/// The body of a reply.
#[derive(Debug)]
pub enum Body {
    /// All of it; empty if there was none.
    Full(Bytes),
    /// A success of type `text/event-stream`.
    Events(EventStream),
}

/// How long to wait. A duration that the clock cannot express, such as [`Duration::MAX`], is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, TLS and the look-up of the name included.
    pub connect: Duration,
    /// From the start of the request to the head of the reply. A server that answers with JSON sends the head when the
    /// call is done.
    pub head: Duration,
    /// Between two pieces of a body that is read whole. Event streams may be silent for as long as they like.
    pub body_idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: CONNECT_TIME,
            head: HEAD_TIME,
            body_idle: BODY_IDLE,
        }
    }
}

/// Sends a message. `Accept` and `Content-Type` are set.
///
/// Dropping the future closes the connection, which is how a server learns that nobody waits any more.
///
/// # Errors
/// See [`HttpError`]. A status that means failure is no error here.
pub async fn post(
    endpoint: &Endpoint,
    headers: &[(&str, &str)],
    body: Bytes,
    timeouts: &Timeouts,
) -> Result<Response, HttpError> {
    exchange(
        endpoint,
        Request {
            method: Method::Post,
            headers,
            body,
        },
        timeouts,
    )
    .await
}

/// Asks for an event stream. `Accept` is set.
///
/// # Errors
/// See [`post`].
pub async fn get(
    endpoint: &Endpoint,
    headers: &[(&str, &str)],
    timeouts: &Timeouts,
) -> Result<Response, HttpError> {
    exchange(
        endpoint,
        Request {
            method: Method::Get,
            headers,
            body: Bytes::new(),
        },
        timeouts,
    )
    .await
}

/// Ends what the headers name: a session.
///
/// # Errors
/// See [`post`].
pub async fn delete(
    endpoint: &Endpoint,
    headers: &[(&str, &str)],
    timeouts: &Timeouts,
) -> Result<Response, HttpError> {
    exchange(
        endpoint,
        Request {
            method: Method::Delete,
            headers,
            body: Bytes::new(),
        },
        timeouts,
    )
    .await
}

#[cfg(test)]
mod tests;
