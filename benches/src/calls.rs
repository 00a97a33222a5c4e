//! The calls of one load: each with its own id and text, each reply held against both.
//!
//! Bytes are made once and two numbers changed per call; a reply is searched, not parsed: the load generator shares
//! its cores with what it measures.

use std::io::Write;
use std::time::Duration;

use memchr::memmem;
use portolan_benches::Era;

use crate::http::stateless_meta;

/// Ids have twelve digits from the first to the last, so that every call has the same length.
const FIRST_ID: u64 = 100_000_000_000;
const ID_DIGITS: usize = 12;
const ID: &[u8] = b"\"id\":";
const MARK: &[u8] = b"echo ";
/// What ends a call after its text: over stdio the newline ends the line, over HTTP it does no harm.
const END: &str = "\"}}}\n";

/// What to load a subject with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub in_flight: usize,
    /// Bytes of text, there and back.
    pub payload: usize,
    pub warm_up: Duration,
    pub length: Duration,
}

/// What one load measured.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    /// Calls in the measured time.
    pub calls: u64,
    /// Calls with those of the warm-up.
    pub all_calls: u64,
    pub errors: u64,
    pub seconds: f64,
    /// One per measured call.
    pub latencies_ns: Vec<u32>,
}

impl Sample {
    /// Adds what another thread measured at the same time.
    pub(crate) fn join(&mut self, other: Self) {
        self.calls += other.calls;
        self.all_calls += other.all_calls;
        self.errors += other.errors;
        self.seconds = self.seconds.max(other.seconds);
        self.latencies_ns.extend(other.latencies_ns);
    }
}

/// A call that can be sent again under the next id.
pub(crate) struct Call {
    bytes: Vec<u8>,
    id_at: usize,
    text_at: usize,
}

impl Call {
    /// A call of `tool` whose text has `payload` bytes, behind `head` where HTTP needs one.
    pub(crate) fn new(
        era: Era,
        tool: &str,
        payload: usize,
        head: impl FnOnce(usize) -> Vec<u8>,
    ) -> Self {
        let filler: String = ('a'..='z')
            .cycle()
            .take(payload.saturating_sub(MARK.len() + ID_DIGITS + 1))
            .collect();
        let before = r#"{"jsonrpc":"2.0","id":"#;
        let meta = match era {
            Era::Handshake => String::new(),
            Era::Stateless => format!(r#""_meta":{},"#, stateless_meta()),
        };
        let middle = format!(
            r#","method":"tools/call","params":{{{meta}"name":{},"arguments":{{"text":""#,
            serde_json::Value::from(tool)
        );
        let body = format!("{before}{FIRST_ID}{middle}echo {FIRST_ID} {filler}{END}");
        let mut bytes = head(body.len());
        let id_at = bytes.len() + before.len();
        let text_at = id_at + ID_DIGITS + middle.len();
        bytes.extend_from_slice(body.as_bytes());
        Self {
            bytes,
            id_at,
            text_at,
        }
    }

    /// The bytes of call `number`.
    pub(crate) fn number(&mut self, number: u64) -> &[u8] {
        for at in [self.id_at, self.text_at + MARK.len()] {
            // Writing into a slice of the right length cannot fail.
            let _ = write!(&mut self.bytes[at..at + ID_DIGITS], "{}", FIRST_ID + number);
        }
        &self.bytes
    }

    /// The number of the call that this reply answers, if it says what that call said.
    pub(crate) fn answered(&self, reply: &[u8]) -> Option<u64> {
        let number = number_in(reply)?;
        let text = memmem::find(reply, MARK)? + MARK.len();
        let id = (FIRST_ID + number).to_string();
        let rest = reply.get(text..)?.strip_prefix(id.as_bytes())?;
        let filler = &self.bytes[self.text_at + MARK.len() + ID_DIGITS..];
        let filler = &filler[..filler.len() - END.len()];
        (rest.starts_with(filler) && rest.get(filler.len()) == Some(&b'"')).then_some(number)
    }
}

/// The number of the call whose id comes first in a message.
pub(crate) fn number_in(message: &[u8]) -> Option<u64> {
    let id = &message[memmem::find(message, ID)? + ID.len()..];
    let id = id.trim_ascii_start().get(..ID_DIGITS)?;
    let id: u64 = std::str::from_utf8(id).ok()?.parse().ok()?;
    id.checked_sub(FIRST_ID)
}

#[cfg(test)]
mod tests {
    use super::Call;
    use portolan_benches::{Answer, Era, answer};

    fn echo(message: &[u8]) -> String {
        let Answer::Reply(reply) = answer(Era::Handshake, message) else {
            panic!("no reply")
        };
        reply
    }

    #[test]
    fn replies_are_matched_by_id_and_by_text() {
        let mut call = Call::new(Era::Handshake, "echo", 100, |_| b"head ".to_vec());
        let reply = echo(&call.number(7)["head ".len()..]);
        assert_eq!(call.answered(reply.as_bytes()), Some(7));
        assert_eq!(call.answered(reply.replace("xyz", "xyy").as_bytes()), None);
        assert_eq!(
            call.answered(reply.replacen("0007", "0008", 1).as_bytes()),
            None
        );
        assert_eq!(
            call.answered(br#"{"jsonrpc":"2.0","id":100000000007,"error":{}}"#),
            None
        );
    }

    #[test]
    fn the_text_has_the_length_that_was_asked_for() {
        for era in [Era::Handshake, Era::Stateless] {
            let mut call = Call::new(era, "echo", 100, |_| Vec::new());
            let message: serde_json::Value = serde_json::from_slice(call.number(1)).unwrap();
            let text = &message["params"]["arguments"]["text"];
            assert_eq!(text.as_str().unwrap().len(), 100);
        }
    }
}
