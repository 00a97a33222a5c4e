//! One configured server: its entry, what was learnt of it, its upstreams by isolation key, and how it fares.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use catalog::{Entry, Share};
use launch::Backoff;
use tokio::time::Instant;
use wire::Era;

use crate::asks::{Asks, Capabilities, Side};
use crate::complaints::Complaints;
use crate::eras::Eras;
use crate::follow::Logs;
use crate::front::Caller;
use crate::lists::Lists;
use crate::outbox::lock;
use crate::pins::pins_key;
use crate::secrecy::Secrecy;
use crate::sign_in::{Holder, Passes, SignIns};
use crate::telemetry::ServerMetrics;
use crate::upstream::Upstream;
use crate::upstream::lanes::Lanes;
use crate::upstream::quiet::Pings;

/// See the module.
pub(crate) struct Server {
    pub(crate) name: Arc<str>,
    pub(crate) entry: Entry,
    /// Under what the store keeps what its tools looked like.
    pub(crate) pins: Box<str>,
    /// The credentials that it was given.
    pub(crate) secrecy: Arc<Secrecy>,
    /// The ways in, where signing in could be what it lacks.
    pub(crate) passes: Option<Passes>,
    /// What rules know of it.
    pub(crate) facts: policy::ServerFacts,
    pub(crate) metrics: ServerMetrics,
    fingerprint: String,
    has_credentials: bool,
    /// Whether it ever declared something about tasks.
    has_tasks: AtomicBool,
    /// Offered tools beyond the entry's own filter (`--tools`); none: all.
    only_tools: Option<Vec<String>>,
    upstreams: Mutex<HashMap<Key, Arc<Upstream>>>,
    learnt: Mutex<HashMap<Learnt, Option<Arc<Lists>>>>,
    breaker: Mutex<Breaker>,
    pub(crate) complaints: Complaints,
    pub(crate) pings: Pings,
    /// How many of its calls may be under way.
    pub(crate) lanes: Lanes,
    /// What is fetched before it can be started, while it is.
    preparing: Mutex<Option<String>>,
    /// What its processes write on stderr.
    pub(crate) logs: Logs,
    /// What the last upstream wrote on stderr before it went away.
    last_words: Mutex<Vec<String>>,
    pub(crate) eras: Eras,
    is_stopped: AtomicBool,
    /// Another one has taken its place, or none.
    is_gone: AtomicBool,
    pub(crate) calls: AtomicU64,
    pub(crate) errors: AtomicU64,
}

/// What two calls must have in common to share an upstream, besides the server itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// The era of the clients; what is spoken with the server is the connection's matter.
    pub(crate) clients: Era,
    scope: Scope,
    /// The capabilities that a handshake freezes, as the client wrote them.
    capabilities: Option<Box<str>>,
    /// The same for clients that say with each request what they can be asked, before a server that wants to know
    /// once.
    pub(crate) asks: Asks,
    /// The caller with whose account the server is spoken to.
    pub(crate) holder: Option<Holder>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Scope {
    Workspace(u64),
    Caller(Caller),
    All,
}

impl Key {
    /// The key for calls of this side. `capabilities` are those of a handshake-era client.
    pub(crate) fn new(
        server: &Server,
        side: &Side<'_>,
        capabilities: Option<&Capabilities>,
        holder: Option<Holder>,
    ) -> Self {
        let asks = side.asks_of(server);
        let has_roots = capabilities.is_some_and(|c| c.asks.roots()) || asks.roots();
        let scope = match server.entry.share() {
            Share::Workspace => Scope::Workspace(side.workspace.id),
            // Folders belong to one conversation; who declares them does not share.
            Share::Caller | Share::All if has_roots => Scope::Workspace(side.workspace.id),
            Share::Caller => Scope::Caller(side.workspace.caller.clone()),
            Share::All if holder.is_some() => Scope::Caller(side.workspace.caller.clone()),
            Share::All => Scope::All,
        };
        let capabilities = match scope {
            Scope::Workspace(_) => None,
            Scope::Caller(_) | Scope::All => capabilities.map(|c| c.raw.clone()),
        };
        Self {
            clients: side.era,
            scope,
            capabilities,
            asks,
            holder,
        }
    }

    /// Whether several callers can meet on it.
    pub(crate) fn is_of_all(&self) -> bool {
        self.scope == Scope::All
    }

    /// Whether several workspaces can meet on it.
    pub(crate) fn is_shared(&self) -> bool {
        !matches!(self.scope, Scope::Workspace(_))
    }
}

/// For whom a learnt list holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Learnt {
    /// In which it was listed.
    era: Era,
    /// The caller, where the server holds credentials.
    caller: Option<Caller>,
}

/// Consecutive failures, and when to try again.
#[derive(Default)]
struct Breaker {
    backoff: Backoff,
    reason: Option<String>,
    retry_at: Option<Instant>,
}

