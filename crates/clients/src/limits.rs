//! How much is taken from the files of others.

/// The largest file that is edited, in bytes. Files of settings are a few kilobytes; some keep histories in them.
pub const FILE_BYTES_MAX: u64 = 64 << 20;
