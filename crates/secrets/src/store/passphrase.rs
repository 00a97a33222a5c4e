//! What opens a key that is locked. Owns that a person is asked only where that is needed, and that working a key out, which is made
//! to be slow, is done once: what came of it is kept as long as the process, the passphrase itself only to tell that it was
//! tried.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use super::key::{self, KeyBytes};
use super::locked::Locked;
use crate::limits::{PASSPHRASE_CHARS_MIN, PASSPHRASES_KEPT_MAX};
use crate::{Secret, StoreError};

type Ask = Box<dyn Fn() -> Result<Secret, String> + Send + Sync>;

/// See the module. Clones share what is known. Without anybody to ask, locked keys stay locked.
#[derive(Clone, Default)]
pub struct Passphrase(Arc<Shared>);

#[derive(Default)]
struct Shared {
    ask: Option<Ask>,
    known: Mutex<Vec<Known>>,
}

/// What a passphrase made of one key file.
struct Known {
    text: Zeroizing<Vec<u8>>,
    tried: Secret,
    key: Option<KeyBytes>,
}

impl Passphrase {
    /// One that is asked for when it is needed; an error says why there is none, and what to do.
    pub fn asked_by(ask: impl Fn() -> Result<Secret, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shared {
            ask: Some(Box::new(ask)),
            known: Mutex::default(),
        }))
    }

    /// The key in a key file.
    pub(super) fn open(&self, path: &Path, text: &[u8]) -> Result<KeyBytes, StoreError> {
        if let Some(key) = key::plain(text) {
            return Ok(key);
        }
        let damaged = || StoreError::KeyDamaged {
            key: path.to_owned(),
        };
        let locked = Locked::parse(text).ok_or_else(damaged)?;
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_this = |one: &&Known| one.text.as_slice() == text;
        if let Some(key) = known.iter().filter(is_this).find_map(|one| one.key.clone()) {
            return Ok(key);
        }
        let still_locked = |why| StoreError::Locked {
            key: path.to_owned(),
            why,
        };
        let nobody = || still_locked("nobody is there to be asked for it".to_owned());
        let passphrase = self.0.ask.as_ref().ok_or_else(nobody)?().map_err(still_locked)?;
        let was_tried = known
            .iter()
            .filter(is_this)
            .any(|one| one.tried == passphrase);
        let key = match was_tried {
            true => None,
            false => locked.open(&passphrase)?,
        };
        if !was_tried {
            if known.len() == PASSPHRASES_KEPT_MAX {
                known.remove(0);
            }
            known.push(Known {
                text: Zeroizing::new(text.to_vec()),
                tried: passphrase,
                key: key.clone(),
            });
        }
        key.ok_or_else(|| StoreError::WrongPassphrase {
            key: path.to_owned(),
        })
    }
}

#[cfg(test)]
impl Passphrase {
    pub(super) fn kept(&self) -> usize {
        self.0
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }
}

/// Whether a key file is locked.
pub(super) fn is_locked(text: &[u8]) -> bool {
    key::plain(text).is_none() && Locked::parse(text).is_some()
}

/// Whether a passphrase is one to lock a key with.
pub(super) fn check(passphrase: &Secret) -> Result<(), StoreError> {
    match passphrase.reveal().chars().count() >= PASSPHRASE_CHARS_MIN {
        true => Ok(()),
        false => Err(StoreError::ShortPassphrase),
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(***)")
    }
}
