//! The state that all conversations share: servers, sessions, views, and what was learnt.

mod changes;
mod endings;
mod pool;
mod room;
pub(crate) mod rules;
mod views;
mod workspaces;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use auth::Party;
use catalog::{Entry, Share};
use launch::Launcher;
use store::StoreHandle;
use tokio::time::Instant;
use wire::Era;

use crate::asks::{Asks, Capabilities, Side};
use crate::bridge::Parking;
use crate::consents::Consents;
use crate::dynamic::Directory;
use crate::front::{Busy, Caller, Door};
use crate::limits::SETS_MAX;
use crate::options::{Dynamic, Features, Settings, only_tools};
use crate::outbox::lock;
use crate::outward::Wishes;
use crate::phase::{Admission, Decider, Interceptor, Whose};
use crate::pins::AllPins;
use crate::record::{Recorder, StartRecord};
use crate::script::{Running, Seen};
use crate::scripts::Engine;
use crate::server::{Key, Server};
use crate::session::Session;
use crate::sign_in::{self, Holder, SignIns};
use crate::tasks::Tasks;
use crate::telemetry::Telemetry;
use crate::upstream::Upstream;
use crate::upstream::quiet::patience;
use crate::workspace::Workspace;
pub(crate) use endings::Ending;
use endings::Endings;
pub(crate) use pool::Loan;
use pool::Pooled;
pub(crate) use room::Place;
use room::Room;
use views::Shared;
pub(crate) use views::Wanted;

/// Shards of the session table.
const SHARDS: usize = 16;

/// See the module.
pub(crate) struct Core {
    pub(crate) settings: Settings,
    servers: ArcSwap<Vec<Arc<Server>>>,
    /// The choice of tools that each server is made with.
    tools: Vec<String>,
    pub(crate) sign_ins: Option<SignIns>,
    pub(crate) launcher: Arc<dyn Launcher>,
    store: Option<StoreHandle>,
    sessions: [Mutex<HashMap<Box<str>, Arc<Session>>>; SHARDS],
    session_count: AtomicU64,
    /// The workspace of each caller that has no conversation: stateless requests over HTTP.
    bases: Mutex<HashMap<Caller, Arc<Workspace>>>,
    /// For each caller the servers of which it has called a tool without any workspace; nobody sees it.
    asides: Mutex<HashMap<Caller, Arc<Workspace>>>,
    /// Workspaces that clients can name.
    handles: Mutex<HashMap<Arc<str>, Arc<Workspace>>>,
    /// Servers that conversations have added.
    pool: Mutex<Vec<Pooled>>,
    /// What servers there are to add; none where conversations cannot.
    pub(crate) directory: Option<Arc<Directory>>,
    /// Runs scripts; none where nothing does, or there are no dynamic tools.
    pub(crate) scripts: Option<Arc<dyn Engine>>,
    /// What scripts see of lists.
    pub(crate) seen: Seen,
    /// Scripts that run.
    pub(crate) running: Running,
    /// Counts changes of any list.
    generation: AtomicU64,
    next_id: AtomicU64,
    /// Views that other conversations with the same past can use too.
    views: Mutex<Vec<Shared>>,
    pub(crate) telemetry: Telemetry,
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) decider: Arc<dyn Decider>,
    pub(crate) pins: AllPins,
    pub(crate) admission: Option<Arc<dyn Admission>>,
    pub(crate) interceptors: Arc<[Arc<dyn Interceptor>]>,
    pub(crate) tasks: Tasks,
    /// Calls that wait for what their clients answer with another request.
    pub(crate) parking: Parking,
    /// What persons answered to rules that ask.
    pub(crate) consents: Consents,
    pub(crate) wishes: Wishes,
    began: Instant,
    /// What the clock on the wall said then.
    began_at: (SystemTime, std::time::Instant),
    now_ms: AtomicU64,
    pub(crate) in_flight: AtomicU64,
    pub(crate) is_draining: AtomicBool,
    /// Nothing is started any more, not even for calls that are under way.
    pub(crate) is_over: AtomicBool,
    /// Servers that are being ended.
    pub(crate) endings: Endings,
    room: Room,
}

