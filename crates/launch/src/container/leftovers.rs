//! Containers whose gateway is gone.
//!
//! Owns which those are: ours by their labels, of this registry of gateways, and of a gateway that does not hold its
//! lock any more. Refuses to touch any other.

use std::collections::BTreeMap;
use std::io;

use serde::Deserialize;

use super::api::encoded;
use super::engine::Engine;
use super::plan::{OWNER, REGISTRY};
use super::running::remove;
use crate::limits::ENGINE_ANSWER;

/// Who says which gateways live.
pub trait Registry: Send + Sync {
    /// Its name: what belongs to the gateways of another one is none of our business.
    fn name(&self) -> String;
    /// The id of this gateway, held from the first time on.
    ///
    /// # Errors
    /// It cannot be held.
    fn id(&self) -> io::Result<String>;
    /// Whether somebody holds an id.
    fn is_alive(&self, id: &str) -> bool;
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    id: String,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

/// Removes them, as far as the engine lets us.
pub(super) async fn reap(engine: &Engine, registry: &dyn Registry) -> usize {
    let name = registry.name();
    let filters = serde_json::json!({ "label": [format!("{REGISTRY}={name}")] });
    let path = format!(
        "/containers/json?all=1&filters={}",
        encoded(&filters.to_string())
    );
    let Ok(listed) = engine.api.get::<Vec<Listed>>(&path, ENGINE_ANSWER).await else {
        return 0;
    };
    let mut gone = 0;
    for container in listed {
        let labels = container.labels.unwrap_or_default();
        // An engine that does not filter must not cost anybody a container.
        let is_ours = labels.get(REGISTRY) == Some(&name);
        let Some(of) = labels.get(OWNER).filter(|_| is_ours) else {
            continue;
        };
        if !registry.is_alive(of) && remove(&engine.api, &container.id).await {
            gone += 1;
        }
    }
    gone
}
