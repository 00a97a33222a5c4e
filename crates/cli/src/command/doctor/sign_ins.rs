//! What the person has signed in to, and whether that still holds.

use super::finding::Finding;
use super::scene::Scene;
use crate::sign_ins;

const CHECK: &str = "sign-ins";

pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    if matches!(scene.here.account_store().is_locked(), Ok(true)) {
        return vec![Finding::note(CHECK, "locked with a passphrase")];
    }
    let accounts = match sign_ins::accounts(&scene.here, &scene.loaded.settings).list() {
        Ok(accounts) => accounts,
        Err(error) => {
            return vec![
                Finding::warning(CHECK, format!("the accounts cannot be read: {error}"))
                    .mend("portolan oauth authorize SERVER signs in anew"),
            ];
        }
    };
    let gone = accounts
        .iter()
        .filter(|account| !account.is_good && !account.is_renewable);
    let mut found: Vec<Finding> = gone
        .map(|account| {
            let (of, caller) = match &account.holder {
                None => (String::new(), String::new()),
                Some(caller) => (format!(" of {caller}"), format!(" --caller '{caller}'")),
            };
            let said = format!("the sign-in{of} to {} has ended", account.name);
            Finding::warning(CHECK, said)
                .mend(format!("portolan oauth authorize {}{caller}", account.name))
        })
        .collect();
    if found.is_empty() {
        found.push(match accounts.len() {
            0 => Finding::note(CHECK, "none"),
            1 => Finding::good(CHECK, "1, which holds"),
            count => Finding::good(CHECK, format!("{count}, all of which hold")),
        });
    }
    found
}
