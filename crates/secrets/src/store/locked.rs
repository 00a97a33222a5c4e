//! A key file that a passphrase locks. One line:
//!
//! ```text
//! portolan-secrets-key-2 argon2id MEMORY PASSES SALT KEY     KiB; salt and key as base64
//! ```
//!
//! Argon2id (RFC 9106) makes a key of the passphrase, and AES-256-GCM seals the store's own key with it, bound to all that stands
//! before. So another passphrase is another line, and the secrets stay as they are. What a file asks for is bounded: it could
//! come from elsewhere.

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::key::{KEY_BYTES, KeyBytes};
use crate::limits::{KDF_MEMORY_KIB_MAX, KDF_PASSES_MAX};
use crate::{Secret, StoreError};

/// What the line begins with.
const HEAD: &str = "portolan-secrets-key-2 argon2id";
const SALT_BYTES: usize = 16;

/// What guessing a passphrase costs, once for each guess.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
}

/// What a line says.
pub(super) struct Locked<'t> {
    cost: Cost,
    salt: Vec<u8>,
    sealed: Vec<u8>,
    /// All that stands before the sealed key.
    before: &'t str,
}

impl<'t> Locked<'t> {
    /// Reads a line; none if it is another.
    pub(super) fn parse(text: &'t [u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?.trim_end();
        let (before, sealed) = text.rsplit_once(' ')?;
        let words: Vec<&str> = before.strip_prefix(HEAD)?.split(' ').collect();
        let ["", memory, passes, salt] = words[..] else {
            return None;
        };
        let cost = Cost {
            memory_kib: memory.parse().ok().filter(|n| *n <= KDF_MEMORY_KIB_MAX)?,
            passes: passes.parse().ok().filter(|n| *n <= KDF_PASSES_MAX)?,
        };
        Some(Self {
            cost,
            salt: STANDARD.decode(salt).ok()?,
            sealed: STANDARD.decode(sealed).ok()?,
            before,
        })
    }

    /// The key, if that is the passphrase.
    pub(super) fn open(&self, passphrase: &Secret) -> Result<Option<KeyBytes>, StoreError> {
        let lock = lock(passphrase, &self.salt, self.cost)?;
        let Some((nonce, sealed)) = self.sealed.split_at_checked(NONCE_LEN) else {
            return Ok(None);
        };
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| StoreError::Cipher)?;
        let mut opened = Zeroizing::new(sealed.to_vec());
        let Ok(bytes) = lock.open_in_place(nonce, Aad::from(self.before.as_bytes()), &mut opened)
        else {
            return Ok(None);
        };
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        if bytes.len() != KEY_BYTES {
            return Ok(None);
        }
        key.copy_from_slice(bytes);
        Ok(Some(key))
    }
}

/// The line that locks a key.
pub(super) fn line(
    key: &KeyBytes,
    passphrase: &Secret,
    cost: Cost,
) -> Result<Zeroizing<String>, StoreError> {
    let mut salt = [0; SALT_BYTES];
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| StoreError::Cipher)?;
    let lock = lock(passphrase, &salt, cost)?;
    let (memory, passes) = (cost.memory_kib, cost.passes);
    let before = format!("{HEAD} {memory} {passes} {}", STANDARD.encode(salt));
    let mut sealed = Zeroizing::new(Vec::with_capacity(KEY_BYTES + AES_256_GCM.tag_len()));
    sealed.extend_from_slice(key.as_slice());
    let nonce = lock
        .seal_in_place_append_tag(Aad::from(before.as_bytes()), &mut *sealed)
        .map_err(|_| StoreError::Cipher)?;
    let sealed = STANDARD.encode([nonce.as_ref().as_slice(), &sealed].concat());
    Ok(Zeroizing::new(format!("{before} {sealed}\n")))
}

fn lock(passphrase: &Secret, salt: &[u8], cost: Cost) -> Result<RandomizedNonceKey, StoreError> {
    let params = Params::new(cost.memory_kib, cost.passes, 1, Some(KEY_BYTES));
    let params = params.map_err(|_| StoreError::Cipher)?;
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.reveal().as_bytes(), salt, &mut *key)
        .map_err(|_| StoreError::Cipher)?;
    RandomizedNonceKey::new(&AES_256_GCM, &*key).map_err(|_| StoreError::Cipher)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost {
        memory_kib: 32,
        passes: 1,
    };

    fn secret(text: &str) -> Secret {
        Secret::new(text).unwrap()
    }

    #[test]
    fn a_key_comes_back_by_its_passphrase_and_no_other() {
        let key = Zeroizing::new([7; KEY_BYTES]);
        let line = line(&key, &secret("right horse"), CHEAP).unwrap();
        let locked = Locked::parse(line.as_bytes()).unwrap();
        assert_eq!(
            locked.open(&secret("right horse")).unwrap(),
            Some(key.clone())
        );
        assert_eq!(locked.open(&secret("wrong horse")).unwrap(), None);
        assert_ne!(
            *super::line(&key, &secret("right horse"), CHEAP).unwrap(),
            *line
        );
    }

    #[test]
    fn every_changed_letter_is_seen() {
        let key = Zeroizing::new([7; KEY_BYTES]);
        let whole = line(&key, &secret("right horse"), CHEAP).unwrap();
        for at in 0..whole.trim_end().len() {
            let mut bytes = whole.as_bytes().to_vec();
            bytes[at] ^= 1;
            let opened = Locked::parse(&bytes).map(|locked| locked.open(&secret("right horse")));
            assert!(!matches!(opened, Some(Ok(Some(_)))), "letter {at}");
        }
    }

    #[test]
    fn what_a_file_asks_for_is_bounded() {
        let key = Zeroizing::new([7; KEY_BYTES]);
        let line = line(&key, &secret("right horse"), CHEAP).unwrap();
        for (from, to) in [
            (" 32 1 ", format!(" {} 1 ", KDF_MEMORY_KIB_MAX + 1)),
            (" 32 1 ", format!(" 32 {} ", KDF_PASSES_MAX + 1)),
            (" 32 1 ", " -1 1 ".to_owned()),
            ("argon2id", "argon2i".to_owned()),
        ] {
            assert!(
                Locked::parse(line.replace(from, &to).as_bytes()).is_none(),
                "{to}"
            );
        }
    }
}
