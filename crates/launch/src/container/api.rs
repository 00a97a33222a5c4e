//! The engine's API: HTTP/1.1 over its Unix socket.
//!
//! Owns requests and their bounds: one connection for each, which ends with it. Refuses to wait or to take more than its
//! limits say, whatever the engine promises. Knows the framing of HTTP from `transport` and no endpoint; those are in
//! the files that need them.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;
use transport::client::chunked::{Chunked, Piece};
use transport::client::head::{Framing, Head};

use crate::limits::{ENGINE_REPLY_BYTES_MAX, ENGINE_WORDS_CHARS_MAX};

/// Why the engine gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    /// Nobody is at the socket.
    #[error("nothing answers at {}: {error}", socket.display())]
    Connect {
        socket: PathBuf,
        #[source]
        error: io::Error,
    },
    /// It ended, or closed the connection.
    #[error("the container engine closed the connection ({0})")]
    Gone(#[source] io::Error),
    /// It takes too long.
    #[error("the container engine did not answer within {} s", .0.as_secs().max(1))]
    Slow(Duration),
    /// It is no engine.
    #[error("what answers at {} is no container engine: {why}", socket.display())]
    Garbage { socket: PathBuf, why: String },
    /// It says no.
    #[error("{message}")]
    Refused { status: u16, message: String },
}

impl ApiError {
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Refused { status, .. } => *status,
            _ => 0,
        }
    }

    /// Whether there is an engine that said no, rather than none that says anything.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }
}

/// An engine's socket, and the version of the API that is spoken there.
#[derive(Debug, Clone)]
pub(super) struct Api {
    socket: PathBuf,
    /// `/v1.41`, or nothing.
    prefix: String,
}

/// What to ask.
pub(super) struct Request<'a> {
    pub(super) method: &'static str,
    /// With its query, encoded.
    pub(super) path: &'a str,
    pub(super) body: Option<&'a Value>,
}

impl Api {
    pub(super) fn new(socket: PathBuf) -> Self {
        Self {
            socket,
            prefix: String::new(),
        }
    }

