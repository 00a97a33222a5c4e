//! Questions to gateways that run already, over their admin sockets. Owns the few lines of HTTP that this
//! takes. Refuses to start anything. Read `command/server.rs` next.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::limits::{ADMIN_REPLY_BYTES_MAX, ADMIN_REPLY_TIMEOUT};

/// What a gateway answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: String,
}

/// Asks one gateway. `target` is a path with a query, already encoded.
pub(crate) fn ask(socket: &Path, method: &str, target: &str) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(ADMIN_REPLY_TIMEOUT))?;
    stream.set_write_timeout(Some(ADMIN_REPLY_TIMEOUT))?;
    // HTTP/1.0: the answer is never chunked, and ends where the connection does.
    let head = format!("{method} {target} HTTP/1.0\r\nHost: portolan\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let mut reply = Vec::new();
    (&mut stream)
        .take(ADMIN_REPLY_BYTES_MAX + 1)
        .read_to_end(&mut reply)?;
    if reply.len() as u64 > ADMIN_REPLY_BYTES_MAX {
        return Err(io::Error::other(format!(
            "the answer is longer than {ADMIN_REPLY_BYTES_MAX} bytes"
        )));
    }
    parse(&reply).ok_or_else(|| io::Error::other("the answer is no HTTP"))
}

fn parse(reply: &[u8]) -> Option<Answer> {
    let text = std::str::from_utf8(reply).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head
        .lines()
        .next()?
        .strip_prefix("HTTP/1.")?
        .split(' ')
        .nth(1)?
        .parse()
        .ok()?;
    Some(Answer {
        status,
        body: body.to_owned(),
    })
}

/// One segment of a path.
pub(crate) fn segment(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let answer =
            parse(b"HTTP/1.1 404 Not Found\r\ncontent-type: a/b\r\n\r\n{}\r\n\r\n").unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (404, "{}\r\n\r\n"));
        assert!(parse(b"nonsense").is_none());
        assert_eq!(segment("a b/ü"), "a%20b%2F%C3%BC");
    }
}
