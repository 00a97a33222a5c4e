//! What is kept of accounts, and one at a time: in this process by turns, among processes by a lock on a file. Owns the names
//! under which it is kept, and that what is kept for one address is found for no other.

use std::sync::{Arc, PoisonError};

use secrets::SecretName;

use super::Accounts;
use crate::grant::Grant;
use crate::limits::LOCK_WAIT;
use crate::lock::{Lock, lock};
use crate::{AuthError, Party, proof};

impl Accounts {
    /// What is kept for a server: for one of this name at this address.
    pub(super) fn grant(&self, party: &Party) -> Result<Option<Grant>, AuthError> {
        let kept = self.0.store.get(&account(&whose(party))?)?;
        let grant = kept.as_ref().and_then(Grant::read);
        Ok(grant.filter(|grant| {
            grant.name == party.name && grant.url == party.url && grant.holder == party.holder
        }))
    }

    /// Only under the lock.
    pub(super) fn keep(&self, grant: &Grant) -> Result<(), AuthError> {
        self.make_folder()?;
        let name = account(&key(&grant.name, grant.holder.as_deref()))?;
        self.0.store.set(&name, &grant.write()?)?;
        Ok(())
    }

    pub(super) fn forget(&self, party: &Party) -> Result<(), AuthError> {
        Ok(self.0.store.remove(&[account(&whose(party))?])?)
    }

    pub(super) async fn turn(&self, key: &str) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            turns.entry(key.to_owned()).or_default().clone()
        };
        turn.lock_owned().await
    }

    pub(super) async fn lock(&self, key: &str) -> Result<Lock, AuthError> {
        self.make_folder()?;
        let file = format!("{}.lock", proof::mark(key));
        lock(self.0.options.folder.join(file), LOCK_WAIT).await
    }

    pub(super) fn make_folder(&self) -> Result<(), AuthError> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(&self.0.options.folder)
            .map_err(AuthError::Disk)
    }
}

/// What names in the store begin with.
pub(super) const ACCOUNT: &str = "account.";
pub(super) const CLIENT: &str = "client.";

pub(super) fn account(key: &str) -> Result<SecretName, AuthError> {
    secret_name(ACCOUNT, key)
}

/// What tells one account from all others: the server, and whose it is. Neither name has a line break.
pub(super) fn key(server: &str, holder: Option<&str>) -> String {
    match holder {
        None => server.to_owned(),
        Some(holder) => format!("{server}\n{holder}"),
    }
}

pub(super) fn whose(party: &Party) -> String {
    key(&party.name, party.holder.as_deref())
}

pub(super) fn secret_name(kind: &str, text: &str) -> Result<SecretName, AuthError> {
    let name = SecretName::new(&format!("{kind}{}", proof::mark(text)));
    name.map_err(|error| AuthError::Disk(std::io::Error::other(error)))
}
