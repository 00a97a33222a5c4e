//! Callers with tokens of their own, as a running gateway knows them: who a token is, what a caller may use, and how much at a
//! time. Owns the copy of the file in memory, which is taken up anew when it changes. Refuses everybody whose right cannot be
//! read: while the file is damaged, only the gateway's own token opens. The file itself is `config`'s.

use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use config::Dirs;
use config::callers::{self, Caller, CallersError, Presented};
use gateway::{Admission, Decider, Decision, Denial, Permit};
use policy::{Asked, Facts};

type Version = Option<(SystemTime, u64, u64)>;

/// See the module.
pub(crate) struct Registry {
    dirs: Dirs,
    known: RwLock<Arc<Known>>,
}

#[derive(Default)]
struct Known {
    version: Version,
    by_token: HashMap<String, Arc<One>>,
    by_name: HashMap<String, Arc<One>>,
}

/// One caller and what it has under way.
struct One {
    caller: Caller,
    name: Arc<str>,
    in_flight: AtomicU32,
    bucket: Mutex<Bucket>,
}

/// How many requests it may make now; it fills with time.
struct Bucket {
    left: f64,
    at: Instant,
}

impl Registry {
    /// As the file has them.
    pub(crate) fn open(dirs: &Dirs) -> Result<Self, CallersError> {
        let version = callers::version(dirs);
        let known = Known::new(callers::load(dirs)?.callers, version, &Known::default());
        Ok(Self {
            dirs: dirs.clone(),
            known: RwLock::new(Arc::new(known)),
        })
    }

    /// Takes the file up if it has changed; whether it had.
    pub(crate) fn refresh(&self) -> Result<bool, CallersError> {
        let version = callers::version(&self.dirs);
        let before = self.known();
        if version == before.version {
            return Ok(false);
        }
        let read = callers::load(&self.dirs);
        let all = read
            .as_ref()
            .map(|all| all.callers.clone())
            .unwrap_or_default();
        let known = Known::new(all, version, &before);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
        read.map(|_| true)
    }

    fn known(&self) -> Arc<Known> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&known)
    }
}

impl Known {
    fn new(all: Vec<Caller>, version: Version, before: &Self) -> Self {
        let mut known = Self {
            version,
            ..Self::default()
        };
        for caller in all {
            let former = before.by_name.get(&caller.name);
            // What is under way goes on counting.
            let one = match former.filter(|former| former.caller == caller) {
                Some(same) => Arc::clone(same),
                None => Arc::new(One::new(caller)),
            };
            known
                .by_token
                .insert(one.caller.token().to_owned(), Arc::clone(&one));
            known.by_name.insert(one.caller.name.clone(), one);
        }
        known
    }
}

impl One {
    fn new(caller: Caller) -> Self {
        Self {
            name: caller.name.as_str().into(),
            in_flight: AtomicU32::new(0),
            bucket: Mutex::new(Bucket {
                left: f64::from(caller.rate.unwrap_or(0)),
                at: Instant::now(),
            }),
            caller,
        }
    }

    /// Takes one request of those that it may make within a minute.
    fn has_rate(&self, now: Instant) -> bool {
        let Some(rate) = self.caller.rate.map(f64::from) else {
            return true;
        };
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.left = (bucket.left + since * rate / 60.0).min(rate);
        bucket.at = now;
        let has = bucket.left >= 1.0;
        if has {
            bucket.left -= 1.0;
        }
        has
    }

    fn may_use(&self, server: &str) -> bool {
        let servers = &self.caller.servers;
        let tools = &self.caller.tools;
        let is_named = |pattern: &String| match pattern.split_once(':') {
            Some((of, _)) => policy::glob(of, server),
            None => true,
        };
        (servers.is_empty() || servers.iter().any(|pattern| policy::glob(pattern, server)))
            && (tools.is_empty() || tools.iter().any(is_named))
    }

    fn may_call(&self, server: &str, tool: &str) -> bool {
        let tools = &self.caller.tools;
        let is_meant = |pattern: &String| match pattern.split_once(':') {
            Some((of, pattern)) => policy::glob(of, server) && policy::glob(pattern, tool),
            None => policy::glob(pattern, tool),
        };
        self.may_use(server) && (tools.is_empty() || tools.iter().any(is_meant))
    }

