//! The arguments of a call, for its record: a digest of them, or their text without what looks like a credential. What must be
//! computed is computed by whoever writes the record, not on the way of the call.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use secrets::{Depth, scan, without};
use serde_json::Value;

use crate::secrecy;
use crate::server::Server;

/// See the module. It cannot be printed.
#[derive(Clone)]
pub struct Arguments {
    kept: Kept,
    /// Whose credentials must not be in it.
    server: Option<Arc<Server>>,
}

#[derive(Clone)]
enum Kept {
    Text(Box<str>),
    Digest([u8; 32]),
}

impl Arguments {
    /// These, raw JSON; the text is kept up to this length.
    pub(crate) fn new(raw: &str, copied_max: usize, server: Option<Arc<Server>>) -> Self {
        let kept = match raw.len() <= copied_max {
            true => Kept::Text(raw.into()),
            false => Kept::Digest(sum(raw)),
        };
        Self { kept, server }
    }

    /// How many bytes it keeps.
    pub fn bytes(&self) -> usize {
        match &self.kept {
            Kept::Text(text) => text.len(),
            Kept::Digest(_) => 0,
        }
    }

    /// Keeps the digest and lets go of the text.
    #[must_use]
    pub fn digested(self) -> Self {
        Self {
            kept: Kept::Digest(self.digest()),
            server: None,
        }
    }

    /// SHA-256 of the JSON text, as it came.
    pub fn digest(&self) -> [u8; 32] {
        match &self.kept {
            Kept::Text(text) => sum(text),
            Kept::Digest(digest) => *digest,
        }
    }

    /// The JSON text: without the credentials of the server, without what looks like one, and of members that are called like
    /// credentials without the values. None where only the digest was kept, or where it is no JSON.
    pub fn masked(&self) -> Option<String> {
        let Kept::Text(text) = &self.kept else {
            return None;
        };
        let mut value: Value = serde_json::from_str(text).ok()?;
        hide_named(&mut value);
        let text = value.to_string();
        let text = match &self.server {
            Some(server) => server.secrecy.mask_text(text),
            None => text,
        };
        let found = scan(text.as_bytes(), Depth::Guess);
        String::from_utf8(without(text.as_bytes(), &found)).ok()
    }
}

/// Goes down once per level; the reader has bounded the depth.
fn hide_named(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::Object(_) | Value::Array(_) => hide_named(value),
                    Value::String(_) | Value::Number(_) if secrecy::is_named(name) => {
                        *value = Value::String("***".to_owned());
                    }
                    _ => {}
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide_named),
        _ => {}
    }
}

fn sum(text: &str) -> [u8; 32] {
    let sum = digest(&SHA256, text.as_bytes());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(sum.as_ref());
    bytes
}

impl fmt::Debug for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Arguments(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_like_a_credential_is_hidden() {
        let raw = r#"{"path":"/a","api_key":"hunter2","deep":[{"token":12345,"tokens":3}],"authors":"x"}"#;
        let arguments = Arguments::new(raw, 1_000, None);
        assert_eq!(
            arguments.masked().unwrap(),
            r#"{"api_key":"***","authors":"x","deep":[{"token":"***","tokens":3}],"path":"/a"}"#
        );
        assert!(!format!("{arguments:?}").contains("hunter2"));
    }

    #[test]
    fn long_ones_are_digested_and_both_ways_agree() {
        let long = Arguments::new("{\"a\":1}", 3, None);
        let whole = Arguments::new("{\"a\":1}", 100, None);
        assert_eq!((long.bytes(), long.masked()), (0, None));
        assert_eq!(long.digest(), whole.digest());
        assert_eq!(whole.clone().digested().digest(), whole.digest());
        assert_eq!(whole.digested().masked(), None);
    }
}
