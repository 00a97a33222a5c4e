//! What can go wrong with the store, each with what to do about it. Nothing that is told here was written over.

use std::io;
use std::path::PathBuf;

use crate::SecretName;
use crate::limits::{LOCK_WAIT, PASSPHRASE_CHARS_MIN, SECRETS_MAX, STORE_BYTES_MAX};
use crate::read::quoted;

/// Why the store could not do what it was asked. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file cannot be read or written.
    #[error("cannot {doing} {}: {source}", path.display())]
    File {
        /// What was to be done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else may have read the key, or can change it.
    #[error(
        "the key of the secrets, {}, is open to others (mode {mode:o}); close it: chmod 600 {}",
        key.display(), quoted(key)
    )]
    KeyOpen {
        /// The key file.
        key: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// There are secrets, and no key.
    #[error(
        "the key {} is missing, and nothing else opens {}; put it back from a copy, or move the secrets aside and set them anew: mv {} {}.lost",
        key.display(), path.display(), quoted(path), quoted(path)
    )]
    KeyMissing {
        /// Where the key should be.
        key: PathBuf,
        /// The store.
        path: PathBuf,
    },
    /// The key file holds no key.
    #[error("{} is damaged: it holds no key; put it back from a copy", key.display())]
    KeyDamaged {
        /// The key file.
        key: PathBuf,
    },
    /// A passphrase locks the key, and there is none.
    #[error("the key of the secrets, {}, is locked with a passphrase, and {why}", key.display())]
    Locked {
        /// The key file.
        key: PathBuf,
        /// Why there is none, and what to do.
        why: String,
    },
    /// Another passphrase locks the key.
    #[error("that is not the passphrase of {}", key.display())]
    WrongPassphrase {
        /// The key file.
        key: PathBuf,
    },
    /// Too short to lock anything.
    #[error(
        "a passphrase has at least {PASSPHRASE_CHARS_MIN} characters; several words are easy to keep in mind"
    )]
    ShortPassphrase,
    /// The key belongs to another store.
    #[error(
        "the key {} does not belong to {}; put the right one back from a copy, or move the secrets aside and set them anew: mv {} {}.lost",
        key.display(), path.display(), quoted(path), quoted(path)
    )]
    WrongKey {
        /// The key file.
        key: PathBuf,
        /// The store.
        path: PathBuf,
    },
    /// The file is not what we wrote.
    #[error(
        "the secrets in {} are damaged: {reason}; put the file back from a copy, or move it aside and set them anew: mv {} {}.damaged",
        path.display(), quoted(path), quoted(path)
    )]
    Damaged {
        /// The store.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The file was written by a version that knows more than this one.
    #[error(
        "{} was written by a newer version of Portolan; use that one, or another PORTOLAN_HOME",
        path.display()
    )]
    Newer {
        /// The store.
        path: PathBuf,
    },
    /// Another process held the lock for too long.
    #[error(
        "another process has held {} for {} s; end it, or try again", path.display(), LOCK_WAIT.as_secs()
    )]
    Busy {
        /// The lock.
        path: PathBuf,
    },
    /// One more secret than [`SECRETS_MAX`].
    #[error(
        "{} holds {SECRETS_MAX} secrets, and that is the most; remove some: portolan secret rm NAME", path.display()
    )]
    TooMany {
        /// The store.
        path: PathBuf,
    },
    /// The file would become, or is, larger than [`STORE_BYTES_MAX`].
    #[error(
        "{} would be larger than {STORE_BYTES_MAX} bytes; remove some: portolan secret rm NAME", path.display()
    )]
    TooLarge {
        /// The store.
        path: PathBuf,
    },
    /// There is no such secret.
    #[error("no secret `{name}` is set in {}", path.display())]
    NotSet {
        /// The store.
        path: PathBuf,
        /// What was asked for.
        name: SecretName,
    },
    /// The system gives no random numbers, or cannot encrypt.
    #[error("the system's cryptography fails: no random numbers, or no memory")]
    Cipher,
}
