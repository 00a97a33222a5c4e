//! Our own store: one encrypted file, its key beside it.
//!
//! Owns which change comes after which (an advisory lock that every change holds), and that a change is there as a whole or
//! not at all. Readers need no lock: they see the file as it was before a change or after it. Refuses to touch a file that
//! it cannot read whole: a wrong key, a missing end, one changed byte. Read `store/file` for what is written, `store/key`
//! for how it is encrypted, `store/locked` for keys that a passphrase locks, `store/disk` for how it gets onto the disk.

mod disk;
mod error;
mod file;
mod key;
mod locked;
mod passphrase;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use error::StoreError;

pub use passphrase::Passphrase;

use crate::limits::{KDF_MEMORY_KIB, KDF_PASSES, LOCK_WAIT, SECRETS_MAX};
use crate::{Secret, SecretName};
use file::Sealed;
use key::{KeyBytes, Keys};
use locked::Cost;

/// Secrets by name, in one encrypted file. Any number of processes may use it at once. Every method reads the disk anew.
#[derive(Debug, Clone)]
pub struct Store {
    path: PathBuf,
    key: PathBuf,
    lock: PathBuf,
    wait: Duration,
    passphrase: Passphrase,
    cost: Cost,
}

impl Store {
    /// The store in this folder, which should be open to its owner alone. Nothing is made before the first [`set`](Self::set), and then the folder must
    /// be there.
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            path: folder.join("secrets"),
            key: folder.join("secrets.key"),
            lock: folder.join("secrets.lock"),
            wait: LOCK_WAIT,
            passphrase: Passphrase::default(),
            cost: Cost {
                memory_kib: KDF_MEMORY_KIB,
                passes: KDF_PASSES,
            },
        }
    }

    /// The same, with what opens its key where that is locked.
    pub fn opened_by(self, passphrase: Passphrase) -> Self {
        Self { passphrase, ..self }
    }

    /// Whether a passphrase locks its key.
    pub fn is_locked(&self) -> Result<bool, StoreError> {
        let text = disk::read_key(&self.key)?;
        Ok(text.is_some_and(|text| passphrase::is_locked(&text)))
    }

    /// Locks the key with a passphrase from now on, or with none. The secrets stay as they are; the folder must be there.
    pub fn lock_with(&self, passphrase: Option<&Secret>) -> Result<(), StoreError> {
        passphrase.map_or(Ok(()), passphrase::check)?;
        let _lock = disk::lock(&self.lock, self.wait)?;
        // Only the key that opens what is there may be written over.
        self.open()?;
        let key = self.own_key()?;
        let text = match passphrase {
            None => key::line(&key),
            Some(passphrase) => locked::line(&key, passphrase, self.cost)?,
        };
        disk::write(&self.key, text.as_bytes())
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of all secrets, in order.
    pub fn names(&self) -> Result<Vec<SecretName>, StoreError> {
        let opened = self.open()?;
        Ok(opened.map_or_else(Vec::new, |(_, sealed)| sealed.into_names()))
    }

    /// A secret, if it is set.
    pub fn get(&self, name: &SecretName) -> Result<Option<Secret>, StoreError> {
        let Some((keys, sealed)) = self.open()? else {
            return Ok(None);
        };
        let Some(value) = sealed.get(name) else {
            return Ok(None);
        };
        // Its bytes were found whole before, so only we can have written something else than a value.
        let secret = keys.open(name, value);
        secret.map(Some).ok_or_else(|| StoreError::Damaged {
            path: self.path.clone(),
            reason: "a value does not fit its name",
        })
    }

    /// Sets a secret; whether it took the place of another value.
    pub fn set(&self, name: &SecretName, secret: &Secret) -> Result<bool, StoreError> {
        let _lock = disk::lock(&self.lock, self.wait)?;
        let (keys, mut sealed) = match self.open()? {
            Some(opened) => opened,
            None => (Keys::of(&self.own_key()?)?, Sealed::default()),
        };
        let was_set = sealed.insert(name.clone(), keys.seal(name, secret)?);
        if sealed.len() > SECRETS_MAX {
            return Err(StoreError::TooMany {
                path: self.path.clone(),
            });
        }
        self.write(&keys, &sealed)?;
        Ok(was_set)
    }

    /// Removes these, or nothing if one of them is not set.
    pub fn remove(&self, names: &[SecretName]) -> Result<(), StoreError> {
        let unknown = |name: &SecretName| StoreError::NotSet {
            path: self.path.clone(),
            name: name.clone(),
        };
        let Some(first) = names.first() else {
            return Ok(());
        };
        // Without a file there is nothing to lock, and perhaps no folder.
        if self.open()?.is_none() {
            return Err(unknown(first));
        }
        let _lock = disk::lock(&self.lock, self.wait)?;
        let (keys, mut sealed) = self.open()?.ok_or_else(|| unknown(first))?;
        if let Some(name) = names.iter().find(|name| sealed.get(name).is_none()) {
            return Err(unknown(name));
        }
        for name in names {
            sealed.remove(name);
        }
        self.write(&keys, &sealed)
    }

    /// The whole of the file, if there is one.
    fn open(&self) -> Result<Option<(Keys, Sealed)>, StoreError> {
        let Some(bytes) = disk::read_store(&self.path)? else {
            return Ok(None);
        };
        file::check_head(&self.path, &bytes)?;
        let Some(text) = disk::read_key(&self.key)? else {
            return Err(StoreError::KeyMissing {
                key: self.key.clone(),
                path: self.path.clone(),
            });
        };
        let keys = Keys::of(&self.passphrase.open(&self.key, &text)?)?;
        let sealed = file::read(&self.path, &bytes, &keys, &self.key)?;
        Ok(Some((keys, sealed)))
    }

    /// The key that is there, else a new one. Only under the lock.
    fn own_key(&self) -> Result<KeyBytes, StoreError> {
        if let Some(text) = disk::read_key(&self.key)? {
            return self.passphrase.open(&self.key, &text);
        }
        let key = key::random()?;
        disk::write(&self.key, key::line(&key).as_bytes())?;
        Ok(key)
    }

    fn write(&self, keys: &Keys, sealed: &Sealed) -> Result<(), StoreError> {
        disk::write(&self.path, &file::write(&self.path, sealed, keys)?)
    }
}

#[cfg(test)]
mod tests;
