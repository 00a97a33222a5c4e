//! Callers as a running gateway knows them: who a token is, what a caller may use, and how much at a time. Owns the copy of the
//! file in memory, which is taken up anew when it changes, together with the profiles that rights name. Refuses everybody whose
//! right cannot be read: while the file is damaged, only the gateway's own token opens. The file itself is `config`'s; callers
//! who come with tokens of an issuer are `callers/visitors.rs`.

mod one;
mod rights;
#[cfg(test)]
mod tests;
mod visitors;

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use config::callers::{self, Caller, CallersError, Presented, Rights};
use config::{AuthSettings, Dirs};
use gateway::{Admission, Decider, Decision, Denial, Permit, Whose};
use policy::Facts;
use server::{Admitted, Lease, Resource, Unadmitted};

use one::{Allowance, One};
use rights::{Profiles, Seal, Usable};
use visitors::Visitors;

/// See the module.
pub(crate) struct Registry {
    dirs: Dirs,
    known: RwLock<Arc<Known>>,
    visitors: Option<Visitors>,
}

#[derive(Default)]
struct Known {
    version: Option<Seal>,
    by_token: HashMap<String, Arc<Local>>,
    by_name: HashMap<String, Arc<Local>>,
    /// Of the profiles that rights name.
    profiles: Profiles,
    /// What scopes of visitors give a right to, in their order.
    scopes: Vec<(String, Usable)>,
}

/// A caller of the file.
struct Local {
    caller: Caller,
    usable: Usable,
    under_way: Arc<One>,
}

impl Registry {
    /// As the file has them, and those of an issuer, if there is one.
    pub(crate) fn open(dirs: &Dirs, auth: Option<&AuthSettings>) -> Result<Self, CallersError> {
        let visitors = auth.map(Visitors::new);
        let scopes = visitors.as_ref().map_or(&[][..], Visitors::rights);
        let version = callers::version(dirs);
        let all = callers::load(dirs)?.callers;
        let known = Known::new(dirs, (all, version), scopes, &Known::default());
        Ok(Self {
            dirs: dirs.clone(),
            known: RwLock::new(Arc::new(known)),
            visitors,
        })
    }

    /// Takes up what has changed; whether anything had.
    pub(crate) fn refresh(&self) -> Result<bool, CallersError> {
        let version = callers::version(&self.dirs);
        let before = self.known();
        if version == before.version && before.profiles.are_as_they_were(&self.dirs) {
            return Ok(false);
        }
        let read = callers::load(&self.dirs);
        let all = read
            .as_ref()
            .map(|all| all.callers.clone())
            .unwrap_or_default();
        let scopes = self.visitors.as_ref().map_or(&[][..], Visitors::rights);
        let known = Known::new(&self.dirs, (all, version), scopes, &before);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
        read.map(|_| true)
    }

    /// Those who come with tokens of an issuer, where there is one.
    pub(crate) fn visitors(&self) -> Option<&Visitors> {
        self.visitors.as_ref()
    }

    fn known(&self) -> Arc<Known> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&known)
    }
}

impl Known {
    fn new(
        dirs: &Dirs,
        (all, version): (Vec<Caller>, Option<Seal>),
        scopes: &[(String, Rights)],
        before: &Self,
    ) -> Self {
        let of_callers = all.iter().map(|caller| &caller.rights);
        let rights = of_callers.chain(scopes.iter().map(|(_, rights)| rights));
        let names = rights.flat_map(|rights| rights.profiles.iter().cloned());
        let profiles = Profiles::load(dirs, names.collect());
        let usable = |rights: &Rights| Usable::new(rights, &profiles);
        let scopes = scopes
            .iter()
            .map(|(scope, rights)| (scope.clone(), usable(rights)));
        let mut known = Self {
            version,
            scopes: scopes.collect(),
            ..Self::default()
        };
        for caller in all {
            let allowance = Allowance {
                rate: caller.rate,
                concurrency: caller.concurrency,
            };
            let former = before.by_name.get(&caller.name);
            // What is under way goes on counting.
            let under_way = match former.filter(|former| former.caller == caller) {
                Some(same) => Arc::clone(&same.under_way),
                None => Arc::new(One::new(&caller.name, allowance)),
            };
            let local = Arc::new(Local {
                usable: usable(&caller.rights),
                under_way,
                caller,
            });
            let (token, name) = (local.caller.token().to_owned(), local.caller.name.clone());
            known.by_token.insert(token, Arc::clone(&local));
            known.by_name.insert(name, local);
        }
        known.profiles = profiles;
        known
    }
}

impl server::Callers for Registry {
    fn admit(&self, token: &str, at: &str) -> Result<Admitted, Unadmitted> {
        let presented = Presented::new(token);
        let known = self.known();
        let Some(local) = known.by_token.get(presented.key()) else {
            return match &self.visitors {
                Some(visitors) => visitors.admit(token, at),
                None => Err(Unadmitted::Unknown),
            };
        };
        match local.caller.is_valid_at(now_s()) {
            true => Ok(Admitted {
                name: local.under_way.name.clone(),
                scopes: None,
                lease: Some(Lease {
                    generation: local.caller.generation(),
                    until_s: local.caller.expires,
                }),
            }),
            false => Err(Unadmitted::Expired),
        }
    }

