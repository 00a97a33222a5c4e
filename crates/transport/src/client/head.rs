//! The head of a reply: status, how its body is framed, the header fields that matter.
//!
//! Pure. Refuses whatever two readers could take for different things (RFC 9112 section 6.3): lengths that differ, a
//! transfer coding we do not know, a body in an encoding we did not ask for.

use std::mem::MaybeUninit;

use http::{HeaderMap, HeaderName, HeaderValue};
use httparse::{Header, ParserConfig, Status};

use crate::limits::{BODY_BYTES_MAX, HEAD_BYTES_MAX, HEAD_FIELDS_MAX};

/// What the head of a reply says.
#[derive(Debug)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// Where the body ends.
    pub framing: Framing,
    /// Whether the server means to keep the connection.
    pub keep_alive: bool,
    /// Whether the body is labelled `text/event-stream`.
    pub event_stream: bool,
    /// Fields worth keeping: all of an unusual reply, of a success only those that can mean something to MCP.
    pub headers: HeaderMap,
    /// How long the head is.
    pub bytes: usize,
}

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// After so many bytes.
    Length(u64),
    /// After the last chunk.
    Chunked,
    /// Where the connection does.
    Close,
}

/// Why a head was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// It is not HTTP/1.
    #[error("it is not an HTTP/1.1 reply ({0})")]
    Syntax(httparse::Error),
    /// A status code out of range, or one that changes the protocol.
    #[error("status {0} is none that was asked for")]
    Status(u16),
    /// `Content-Length` is no number, or says different ones.
    #[error("its content-length is no number")]
    Length,
    /// Neither absent nor just `chunked`.
    #[error("its transfer-encoding is not chunked")]
    TransferCoding,
    /// Compressed although nobody asked.
    #[error("its content-encoding was not asked for")]
    ContentCoding,
    /// The head is too long.
    #[error("its head has more than {HEAD_BYTES_MAX} bytes")]
    TooLong,
    /// The head has too many fields.
    #[error("its head has more than {HEAD_FIELDS_MAX} fields")]
    TooManyFields,
    /// The body would be too large. Told from the head, so that nothing is read in vain.
    #[error("its body has more than {BODY_BYTES_MAX} bytes")]
    BodyTooLarge,
}

