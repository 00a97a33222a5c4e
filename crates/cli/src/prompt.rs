//! What a person types, or a pipe brings, on stdin. Owns the terminal while it does not echo, and gives it back whatever
//! happens. Nothing typed is kept elsewhere: stdin is read without a buffer.
//!
//! A terminal's own line editing cuts lines at 4,096 bytes, and its Ctrl-C would leave us, and the echo off. So keys come one
//! by one, and the few that edit are here.

use std::io::{self, Read};

use rustix::io::Errno;
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use zeroize::Zeroizing;

use crate::error::{Failure, Kind};
use crate::ui::write_err;

/// All of stdin, at most so many bytes.
pub(crate) fn all(bytes_max: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(bytes_max));
    let mut piece = Zeroizing::new([0; 4096]);
    while bytes.len() < bytes_max {
        let read = Stdin
            .read(&mut *piece)
            .map_err(|error| unreadable(&error))?;
        if read == 0 {
            break;
        }
        let room = bytes_max - bytes.len();
        bytes.extend_from_slice(&piece[..read.min(room)]);
    }
    Ok(bytes)
}

/// A line that is not shown.
pub(crate) fn hidden(question: &str, bytes_max: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let terminal = Silent::new().map_err(|error| unreadable(&error))?;
    write_err(question);
    let line = keys(&mut Stdin, bytes_max);
    drop(terminal);
    write_err("\n");
    line
}

/// Whether a person says yes.
pub(crate) fn confirm(question: &str) -> Result<bool, Failure> {
    write_err(question);
    let mut answer = Vec::new();
    let mut byte = [0];
    while answer.len() < 16 {
        let read = Stdin.read(&mut byte).map_err(|error| unreadable(&error))?;
        if read == 0 || byte == *b"\n" {
            break;
        }
        answer.push(byte[0]);
    }
    let answer = answer.trim_ascii().to_ascii_lowercase();
    Ok(matches!(answer.as_slice(), b"y" | b"yes"))
}

/// What the keys make, up to the one that ends the line.
fn keys(input: &mut impl Read, bytes_max: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut line = Zeroizing::new(Vec::with_capacity(bytes_max));
    let mut byte = Zeroizing::new([0]);
    let mut odd = false;
    loop {
        let read = input.read(&mut *byte).map_err(|error| unreadable(&error))?;
        match byte[0] {
            _ if read == 0 => break,
            b'\n' | b'\r' => break,
            0x03 => return Err(Failure::new(Kind::Interrupted, "interrupted")),
            0x04 if line.is_empty() => break,
            0x08 | 0x7f => while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            0x15 => line.clear(),
            0..0x20 => odd = true,
            _ if line.len() < bytes_max => line.push(byte[0]),
            _ => {}
        }
    }
    if odd {
        let message = "the line contains control characters (an arrow key?), so it is not used";
        return Err(Failure::new(Kind::Usage, message)
            .hint("type or paste it again; a value of several lines comes from a file: `< FILE`"));
    }
    Ok(line)
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::new(Kind::Failed, "cannot read from stdin").because(error)
}

/// Stdin, without the buffer of the standard library.
struct Stdin;

impl Read for Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match rustix::io::read(io::stdin(), &mut *buffer) {
                Err(Errno::INTR) => {}
                read => return Ok(read?),
            }
        }
    }
}

/// A terminal that shows nothing of what is typed. Dropping it brings back what was.
struct Silent(Termios);

impl Silent {
    fn new() -> io::Result<Self> {
        let was = tcgetattr(io::stdin())?;
        let mut silent = was.clone();
        silent.local_modes -=
            LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN;
        silent.special_codes[SpecialCodeIndex::VMIN] = 1;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(io::stdin(), OptionalActions::Drain, &silent)?;
        Ok(Self(was))
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        // What was typed too much is not for the shell.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[u8]) -> Result<Vec<u8>, Kind> {
        let line = super::keys(&mut { keys }, 8);
        line.map(|line| line.to_vec())
            .map_err(|failure| failure.kind())
    }

    #[test]
    fn a_line_is_edited() {
        assert_eq!(typed(b"abc\nd").unwrap(), b"abc");
        assert_eq!(typed(b"abc").unwrap(), b"abc");
        assert_eq!(typed("aé\u{7f}b\r".as_bytes()).unwrap(), b"ab");
        assert_eq!(typed(b"\x7f\x7fa\x15b\n").unwrap(), b"b");
        assert_eq!(typed(b"\x04").unwrap(), b"");
        assert_eq!(typed(b"0123456789\n").unwrap(), b"01234567");
    }

    #[test]
    fn what_ends_it_otherwise() {
        assert_eq!(typed(b"ab\x03\n"), Err(Kind::Interrupted));
        assert_eq!(typed(b"ab\x1b[D\n"), Err(Kind::Usage));
    }
}
