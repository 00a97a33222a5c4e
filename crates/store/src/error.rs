//! What can go wrong with the state file, each with what to do about it.

use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder or the file cannot be made or opened.
    #[error("cannot open the state file {}: {source}; is its folder writable by you?", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not what we wrote.
    #[error(
        "the state file {path} is damaged ({reason}); move it aside and start again, it holds only what can be learnt anew: mv {path} {path}.damaged && rm -f {path}-wal {path}-shm",
        path = path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        reason: String,
    },
    /// The file was written by a version that knows more than this one.
    #[error(
        "the state file {} has schema {found}, this version knows {known} at most; use the newer version that wrote it, or another PORTOLAN_HOME",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The schema in the file.
        found: i64,
        /// The newest schema this version knows.
        known: i64,
    },
    /// Another process held the file for too long.
    #[error("the state file {} is in use by another process that does not let go; end it, or use another PORTOLAN_HOME", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// A key, kind or value beyond its limit.
    #[error("{what} of {size} bytes is larger than the limit of {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        size: usize,
        /// What is allowed.
        limit: usize,
    },
    /// Anything else that SQLite says: a full disk, a file system that went away.
    #[error("the state file {} failed: {source}", path.display())]
    Sql {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

impl StoreError {
    pub(crate) fn sql(path: &std::path::Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Damaged {
                path,
                reason: source.to_string(),
            },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            _ => Self::Sql { path, source },
        }
    }
}
