//! Task ids as clients see them: sealed, so that they name their server, hold for one caller only and cannot be
//! guessed or forged. The same task always has the same sealed id, for clients compare them.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use wire::{Frame, Object, meta, quote};

use crate::front::Caller;
use crate::server::Server;

/// See the module.
pub(crate) struct Tasks {
    seal: LessSafeKey,
    nonces: hmac::Key,
}

impl Tasks {
    /// With fresh keys: sealed ids end with the process, as the tasks of local servers do.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        let mut keys = [0u8; 64];
        getrandom::fill(&mut keys)?;
        let (seal, nonces) = keys.split_at(32);
        let seal =
            UnboundKey::new(&AES_256_GCM, seal).expect("the key has the length of the algorithm");
        Ok(Self {
            seal: LessSafeKey::new(seal),
            nonces: hmac::Key::new(hmac::HMAC_SHA256, nonces),
        })
    }

    /// The id that this caller sees.
    pub(crate) fn seal(&self, server: &str, id: &str, caller: &Caller) -> String {
        let mut text = format!("{server}\0{id}").into_bytes();
        // A nonce made from the text: it repeats only with the same text, which then gives the same bytes.
        let tag = hmac::sign(
            &self.nonces,
            &[&text, &b"\0"[..], caller.0.as_bytes()].concat(),
        );
        let mut nonce = [0u8; NONCE_LEN];
        nonce.copy_from_slice(&tag.as_ref()[..NONCE_LEN]);
        self.seal
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(caller.0.as_bytes()),
                &mut text,
            )
            .expect("a task id is far from the limits of the cipher");
        URL_SAFE_NO_PAD.encode([&nonce[..], &text].concat())
    }

    /// The server of a sealed id, and the id there; none if it was not sealed here for this caller.
    pub(crate) fn open(&self, sealed: &str, caller: &Caller) -> Option<(String, String)> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, text) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        let text = self
            .seal
            .open_in_place(nonce, Aad::from(caller.0.as_bytes()), &mut text)
            .ok()?;
        let text = std::str::from_utf8(text).ok()?;
        let (server, id) = text.split_once('\0')?;
        Some((server.to_owned(), id.to_owned()))
    }

    /// The message with every task id of this server sealed; the bytes that came if there is none.
    pub(crate) fn sealed(&self, frame: &Frame, server: &Server, caller: &Caller) -> Bytes {
        if memchr::memmem::find(frame.bytes(), b"\"taskId\"").is_none() {
            return frame.bytes().clone();
        }
        let Some(body) = body_of(frame) else {
            return frame.bytes().clone();
        };
        let mut edits = frame.edit();
        let related = related(&body);
        let task = body.object("task").ok().flatten();
        for object in [Some(body), task, related].into_iter().flatten() {
            if let (Ok(Some(raw)), Ok(Some(id))) = (object.get("taskId"), object.string("taskId")) {
                edits.replace(raw, quote(&self.seal(&server.name, &id, caller)));
            }
        }
        edits.apply()
    }
}

impl Tasks {
    /// A question of a server with the id of the task that it is about sealed. Other ids in it are the client's own.
    pub(crate) fn sealed_question(&self, frame: &Frame, server: &Server, caller: &Caller) -> Bytes {
        self.with_related(frame, |id| Some(self.seal(&server.name, id, caller)))
    }

    /// The client's answer with that id as the server knows it.
    pub(crate) fn opened_answer(&self, frame: &Frame, caller: &Caller) -> Bytes {
        self.with_related(frame, |id| Some(self.open(id, caller)?.1))
    }

    fn with_related(&self, frame: &Frame, change: impl Fn(&str) -> Option<String>) -> Bytes {
        let changed = || {
            memchr::memmem::find(frame.bytes(), meta::RELATED_TASK.as_bytes())?;
            let body = body_of(frame)?;
            let task = related(&body)?;
            let (raw, id) = (task.get("taskId").ok()??, task.string("taskId").ok()??);
            let mut edits = frame.edit();
            edits.replace(raw, quote(&change(&id)?));
            Some(edits.apply())
        };
        changed().unwrap_or_else(|| frame.bytes().clone())
    }
}

/// What says to which task a message belongs.
fn related<'a>(body: &Object<'a>) -> Option<Object<'a>> {
    let meta = body.object("_meta").ok()??;
    meta.object(meta::RELATED_TASK).ok()?
}

/// The result of an answer, the params of anything else.
fn body_of(frame: &Frame) -> Option<Object<'_>> {
    match frame.result() {
        Some(_) => frame.result_object().ok().flatten(),
        None => frame.params_object().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(name: &str) -> Caller {
        Caller(name.into())
    }

    #[test]
    fn a_sealed_id_opens_for_its_caller_only_and_is_always_the_same() {
        let tasks = Tasks::new().unwrap();
        let sealed = tasks.seal("files", "t-1", &caller("a"));
        assert_eq!(sealed, tasks.seal("files", "t-1", &caller("a")));
        assert_eq!(
            tasks.open(&sealed, &caller("a")),
            Some(("files".into(), "t-1".into()))
        );
        assert_eq!(tasks.open(&sealed, &caller("b")), None);
        assert_eq!(Tasks::new().unwrap().open(&sealed, &caller("a")), None);
    }

    #[test]
    fn forged_ids_do_not_open() {
        let tasks = Tasks::new().unwrap();
        let mut sealed = tasks.seal("files", "t-1", &caller("a")).into_bytes();
        sealed[20] = if sealed[20] == b'A' { b'B' } else { b'A' };
        assert_eq!(
            tasks.open(std::str::from_utf8(&sealed).unwrap(), &caller("a")),
            None
        );
        for nonsense in ["", "t-1", "AAAA", "%%%"] {
            assert_eq!(tasks.open(nonsense, &caller("a")), None);
        }
    }
}