impl Server {
    pub(crate) fn new(
        entry: Entry,
        only_tools: Option<Vec<String>>,
        sign_ins: Option<&SignIns>,
        metrics: ServerMetrics,
        calls_at_once: usize,
    ) -> Self {
        let secrecy = Arc::new(Secrecy::of(&entry));
        let calls_at_once = entry.calls_at_once.map_or(calls_at_once, |n| n as usize);
        Self {
            name: entry.name.as_str().into(),
            pins: pins_key(&entry).into(),
            passes: Passes::of(&entry, sign_ins, &secrecy),
            secrecy,
            facts: crate::rules::server_facts(&entry),
            fingerprint: entry.fingerprint(),
            has_credentials: entry.has_credentials(),
            has_tasks: AtomicBool::new(false),
            only_tools,
            entry,
            metrics,
            upstreams: Mutex::default(),
            learnt: Mutex::default(),
            breaker: Mutex::default(),
            complaints: Complaints::default(),
            pings: Pings::default(),
            lanes: Lanes::new(calls_at_once),
            preparing: Mutex::default(),
            logs: Logs::default(),
            last_words: Mutex::default(),
            eras: Eras::default(),
            is_stopped: AtomicBool::new(false),
            is_gone: AtomicBool::new(false),
            calls: AtomicU64::new(0),
            errors: AtomicU64::new(0),
        }
    }

