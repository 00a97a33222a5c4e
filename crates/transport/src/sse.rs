//! Server-sent events: what streamable HTTP and HTTP+SSE wrap messages in.
//!
//! Owns the text format of the WHATWG specification, both ways: [`Decoder`] takes whatever pieces the network makes,
//! [`encode`] writes one event. Refuses events over the limit (skipped whole, what follows is read) and does not look
//! at the data: whether it is UTF-8 or JSON is for `wire` to say. Reconnecting is for whoever holds the stream.
//! Read [`crate::client`] next for streams of servers, [`crate::resume`] for ours.

mod decoder;

use bytes::{BufMut, Bytes, BytesMut};
use memchr::memchr2;

pub use decoder::{DecodeError, Decoder};

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// Its id; an empty one says that nothing can be resumed any more.
    pub id: Option<String>,
    /// Its type; none means `message`.
    pub event: Option<String>,
    /// After how many milliseconds to come back once the stream has ended.
    pub retry: Option<u64>,
    /// The data lines, joined by newlines. Empty when there were none.
    pub data: Bytes,
}

impl Event {
    /// An event that carries a message and nothing else.
    #[must_use]
    pub fn message(data: Bytes) -> Self {
        Self {
            data,
            ..Self::default()
        }
    }

    /// Whether this is a `message`, which is what an event without a type is.
    #[must_use]
    pub fn is_message(&self) -> bool {
        matches!(self.event.as_deref(), None | Some("" | "message"))
    }
}

/// The text of one event, its blank line included.
#[must_use]
pub fn encode(event: &Event) -> Bytes {
    let mut out = BytesMut::with_capacity(64 + event.data.len());
    encode_into(event, &mut out);
    out.freeze()
}

/// Appends the text of one event.
///
/// The format has no escapes. Line ends within the data become separate data lines, so a CR arrives as LF: JSON does
/// not mind. Line ends within the id or type, where they could start a field of somebody else's choice, are left out,
/// and so is NUL within the id, which would make it none.
pub fn encode_into(event: &Event, out: &mut BytesMut) {
    if let Some(id) = &event.id {
        field(out, b"id: ", id, &['\n', '\r', '\0']);
    }
    if let Some(name) = &event.event {
        field(out, b"event: ", name, &['\n', '\r']);
    }
    if let Some(retry) = event.retry {
        field(out, b"retry: ", &retry.to_string(), &[]);
    }
    let mut rest: &[u8] = &event.data;
    loop {
        let end = memchr2(b'\n', b'\r', rest);
        let line = &rest[..end.unwrap_or(rest.len())];
        out.reserve(line.len() + 8);
        out.put_slice(b"data: ");
        out.put_slice(line);
        out.put_u8(b'\n');
        let Some(end) = end else { break };
        let both = rest[end..].starts_with(b"\r\n");
        rest = &rest[end + 1 + usize::from(both)..];
    }
    out.put_u8(b'\n');
}

/// A comment line, which clients pass over: it keeps connections and the proxies between from timing out.
pub const KEEP_ALIVE: &[u8] = b":\n\n";

fn field(out: &mut BytesMut, name: &[u8], value: &str, without: &[char]) {
    out.put_slice(name);
    for part in value.split(without) {
        out.put_slice(part.as_bytes());
    }
    out.put_u8(b'\n');
}

#[cfg(test)]
mod tests;
