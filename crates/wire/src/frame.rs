//! One JSON-RPC message: the bytes as they came, and where its members are.
//!
//! Owns: what we accept as a message, found out without a copy. Refuses: whatever two readers could take for different
//! messages (a member twice, both `result` and `error`), ids that are neither string nor integer, and more bytes or
//! levels than `limits.rs` allows. Unknown members pass unread. Read next: `frame/envelope.rs` for the rules,
//! `object.rs` for what is inside `params` and `result`.

use bytes::{Buf, Bytes};
use bytestring::ByteString;

use crate::depth;
use crate::edit::Edits;
use crate::id::Id;
use crate::limits::{DEPTH_MAX, FRAME_BYTES_MAX};
use crate::object::{Object, ObjectError, validate};
use crate::span::Span;

mod envelope;
mod error;

use envelope::Envelope;
pub use error::FrameError;

/// The four sorts of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Has a method and an id: wants an answer.
    Request,
    /// Has a method and no id: wants none.
    Notification,
    /// An answer that went well.
    Result,
    /// An answer that did not.
    Error,
}

/// One validated JSON-RPC message: the bytes as they came, and where its members are. Clones share the bytes.
#[derive(Clone, Debug)]
pub struct Frame {
    text: ByteString,
    kind: Kind,
    /// Also of the `null` that an error may have for an id.
    id: Option<Span>,
    method: Method,
    /// `params`, `result` or `error`, by kind.
    body: Option<Span>,
}

/// Where the method is to be had.
#[derive(Clone, Debug)]
enum Method {
    None,
    Plain(Span),
    /// It was spelt with escapes.
    Decoded(Box<str>),
}

impl Frame {
    /// Reads one message. White space around it is left out of [`bytes`](Self::bytes).
    ///
    /// # Errors
    /// If the bytes are not a message that we accept; [`FrameError::reply`] says so to the sender.
    pub fn parse(bytes: Bytes) -> Result<Self, FrameError> {
        let text = into_text(bytes)?;
        if !depth::is_within(text.as_bytes(), DEPTH_MAX) {
            return Err(FrameError::invalid(
                None,
                format!("message nested deeper than {DEPTH_MAX} levels"),
            ));
        }
        if !text.starts_with('{') {
            validate(&text).map_err(|error| FrameError::parse(error.to_string()))?;
            return Err(FrameError::invalid(None, "a message must be a JSON object"));
        }
        let envelope = Envelope::read(&text)?;
        let verdict = envelope
            .judge()
            .map_err(|reason| FrameError::invalid(envelope.readable_id(), reason))?;
        let place = |part: &str| Span::of(&text, part);
        let (kind, id, body) = (
            verdict.kind,
            verdict.id.and_then(place),
            verdict.body.and_then(place),
        );
        let method = match verdict.method {
            None => Method::None,
            Some(method) => {
                place(&method).map_or_else(|| Method::Decoded((&*method).into()), Method::Plain)
            }
        };
        Ok(Self {
            text,
            kind,
            id,
            method,
            body,
        })
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The message, byte for byte.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        self.text.as_bytes()
    }

    /// The message, byte for byte.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.text.into_bytes()
    }

    /// The id as JSON text, e.g. `7` or `"a"`. Notifications have none, nor have errors about an unreadable request.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id
            .map(|span| span.in_text(&self.text))
            .filter(|id| *id != "null")
    }

    /// The id to keep in a table.
    #[must_use]
    pub fn to_id(&self) -> Option<Id> {
        Id::parse(self.id()?).ok()
    }

    /// The method, decoded; empty on answers.
    #[must_use]
    pub fn method(&self) -> &str {
        match &self.method {
            Method::None => "",
            Method::Plain(span) => span.in_text(&self.text),
            Method::Decoded(method) => method,
        }
    }

    /// The parameters as JSON text: an object, or an array, which MCP never has.
    #[must_use]
    pub fn params(&self) -> Option<&str> {
        self.body_of(matches!(self.kind, Kind::Request | Kind::Notification))
    }

    /// The parameters as an object, empty if there are none.
    ///
    /// # Errors
    /// If they are an array, or have too many members.
    pub fn params_object(&self) -> Result<Object<'_>, ObjectError> {
        self.params().map_or(Ok(Object::empty()), Object::of_valid)
    }

    /// The result as JSON text.
    #[must_use]
    pub fn result(&self) -> Option<&str> {
        self.body_of(self.kind == Kind::Result)
    }

    /// The result as an object; `None` if this is no result.
    ///
    /// # Errors
    /// If it is something else, or has too many members.
    pub fn result_object(&self) -> Result<Option<Object<'_>>, ObjectError> {
        self.result().map(Object::of_valid).transpose()
    }

    /// The error object as JSON text.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.body_of(self.kind == Kind::Error)
    }

    /// The error object, to look into; `None` if this is no error.
    ///
    /// # Errors
    /// If it has too many members.
    pub fn error_object(&self) -> Result<Option<Object<'_>>, ObjectError> {
        self.error().map(Object::of_valid).transpose()
    }

    /// The whole message as an object, for edits at its top.
    ///
    /// # Errors
    /// If it has too many members.
    pub fn object(&self) -> Result<Object<'_>, ObjectError> {
        Object::of_valid(&self.text)
    }

    /// The message with another id (JSON text); nothing else changes. A message without an id stays as it is.
    #[must_use]
    pub fn with_id(&self, id: &str) -> Bytes {
        let Some(span) = self.id else {
            return self.bytes().clone();
        };
        let range = span.range();
        let mut out = Vec::with_capacity(self.text.len() - range.len() + id.len());
        out.extend_from_slice(self.text[..range.start].as_bytes());
        out.extend_from_slice(id.as_bytes());
        out.extend_from_slice(self.text[range.end..].as_bytes());
        Bytes::from(out)
    }

    /// Begins changes to this message. The slices and objects got from it can be replaced and edited.
    #[must_use]
    pub fn edit(&self) -> Edits<'_> {
        Edits::of_bytes(&self.text, self.bytes())
    }

    fn body_of(&self, is_kind: bool) -> Option<&str> {
        self.body
            .filter(|_| is_kind)
            .map(|span| span.in_text(&self.text))
    }
}

/// Bytes of a fair length that are text, without the white space around them.
pub(crate) fn into_text(mut bytes: Bytes) -> Result<ByteString, FrameError> {
    if bytes.len() > FRAME_BYTES_MAX {
        let reason = format!(
            "message of {} bytes; at most {FRAME_BYTES_MAX} are accepted",
            bytes.len()
        );
        return Err(FrameError::invalid(None, reason));
    }
    let is_inside = |byte: &u8| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let start = bytes.iter().position(is_inside).unwrap_or(bytes.len());
    let end = bytes
        .iter()
        .rposition(is_inside)
        .map_or(start, |last| last + 1);
    // Not a slice: the first slice of bytes that nobody shares yet costs an allocation.
    bytes.truncate(end);
    bytes.advance(start);
    ByteString::try_from(bytes).map_err(|error| {
        FrameError::parse(format!("not UTF-8 at byte {}", start + error.valid_up_to()))
    })
}

#[cfg(test)]
mod tests;
