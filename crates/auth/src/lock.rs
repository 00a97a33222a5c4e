//! One process at a time: a lock on a file, which the system lets go of when its holder is killed.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::AuthError;
use crate::limits::LOCK_AGAIN;

/// Held as long as it lives.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "its end is the end of the lock")] File);

/// Waits for the lock, on a thread that may wait.
pub(crate) async fn lock(path: PathBuf, wait: Duration) -> Result<Lock, AuthError> {
    let locked = tokio::task::spawn_blocking(move || locked(&path, wait)).await;
    locked.unwrap_or_else(|error| Err(AuthError::Disk(std::io::Error::other(error))))
}

fn locked(path: &PathBuf, wait: Duration) -> Result<Lock, AuthError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(AuthError::Disk)?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock(file)),
            Err(TryLockError::WouldBlock) if begun.elapsed() < wait => {
                std::thread::park_timeout(LOCK_AGAIN);
            }
            Err(TryLockError::WouldBlock) => return Err(AuthError::Busy),
            Err(TryLockError::Error(error)) => return Err(AuthError::Disk(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l");
        let held = lock(path.clone(), Duration::ZERO).await.unwrap();
        let error = lock(path.clone(), Duration::from_millis(20))
            .await
            .unwrap_err();
        assert!(matches!(error, AuthError::Busy), "{error}");
        drop(held);
        lock(path, Duration::ZERO).await.unwrap();
    }
}
