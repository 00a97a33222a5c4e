//! The schema, as the steps that lead to it. A step that was released is never changed: a new one is added.

use rusqlite::{Connection, TransactionBehavior};

/// Step `n` leads from schema `n` to schema `n + 1`.
pub(crate) const STEPS: &[&str] = &[
    // 1: what is learnt about servers (lists of tools, shapes of results), by isolation key and kind.
    "CREATE TABLE learnt (
         key        TEXT    NOT NULL,
         kind       TEXT    NOT NULL,
         value      BLOB    NOT NULL,
         updated_at INTEGER NOT NULL,
         PRIMARY KEY (key, kind)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX learnt_by_age ON learnt (updated_at);
     CREATE TABLE meta (
         name  TEXT NOT NULL PRIMARY KEY,
         value TEXT NOT NULL
     ) STRICT, WITHOUT ROWID;",
];

/// The newest schema.
pub(crate) const NEWEST: i64 = STEPS.len() as i64;

pub(crate) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings a file of any earlier schema to the newest; whoever of several processes comes second finds nothing to do.
/// The answer is the schema found in the file, newer than [`NEWEST`] where this version must not touch it.
pub(crate) fn run(connection: &mut Connection) -> rusqlite::Result<i64> {
    let found = version(connection)?;
    if found >= NEWEST {
        return Ok(found);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let now = version(&transaction)?; // another process may have been here since
    for step in STEPS.iter().skip(usize::try_from(now).unwrap_or(0)) {
        transaction.execute_batch(step)?;
    }
    if now < NEWEST {
        transaction.pragma_update(None, "user_version", NEWEST)?;
    }
    transaction.commit()?;
    Ok(found)
}
