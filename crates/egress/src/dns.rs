//! Questions for the address of a name, and answers to them (RFC 1035, 4.1). Owns the bytes of both. Refuses whatever is
//! not one plain question.

use std::net::Ipv4Addr;

use crate::limits::NAME_BYTES_MAX;

const HEADER: usize = 12;
const TYPE_A: u16 = 1;
const CLASS_IN: u16 = 1;
/// How long an answer may be kept. What is given out stays true for as long as the box is there.
const TTL_SECONDS: u32 = 60;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question<'a> {
    /// As it was written, without a dot at its end.
    pub(crate) name: String,
    /// Whether it is an IPv4 address that is asked for.
    pub(crate) wants_address: bool,
    /// The header, and the question as it came.
    bytes: &'a [u8],
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    /// The name has this address.
    Address(Ipv4Addr),
    /// The name is there, and has nothing of the kind.
    Nothing,
    /// There is no such name.
    Unknown,
    /// Not now.
    Failure,
}

/// Reads a message; `None`: it is none that gets an answer.
pub(crate) fn read(message: &[u8]) -> Option<Question<'_>> {
    let word = |at: usize| {
        Some(u16::from_be_bytes(
            message.get(at..at + 2)?.try_into().ok()?,
        ))
    };
    let flags = word(2)?;
    // A question, of the usual kind, and one of it.
    if flags & 0xf800 != 0 || word(4)? != 1 {
        return None;
    }
    let mut at = HEADER;
    let mut name = String::new();
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1;
        match length {
            0 => break,
            1..=63 => {}
            // What points elsewhere has nowhere to point to.
            _ => return None,
        }
        let label = std::str::from_utf8(message.get(at..at + length)?).ok()?;
        at += length;
        if label.contains('.') || name.len() + label.len() >= NAME_BYTES_MAX {
            return None;
        }
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(label);
    }
    let (kind, class) = (word(at)?, word(at + 2)?);
    Some(Question {
        name,
        wants_address: kind == TYPE_A && class == CLASS_IN,
        bytes: message.get(..at + 4)?,
    })
}

impl Question<'_> {
    /// The message that answers it.
    pub(crate) fn answer(&self, reply: Reply) -> Vec<u8> {
        let code: u16 = match reply {
            Reply::Address(_) | Reply::Nothing => 0,
            Reply::Failure => 2,
            Reply::Unknown => 3,
        };
        let wish = u16::from_be_bytes([self.bytes[2], self.bytes[3]]) & 0x0100;
        let mut message = self.bytes.to_vec();
        // An answer of who knows best, and who looks further where that is wished.
        message[2..4].copy_from_slice(&(0x8480 | wish | code).to_be_bytes());
        let answers: u16 = matches!(reply, Reply::Address(_)).into();
        for (at, count) in [(4, 1), (6, answers), (8, 0), (10, 0)] {
            message[at..at + 2].copy_from_slice(&count.to_be_bytes());
        }
        if let Reply::Address(address) = reply {
            // The name is the one of the question.
            message.extend_from_slice(&[0xc0, 0x0c]);
            message.extend_from_slice(&TYPE_A.to_be_bytes());
            message.extend_from_slice(&CLASS_IN.to_be_bytes());
            message.extend_from_slice(&TTL_SECONDS.to_be_bytes());
            message.extend_from_slice(&4_u16.to_be_bytes());
            message.extend_from_slice(&address.octets());
        }
        message
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A question as the system's resolver writes it.
    pub(crate) fn question(name: &str, kind: u16) -> Vec<u8> {
        let mut message = vec![0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            message.push(label.len() as u8);
            message.extend_from_slice(label.as_bytes());
        }
        message.push(0);
        message.extend_from_slice(&kind.to_be_bytes());
        message.extend_from_slice(&CLASS_IN.to_be_bytes());
        message
    }

    #[test]
    fn questions_are_read_and_answered_in_their_own_words() {
        let asked = question("Api.Example", 1);
        let read_it = read(&asked).unwrap();
        assert_eq!(
            (read_it.name.as_str(), read_it.wants_address),
            ("Api.Example", true)
        );
        let answer = read_it.answer(Reply::Address(Ipv4Addr::new(127, 64, 0, 1)));
        assert_eq!(answer[..2], asked[..2]);
        assert_eq!(answer[2..8], [0x85, 0x80, 0, 1, 0, 1]);
        assert_eq!(answer[12..asked.len()], asked[12..]);
        assert_eq!(
            answer[asked.len()..],
            [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 64, 0, 1]
        );
        let unknown = read_it.answer(Reply::Unknown);
        assert_eq!(
            (unknown[3], unknown[7], unknown.len()),
            (0x83, 0, asked.len())
        );
        assert!(!read(&question("api.example", 28)).unwrap().wants_address);
    }

    #[test]
    fn what_is_behind_a_question_is_left_out() {
        // The resolver's own size, as an additional record.
        let mut asked = question("a.example", 1);
        let length = asked.len();
        asked[11] = 1;
        asked.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
        let answer = read(&asked).unwrap().answer(Reply::Nothing);
        assert_eq!((answer.len(), &answer[10..12]), (length, &[0, 0][..]));
    }

    #[test]
    fn what_is_no_question_gets_no_answer() {
        let asked = question("a.example", 1);
        for length in 0..asked.len() {
            assert_eq!(read(&asked[..length]), None, "{length}");
        }
        for (at, byte) in [(2, 0x81), (2, 0x28), (5, 0), (5, 2), (12, 0xc0), (12, 0x41)] {
            let mut odd = asked.clone();
            odd[at] = byte;
            assert_eq!(read(&odd), None, "{at} {byte}");
        }
        assert_eq!(
            read(&question("a.b\0.c", 1)).map(|q| q.name),
            Some("a.b\0.c".into())
        );
        assert_eq!(read(&question(&vec!["x".repeat(60); 5].join("."), 1)), None);
    }
}
