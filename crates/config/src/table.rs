//! Tables of a person's choices that commands and gateways change while others read them. Owns that a change happens as a whole
//! or not at all. What is in a table is the business of its module.

use std::fs;
use std::io;
use std::path::Path;

use catalog::Problem;
use serde::Serialize;

use crate::Dirs;
use crate::files::{private_dir, write_atomic};

/// Changes the table in this file of the folder of `config.toml`; processes that do so at once wait for each other, by the lock
/// of that name. `tidy` leaves out what says nothing.
pub(crate) fn change<T: Serialize, R>(
    dirs: &Dirs,
    (file, lock): (&Path, &str),
    load: impl FnOnce() -> Result<T, Problem>,
    change: impl FnOnce(&mut T) -> R,
    tidy: impl FnOnce(&mut T),
) -> Result<R, Problem> {
    let source = file.display().to_string();
    let failed = |error: io::Error| Problem::error(&*source, format!("cannot be written: {error}"));
    private_dir(&dirs.config).map_err(failed)?;
    let lock = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dirs.config.join(lock))
        .map_err(failed)?;
    lock.lock().map_err(failed)?;
    let mut table = load()?;
    let done = change(&mut table);
    tidy(&mut table);
    let text = serde_saphyr::to_string(&table)
        .map_err(|error| Problem::error(&*source, format!("cannot be written: {error}")))?;
    write_atomic(file, text.as_bytes(), 0o600).map_err(failed)?;
    Ok(done)
}