/// What a [`Core`] is made of.
pub(crate) struct Parts {
    pub(crate) settings: Settings,
    pub(crate) entries: Vec<Entry>,
    pub(crate) tools: Vec<String>,
    pub(crate) launcher: Arc<dyn Launcher>,
    /// Where pins are kept, if elsewhere.
    pub(crate) kept: Option<StoreHandle>,
    pub(crate) store: Option<StoreHandle>,
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) decider: Arc<dyn Decider>,
    pub(crate) admission: Option<Arc<dyn Admission>>,
    pub(crate) interceptors: Arc<[Arc<dyn Interceptor>]>,
    pub(crate) tasks: Tasks,
    pub(crate) parking: Parking,
    pub(crate) dynamic: Option<Dynamic>,
    pub(crate) features: Features,
    pub(crate) scripts: Option<Arc<dyn Engine>>,
    pub(crate) sign_ins: Option<SignIns>,
    /// Beside the first gateway of this process: whose servers it has.
    pub(crate) profile: Option<String>,
}

impl Core {
    pub(crate) fn new(parts: Parts) -> Self {
        let telemetry = Telemetry::new(parts.profile.as_deref());
        let servers = parts
            .entries
            .into_iter()
            .map(|entry| {
                made(
                    entry,
                    &parts.tools,
                    parts.sign_ins.as_ref(),
                    &telemetry,
                    &parts.settings,
                )
            })
            .collect();
        let room = Room::new(parts.settings.servers_max);
        Self {
            pins: AllPins::new(
                parts.settings.pin,
                parts.kept.or_else(|| parts.store.clone()),
            ),
            settings: parts.settings,
            servers: ArcSwap::from_pointee(servers),
            tools: parts.tools,
            sign_ins: parts.sign_ins,
            launcher: parts.launcher,
            store: parts.store,
            sessions: std::array::from_fn(|_| Mutex::default()),
            session_count: AtomicU64::new(0),
            bases: Mutex::default(),
            asides: Mutex::default(),
            handles: Mutex::default(),
            pool: Mutex::default(),
            scripts: parts.scripts.filter(|_| parts.dynamic.is_some()),
            seen: Seen::default(),
            running: Running::default(),
            directory: parts
                .dynamic
                .map(|dynamic| Arc::new(Directory::new(dynamic, parts.features))),
            generation: AtomicU64::new(1),
            next_id: AtomicU64::new(1),
            views: Mutex::default(),
            telemetry,
            recorder: parts.recorder,
            decider: parts.decider,
            admission: parts.admission,
            interceptors: parts.interceptors,
            tasks: parts.tasks,
            parking: parts.parking,
            consents: Consents::default(),
            wishes: Wishes::default(),
            began: Instant::now(),
            began_at: (SystemTime::now(), std::time::Instant::now()),
            now_ms: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            is_draining: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            endings: Endings::default(),
            room,
        }
    }

    /// Milliseconds since the gateway began, as of the last sweep: idle times need no clock of their own per call.
    pub(crate) fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    /// The time of day at this instant: one clock read less for each call.
    pub(crate) fn wall_clock(&self, at: std::time::Instant) -> SystemTime {
        let (wall, instant) = self.began_at;
        wall + at.duration_since(instant)
    }

    /// A number unique in this process: call ids, ids of requests to servers, workspaces.
    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Where learnt lists and answers outlive the process, if there is such a place.
    pub(crate) fn store(&self) -> Option<&StoreHandle> {
        self.store.as_ref()
    }

    /// The caller with whose account a server is spoken to for them; none: the person's counts.
    pub(crate) fn holder(&self, server: &Server, caller: &Caller) -> Option<Holder> {
        server
            .passes
            .as_ref()?
            .holder(&caller.0, self.whose(caller))
    }

