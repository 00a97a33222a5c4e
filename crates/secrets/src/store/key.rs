//! The key and what is made with it.
//!
//! From the 32 random bytes of the key file come three keys by HKDF-SHA-256 (RFC 5869), one for each use: AES-256-GCM for
//! the values, HMAC-SHA-256 for the file as a whole, and an id that says which key a file belongs to. Nonces are random, 96
//! bits: a store may be written 2^32 times before that counts. Each value is bound to its name.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::{Secret, SecretName, StoreError};

/// Bytes of the key in its file.
pub(super) const KEY_BYTES: usize = 32;
/// That key.
pub(super) type KeyBytes = Zeroizing<[u8; KEY_BYTES]>;
/// What the line in the key file begins with.
const HEAD: &str = "portolan-secrets-key-1 ";
/// Bytes of the id of a key.
pub(super) const ID_BYTES: usize = 16;

/// What opens one store.
pub(super) struct Keys {
    values: RandomizedNonceKey,
    file: hmac::Key,
    id: [u8; ID_BYTES],
}

impl Keys {
    /// The keys that come from that of a key file.
    pub(super) fn of(bytes: &KeyBytes) -> Result<Self, StoreError> {
        let root = Salt::new(HKDF_SHA256, b"portolan secrets 1").extract(bytes.as_slice());
        let id = expand(&root, b"id")?;
        let mut short = [0; ID_BYTES];
        short.copy_from_slice(&id[..ID_BYTES]);
        Ok(Self {
            values: RandomizedNonceKey::new(&AES_256_GCM, &*expand(&root, b"values")?)
                .map_err(|_| StoreError::Cipher)?,
            file: hmac::Key::new(hmac::HMAC_SHA256, &*expand(&root, b"file")?),
            id: short,
        })
    }

    /// Which key it is. Tells nothing of the key.
    pub(super) fn id(&self) -> &[u8] {
        &self.id
    }

    /// A value, sealed: nonce, then what AES-256-GCM makes of it.
    pub(super) fn seal(&self, name: &SecretName, secret: &Secret) -> Result<Vec<u8>, StoreError> {
        let value = secret.reveal().as_bytes();
        // Room for the tag: a vector that grows leaves a copy behind.
        let mut sealed = Zeroizing::new(Vec::with_capacity(value.len() + AES_256_GCM.tag_len()));
        sealed.extend_from_slice(value);
        let nonce = self
            .values
            .seal_in_place_append_tag(bound(name), &mut *sealed)
            .map_err(|_| StoreError::Cipher)?;
        Ok([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// What was sealed under this name; none if it was not, or not with this key.
    pub(super) fn open(&self, name: &SecretName, sealed: &[u8]) -> Option<Secret> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut value = Zeroizing::new(sealed.to_vec());
        let value = self.values.open_in_place(nonce, bound(name), &mut value);
        Secret::from_bytes(value.ok()?).ok()
    }

    /// The mark that only this key can put under a text.
    pub(super) fn sign(&self, text: &[u8]) -> hmac::Tag {
        hmac::sign(&self.file, text)
    }

    /// Whether it did.
    pub(super) fn verify(&self, text: &[u8], mark: &[u8]) -> bool {
        hmac::verify(&self.file, text, mark).is_ok()
    }
}

/// A new key.
pub(super) fn random() -> Result<KeyBytes, StoreError> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    aws_lc_rs::rand::fill(&mut *bytes).map_err(|_| StoreError::Cipher)?;
    Ok(bytes)
}

/// The text of a file of a key that is not locked.
pub(super) fn line(key: &KeyBytes) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(128));
    text.push_str(HEAD);
    STANDARD.encode_string(key.as_slice(), &mut text);
    text.push('\n');
    text
}

/// The key in such a file; none if that holds something else.
pub(super) fn plain(text: &[u8]) -> Option<KeyBytes> {
    let text = std::str::from_utf8(text).ok()?.trim_end();
    let mut decoded = Zeroizing::new([0; KEY_BYTES + 1]); // decoding wants room for the padding
    let length = STANDARD.decode_slice(text.strip_prefix(HEAD)?, &mut *decoded);
    if length != Ok(KEY_BYTES) {
        return None;
    }
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    bytes.copy_from_slice(&decoded[..KEY_BYTES]);
    Some(bytes)
}

fn bound(name: &SecretName) -> Aad<&[u8]> {
    Aad::from(name.as_str().as_bytes())
}

fn expand(root: &Prk, purpose: &[u8]) -> Result<Zeroizing<[u8; 32]>, StoreError> {
    let mut out = Zeroizing::new([0; 32]);
    root.expand(&[purpose], HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut *out))
        .map_err(|_| StoreError::Cipher)?;
    Ok(out)
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys::of(&random().unwrap()).unwrap()
    }

    fn name(text: &str) -> SecretName {
        SecretName::new(text).unwrap()
    }

    #[test]
    fn a_key_survives_its_file() {
        let key = random().unwrap();
        let (keys, text) = (Keys::of(&key).unwrap(), line(&key));
        let same = Keys::of(&plain(text.as_bytes()).unwrap()).unwrap();
        assert_eq!(same.id(), keys.id());
        let secret = Secret::new("value").unwrap();
        let sealed = keys.seal(&name("a"), &secret).unwrap();
        assert_eq!(same.open(&name("a"), &sealed), Some(secret));
        assert!(!format!("{keys:?}").contains(text.trim()));
    }

    #[test]
    fn a_value_opens_under_its_name_and_with_its_key_only() {
        let (keys, other) = (keys(), keys());
        let mut sealed = keys
            .seal(&name("a"), &Secret::new("value").unwrap())
            .unwrap();
        assert_eq!(keys.open(&name("b"), &sealed), None);
        assert_eq!(other.open(&name("a"), &sealed), None);
        assert_eq!(keys.open(&name("a"), &sealed[..11]), None);
        sealed[20] ^= 1;
        assert_eq!(keys.open(&name("a"), &sealed), None);
    }

    #[test]
    fn the_same_value_never_looks_the_same() {
        let keys = keys();
        let secret = Secret::new("value").unwrap();
        let seal = || keys.seal(&name("a"), &secret).unwrap();
        assert_ne!(seal(), seal());
    }

    #[test]
    fn what_is_no_key_is_none() {
        let text = line(&random().unwrap());
        for wrong in ["", "x", HEAD, &text[..30], &text.replace("-1 ", "-2 ")] {
            assert!(plain(wrong.as_bytes()).is_none(), "{wrong}");
        }
    }
}
