//! What is written: lines of text, so that a version of today can say what it finds in a file of tomorrow.
//!
//! ```text
//! portolan-secrets 1 keyfile ID     the form; where the key lies; which key it is
//! NAME VALUE                        in the order of the names: nonce and AES-256-GCM, as base64
//! end MARK                          HMAC-SHA-256 over every byte above
//! ```
//!
//! The mark makes a lost line, a changed name and an end that is missing as visible as a changed value. Names are readable:
//! they are no secrets. A passphrase locks the key file, and changes nothing here.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::key::{ID_BYTES, Keys};
use crate::limits::STORE_BYTES_MAX;
use crate::{SecretName, StoreError};

const HEAD: &str = "portolan-secrets";
const VERSION: &str = "1";
const KEY_FILE: &str = "keyfile";
const END: &str = "end ";

/// Names, and values as they are written.
#[derive(Default)]
pub(super) struct Sealed(BTreeMap<SecretName, Vec<u8>>);

impl Sealed {
    pub(super) fn get(&self, name: &SecretName) -> Option<&[u8]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// Whether there was one before.
    pub(super) fn insert(&mut self, name: SecretName, value: Vec<u8>) -> bool {
        self.0.insert(name, value).is_some()
    }

    pub(super) fn remove(&mut self, name: &SecretName) {
        self.0.remove(name);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn into_names(self) -> Vec<SecretName> {
        self.0.into_keys().collect()
    }
}

/// The text of a file.
pub(super) fn write(path: &Path, sealed: &Sealed, keys: &Keys) -> Result<Vec<u8>, StoreError> {
    let id = STANDARD.encode(keys.id());
    let mut text = format!("{HEAD} {VERSION} {KEY_FILE} {id}\n");
    for (name, value) in &sealed.0 {
        text.push_str(name.as_str());
        text.push(' ');
        STANDARD.encode_string(value, &mut text);
        text.push('\n');
    }
    let mark = keys.sign(text.as_bytes());
    text.push_str(END);
    STANDARD.encode_string(mark.as_ref(), &mut text);
    text.push('\n');
    if text.len() > STORE_BYTES_MAX {
        return Err(StoreError::TooLarge {
            path: path.to_owned(),
        });
    }
    Ok(text.into_bytes())
}

/// Whether the file is one that we can read, given its key; and the id of that.
pub(super) fn check_head(path: &Path, bytes: &[u8]) -> Result<[u8; ID_BYTES], StoreError> {
    let damaged = |reason| StoreError::Damaged {
        path: path.to_owned(),
        reason,
    };
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = std::str::from_utf8(line).unwrap_or_default();
    let mut words = line.split(' ');
    if words.next() != Some(HEAD) {
        return Err(damaged("it does not begin as our files do"));
    }
    let (Some(version), Some(key), Some(id)) = (words.next(), words.next(), words.next()) else {
        return Err(damaged("its first line is cut off"));
    };
    if (version, key) != (VERSION, KEY_FILE) {
        return Err(StoreError::Newer {
            path: path.to_owned(),
        });
    }
    decode(id)
        .and_then(|id| id.try_into().ok())
        .ok_or_else(|| damaged("its first line is cut off"))
}

/// What a file holds, if every byte is as it was written.
pub(super) fn read(
    path: &Path,
    bytes: &[u8],
    keys: &Keys,
    key: &Path,
) -> Result<Sealed, StoreError> {
    let damaged = |reason| StoreError::Damaged {
        path: path.to_owned(),
        reason,
    };
    if check_head(path, bytes)? != keys.id() {
        return Err(StoreError::WrongKey {
            key: key.to_owned(),
            path: path.to_owned(),
        });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| damaged("it is no text"))?;
    let (body, mark) = text
        .strip_suffix('\n')
        .and_then(|text| text.rsplit_once('\n'))
        .and_then(|(body, last)| Some((&text[..=body.len()], last.strip_prefix(END)?)))
        .ok_or_else(|| damaged("its end is missing"))?;
    let mark = decode(mark).ok_or_else(|| damaged("its last line is broken"))?;
    if !keys.verify(body.as_bytes(), &mark) {
        return Err(damaged("it was changed by something else than Portolan"));
    }
    let mut sealed = Sealed::default();
    for line in body.lines().skip(1) {
        let pair = line.split_once(' ');
        let pair =
            pair.and_then(|(name, value)| Some((SecretName::kept(name).ok()?, decode(value)?)));
        let (name, value) = pair.ok_or_else(|| damaged("a line is broken"))?;
        sealed.insert(name, value);
    }
    Ok(sealed)
}

fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}
