//! Opening the file: its folder, its mode, WAL, waiting for others. Platform code of this crate is here.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, ErrorCode};

use crate::limits::{BUSY_TIMEOUT, WAL_BYTES_KEPT};
use crate::{StoreError, migrations};

pub(crate) fn open(path: &Path) -> Result<Connection, StoreError> {
    create_private(path).map_err(|source| StoreError::Open {
        path: path.to_owned(),
        source,
    })?;
    let sql = |source| StoreError::sql(path, source);
    let mut connection = Connection::open(path).map_err(sql)?;
    prepare(&mut connection).map_err(sql)?;
    let found = migrations::run(&mut connection).map_err(sql)?;
    if found > migrations::NEWEST {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found,
            known: migrations::NEWEST,
        });
    }
    Ok(connection)
}

pub(crate) fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // A newer schema is left alone entirely, the journal mode included.
    if migrations::version(connection)? > migrations::NEWEST {
        return Ok(());
    }
    wal(connection)?;
    // A power cut may cost the last moments, never the file: all of it can be learnt again.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(())
}

/// The change to WAL needs the file for itself, and SQLite does not wait for that: processes that start together would fail.
fn wal(connection: &Connection) -> rusqlite::Result<()> {
    let started = Instant::now();
    loop {
        match connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))
        {
            Ok(_) => return Ok(()), // `memory` or `delete` where the file system cannot do better
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && started.elapsed() < BUSY_TIMEOUT =>
            {
                std::thread::park_timeout(std::time::Duration::from_millis(5));
            }
            Err(error) => return Err(error),
        }
    }
}

/// A folder for us alone, and in it a file for us alone; SQLite gives the files beside it the same mode.
fn create_private(path: &Path) -> io::Result<()> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty() && !folder.exists())
    {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = file.metadata()?.permissions().mode();
        if mode & 0o077 != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o700))?;
        }
    }
    drop(file);
    Ok(())
}