    fn holds(&self, caller: &str, lease: &Lease) -> bool {
        let is_in_time = lease.until_s.is_none_or(|until| now_s() < until);
        is_in_time
            && match self.known().by_name.get(caller) {
                Some(local) => local.caller.generation() == lease.generation,
                None => self.visitors.as_ref().is_some_and(|all| all.are(caller)),
            }
    }

    fn resource(&self, at: &str) -> Option<Resource> {
        self.visitors.as_ref().map(|visitors| visitors.resource(at))
    }
}

impl Admission for Registry {
    fn enter(&self, caller: &str) -> Result<Option<Permit>, &'static str> {
        let local = self.known().by_name.get(caller).cloned();
        let one = match (&local, &self.visitors) {
            (Some(local), _) => Some(Arc::clone(&local.under_way)),
            (None, Some(visitors)) => visitors.under_way(caller)?,
            (None, None) => None,
        };
        let permit = one.map_or(Ok(None), One::enter)?;
        Ok(permit.map(|under| Box::new(under) as Box<dyn Any + Send + Sync>))
    }

    fn is_guest(&self, caller: &str) -> bool {
        !callers::is_own(caller)
    }

    fn accounts(&self, caller: &str) -> Whose {
        if callers::is_own(caller) {
            return Whose::Person;
        }
        let known = self.known();
        let (shares, generation) = match known.by_name.get(caller) {
            Some(local) => (local.caller.share_accounts, local.caller.generation()),
            None => {
                let visitors = self.visitors.as_ref().filter(|all| all.are(caller));
                (visitors.is_some_and(Visitors::share_accounts), 0)
            }
        };
        match shares {
            true => Whose::OwnOrPerson(generation),
            false => Whose::Own(generation),
        }
    }
}

/// A clock that cannot be read lets nobody in whose token ends.
fn now_s() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(u64::MAX, |now| now.as_secs())
}

/// The rights of callers, before the rules.
pub(crate) struct Rightful {
    pub(crate) callers: Arc<Registry>,
    pub(crate) rules: Arc<dyn Decider>,
    /// Whose servers the gateway has, if it has those of one profile.
    pub(crate) profile: Option<String>,
}

impl Rightful {
    /// What the rights of a caller of the file deny.
    fn denial(&self, known: &Known, facts: &Facts<'_>) -> Option<Denial> {
        let local = known.by_name.get(facts.caller)?;
        (!self.may(&local.usable, facts)).then(|| denial(&local.caller.name))
    }

    fn may(&self, usable: &Usable, facts: &Facts<'_>) -> bool {
        usable.may(facts, self.profile.as_deref())
    }

    fn is_visitor(&self, known: &Known, facts: &Facts<'_>) -> bool {
        let visitors = self.callers.visitors();
        !known.scopes.is_empty() && visitors.is_some_and(|all| all.are(facts.caller))
    }

    /// What the scopes of a visitor's token deny.
    fn lacks(&self, known: &Known, facts: &Facts<'_>) -> Option<Decision> {
        if !self.is_visitor(known, facts) {
            return None;
        }
        let mut giving = known
            .scopes
            .iter()
            .filter(|(_, usable)| self.may(usable, facts));
        let held: Vec<&str> = facts.scopes.unwrap_or_default().split(' ').collect();
        if giving.clone().any(|(scope, _)| held.contains(&&**scope)) {
            return None;
        }
        let denial = denial(facts.caller);
        let wanted = giving.next().zip(self.callers.visitors());
        Some(match wanted {
            Some(((scope, _), visitors)) => Decision::Lacks(denial, visitors.with(scope).into()),
            None => Decision::Deny(denial),
        })
    }
}

fn denial(caller: &str) -> Denial {
    Denial {
        rule: Some(format!("caller {caller}").into()),
        reason: format!("the caller {caller} has no right to it"),
    }
}

impl Decider for Rightful {
    fn is_needed(&self) -> bool {
        let known = self.callers.known();
        !known.by_name.is_empty() || !known.scopes.is_empty() || self.rules.is_needed()
    }

    fn wants_hints(&self) -> bool {
        self.rules.wants_hints()
    }

    fn decide(&self, facts: &Facts<'_>) -> Decision {
        let known = self.callers.known();
        if let Some(denial) = self.denial(&known, facts) {
            return Decision::Deny(denial);
        }
        match self.lacks(&known, facts) {
            Some(decision) => decision,
            None => self.rules.decide(facts),
        }
    }

    /// A token with more scopes may come any time: what one of them gives a right to is listed.
    fn closed(&self, facts: &Facts<'_>) -> Option<Denial> {
        let known = self.callers.known();
        let has_no_scope = || {
            let is_closed = self.is_visitor(&known, facts)
                && !known
                    .scopes
                    .iter()
                    .any(|(_, usable)| self.may(usable, facts));
            is_closed.then(|| denial(facts.caller))
        };
        self.denial(&known, facts)
            .or_else(has_no_scope)
            .or_else(|| self.rules.closed(facts))
    }
}
