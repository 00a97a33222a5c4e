//! Why a request to an HTTP server failed. Says which server by its origin only: paths, queries and header values can
//! be secrets.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::head::HeadError;

/// A request that got no (whole) reply.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// A header for this one request cannot be sent.
    #[error("header {name:?} has a name or value that HTTP cannot carry")]
    Header {
        /// Its name.
        name: String,
    },
    /// Too many connections.
    #[error(
        "{limit} connections to {origin} are open already: it does not answer, or not fast enough"
    )]
    Busy {
        /// Of whom.
        origin: Arc<str>,
        /// The most there may be.
        limit: usize,
    },
    /// The host has no address.
    #[error("cannot find the address of {origin}: {source}")]
    Resolve {
        /// Of whom.
        origin: Arc<str>,
        /// What the resolver said.
        source: io::Error,
    },
    /// No address of the host took the connection.
    #[error("cannot connect to {origin}: {source}")]
    Connect {
        /// To whom.
        origin: Arc<str>,
        /// What the last address tried said.
        source: io::Error,
    },
    /// TLS failed: most often a certificate that this machine does not trust.
    #[error("no secure connection to {origin}: {source}")]
    Tls {
        /// To whom.
        origin: Arc<str>,
        /// What TLS said.
        source: io::Error,
    },
    /// The connection broke in the middle of something.
    #[error("the connection to {origin} failed: {source}")]
    Io {
        /// To whom.
        origin: Arc<str>,
        /// What the system said.
        source: io::Error,
        /// What was going on.
        phase: Phase,
    },
    /// It took too long.
    #[error("{origin} {phase} within {after:?}")]
    Timeout {
        /// Who.
        origin: Arc<str>,
        /// What did not happen.
        phase: Phase,
        /// The time it had.
        after: Duration,
    },
    /// The connection ended before the reply began.
    #[error("{origin} closed the connection without a reply")]
    Closed {
        /// Who.
        origin: Arc<str>,
    },
    /// The connection ended before the reply did.
    #[error("{origin} closed the connection in the middle of its reply")]
    Truncated {
        /// Who.
        origin: Arc<str>,
    },
    /// The reply cannot be understood.
    #[error("the reply of {origin} was refused: {source}")]
    Head {
        /// Of whom.
        origin: Arc<str>,
        /// Why.
        source: HeadError,
    },
    /// The body of the reply cannot be understood.
    #[error("the reply of {origin} was refused: {reason}")]
    Body {
        /// Of whom.
        origin: Arc<str>,
        /// Why.
        reason: &'static str,
    },
    /// The body, or one event of a stream, is too large. A stream goes on with the event after it.
    #[error("the reply of {origin} has more than {limit} bytes")]
    TooLarge {
        /// Of whom.
        origin: Arc<str>,
        /// The most it may have.
        limit: usize,
    },
    /// An HTTP+SSE server did not begin as the transport wants it.
    #[error("{origin} is no HTTP+SSE server: {reason}")]
    NotSse {
        /// Who.
        origin: Arc<str>,
        /// The status of the reply to GET.
        status: u16,
        /// What is missing.
        reason: String,
    },
}

/// What was going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Connecting, TLS included.
    Connect,
    /// From the first byte of the request to the head of the reply.
    Head,
    /// Reading the body.
    Body,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Connect => "did not take the connection",
            Self::Head => "did not begin to answer",
            Self::Body => "did not go on with its answer",
        })
    }
}

impl HttpError {
    /// Whether the request certainly never reached the server, so that it can be sent again whatever it does.
    #[must_use]
    pub fn is_unsent(&self) -> bool {
        match self {
            Self::Header { .. }
            | Self::Busy { .. }
            | Self::Resolve { .. }
            | Self::Connect { .. }
            | Self::Tls { .. } => true,
            Self::Timeout { phase, .. } => *phase == Phase::Connect,
            _ => false,
        }
    }

    /// Whether the server was given a time and let it pass.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. })
    }
}
