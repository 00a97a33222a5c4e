//! Every number that bounds what a secret may be, and what is spent on it.

use std::time::Duration;

/// Longest value. Environments and headers hold less; a key in PEM or a service account in JSON a few thousand.
pub const VALUE_BYTES_MAX: usize = 64 << 10;
/// Longest name of a secret.
pub const NAME_CHARS_MAX: usize = 128;
/// Most secrets in one store.
pub const SECRETS_MAX: usize = 1_000;
/// Largest file of a store.
pub const STORE_BYTES_MAX: usize = 16 << 20;
/// Largest key file.
pub const KEY_FILE_BYTES_MAX: usize = 4_096;
/// How long a change waits for those of other processes.
pub const LOCK_WAIT: Duration = Duration::from_secs(10);
/// How often the lock is tried while waiting.
pub const LOCK_AGAIN: Duration = Duration::from_millis(5);

/// Memory and passes that turning a passphrase into a key takes: RFC 9106's second choice, about a quarter of a second.
pub const KDF_MEMORY_KIB: u32 = 64 << 10;
/// See [`KDF_MEMORY_KIB`].
pub const KDF_PASSES: u32 = 3;
/// The most that a key file may ask for.
pub const KDF_MEMORY_KIB_MAX: u32 = 256 << 10;
/// The same for passes.
pub const KDF_PASSES_MAX: u32 = 16;
/// Shortest passphrase that locks a key.
pub const PASSPHRASE_CHARS_MIN: usize = 8;
/// Key files of which it is remembered what a passphrase made of them.
pub const PASSPHRASES_KEPT_MAX: usize = 8;

/// Largest `.env` file.
pub const ENV_FILE_BYTES_MAX: usize = 1 << 20;
/// Problems told of one `.env` file; the rest is counted.
pub const ENV_FILE_PROBLEMS_MAX: usize = 20;

/// Longest text of a reference.
pub const REFERENCE_BYTES_MAX: usize = 4_096;
/// Most words of a `cmd:` reference.
pub const COMMAND_WORDS_MAX: usize = 64;
/// How long a program may take to tell a secret: it may ask a machine elsewhere, or a person to touch a key.
pub const COMMAND_DEADLINE: Duration = Duration::from_secs(30);

/// Shortest value that is masked: shorter ones are words that stand everywhere.
pub const MASK_BYTES_MIN: usize = 8;
/// What all forms of all values of one masker may hold together; it takes 12 times as much memory, and for a
/// moment 30 times.
pub const MASK_FORMS_BYTES_MAX: usize = 4 << 20;
/// Credentials that are told of one text.
pub const SCAN_FOUND_MAX: usize = 1_000;
/// The longest private key that is looked for.
pub const PEM_BYTES_MAX: usize = 32 << 10;