    /// `command`, `remote`, `container`, `package` or `unavailable`.
    pub(crate) fn kind(&self) -> &'static str {
        self.entry.kind()
    }

    /// Whether what it answers may depend on a credential: also one that somebody gets by signing in, now or later.
    fn has_credentials(&self) -> bool {
        self.has_credentials || self.passes.is_some()
    }

    /// Whether it was shown a token, so that what it says is not everybody's.
    pub(crate) fn is_signed_in(&self) -> bool {
        self.passes.as_ref().is_some_and(Passes::is_used)
    }

    /// Whether clients may see this tool.
    pub(crate) fn allows_tool(&self, tool: &str) -> bool {
        self.entry.allows_tool(tool)
            && self.only_tools.as_ref().is_none_or(|list| {
                list.iter()
                    .any(|t| t == "*" || t.eq_ignore_ascii_case(tool))
            })
    }

    // === upstreams ===

    /// The upstream for this key; made by `make` if there is none.
    pub(crate) fn upstream(
        &self,
        key: &Key,
        make: impl FnOnce() -> Arc<Upstream>,
    ) -> Arc<Upstream> {
        lock(&self.upstreams)
            .entry(key.clone())
            .or_insert_with(make)
            .clone()
    }

    /// The upstream for this key, if there is one.
    pub(crate) fn known_upstream(&self, key: &Key) -> Option<Arc<Upstream>> {
        lock(&self.upstreams).get(key).cloned()
    }

    /// All upstreams.
    pub(crate) fn upstreams(&self) -> Vec<Arc<Upstream>> {
        lock(&self.upstreams).values().cloned().collect()
    }

    /// It is configured no more; its upstreams, to be ended. Who makes another one afterwards sees that by [`Self::is_gone`].
    pub(crate) fn go(&self) -> Vec<Arc<Upstream>> {
        self.is_gone.store(true, Ordering::SeqCst);
        self.upstreams()
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.is_gone.load(Ordering::SeqCst)
    }

    /// Takes an upstream out of the table.
    pub(crate) fn forget(&self, upstream: &Upstream) {
        lock(&self.upstreams).retain(|_, known| known.id != upstream.id);
    }

    /// Lets go of shared upstreams that nobody uses any more and that have ended.
    pub(crate) fn forget_unused(&self) {
        let mut upstreams = lock(&self.upstreams);
        // Whoever is about to use one holds it already, since it is found under this lock.
        upstreams.retain(|_, known| Arc::strong_count(known) > 1 || known.current().is_some());
    }

    // === what was learnt ===

    /// What is known of its lists without asking it. `load` reads the persisted text the first time.
    pub(crate) fn learnt(
        &self,
        era: Era,
        caller: &Caller,
        load: impl FnOnce(&str) -> Option<Arc<Lists>>,
    ) -> Option<Arc<Lists>> {
        let key = self.learnt_key(era, caller);
        let mut learnt = lock(&self.learnt);
        if let Some(known) = learnt.get(&key) {
            return known.clone();
        }
        let loaded = load(&self.stored_key(&key));
        learnt.insert(key, loaded.clone());
        loaded
    }

    /// Keeps what a fresh upstream listed; the key under which to persist it.
    pub(crate) fn learn(&self, era: Era, caller: &Caller, lists: Arc<Lists>) -> String {
        let key = self.learnt_key(era, caller);
        let stored = self.stored_key(&key);
        lock(&self.learnt).insert(key, Some(lists));
        stored
    }

    fn learnt_key(&self, era: Era, caller: &Caller) -> Learnt {
        Learnt {
            era,
            caller: self.has_credentials().then(|| caller.clone()),
        }
    }

    fn stored_key(&self, key: &Learnt) -> String {
        let caller = key.caller.as_ref().map_or("*", |caller| &caller.0);
        format!("{}/{}/{:?}/{caller}", self.name, self.fingerprint, key.era)
    }

    /// Of whom what its tools give is learnt: nothing that depends on a credential is another caller's.
    pub(crate) fn origin(&self, caller: &Caller) -> String {
        let caller = if self.has_credentials() {
            &caller.0
        } else {
            "*"
        };
        format!("{}/{}/{caller}", self.name, self.fingerprint)
    }

    /// Under which key the eras that it speaks are persisted.
    pub(crate) fn eras_key(&self) -> String {
        format!("{}/{}", self.name, self.fingerprint)
    }

    /// How many tools are known without a live upstream.
    pub(crate) fn tools_learnt(&self) -> Option<usize> {
        lock(&self.learnt)
            .values()
            .flatten()
            .map(|lists| lists.tools.len())
            .max()
    }

    /// Notes what a server said of itself.
    pub(crate) fn declared(&self, capabilities: &str) {
        if capabilities.contains("tasks") {
            self.has_tasks.store(true, Ordering::Relaxed);
        }
    }

    /// Whether its answers can name tasks.
    pub(crate) fn has_tasks(&self) -> bool {
        self.has_tasks.load(Ordering::Relaxed)
    }

    // === the breaker ===

    /// Why it cannot be started right now, if so.
    pub(crate) fn barred(&self) -> Option<String> {
        if self.entry.disabled {
            return Some(format!("it is disabled in {}", self.entry.source));
        }
        if self.is_stopped() {
            return Some(format!(
                "it was stopped; `portolan server restart {}` starts it again",
                self.name
            ));
        }
        let breaker = lock(&self.breaker);
        let retry_at = breaker.retry_at?;
        let wait = retry_at
            .checked_duration_since(Instant::now())
            .filter(|wait| !wait.is_zero())?;
        let reason = breaker.reason.as_deref().unwrap_or("it failed");
        let seconds = wait.as_secs() + 1;
        Some(match breaker.backoff.failures() {
            0 | 1 => format!("{reason} (next try in {seconds} s)"),
            failures => {
                format!("{reason} (failed {failures} times in a row; next try in {seconds} s)")
            }
        })
    }

    /// Counts a failed start or a death right after it.
    pub(crate) fn failed(&self, reason: String) {
        let mut breaker = lock(&self.breaker);
        breaker.backoff.failed();
        breaker.reason = Some(reason);
        let delay = breaker.backoff.delay();
        breaker.retry_at = (delay > Duration::ZERO).then(|| Instant::now() + delay);
    }

    /// It wants somebody to sign in: that is no failure of its, and the next call may find that somebody has.
    pub(crate) fn unsigned(&self, reason: String) {
        let mut breaker = lock(&self.breaker);
        breaker.reason = Some(reason);
        breaker.retry_at = None;
    }

    /// It has started: it may be used, and there is nothing to say against it. How often it failed is forgotten only
    /// once it has lasted.
    pub(crate) fn started(&self) {
        let mut breaker = lock(&self.breaker);
        breaker.reason = None;
        breaker.retry_at = None;
        self.complaints.call_answered();
    }

    /// A success closes the breaker.
    pub(crate) fn succeeded(&self) {
        let mut breaker = lock(&self.breaker);
        if breaker.backoff.failures() > 0 {
            *breaker = Breaker::default();
        }
    }

    /// Why it failed last, if it has not worked since.
    pub(crate) fn failure(&self) -> Option<String> {
        lock(&self.breaker).reason.clone()
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    pub(crate) fn set_stopped(&self, stopped: bool) {
        self.is_stopped.store(stopped, Ordering::Relaxed);
        self.complaints.call_answered();
        self.succeeded();
    }

    // === what it needs first ===

    /// What is fetched before it can be started, if something is.
    pub(crate) fn preparing(&self) -> Option<String> {
        lock(&self.preparing).clone()
    }

    pub(crate) fn set_preparing(&self, what: Option<&str>) {
        *lock(&self.preparing) = what.map(str::to_owned);
    }

    // === last words ===

    pub(crate) fn set_last_words(&self, lines: Vec<String>) {
        if !lines.is_empty() {
            *lock(&self.last_words) = lines;
        }
    }

    pub(crate) fn last_words(&self) -> Vec<String> {
        lock(&self.last_words).clone()
    }
}
