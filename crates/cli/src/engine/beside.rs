//! Gateways beside the first in one process. Owns what they have in common.

use std::sync::Arc;

use config::Loaded;

use super::Engine;

impl Engine {
    /// One more beside this one, with these entries: it remembers and records in the same places, and knows the same callers.
    /// Its rules are those of its profile.
    pub(crate) fn beside(&self, loaded: Loaded, profile: Option<String>) -> Self {
        let rules = Arc::new(gateway::Rules::new(loaded.policy.clone()));
        let loaded = Loaded {
            settings: self.loaded.settings.clone(),
            interceptors: self.loaded.interceptors.clone(),
            ..loaded
        };
        Self {
            here: self.here.clone(),
            loaded,
            tools: self.tools.clone(),
            log: self.log.clone(),
            fault: Arc::clone(&self.fault),
            memory: self.memory,
            is_patient: self.is_patient,
            catalogs: self.catalogs.clone(),
            // No profile is called so.
            beside: Some(profile.clone().unwrap_or_else(|| "-".to_owned())),
            profile,
            rules,
            store: self.store.clone(),
            id: self.id.clone(),
            records: self.records.clone(),
            callers: self.callers.clone(),
        }
    }
}