    fn may(&self, facts: &Facts<'_>) -> bool {
        let server = &facts.server.name;
        match facts.asked {
            Asked::Load | Asked::Other => self.may_use(server),
            Asked::Tool { name, .. } => self.may_call(server, name),
            // Who may call some tools may do nothing else.
            Asked::Prompt(_) | Asked::Resource(_) => {
                self.may_use(server) && self.caller.tools.is_empty()
            }
        }
    }
}

impl server::Callers for Registry {
    fn admit(&self, token: &str) -> Result<Option<Arc<str>>, server::Expired> {
        let presented = Presented::new(token);
        let known = self.known();
        let Some(one) = known.by_token.get(presented.key()) else {
            return Ok(None);
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        match one
            .caller
            .is_valid_at(now.map_or(u64::MAX, |now| now.as_secs()))
        {
            true => Ok(Some(Arc::clone(&one.name))),
            false => Err(server::Expired),
        }
    }
}

impl Admission for Registry {
    fn enter(&self, caller: &str) -> Result<Option<Permit>, &'static str> {
        let known = self.known();
        let Some(one) = known.by_name.get(caller) else {
            return Ok(None);
        };
        if !one.has_rate(Instant::now()) {
            return Err("requests of this caller within a minute");
        }
        let Some(max) = one.caller.concurrency else {
            return Ok(None);
        };
        if one.in_flight.fetch_add(1, Ordering::AcqRel) >= max {
            one.in_flight.fetch_sub(1, Ordering::AcqRel);
            return Err("requests of this caller at once");
        }
        Ok(Some(
            Box::new(Under(Arc::clone(one))) as Box<dyn Any + Send + Sync>
        ))
    }
}

/// A request that is under way.
struct Under(Arc<One>);

impl Drop for Under {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The rights of callers, before the rules.
pub(crate) struct Rightful {
    pub(crate) callers: Arc<Registry>,
    pub(crate) rules: Arc<dyn Decider>,
}

impl Rightful {
    fn denial(&self, facts: &Facts<'_>) -> Option<Denial> {
        let known = self.callers.known();
        let one = known.by_name.get(facts.caller)?;
        (!one.may(facts)).then(|| Denial {
            rule: Some(format!("caller {}", one.name).into()),
            reason: format!("the caller {} has no right to it", one.name),
        })
    }
}

impl Decider for Rightful {
    fn is_needed(&self) -> bool {
        !self.callers.known().by_name.is_empty() || self.rules.is_needed()
    }

    fn wants_hints(&self) -> bool {
        self.rules.wants_hints()
    }

    fn decide(&self, facts: &Facts<'_>) -> Decision {
        match self.denial(facts) {
            Some(denial) => Decision::Deny(denial),
            None => self.rules.decide(facts),
        }
    }

