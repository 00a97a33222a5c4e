//! What persons have answered to rules that ask, and for how long it holds: for one call, for a workspace, or until the rule
//! changes. Owns where it is kept; who asks is `dynamic/consent`.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use aws_lc_rs::digest::{SHA256, digest};
use store::StoreHandle;
use tokio::time::Instant;

use crate::limits::{CONSENT_LASTS, CONSENTS_MAX};
use crate::outbox::lock;

/// See the module.
#[derive(Default)]
pub(crate) struct Consents {
    /// Of workspaces.
    given: Mutex<HashSet<(u64, Key)>>,
    /// What servers asked back in calls that were allowed once: these may come again with the answers.
    recent: Mutex<HashMap<[u8; 32], Instant>>,
}

/// What was asked: a rule, a caller, a server, a tool.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

fn retry(caller: &str, request: &[u8; 32], state: &str) -> [u8; 32] {
    hashed(&[caller.as_bytes(), request, state.as_bytes()])
}

/// Parts that do not run together.
fn hashed(parts: &[&[u8]]) -> [u8; 32] {
    let mut text = Vec::new();
    for part in parts {
        text.extend_from_slice(&(part.len() as u64).to_be_bytes());
        text.extend_from_slice(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, &text).as_ref());
    hash
}

impl Key {
    /// `mark`: of the rule. `what`: the method and the name of the tool, prompt or resource.
    pub fn new(mark: &str, caller: &str, server: &str, what: (&str, &str)) -> Self {
        let parts = [mark, caller, server, what.0, what.1];
        Self(hashed(&parts.map(str::as_bytes)))
    }

    /// Under what an answer for always is kept in the store.
    pub fn stored(&self) -> String {
        let hex: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("consent/{hex}")
    }
}

impl Consents {
    /// Whether a person allowed it, for this workspace or for always.
    pub(crate) fn has(&self, workspace: u64, key: &Key, store: Option<&StoreHandle>) -> bool {
        if lock(&self.given).contains(&(workspace, key.clone())) {
            return true;
        }
        let stored = |store: &StoreHandle| store.with(|store| store.meta_get(&key.stored()));
        store.is_some_and(|store| stored(store).is_ok_and(|found| found.is_some()))
    }

    /// A person allowed it for this workspace.
    pub(crate) fn give(&self, workspace: u64, key: Key) {
        let mut given = lock(&self.given);
        // Who has answered so often is asked again.
        if given.len() < CONSENTS_MAX {
            given.insert((workspace, key));
        }
    }

    /// A person allowed it for always.
    ///
    /// # Errors
    /// Why that cannot be kept.
    pub(crate) fn keep(
        &self,
        key: &Key,
        what: &str,
        store: Option<&StoreHandle>,
    ) -> Result<(), String> {
        let store = store.ok_or("there is no store")?;
        store
            .with(|store| store.meta_put(&key.stored(), what))
            .map_err(|error| error.to_string())
    }

    /// This caller's request was allowed, and has got questions of its server with this state.
    pub(crate) fn asked_back(&self, caller: &str, request: &[u8; 32], state: &str) {
        let now = Instant::now();
        let mut recent = lock(&self.recent);
        if recent.len() >= CONSENTS_MAX {
            recent.retain(|_, until| *until > now);
        }
        if recent.len() < CONSENTS_MAX {
            recent.insert(retry(caller, request, state), now + CONSENT_LASTS);
        }
    }

    /// Whether this is such a request that comes again, the first time.
    pub(crate) fn comes_again(&self, caller: &str, request: &[u8; 32], state: &str) -> bool {
        lock(&self.recent)
            .remove(&retry(caller, request, state))
            .is_some_and(|until| until > Instant::now())
    }

    /// A workspace has ended.
    pub(crate) fn leave(&self, workspace: u64) {
        lock(&self.given).retain(|(of, _)| *of != workspace);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(tool: &str) -> Key {
        Key::new("mark", "local", "github", ("tools/call", tool))
    }

    #[test]
    fn an_answer_holds_for_its_workspace_until_that_ends() {
        let consents = Consents::default();
        consents.give(1, key("x"));
        assert!(consents.has(1, &key("x"), None));
        assert!(!consents.has(2, &key("x"), None) && !consents.has(1, &key("y"), None));
        consents.leave(1);
        assert!(!consents.has(1, &key("x"), None));
    }

    #[test]
    fn parts_of_a_key_do_not_run_together() {
        assert_ne!(
            Key::new("a", "bc", "d", ("e", "f")),
            Key::new("ab", "c", "d", ("e", "f"))
        );
    }

    #[test]
    fn an_answer_for_always_is_kept_in_the_store() {
        let store = StoreHandle::start(store::Store::memory().unwrap()).unwrap();
        let consents = Consents::default();
        consents.keep(&key("x"), "github x", Some(&store)).unwrap();
        assert!(Consents::default().has(9, &key("x"), Some(&store)));
        assert!(consents.keep(&key("x"), "github x", None).is_err());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let consents = Consents::default();
        for n in 0..CONSENTS_MAX + 10 {
            consents.give(1, key(&n.to_string()));
            consents.asked_back("ann", &[1; 32], &n.to_string());
        }
        assert_eq!(lock(&consents.given).len(), CONSENTS_MAX);
        assert_eq!(lock(&consents.recent).len(), CONSENTS_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_comes_again_once_and_soon() {
        let consents = Consents::default();
        consents.asked_back("ann", &[1; 32], "theirs");
        for (caller, request, state) in [
            ("bob", [1; 32], "theirs"),
            ("ann", [2; 32], "theirs"),
            ("ann", [1; 32], "made up"),
        ] {
            assert!(!consents.comes_again(caller, &request, state));
        }
        assert!(consents.comes_again("ann", &[1; 32], "theirs"));
        assert!(!consents.comes_again("ann", &[1; 32], "theirs"));
        consents.asked_back("ann", &[1; 32], "theirs");
        tokio::time::advance(CONSENT_LASTS).await;
        assert!(!consents.comes_again("ann", &[1; 32], "theirs"));
    }
}
