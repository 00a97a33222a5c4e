//! The state file, open. Owns every question that is asked of it. Refuses what is larger than its limit. Next: `open`, then
//! `migrations`.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use crate::limits::{KEY_BYTES_MAX, VALUE_BYTES_MAX};
use crate::{StoreError, migrations, open};

/// The state file, open. Every method blocks on the disk: see [`StoreHandle`](crate::StoreHandle) for use beside calls.
pub struct Store {
    connection: Connection,
    path: PathBuf,
}

/// One change to what is learnt; `None` removes.
pub(crate) type Change = ((String, String), Option<Vec<u8>>);

impl Store {
    /// Opens the file, making it and its folder where they are missing and bringing an older schema up to date.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            connection: open::open(path)?,
            path: path.to_owned(),
        })
    }

    /// A store that ends with this process.
    pub fn memory() -> Result<Self, StoreError> {
        let path = PathBuf::from(":memory:");
        let sql = |source| StoreError::sql(Path::new(":memory:"), source);
        let mut connection = Connection::open_in_memory().map_err(sql)?;
        open::prepare(&mut connection).map_err(sql)?;
        migrations::run(&mut connection).map_err(sql)?;
        Ok(Self { connection, path })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is known under a key, of a kind.
    pub fn learnt_get(&self, key: &str, kind: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.sql(|connection| {
            connection
                .prepare_cached("SELECT value FROM learnt WHERE key = ?1 AND kind = ?2")?
                .query_row([key, kind], |row| row.get(0))
                .optional()
        })
    }

    /// Everything known of a kind, by key.
    pub fn learnt_all(&self, kind: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.sql(|connection| {
            connection
                .prepare_cached("SELECT key, value FROM learnt WHERE kind = ?1 ORDER BY key")?
                .query_map([kind], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
    }

    /// Keeps a value, in place of the former one. `now_s`: seconds since 1970.
    pub fn learnt_put(
        &mut self,
        key: &str,
        kind: &str,
        value: &[u8],
        now_s: i64,
    ) -> Result<(), StoreError> {
        check(key, kind, Some(value))?;
        self.write(
            &[((key.to_owned(), kind.to_owned()), Some(value.to_owned()))],
            now_s,
        )
    }

    /// Forgets a value; one that is not there is no error.
    pub fn learnt_remove(&mut self, key: &str, kind: &str) -> Result<(), StoreError> {
        self.write(&[((key.to_owned(), kind.to_owned()), None)], 0)
    }

    /// Forgets what was not renewed since `older_than_s` (seconds since 1970), and of the rest the oldest beyond
    /// `keep_max` values. The answer is how many were forgotten.
    pub fn learnt_prune(
        &mut self,
        older_than_s: i64,
        keep_max: usize,
    ) -> Result<usize, StoreError> {
        let keep = i64::try_from(keep_max).unwrap_or(i64::MAX);
        self.transaction(|transaction| {
            let old = transaction.execute("DELETE FROM learnt WHERE updated_at < ?1", [older_than_s])?;
            let surplus = transaction.execute(
                "DELETE FROM learnt WHERE (key, kind) IN
                     (SELECT key, kind FROM learnt ORDER BY updated_at DESC, key, kind LIMIT -1 OFFSET ?1)",
                [keep],
            )?;
            Ok(old + surplus)
        })
    }

    /// A value about the file itself.
    pub fn meta_get(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.sql(|connection| {
            connection
                .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| {
                    row.get(0)
                })
                .optional()
        })
    }

    /// Every value whose name begins so, by name.
    pub fn meta_all(&self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        self.sql(|connection| {
            connection
                .prepare("SELECT name, value FROM meta WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name")?
                .query_map([prefix], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
    }

    /// Forgets a value about the file itself.
    pub fn meta_remove(&mut self, name: &str) -> Result<(), StoreError> {
        self.sql(|connection| connection.execute("DELETE FROM meta WHERE name = ?1", [name]))?;
        Ok(())
    }

    /// Keeps a value about the file itself.
    pub fn meta_put(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        check(name, "", Some(value.as_bytes()))?;
        self.sql(|connection| {
            connection.execute(
                "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
                [name, value],
            )
        })?;
        Ok(())
    }

    /// All of these changes or none.
    pub(crate) fn write(&mut self, changes: &[Change], now_s: i64) -> Result<(), StoreError> {
        self.transaction(|transaction| {
            let mut put = transaction.prepare_cached(
                "INSERT INTO learnt (key, kind, value, updated_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
            )?;
            let mut remove = transaction.prepare_cached("DELETE FROM learnt WHERE key = ?1 AND kind = ?2")?;
            for ((key, kind), value) in changes {
                match value {
                    Some(value) => put.execute(params![key, kind, value, now_s])?,
                    None => remove.execute([key, kind])?,
                };
            }
            Ok(())
        })
    }

    /// Makes every later write fail.
    #[cfg(test)]
    pub(crate) fn break_for_test(&self) {
        self.connection.execute_batch("DROP TABLE learnt").unwrap();
    }

    fn sql<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        work(&self.connection).map_err(|source| StoreError::sql(&self.path, source))
    }

    /// Immediate, so that it waits for another writer at its begin: one that began by reading could not be waited for.
    fn transaction<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let result = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .and_then(|transaction| {
                let done = work(&transaction)?;
                transaction.commit()?;
                Ok(done)
            });
        result.map_err(|source| StoreError::sql(&self.path, source))
    }
}

/// Whether everything is within its limit.
pub(crate) fn check(key: &str, kind: &str, value: Option<&[u8]>) -> Result<(), StoreError> {
    let parts = [
        ("a key", key.len(), KEY_BYTES_MAX),
        ("a kind", kind.len(), KEY_BYTES_MAX),
        ("a value", value.map_or(0, <[u8]>::len), VALUE_BYTES_MAX),
    ];
    match parts.into_iter().find(|(_, size, limit)| size > limit) {
        Some((what, size, limit)) => Err(StoreError::TooLarge { what, size, limit }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
