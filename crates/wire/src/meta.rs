//! The keys of `_meta` that somebody on the path reads or writes.
//!
//! Refuses: keys of our own under the reserved prefixes (second label `modelcontextprotocol` or `mcp`). All other keys
//! pass unread.

/// The revision of a stateless request. Required there.
pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// What the client can do for this one stateless request. Required there.
pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// Who the client says it is. For display, never for decisions.
pub const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
/// The least severe log message that a stateless request wants to hear; without it, none.
pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// Who the server says it is, on results of the stateless era.
pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
/// The id of the `subscriptions/listen` request that a message belongs to.
pub const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
/// The task that a message belongs to (2025-11-25).
pub const RELATED_TASK: &str = "io.modelcontextprotocol/related-task";
/// The token under which the sender wants to hear of progress.
pub const PROGRESS_TOKEN: &str = "progressToken";
/// W3C trace context: where this call stands in its trace.
pub const TRACEPARENT: &str = "traceparent";
/// W3C trace context: what vendors add to it.
pub const TRACESTATE: &str = "tracestate";
/// W3C baggage.
pub const BAGGAGE: &str = "baggage";
