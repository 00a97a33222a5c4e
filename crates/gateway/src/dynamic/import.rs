//! Catalogs that come while the gateway runs, by somebody else's wish than the person's. Owns what of them is taken in: never what
//! would take the place of a server that is there, and nothing that an import by the person would refuse until it is approved.
//! What is taken in waits for the person's approval like all that comes from elsewhere (`standing`).

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use catalog::{Catalog, Catalogs, Concern, Entry, Launch, ServerName};

use crate::core::Core;
use crate::limits::{IMPORT_PROBLEMS_MAX, IMPORTED_MAX};

/// What came of a catalog.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// What it is called.
    pub catalog: String,
    /// The servers that can be found from now on, those known from the same address before among them.
    pub added: Vec<String>,
    /// Servers that were left out.
    pub refused: Vec<Refused>,
    /// What was wrong with the catalog, the first mistakes of many.
    pub problems: Vec<String>,
}

/// A server that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its name.
    pub server: String,
    /// Why.
    pub why: String,
}

/// See [`crate::front::Gateway::import`].
pub(crate) async fn import(core: &Arc<Core>, url: &str) -> Result<Imported, String> {
    let directory = core.directory.as_ref();
    let directory = directory.ok_or("no servers can be added to this gateway")?;
    let pull = directory.pull();
    let pull = pull.ok_or("this gateway fetches nothing: name the catalog with --catalog")?;
    let catalog = pull(url).await?;
    let problems = catalog.problems.iter().take(IMPORT_PROBLEMS_MAX);
    let imported = Imported {
        catalog: catalog.name.clone(),
        problems: problems.map(ToString::to_string).collect(),
        ..Imported::default()
    };
    let imported = Arc::new(Mutex::new(imported));
    let configured = core.servers();
    let own: Vec<Box<str>> = configured.iter().map(|s| s.name.as_ref().into()).collect();
    let told = imported.clone();
    let choose = move |known: &Catalogs, before: &HashSet<ServerName>| {
        let mut imported = told.lock().unwrap_or_else(PoisonError::into_inner);
        chosen(catalog, &own, known, before, &mut imported)
    };
    directory.take_in(&configured, choose).await;
    let imported = imported.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(imported.clone())
}

/// `own`: the names of configured servers. `before`: those that came so before.
fn chosen(
    catalog: Catalog,
    own: &[Box<str>],
    known: &Catalogs,
    before: &HashSet<ServerName>,
    imported: &mut Imported,
) -> Vec<Entry> {
    let mut chosen = Vec::new();
    let mut room = IMPORTED_MAX.saturating_sub(before.len());
    for mut entry in catalog.entries {
        // Nobody but a person approves.
        entry.is_approved = false;
        let server = entry.name.to_string();
        let is_renewed = before.contains(&entry.name);
        let taken = known.get(&server).filter(|former| {
            // An address renews what came from it, but nothing that the person has taken from there.
            !is_renewed || former.origin != entry.origin
        });
        let why = match refusal(&entry, own, taken) {
            None if room == 0 && !is_renewed => Some("too many servers were imported".to_owned()),
            why => why,
        };
        match why {
            Some(why) => imported.refused.push(Refused { server, why }),
            None => {
                room -= usize::from(!is_renewed);
                imported.added.push(server);
                chosen.push(entry);
            }
        }
    }
    chosen
}

fn refusal(entry: &Entry, own: &[Box<str>], taken: Option<&Entry>) -> Option<String> {
    if !entry.origin.is_foreign() {
        return Some("it does not say where it comes from".to_owned());
    }
    if own.iter().any(|own| **own == *entry.name.as_str()) {
        return Some("a configured server has this name".to_owned());
    }
    if let Some(taken) = taken {
        return Some(format!("{} has a server of this name", taken.origin));
    }
    if let Launch::Unavailable { what, why } = &entry.launch {
        return Some(format!("{what}: {why}"));
    }
    let concerns = entry.refusals();
    let told: Vec<String> = concerns.iter().map(Concern::to_string).collect();
    (!told.is_empty()).then(|| {
        let told = told.join("; ");
        format!("{told}; only the user imports that: portolan catalog import URL")
    })
}

#[cfg(test)]
mod tests;