    fn closed(&self, facts: &Facts<'_>) -> Option<Denial> {
        self.denial(facts).or_else(|| self.rules.closed(facts))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use config::callers::New;
    use gateway::AllowAll;
    use policy::{Era, Hints, ServerFacts};
    use server::Callers as _;

    use super::*;

    fn dirs() -> (tempfile::TempDir, Dirs) {
        let home = tempfile::tempdir().unwrap();
        let env = config::Env::of([("PORTOLAN_HOME", home.path().as_os_str())]);
        let dirs = Dirs::from_env(&env).unwrap();
        (home, dirs)
    }

    fn add(dirs: &Dirs, new: New) -> String {
        callers::add(dirs, new, 0).unwrap().reveal().to_owned()
    }

    fn ci() -> New {
        New {
            name: "ci".into(),
            ..New::default()
        }
    }

    #[test]
    fn tokens_lead_to_callers_until_they_are_taken_away() {
        let (_home, dirs) = dirs();
        let token = add(&dirs, ci());
        let registry = Registry::open(&dirs).unwrap();
        assert_eq!(registry.admit(&token).unwrap().as_deref(), Some("ci"));
        assert_eq!(registry.admit("x").unwrap(), None);
        assert!(!registry.refresh().unwrap());
        callers::remove(&dirs, "ci").unwrap();
        assert!(registry.refresh().unwrap());
        assert_eq!(registry.admit(&token).unwrap(), None);
        let old = New {
            expires: Some(1),
            ..ci()
        };
        let token = add(&dirs, old);
        registry.refresh().unwrap();
        assert!(registry.admit(&token).is_err());
    }

    #[test]
    fn while_the_file_is_damaged_nobody_comes_in_by_it() {
        let (_home, dirs) = dirs();
        let token = add(&dirs, ci());
        let registry = Registry::open(&dirs).unwrap();
        let good = std::fs::read(dirs.callers_file()).unwrap();
        std::fs::write(dirs.callers_file(), "nonsense").unwrap();
        assert!(registry.refresh().is_err());
        assert_eq!(registry.admit(&token).unwrap(), None);
        std::fs::write(dirs.callers_file(), good).unwrap();
        assert!(registry.refresh().unwrap());
        assert!(registry.admit(&token).unwrap().is_some());
        std::fs::write(dirs.callers_file(), "nonsense").unwrap();
        assert!(Registry::open(&dirs).is_err());
    }

    #[test]
    fn no_more_at_once_than_it_may() {
        let (_home, dirs) = dirs();
        add(
            &dirs,
            New {
                concurrency: Some(2),
                ..ci()
            },
        );
        let registry = Registry::open(&dirs).unwrap();
        let (one, two) = (registry.enter("ci").unwrap(), registry.enter("ci").unwrap());
        assert!(one.is_some() && registry.enter("ci").is_err());
        assert!(registry.enter("local").unwrap().is_none());
        drop(two);
        assert!(registry.enter("ci").is_ok());
    }

    #[test]
    fn no_more_within_a_minute_than_it_may() {
        let caller = |rate| {
            let (_home, dirs) = dirs();
            add(
                &dirs,
                New {
                    rate: Some(rate),
                    ..ci()
                },
            );
            One::new(callers::load(&dirs).unwrap().callers.remove(0))
        };
        let one = caller(3);
        let now = Instant::now();
        let taken = (0..5).filter(|_| one.has_rate(now)).count();
        assert_eq!(taken, 3);
        assert!(!one.has_rate(now + Duration::from_secs(19)));
        assert!(one.has_rate(now + Duration::from_secs(41)));
        let taken = (0..9)
            .filter(|_| one.has_rate(now + Duration::from_secs(3_600)))
            .count();
        assert_eq!(taken, 3);
    }

    #[test]
    fn rights_come_before_rules() {
        let (_home, dirs) = dirs();
        add(
            &dirs,
            New {
                servers: vec!["git*".into()],
                ..ci()
            },
        );
        add(
            &dirs,
            New {
                name: "reader".into(),
                tools: vec!["read_*".into(), "time:now".into()],
                ..New::default()
            },
        );
        let rightful = Rightful {
            callers: Arc::new(Registry::open(&dirs).unwrap()),
            rules: Arc::new(AllowAll),
        };
        assert!(rightful.is_needed());
        let may = |caller: &str, server: &str, asked: Asked<'_>| {
            let server = ServerFacts {
                name: server.to_owned(),
                kind: "command".into(),
                source: "x".into(),
                catalog: "own".into(),
                transport: "stdio".into(),
            };
            let facts = Facts {
                caller,
                scopes: None,
                client: None,
                server: &server,
                asked,
                era: Era::Handshake,
                now_s: None,
            };
            let may = rightful.decide(&facts) == Decision::Allow;
            assert_eq!(may, rightful.closed(&facts).is_none());
            may
        };
        let tool = |name| Asked::Tool {
            name,
            hints: Hints::default(),
            arguments: None,
        };
        for (caller, server, asked, expected) in [
            ("ci", "github", tool("x"), true),
            ("ci", "github", Asked::Resource("x"), true),
            ("ci", "time", tool("x"), false),
            ("ci", "time", Asked::Load, false),
            ("reader", "github", tool("read_file"), true),
            ("reader", "github", tool("write_file"), false),
            ("reader", "github", tool("now"), false),
            ("reader", "time", tool("now"), true),
            ("reader", "time", Asked::Load, true),
            ("reader", "time", Asked::Prompt("x"), false),
            ("token", "anything", tool("x"), true),
        ] {
            assert_eq!(
                may(caller, server, asked),
                expected,
                "{caller} {server} {asked:?}"
            );
        }
    }
}