    pub(super) fn speaking(self, version: &str) -> Self {
        Self {
            prefix: format!("/v{version}"),
            ..self
        }
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Asks and reads the whole answer. An answer that is no success is an error.
    pub(super) async fn call(
        &self,
        request: Request<'_>,
        wait: Duration,
    ) -> Result<Vec<u8>, ApiError> {
        let whole = async { self.open(request).await?.whole().await };
        timeout(wait, whole)
            .await
            .unwrap_or(Err(ApiError::Slow(wait)))
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        wait: Duration,
    ) -> Result<T, ApiError> {
        let request = Request {
            method: "GET",
            path,
            body: None,
        };
        let body = self.call(request, wait).await?;
        serde_json::from_slice(&body).map_err(|error| self.garbage(error))
    }

    /// Asks, and reads as far as it is known whether that is a success.
    pub(super) async fn open(&self, request: Request<'_>) -> Result<Opened, ApiError> {
        let mut stream =
            UnixStream::connect(&self.socket)
                .await
                .map_err(|error| ApiError::Connect {
                    socket: self.socket.clone(),
                    error,
                })?;
        let bytes = self.bytes(&request);
        stream.write_all(&bytes).await.map_err(ApiError::Gone)?;
        let mut received = Vec::new();
        let head = loop {
            match Head::parse(&received).map_err(|error| self.garbage(error))? {
                Some(head) if head.is_interim() => drop(received.drain(..head.bytes)),
                Some(head) => break head,
                None => read_some(&mut stream, &mut received).await?,
            }
        };
        received.drain(..head.bytes);
        let opened = Opened {
            socket: self.socket.clone(),
            rest: match head.framing {
                Framing::Length(length) => Rest::Length(length),
                Framing::Chunked => Rest::Chunked(Chunked::default()),
                Framing::Close => Rest::Close,
            },
            stream,
            received,
        };
        if (200..300).contains(&head.status) {
            return Ok(opened);
        }
        let said = opened.whole().await?;
        Err(ApiError::Refused {
            status: head.status,
            message: words(&said, head.status),
        })
    }

    /// Asks without a runtime, and waits until it was heard: for who ends with it.
    pub(super) fn tell(&self, request: &Request<'_>, wait: Duration) -> io::Result<()> {
        use std::io::{Read, Write};

        let mut stream = std::os::unix::net::UnixStream::connect(&self.socket)?;
        stream.set_write_timeout(Some(wait))?;
        stream.set_read_timeout(Some(wait))?;
        stream.write_all(&self.bytes(request))?;
        stream.read_exact(&mut [0])
    }

    fn bytes(&self, request: &Request<'_>) -> Vec<u8> {
        let body = request.body.map(Value::to_string).unwrap_or_default();
        format!(
            "{} {}{} HTTP/1.1\r\nHost: engine\r\nUser-Agent: portolan\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            request.method,
            self.prefix,
            request.path,
            body.len(),
        )
        .into_bytes()
    }

    pub(super) fn garbage(&self, why: impl ToString) -> ApiError {
        garbage(&self.socket, why)
    }
}

/// A success whose body has not been read yet.
#[derive(Debug)]
pub(super) struct Opened {
    socket: PathBuf,
    stream: UnixStream,
    /// What was received of the body and not given out.
    received: Vec<u8>,
    rest: Rest,
}

#[derive(Debug)]
enum Rest {
    Length(u64),
    Chunked(Chunked),
    Close,
}

impl Opened {
    /// The next piece of the body; `None` at its end.
    pub(super) async fn piece(&mut self) -> Result<Option<Vec<u8>>, ApiError> {
        loop {
            if let Rest::Length(0) = self.rest {
                return Ok(None);
            }
            while !self.received.is_empty() {
                match &mut self.rest {
                    Rest::Close => return Ok(Some(std::mem::take(&mut self.received))),
                    Rest::Length(left) => {
                        let take = usize::try_from(*left)
                            .map_or(self.received.len(), |left| left.min(self.received.len()));
                        *left -= take as u64;
                        return Ok(Some(self.received.drain(..take).collect()));
                    }
                    Rest::Chunked(chunked) => {
                        let piece = chunked
                            .piece(&self.received)
                            .map_err(|error| garbage(&self.socket, error))?;
                        match piece {
                            Piece::More => self.received.clear(),
                            Piece::End { .. } => {
                                self.rest = Rest::Length(0);
                                self.received.clear();
                                return Ok(None);
                            }
                            Piece::Data { skip, take } => {
                                self.received.drain(..skip);
                                return Ok(Some(self.received.drain(..take).collect()));
                            }
                        }
                    }
                }
            }
            match (
                read_some(&mut self.stream, &mut self.received).await,
                &self.rest,
            ) {
                (Ok(()), _) => {}
                (Err(ApiError::Gone(error)), Rest::Close)
                    if error.kind() == io::ErrorKind::UnexpectedEof =>
                {
                    return Ok(None);
                }
                (Err(error), _) => return Err(error),
            }
        }
    }

    /// All of it, within the limit.
    pub(super) async fn whole(mut self) -> Result<Vec<u8>, ApiError> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece().await? {
            if body.len() + piece.len() > ENGINE_REPLY_BYTES_MAX {
                let why = format!("its answer has more than {ENGINE_REPLY_BYTES_MAX} bytes");
                return Err(garbage(&self.socket, why));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    /// The connection itself, and what was received on it: for what is no longer HTTP.
    pub(super) fn into_stream(self) -> (UnixStream, Vec<u8>) {
        (self.stream, self.received)
    }
}

async fn read_some(stream: &mut UnixStream, received: &mut Vec<u8>) -> Result<(), ApiError> {
    let mut buffer = [0; 4096];
    match stream.read(&mut buffer).await {
        Ok(0) => Err(ApiError::Gone(io::ErrorKind::UnexpectedEof.into())),
        Ok(read) => {
            received.extend_from_slice(&buffer[..read]);
            Ok(())
        }
        Err(error) => Err(ApiError::Gone(error)),
    }
}

fn garbage(socket: &Path, why: impl ToString) -> ApiError {
    ApiError::Garbage {
        socket: socket.to_owned(),
        why: why.to_string(),
    }
}

/// What the engine says is wrong: `{"message": …}`, Podman also `{"cause": …}`.
fn words(said: &[u8], status: u16) -> String {
    let said: Value = serde_json::from_slice(said).unwrap_or_default();
    let message = ["message", "cause"]
        .iter()
        .find_map(|key| said.get(key)?.as_str())
        .unwrap_or_default();
    match cut(message) {
        message if message.is_empty() => format!("the container engine answered {status}"),
        message => message,
    }
}

/// One line of somebody else's words, as long as a person reads.
pub(super) fn cut(words: &str) -> String {
    let line: String = words
        .trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(ENGINE_WORDS_CHARS_MAX)
        .collect();
    line.trim_end_matches('.').to_owned()
}

/// For a query, or a part of a path.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
pub(super) mod tests;