    fn whose(&self, caller: &Caller) -> Whose {
        let admission = self.admission.as_ref();
        admission.map_or(Whose::Person, |admission| admission.accounts(&caller.0))
    }

    /// The upstream that a workspace uses already.
    pub(crate) fn attached(&self, side: &Side<'_>, server: &Server) -> Option<Arc<Upstream>> {
        let holder = self.holder(server, &side.workspace.caller);
        side.workspace.upstream(server, side, holder.as_ref())
    }

    /// Whether signing in could be what an entry lacks, and somebody could do it.
    pub(crate) fn can_sign_in(&self, entry: &Entry) -> bool {
        self.sign_ins.is_some() && sign_in::is_possible(entry)
    }

    /// Whether there is an account at the server of an entry that the calls of a caller may be made with.
    pub(crate) fn is_signed_in(&self, entry: &Entry, caller: &Caller) -> bool {
        let sign_ins = self.sign_ins.as_ref();
        let Some(sign_ins) = sign_ins.filter(|_| sign_in::is_possible(entry)) else {
            return false;
        };
        let has = |holder| {
            let party = (sign_ins.party)(entry);
            sign_ins.accounts.has(&Party { holder, ..party })
        };
        let own = || has(Some(caller.0.to_string()));
        match self.whose(caller) {
            Whose::Person => has(None),
            Whose::Own(_) => own(),
            Whose::OwnOrPerson(_) => own() || has(None),
        }
    }

    /// The servers in configuration order, as of now.
    pub(crate) fn servers(&self) -> Arc<Vec<Arc<Server>>> {
        self.servers.load_full()
    }

    pub(crate) fn server(&self, name: &str) -> Option<Arc<Server>> {
        self.servers
            .load()
            .iter()
            .find(|server| &*server.name == name)
            .cloned()
    }

    /// Lets go of the upstreams that are left: everything has ended.
    pub(crate) fn forget_all(&self) {
        for server in self.all_servers() {
            for upstream in server.upstreams() {
                server.forget(&upstream);
            }
        }
    }

    /// Ends every `subscriptions/listen` stream.
    pub(crate) fn end_listens(&self) {
        for workspace in self.workspaces() {
            for listen in workspace.listens() {
                listen.end();
            }
        }
    }

    pub(crate) fn workspaces(&self) -> Vec<Arc<Workspace>> {
        let of_sessions = self.sessions().into_iter().map(|s| s.workspace.clone());
        let bases: Vec<Arc<Workspace>> = lock(&self.bases).values().cloned().collect();
        let named = lock(&self.handles);
        let named = named.values().filter(|w| w.session().is_none()).cloned();
        of_sessions.chain(bases).chain(named).collect()
    }

    // === conversations ===

