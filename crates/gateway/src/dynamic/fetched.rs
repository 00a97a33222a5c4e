//! The credentials of an entry as it is started: fetched where waiting is allowed, for a program may have to tell one.

use std::collections::HashMap;
use std::sync::Arc;

use catalog::{Entry, Secret};

use crate::options::Person;

/// Those that are there, by name.
///
/// # Errors
/// Why one cannot be got.
pub(super) async fn secrets(
    person: &Arc<dyn Person>,
    entry: &Entry,
) -> Result<HashMap<String, Secret>, String> {
    if entry.about.secrets.is_empty() {
        return Ok(HashMap::new());
    }
    let (person, entry) = (person.clone(), entry.clone());
    let fetched = tokio::task::spawn_blocking(move || {
        let mut all = HashMap::new();
        for spec in &entry.about.secrets {
            let got = person.secret(&entry, spec);
            let got =
                got.map_err(|why| format!("the secret {} cannot be got: {why}", spec.name))?;
            all.extend(got.map(|secret| (spec.name.clone(), secret)));
        }
        Ok(all)
    });
    fetched
        .await
        .unwrap_or_else(|_| Err("fetching its secrets broke down".to_owned()))
}