impl Head {
    /// Reads the head at the start of what was received; `None` when its end has not come yet.
    ///
    /// # Errors
    /// See [`HeadError`].
    pub fn parse(received: &[u8]) -> Result<Option<Self>, HeadError> {
        let mut fields = [const { MaybeUninit::<Header<'_>>::uninit() }; HEAD_FIELDS_MAX];
        let mut response = httparse::Response::new(&mut []);
        let config = ParserConfig::default();
        let parsed =
            config.parse_response_with_uninit_headers(&mut response, received, &mut fields);
        let bytes = match parsed {
            Ok(Status::Complete(bytes)) if bytes <= HEAD_BYTES_MAX => bytes,
            Ok(Status::Partial) if received.len() < HEAD_BYTES_MAX => return Ok(None),
            Ok(_) => return Err(HeadError::TooLong),
            Err(httparse::Error::TooManyHeaders) => return Err(HeadError::TooManyFields),
            Err(error) => return Err(HeadError::Syntax(error)),
        };
        let status = response.code.unwrap_or(0);
        if !(100..=599).contains(&status) || status == 101 {
            return Err(HeadError::Status(status));
        }
        let mut seen = Seen::default();
        let mut headers = HeaderMap::new();
        for field in response.headers.iter() {
            seen.note(field)?;
            keep(&mut headers, status, field);
        }
        let modern = response.version == Some(1);
        Ok(Some(Self {
            status,
            framing: seen.framing(status)?,
            keep_alive: seen.keep_alive(modern),
            event_stream: seen.event_stream,
            headers,
            bytes,
        }))
    }

    /// Whether this announces another head: nothing to wait for, nothing to act on.
    #[must_use]
    pub fn is_interim(&self) -> bool {
        self.status < 200
    }
}

/// What the fields say about the message itself.
#[derive(Default)]
struct Seen {
    length: Option<u64>,
    chunked: bool,
    close: bool,
    stay: bool,
    event_stream: bool,
}

impl Seen {
    fn note(&mut self, field: &Header<'_>) -> Result<(), HeadError> {
        let is = |name: &str| field.name.eq_ignore_ascii_case(name);
        // Sorted out by length first: most fields are none of these.
        match field.name.len() {
            10 if is("connection") => {
                for option in elements(field.value) {
                    self.close |= option.eq_ignore_ascii_case(b"close");
                    self.stay |= option.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            12 if is("content-type") => {
                let media = field
                    .value
                    .split(|byte| *byte == b';')
                    .next()
                    .unwrap_or_default();
                self.event_stream = media
                    .trim_ascii()
                    .eq_ignore_ascii_case(b"text/event-stream");
            }
            14 if is("content-length") => self.note_length(field.value)?,
            16 if is("content-encoding") => note_coding(field.value)?,
            17 if is("transfer-encoding") => {
                // Twice chunked is as wrong as anything else but once.
                if self.chunked || !field.value.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                    return Err(HeadError::TransferCoding);
                }
                self.chunked = true;
            }
            _ => {}
        }
        Ok(())
    }

    /// A list of equal lengths is what some proxies make of one; RFC 9110 section 8.6 lets it pass.
    fn note_length(&mut self, value: &[u8]) -> Result<(), HeadError> {
        for text in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            if text.is_empty() || text.len() > 19 || !text.iter().all(u8::is_ascii_digit) {
                return Err(HeadError::Length);
            }
            let length = text
                .iter()
                .fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
            if self.length.is_some_and(|before| before != length) {
                return Err(HeadError::Length);
            }
            self.length = Some(length);
        }
        Ok(())
    }

    fn framing(&self, status: u16) -> Result<Framing, HeadError> {
        if status < 200 || status == 204 || status == 304 {
            return Ok(Framing::Length(0));
        }
        if self.chunked {
            return Ok(Framing::Chunked);
        }
        match self.length {
            Some(length) if length > BODY_BYTES_MAX as u64 && !self.event_stream => {
                Err(HeadError::BodyTooLarge)
            }
            Some(length) => Ok(Framing::Length(length)),
            None => Ok(Framing::Close),
        }
    }

    /// A reply with both framings may be somebody's attempt to smuggle: it is read as chunked, and the connection is
    /// not used again.
    fn keep_alive(&self, modern: bool) -> bool {
        let ambiguous = self.chunked && (self.length.is_some() || !modern);
        !self.close && !ambiguous && (modern || self.stay)
    }
}

fn note_coding(value: &[u8]) -> Result<(), HeadError> {
    let plain = elements(value).all(|coding| coding.eq_ignore_ascii_case(b"identity"));
    if plain {
        Ok(())
    } else {
        Err(HeadError::ContentCoding)
    }
}

fn elements(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|element| !element.is_empty())
}

/// Building a map entry costs about as much as parsing the whole head, so a success keeps only what MCP, its
/// authorization, or a person looking for a fault could want.
fn keep(headers: &mut HeaderMap, status: u16, field: &Header<'_>) {
    let success = (200..300).contains(&status);
    if success && !matters(field.name) {
        return;
    }
    let value = match field.value {
        b"application/json" => HeaderValue::from_static("application/json"),
        b"text/event-stream" => HeaderValue::from_static("text/event-stream"),
        other => match HeaderValue::from_bytes(other) {
            Ok(value) => value,
            Err(_) => return,
        },
    };
    if let Ok(name) = HeaderName::from_bytes(field.name.as_bytes()) {
        headers.append(name, value);
    }
}

fn matters(name: &str) -> bool {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    let is_mcp = name
        .as_bytes()
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"mcp-"));
    is_mcp
        || match name.len() {
            8 => is("location"),
            11 => is("retry-after"),
            12 => is("content-type") || is("x-request-id"),
            16 => is("www-authenticate"),
            _ => false,
        }
}

#[cfg(test)]
mod tests;