    pub(crate) fn open(&self, caller: Caller, door: Door) -> Result<Arc<Session>, Busy> {
        let mut secret = [0u8; 24];
        getrandom::fill(&mut secret).map_err(|_| Busy)?;
        if self.is_draining.load(Ordering::Relaxed) {
            return Err(Busy);
        }
        let max = self.settings.sessions_max as u64;
        if self.session_count.fetch_add(1, Ordering::Relaxed) >= max {
            self.session_count.fetch_sub(1, Ordering::Relaxed);
            return Err(Busy);
        }
        let id: Box<str> =
            base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, secret)
                .into();
        let workspace = Arc::new(Workspace::new(self.next_id(), caller.clone()));
        let session = Arc::new(Session::new(
            id.clone(),
            caller,
            door,
            workspace,
            self.now_ms(),
        ));
        session.workspace.set_session(&session);
        lock(self.shard(&id)).insert(id, session.clone());
        self.telemetry.sessions.inc();
        Ok(session)
    }

    pub(crate) fn session(&self, id: &str, caller: &Caller) -> Option<Arc<Session>> {
        let session = lock(self.shard(id)).get(id).cloned()?;
        // Somebody else's session does not exist.
        if session.caller != *caller {
            return None;
        }
        session.last_seen.store(self.now_ms(), Ordering::Relaxed);
        Some(session)
    }

    pub(crate) fn sessions(&self) -> Vec<Arc<Session>> {
        self.sessions
            .iter()
            .flat_map(|shard| lock(shard).values().cloned().collect::<Vec<_>>())
            .collect()
    }

    /// Ends a conversation and what only it used.
    pub(crate) fn close(self: &Arc<Self>, session: &Session) {
        let Some(questions) = session.shut() else {
            return;
        };
        if lock(self.shard(session.id()))
            .remove(session.id())
            .is_some()
        {
            self.session_count.fetch_sub(1, Ordering::Relaxed);
            self.telemetry.sessions.dec();
        }
        for question in questions {
            question.refuse("the client has gone");
        }
        for call in session.calls() {
            call.cancel(Some("the client has gone"));
        }
        for resource in session.take_subscriptions() {
            crate::method::subscriptions::release(session, &resource);
        }
        self.leave(&session.workspace);
    }

    /// Lets go of a workspace's upstreams; those that nobody shares are closed.
    pub(crate) fn leave(self: &Arc<Self>, workspace: &Workspace) {
        for listen in workspace.listens() {
            listen.end();
        }
        self.parking.leave(workspace.id);
        self.consents.leave(workspace.id);
        self.wishes.leave(workspace.id);
        self.forget_handle(workspace);
        let added = lock(&workspace.chosen).take_all();
        for server in added {
            self.give_back(&server, workspace);
        }
        for upstream in workspace.upstreams() {
            workspace.detach(&upstream);
            let is_unused = upstream.detach(workspace);
            if is_unused && !upstream.key.is_shared() {
                upstream.server.forget(&upstream);
                let ending = self.endings.begin();
                tokio::spawn(async move {
                    upstream.close().await;
                    drop(ending);
                });
            }
        }
    }

    fn shard(&self, id: &str) -> &Mutex<HashMap<Box<str>, Arc<Session>>> {
        let sum = id.bytes().take(4).fold(0usize, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(usize::from(byte))
        });
        &self.sessions[sum % SHARDS]
    }

    /// The workspace of a caller's stateless requests.
    pub(crate) fn base(&self, caller: &Caller) -> Arc<Workspace> {
        self.of_caller(&self.bases, caller)
    }

    /// The workspace of a caller's calls by `mcp-exec` that name a server but no workspace.
    pub(crate) fn aside(&self, caller: &Caller) -> Arc<Workspace> {
        self.of_caller(&self.asides, caller)
    }

    fn of_caller(
        &self,
        all: &Mutex<HashMap<Caller, Arc<Workspace>>>,
        caller: &Caller,
    ) -> Arc<Workspace> {
        let mut all = lock(all);
        if let Some(known) = all.get(caller) {
            return known.clone();
        }
        let new = Arc::new(Workspace::new(self.next_id(), caller.clone()));
        all.insert(caller.clone(), new.clone());
        new
    }

    // === upstreams ===

    /// The upstream that calls of this side use for this server.
    pub(crate) fn upstream(
        self: &Arc<Self>,
        side: &Side<'_>,
        server: &Arc<Server>,
    ) -> Arc<Upstream> {
        let holder = self.holder(server, &side.workspace.caller);
        if let Some(upstream) = side.workspace.upstream(server, side, holder.as_ref()) {
            return upstream;
        }
        let sets = side.workspace.upstreams_of(server, side.era);
        let side = &match sets < SETS_MAX {
            true => *side,
            // Who declares ever other things is asked nothing.
            false => Side {
                asks: Asks::NONE,
                ..*side
            },
        };
        let session = side.workspace.session();
        let capabilities = asker(session.as_ref(), side.era);
        let key = Key::new(server, side, capabilities, holder);
        let upstream = server.upstream(&key, || {
            Arc::new(Upstream::new(
                self.next_id(),
                server.clone(),
                key.clone(),
                self,
                capabilities,
            ))
        });
        upstream.attach(side.workspace);
        side.workspace.attach(&upstream);
        if let Some(level) = session
            .as_ref()
            .map(|s| s.level())
            .filter(|level| *level > 0)
        {
            upstream.wish_level(level);
        }
        // It may have ended between the call's arrival and now; who ended it did not see this upstream.
        if session.is_some_and(|session| session.is_closed()) {
            self.leave(side.workspace);
        }
        if self.is_over.load(Ordering::Relaxed) {
            server.forget(&upstream);
        }
        // A call that found it before a reload does not start it again.
        if server.is_gone() {
            server.forget(&upstream);
            upstream.clone().retire();
        }
        upstream
    }

    /// The upstream that calls of this side would use, if others have started it already.
    fn started_by_others(&self, side: &Side<'_>, server: &Server) -> Option<Arc<Upstream>> {
        if server.entry.share() == Share::Workspace {
            return None;
        }
        let session = side.workspace.session();
        let holder = self.holder(server, &side.workspace.caller);
        let key = Key::new(server, side, asker(session.as_ref(), side.era), holder);
        server.known_upstream(&key)
    }

    /// Lets a conversation hear of the changes of shared servers that others have started.
    fn join(self: &Arc<Self>, side: &Side<'_>) {
        for server in self.servers().iter() {
            if self.attached(side, server).is_none()
                && self.started_by_others(side, server).is_some()
                && self.closed(side, &server.facts).is_none()
            {
                self.upstream(side, server);
            }
        }
    }

    pub(crate) fn note_start(&self, server: &Server, took: Duration, failure: Option<&str>) {
        self.telemetry.started(&server.name, failure.is_none());
        self.recorder.start(StartRecord {
            server: server.name.clone(),
            took,
            failure: failure.map(str::to_owned),
        });
    }

    // === time ===

    /// Looks at deadlines and idle times until the gateway is gone.
    pub(crate) async fn tend(core: Weak<Self>) {
        let mut interval = tokio::time::interval(crate::limits::SWEEP);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            let Some(core) = core.upgrade() else { return };
            core.sweep();
        }
    }

    fn sweep(self: &Arc<Self>) {
        let now_ms = self.began.elapsed().as_millis() as u64;
        self.now_ms.store(now_ms, Ordering::Relaxed);
        for server in self.all_servers() {
            let patience = patience(&server, &self.settings);
            server.forget_unused();
            for upstream in server.upstreams() {
                upstream.sweep();
                upstream.tend(now_ms, patience);
            }
        }
        self.parking.sweep();
        self.look_at_pins();
        self.sweep_workspaces(now_ms);
        let session_idle = self.settings.session_idle.as_millis() as u64;
        for session in self.sessions() {
            for question in session.expire_questions() {
                question.refuse("nobody answered in time");
            }
            let idle = now_ms.saturating_sub(session.last_seen.load(Ordering::Relaxed));
            if session.door != Door::Stdio
                && !session.is_busy()
                && session_idle > 0
                && idle > session_idle
            {
                self.close(&session);
            }
        }
    }
}

/// What a client of the handshake era said once for all its calls.
fn asker(session: Option<&Arc<Session>>, era: Era) -> Option<&Capabilities> {
    session
        .filter(|_| era == Era::Handshake)
        .and_then(|session| session.capabilities())
}

fn made(
    entry: Entry,
    tools: &[String],
    sign_ins: Option<&SignIns>,
    telemetry: &Telemetry,
    settings: &Settings,
) -> Arc<Server> {
    let metrics = telemetry.of_server(entry.name.as_str());
    let tools = only_tools(tools, entry.name.as_str());
    let calls_at_once = settings.calls_at_once;
    Arc::new(Server::new(entry, tools, sign_ins, metrics, calls_at_once))
}
