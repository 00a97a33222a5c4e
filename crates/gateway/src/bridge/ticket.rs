//! `requestState` as stateless clients get it from us: sealed, so that it opens only for the caller that got it, only for
//! the same request, only until it expires, and only in this process. What it lets go on is elsewhere; it can be lost.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use wire::{Object, quote};

use crate::front::Caller;

/// What a state stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// The number of the call that waits; 0 where none does and the request is simply made again.
    pub(crate) parked: u64,
    /// Which of its rounds: each state wakes it once.
    pub(crate) round: u32,
    /// Milliseconds on the clock of who sealed it.
    pub(crate) expires_ms: u64,
    /// What was asked, see [`request_digest`].
    pub(crate) request: [u8; 32],
}

/// The key of this process.
pub(crate) struct Seal(LessSafeKey);

/// Tells this use of a caller's name from all others.
const PURPOSE: &[u8] = b"requestState 1\0";
const TICKET_LEN: usize = 8 + 4 + 8 + 32;

impl Seal {
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        let mut key = [0u8; 32];
        getrandom::fill(&mut key)?;
        let key =
            UnboundKey::new(&AES_256_GCM, &key).expect("the key has the length of the algorithm");
        Ok(Self(LessSafeKey::new(key)))
    }

    /// The text for the client.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub(crate) fn seal(
        &self,
        ticket: &Ticket,
        caller: &Caller,
    ) -> Result<String, getrandom::Error> {
        let mut nonce = [0u8; NONCE_LEN];
        getrandom::fill(&mut nonce)?;
        let mut text = Vec::with_capacity(TICKET_LEN + 16);
        text.extend_from_slice(&ticket.parked.to_be_bytes());
        text.extend_from_slice(&ticket.round.to_be_bytes());
        text.extend_from_slice(&ticket.expires_ms.to_be_bytes());
        text.extend_from_slice(&ticket.request);
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(bound_to(caller)),
                &mut text,
            )
            .expect("a ticket is far from the limits of the cipher");
        Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &text].concat()))
    }

    /// What a text stands for; none if it was not sealed here for this caller.
    pub(crate) fn open(&self, text: &str, caller: &Caller) -> Option<Ticket> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, text) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        let text = self
            .0
            .open_in_place(nonce, Aad::from(bound_to(caller)), &mut text)
            .ok()?;
        let (parked, text) = text.split_first_chunk()?;
        let (round, text) = text.split_first_chunk()?;
        let (expires, text) = text.split_first_chunk()?;
        Some(Ticket {
            parked: u64::from_be_bytes(*parked),
            round: u32::from_be_bytes(*round),
            expires_ms: u64::from_be_bytes(*expires),
            request: text[..].try_into().ok()?,
        })
    }
}

fn bound_to(caller: &Caller) -> Vec<u8> {
    [PURPOSE, caller.0.as_bytes()].concat()
}

/// What two requests share that are the same but for what answers questions: method and parameters, however their
/// members are ordered and spaced.
pub(crate) fn request_digest(asked: &str, params: &Object<'_>) -> [u8; 32] {
    let mut members: Vec<(&str, Value)> = params
        .iter()
        .filter(|(name, _)| !matches!(*name, "_meta" | "inputResponses" | "requestState"))
        .map(|(name, value)| {
            // Numbers that no machine holds are told apart by their text.
            let parsed = serde_json::from_str(value);
            (
                name,
                parsed.unwrap_or_else(|_| Value::String(value.to_owned())),
            )
        })
        .collect();
    members.sort_by_key(|(name, _)| *name);
    let text: Vec<String> = members
        .into_iter()
        .map(|(name, mut value)| {
            value.sort_all_objects();
            format!("{}:{value}", quote(name))
        })
        .collect();
    let text = format!("{}\n{}", quote(asked), text.join("\n"));
    let mut sum = [0u8; 32];
    sum.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(name: &str) -> Caller {
        Caller(name.into())
    }

    const TICKET: Ticket = Ticket {
        parked: 7,
        round: 2,
        expires_ms: 1000,
        request: [9; 32],
    };

    #[test]
    fn a_state_opens_for_its_caller_in_its_process_only() {
        let seal = Seal::new().unwrap();
        let text = seal.seal(&TICKET, &caller("a")).unwrap();
        assert_eq!(seal.open(&text, &caller("a")), Some(TICKET));
        assert_eq!(seal.open(&text, &caller("b")), None);
        assert_eq!(Seal::new().unwrap().open(&text, &caller("a")), None);
        assert_ne!(text, seal.seal(&TICKET, &caller("a")).unwrap());
    }

    #[test]
    fn no_changed_character_opens() {
        let seal = Seal::new().unwrap();
        let text = seal.seal(&TICKET, &caller("a")).unwrap();
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(seal.open(&changed, &caller("a")), None, "{at}");
        }
        for nonsense in ["", "A", "%", &text[1..]] {
            assert_eq!(seal.open(nonsense, &caller("a")), None);
        }
    }

    #[test]
    fn a_request_is_the_same_however_it_is_written() {
        let of = |params: &str| request_digest("tools/call", &Object::parse(params).unwrap());
        let one = of(r#"{"name":"x","arguments":{"a":1,"b":[2]}}"#);
        assert_eq!(
            one,
            of(r#"{"arguments":{ "b":[ 2 ],"a":1},"_meta":{},"name":"x","requestState":"s"}"#)
        );
        assert_ne!(one, of(r#"{"name":"x","arguments":{"a":1,"b":[3]}}"#));
        assert_ne!(one, of(r#"{"name":"y","arguments":{"a":1,"b":[2]}}"#));
        let huge = |n: u8| {
            of(&format!(
                r#"{{"name":"x","arguments":{{"a":1e400,"b":{n}}}}}"#
            ))
        };
        assert_ne!(huge(1), huge(2));
    }
}
