//! The ways in to one server, one for each whose account counts there. Owns that nobody's requests go out with the account of
//! somebody else, and that who is a caller of the same name later finds none of those ways.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth::Flow;
use catalog::Entry;
use tokio::time::Instant;

use super::{Pass, SignIns, is_possible};
use crate::limits::PASSES_MAX;
use crate::outbox::lock;
use crate::phase::Whose;
use crate::secrecy::Secrecy;

/// How long it is believed that a caller has, or has not, an account of their own.
const BELIEVED: Duration = Duration::from_secs(1);

/// A caller with an account of their own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Holder {
    pub(crate) name: Arc<str>,
    /// Which of all callers that have had this name.
    generation: u64,
}

/// See the module.
pub(crate) struct Passes {
    entry: Entry,
    sign_ins: SignIns,
    secrecy: Arc<Secrecy>,
    /// That of the person who runs the gateway.
    own: Arc<Pass>,
    of_callers: Mutex<HashMap<Holder, One>>,
}

struct One {
    pass: Arc<Pass>,
    /// When it was looked whether there is an account, and whether there was.
    looked: Option<(Instant, bool)>,
}

impl Passes {
    /// For a server that is reached by URL and was not given credentials of its own.
    pub(crate) fn of(
        entry: &Entry,
        sign_ins: Option<&SignIns>,
        secrecy: &Arc<Secrecy>,
    ) -> Option<Self> {
        let sign_ins = sign_ins?;
        is_possible(entry).then(|| Self {
            own: Arc::new(Pass::new(entry, sign_ins, secrecy, None)),
            entry: entry.clone(),
            sign_ins: sign_ins.clone(),
            secrecy: secrecy.clone(),
            of_callers: Mutex::default(),
        })
    }

    /// Whose account the calls of a caller are made with; none: the person's. What a server is told by the gateway itself, with
    /// a client of the entry's own, is everybody's as the rest of the entry is.
    pub(crate) fn holder(&self, caller: &Arc<str>, whose: Whose) -> Option<Holder> {
        let is_own = matches!(&self.own.party.client, Some(client) if client.flow == Flow::Client);
        let holder = |generation| Holder {
            name: caller.clone(),
            generation,
        };
        match whose {
            _ if is_own => None,
            Whose::Person => None,
            Whose::Own(generation) => Some(holder(generation)),
            Whose::OwnOrPerson(generation) => {
                Some(holder(generation)).filter(|holder| self.has_account(holder))
            }
        }
    }

    /// The way in with an account.
    pub(crate) fn pass(&self, holder: Option<&Holder>) -> Arc<Pass> {
        match holder {
            None => self.own.clone(),
            Some(holder) => self.with(holder, |one| one.pass.clone()),
        }
    }

    /// Whether a token of anybody has been shown: what the server says depends on whose that is.
    pub(crate) fn is_used(&self) -> bool {
        let of_callers = lock(&self.of_callers);
        self.own.is_used() || of_callers.values().any(|one| one.pass.is_used())
    }

    fn has_account(&self, holder: &Holder) -> bool {
        self.with(holder, |one| match one.looked {
            Some((at, has)) if at.elapsed() < BELIEVED => has,
            _ => {
                let has = self.sign_ins.accounts.has(&one.pass.party);
                one.looked = Some((Instant::now(), has));
                has
            }
        })
    }

    fn with<T>(&self, holder: &Holder, look: impl FnOnce(&mut One) -> T) -> T {
        let mut all = lock(&self.of_callers);
        if all.len() >= PASSES_MAX && !all.contains_key(holder) {
            // Whoever has no connection is made anew when they come again.
            all.retain(|_, one| Arc::strong_count(&one.pass) > 1);
        }
        let one = all.entry(holder.clone()).or_insert_with(|| One {
            pass: Arc::new(Pass::new(
                &self.entry,
                &self.sign_ins,
                &self.secrecy,
                Some(holder.name.clone()),
            )),
            looked: None,
        });
        look(one)
    }
}

#[cfg(test)]
mod tests {
    use auth::{Accounts, Options, OwnClient, Party, Scopes};
    use catalog::ServerName;

    use super::*;

    fn passes(flow: Option<Flow>) -> Passes {
        let entry = Entry::remote(
            ServerName::new("cloud").unwrap(),
            "https://cloud.example/mcp",
        );
        let sign_ins = SignIns {
            // Nothing is there, and nothing is made.
            accounts: Accounts::new(Options {
                folder: "/nowhere/accounts".into(),
                ..Options::default()
            }),
            party: Arc::new(move |entry| Party {
                name: entry.name.to_string(),
                holder: None,
                url: "https://cloud.example/mcp".to_owned(),
                trust: auth::Trust::Outside,
                client: flow.map(|flow| OwnClient {
                    id: "c".to_owned(),
                    secret: None,
                    issuer: None,
                    flow,
                }),
                scopes: Scopes::default(),
            }),
            pages: None,
        };
        let secrecy = Arc::new(Secrecy::of(&entry));
        Passes::of(&entry, Some(&sign_ins), &secrecy).unwrap()
    }

    #[test]
    fn each_caller_has_a_way_of_their_own() {
        let passes = passes(Some(Flow::Person));
        let (ann, bob): (Arc<str>, Arc<str>) = ("ann".into(), "bob".into());
        let own = |name, generation| passes.holder(name, Whose::Own(generation)).unwrap();
        assert_eq!(passes.holder(&ann, Whose::Person), None);
        let pass = |holder: Option<&Holder>| passes.pass(holder);
        assert!(!pass(None).is_of_caller() && pass(Some(&own(&ann, 1))).is_of_caller());
        assert!(Arc::ptr_eq(
            &pass(Some(&own(&ann, 1))),
            &pass(Some(&own(&ann, 1)))
        ));
        // Somebody else, and somebody who has the same name later.
        for other in [own(&bob, 1), own(&ann, 2)] {
            assert!(!Arc::ptr_eq(
                &pass(Some(&own(&ann, 1))),
                &pass(Some(&other))
            ));
        }
        // Where a caller has none, what is shared counts.
        assert_eq!(passes.holder(&ann, Whose::OwnOrPerson(1)), None);
    }

    #[test]
    fn what_the_entry_signs_in_for_is_everybodys() {
        let passes = passes(Some(Flow::Client));
        assert_eq!(passes.holder(&"ann".into(), Whose::Own(1)), None);
    }

    #[test]
    fn not_more_of_them_are_kept_than_may_be() {
        let passes = passes(None);
        let holder = |n: usize| {
            passes
                .holder(&format!("c{n}").into(), Whose::Own(0))
                .unwrap()
        };
        let used = passes.pass(Some(&holder(0)));
        for n in 1..=2 * PASSES_MAX {
            drop(passes.pass(Some(&holder(n))));
        }
        assert!(lock(&passes.of_callers).len() <= PASSES_MAX);
        assert!(Arc::ptr_eq(&used, &passes.pass(Some(&holder(0)))));
    }
}
