//! The file of secrets, and whether every secret that a configured server needs is there.

use gateway::Person as _;

use super::finding::Finding;
use super::scene::Scene;
use crate::error::Kind;
use crate::person::{LocalPerson, Said};
use crate::ui::agreeing;

const CHECK: &str = "secrets";

pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let store = scene.here.secret_store();
    if matches!(store.is_locked(), Ok(true)) {
        // Nobody is asked for it here, and what is in it is not told.
        return vec![Finding::good(CHECK, "locked with a passphrase")];
    }
    let names = match store.names() {
        Ok(names) => names,
        Err(error) => {
            let what = format!("the secrets cannot be read: {error}");
            // A server that needs none works, but nobody can be sure which does.
            return vec![Finding::bad(CHECK, Kind::Config, what).mend(format!(
                "put back {}, or move it away and set them anew: portolan secret set NAME",
                store.path().display()
            ))];
        }
    };
    let person = LocalPerson::new(&scene.here, Said::default(), None);
    let count = names.len();
    let set = format!("{count} {} set", agreeing(count, "is", "are"));
    let mut found = vec![Finding::good(CHECK, set)];
    for entry in &scene.entries {
        let required = entry.about.secrets.iter().filter(|spec| spec.required);
        for spec in required.filter(|spec| !person.has_secret(entry, spec)) {
            let what = format!("server `{}` needs the secret `{}`", entry.name, spec.name);
            found.push(
                Finding::warning(CHECK, what).mend(format!("portolan secret set {}", spec.name)),
            );
        }
    }
    found
}
