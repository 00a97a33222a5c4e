//! The state that all conversations share: servers, sessions, views, and what was learnt.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use catalog::{Entry, Share};
use futures_util::future::join_all;
use launch::Launcher;
use store::StoreHandle;
use tokio::time::Instant;
use wire::Era;

use crate::front::{Busy, Caller, Door, Reloaded};
use crate::limits::VIEWS_MAX;
use crate::lists::{Kind, Lists};
use crate::options::{Settings, only_tools};
use crate::outbox::lock;
use crate::phase::{Decider, Interceptor};
use crate::record::{Recorder, StartRecord};
use crate::server::{Key, Server};
use crate::session::Session;
use crate::tasks::Tasks;
use crate::telemetry::Telemetry;
use crate::upstream::Upstream;
use crate::view::{Part, View};
use crate::workspace::Workspace;

/// The kind under which lists are persisted.
const STORED_LISTS: &str = "lists";
/// Shards of the session table.
const SHARDS: usize = 16;

/// See the module.
pub(crate) struct Core {
    pub(crate) settings: Settings,
    servers: ArcSwap<Vec<Arc<Server>>>,
    /// The choice of tools that each server is made with.
    tools: Vec<String>,
    pub(crate) launcher: Arc<dyn Launcher>,
    store: Option<StoreHandle>,
    sessions: [Mutex<HashMap<Box<str>, Arc<Session>>>; SHARDS],
    session_count: AtomicU64,
    /// The workspace of each caller that has no conversation: stateless requests over HTTP.
    bases: Mutex<HashMap<Caller, Arc<Workspace>>>,
    /// Counts changes of any list.
    generation: AtomicU64,
    next_id: AtomicU64,
    /// Views that other conversations with the same past can use too.
    views: Mutex<Vec<Shared>>,
    pub(crate) telemetry: Telemetry,
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) decider: Arc<dyn Decider>,
    pub(crate) interceptors: Vec<Arc<dyn Interceptor>>,
    pub(crate) tasks: Tasks,
    began: Instant,
    /// What the clock on the wall said then.
    began_at: (SystemTime, std::time::Instant),
    now_ms: AtomicU64,
    pub(crate) in_flight: AtomicU64,
    pub(crate) is_draining: AtomicBool,
}

struct Shared {
    before: Option<Weak<View>>,
    view: Weak<View>,
}

/// What a [`Core`] is made of.
pub(crate) struct Parts {
    pub(crate) settings: Settings,
    pub(crate) entries: Vec<Entry>,
    pub(crate) tools: Vec<String>,
    pub(crate) launcher: Arc<dyn Launcher>,
    pub(crate) store: Option<StoreHandle>,
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) decider: Arc<dyn Decider>,
    pub(crate) interceptors: Vec<Arc<dyn Interceptor>>,
    pub(crate) tasks: Tasks,
}

impl Core {
    pub(crate) fn new(parts: Parts) -> Self {
        let telemetry = Telemetry::new();
        let servers = parts
            .entries
            .into_iter()
            .map(|entry| made(entry, &parts.tools, &telemetry))
            .collect();
        Self {
            settings: parts.settings,
            servers: ArcSwap::from_pointee(servers),
            tools: parts.tools,
            launcher: parts.launcher,
            store: parts.store,
            sessions: std::array::from_fn(|_| Mutex::default()),
            session_count: AtomicU64::new(0),
            bases: Mutex::default(),
            generation: AtomicU64::new(1),
            next_id: AtomicU64::new(1),
            views: Mutex::default(),
            telemetry,
            recorder: parts.recorder,
            decider: parts.decider,
            interceptors: parts.interceptors,
            tasks: parts.tasks,
            began: Instant::now(),
            began_at: (SystemTime::now(), std::time::Instant::now()),
            now_ms: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            is_draining: AtomicBool::new(false),
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

    /// Other entries from now on. Servers whose entry stays the same go on undisturbed; the others are let go once
    /// their calls have ended.
    pub(crate) fn reload(self: &Arc<Self>, entries: Vec<Entry>) -> Reloaded {
        let before = self.servers();
        let mut reloaded = Reloaded::default();
        let servers: Vec<Arc<Server>> = entries
            .into_iter()
            .map(|entry| {
                match before
                    .iter()
                    .find(|server| *server.name == *entry.name.as_str())
                {
                    Some(server) if server.entry == entry => server.clone(),
                    known => {
                        let names = if known.is_some() {
                            &mut reloaded.changed
                        } else {
                            &mut reloaded.added
                        };
                        names.push(entry.name.to_string());
                        made(entry, &self.tools, &self.telemetry)
                    }
                }
            })
            .collect();
        let gone: Vec<&Arc<Server>> = before
            .iter()
            .filter(|old| !servers.iter().any(|new| Arc::ptr_eq(old, new)))
            .collect();
        reloaded.removed = gone
            .iter()
            .filter(|old| !servers.iter().any(|new| new.name == old.name))
            .map(|server| server.name.to_string())
            .collect();
        let uses_gone: Vec<Arc<Upstream>> =
            gone.iter().flat_map(|server| server.upstreams()).collect();
        self.servers.store(Arc::new(servers));
        if reloaded.is_empty() {
            return reloaded;
        }
        self.changed();
        for upstream in uses_gone {
            self.telemetry.upstreams.dec();
            upstream.retire();
        }
        self.tell_all();
        reloaded
    }

    /// Tells every conversation that its lists may be others now.
    fn tell_all(&self) {
        for workspace in self.workspaces() {
            for kind in [Kind::Tools, Kind::Prompts, Kind::Resources] {
                workspace.list_changed(kind, Era::Handshake);
                workspace.list_changed(kind, Era::Stateless);
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

    fn workspaces(&self) -> Vec<Arc<Workspace>> {
        let of_sessions = self.sessions().into_iter().map(|s| s.workspace.clone());
        let bases: Vec<Arc<Workspace>> = lock(&self.bases).values().cloned().collect();
        of_sessions.chain(bases).collect()
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
            crate::method::subscriptions::release(self, session, &resource);
        }
        self.leave(&session.workspace);
    }

    /// Lets go of a workspace's upstreams; those that nobody shares are closed.
    pub(crate) fn leave(self: &Arc<Self>, workspace: &Workspace) {
        for listen in workspace.listens() {
            listen.handle.slot.leave();
        }
        for upstream in workspace.upstreams() {
            workspace.detach(&upstream);
            let is_unused = upstream.detach(workspace);
            if is_unused && !upstream.key.is_shared() {
                upstream.server.forget(&upstream);
                self.telemetry.upstreams.dec();
                tokio::spawn(async move { upstream.close().await });
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
        let mut bases = lock(&self.bases);
        if let Some(base) = bases.get(caller) {
            return base.clone();
        }
        let base = Arc::new(Workspace::new(self.next_id(), caller.clone()));
        bases.insert(caller.clone(), base.clone());
        base
    }

    // === upstreams ===

    /// The upstream that calls of this workspace use for this server.
    pub(crate) fn upstream(
        self: &Arc<Self>,
        workspace: &Arc<Workspace>,
        server: &Arc<Server>,
        era: Era,
    ) -> Arc<Upstream> {
        if let Some(upstream) = workspace.upstream(server, era) {
            return upstream;
        }
        let session = workspace.session();
        let asker = asker(session.as_ref(), era);
        let key = key(workspace, server, era);
        let upstream = server.upstream(&key, || {
            self.telemetry.upstreams.inc();
            Arc::new(Upstream::new(
                self.next_id(),
                server.clone(),
                key.clone(),
                self,
                asker,
            ))
        });
        upstream.attach(workspace);
        workspace.attach(&upstream);
        if let Some(level) = session
            .as_ref()
            .map(|s| s.level())
            .filter(|level| *level > 0)
        {
            upstream.wish_level(level);
        }
        // It may have ended between the call's arrival and now; who ended it did not see this upstream.
        if session.is_some_and(|session| session.is_closed()) {
            self.leave(workspace);
        }
        upstream
    }

    /// The upstream that calls of this workspace would use, if others have started it already.
    fn started_by_others(
        &self,
        workspace: &Workspace,
        server: &Server,
        era: Era,
    ) -> Option<Arc<Upstream>> {
        if server.entry.share() == Share::Workspace {
            return None;
        }
        server.known_upstream(&key(workspace, server, era))
    }

    /// Lets a conversation hear of the changes of shared servers that others have started.
    fn join(self: &Arc<Self>, workspace: &Arc<Workspace>, era: Era) {
        for server in self.servers().iter() {
            if workspace.upstream(server, era).is_none()
                && self.started_by_others(workspace, server, era).is_some()
            {
                self.upstream(workspace, server, era);
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

    // === lists ===

    /// Some list changed: views made so far are looked at again.
    pub(crate) fn changed(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Keeps the first lists of a started server for conversations to come; what was known before.
    pub(crate) fn learn(&self, upstream: &Upstream, lists: &Arc<Lists>) -> Option<Arc<Lists>> {
        let caller = upstream
            .workspaces()
            .first()
            .map_or_else(|| Caller("".into()), |w| w.caller.clone());
        let before = self.learnt(&upstream.server, upstream.key.era, &caller);
        let key = upstream
            .server
            .learn(upstream.key.era, &caller, lists.clone());
        if let Some(store) = &self.store
            && before.as_ref() != Some(lists)
            && let Ok(text) = serde_json::to_vec(&**lists)
        {
            // A full queue loses it; it is learnt again then.
            let _ = store.put(&key, STORED_LISTS, text);
        }
        before
    }

    fn learnt(&self, server: &Server, era: Era, caller: &Caller) -> Option<Arc<Lists>> {
        server.learnt(era, caller, |key| {
            let text = self.store.as_ref()?.get(key, STORED_LISTS).ok()??;
            serde_json::from_slice(&text).ok().map(Arc::new)
        })
    }

    /// What this workspace sees now.
    pub(crate) fn view(
        &self,
        workspace: &Workspace,
        era: Era,
        only: Option<&Arc<str>>,
    ) -> Arc<View> {
        let generation = self.generation.load(Ordering::Acquire);
        let (before, is_fresh) = workspace.view(era, only, generation);
        if let (Some(view), true) = (&before, is_fresh) {
            return view.clone();
        }
        let parts = self.parts(workspace, era, only);
        let view = match &before {
            Some(view) if same(&view.parts, &parts) => view.clone(),
            _ => self.shared_view(parts, before.as_ref()),
        };
        workspace.set_view(era, only, generation, &view);
        view
    }

    fn parts(&self, workspace: &Workspace, era: Era, only: Option<&Arc<str>>) -> Vec<Part> {
        let servers = self.servers.load();
        let wanted = servers.iter().filter(|server| {
            !server.entry.disabled
                && !server.refuses(era)
                && only.is_none_or(|only| *only == server.name)
        });
        wanted
            .map(|server| {
                let own = workspace
                    .upstream(server, era)
                    .or_else(|| self.started_by_others(workspace, server, era))
                    .and_then(|upstream| upstream.lists());
                let lists = own.or_else(|| self.learnt(server, era, &workspace.caller));
                Part {
                    server: server.clone(),
                    lists,
                }
            })
            .collect()
    }

    /// A view of these parts after that one, made only once for all conversations that come the same way.
    fn shared_view(&self, parts: Vec<Part>, before: Option<&Arc<View>>) -> Arc<View> {
        let is_same = |shared: &Shared| match (&shared.before, before) {
            (None, None) => true,
            (Some(a), Some(b)) => std::ptr::eq(a.as_ptr(), Arc::as_ptr(b)),
            _ => false,
        };
        let found = {
            let mut views = lock(&self.views);
            views.retain(|shared| shared.view.strong_count() > 0);
            let mut candidates = views
                .iter()
                .filter(|shared| is_same(shared))
                .filter_map(|shared| shared.view.upgrade());
            candidates.find(|view| same(&view.parts, &parts))
        };
        if let Some(view) = found {
            return view;
        }
        let view = Arc::new(View::new(parts, before.map(|view| &**view)));
        let mut views = lock(&self.views);
        if views.len() < VIEWS_MAX {
            views.push(Shared {
                before: before.map(Arc::downgrade),
                view: Arc::downgrade(&view),
            });
        }
        view
    }

    /// Starts the servers whose lists are not known and waits for them, within limits. Servers that failed before are
    /// tried again without waiting.
    pub(crate) async fn first_lists(
        self: &Arc<Self>,
        workspace: &Arc<Workspace>,
        era: Era,
        only: Option<&Arc<str>>,
    ) {
        self.join(workspace, era);
        let view = self.view(workspace, era, only);
        if view.is_complete() {
            return;
        }
        let unknown = view
            .parts
            .iter()
            .filter(|part| part.lists.is_none() && part.server.barred().is_none());
        let (tried, fresh): (Vec<&Part>, Vec<&Part>) =
            unknown.partition(|part| part.server.failure().is_some());
        for part in tried {
            let upstream = self.upstream(workspace, &part.server, era);
            tokio::spawn(async move { drop(upstream.listed().await) });
        }
        let waits: Vec<_> = fresh
            .into_iter()
            .map(|part| {
                let upstream = self.upstream(workspace, &part.server, era);
                tokio::spawn(async move { upstream.listed().await })
            })
            .collect();
        // Who is late is seen by the next list; the client is told of the change.
        let _ = tokio::time::timeout(self.settings.list_wait, join_all(waits)).await;
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
        for server in self.servers().iter() {
            let idle = server
                .entry
                .idle_timeout_s
                .map_or(self.settings.idle_timeout, Duration::from_secs);
            let forgotten = server.forget_unused();
            self.telemetry.upstreams.dec_by(forgotten as i64);
            for upstream in server.upstreams() {
                upstream.sweep();
                if !idle.is_zero() {
                    upstream.stop_if_idle(now_ms, idle);
                }
            }
        }
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

fn asker(session: Option<&Arc<Session>>, era: Era) -> Option<&Session> {
    session
        .filter(|_| era == Era::Handshake)
        .map(|session| &**session)
}

/// The isolation key of the calls of this workspace.
fn key(workspace: &Workspace, server: &Server, era: Era) -> Key {
    let session = workspace.session();
    let capabilities = asker(session.as_ref(), era).and_then(Session::capabilities);
    Key::new(&server.entry, workspace, era, capabilities)
}

fn made(entry: Entry, tools: &[String], telemetry: &Telemetry) -> Arc<Server> {
    let metrics = telemetry.of_server(entry.name.as_str());
    let tools = only_tools(tools, entry.name.as_str());
    Arc::new(Server::new(entry, tools, metrics))
}

fn same(a: &[Part], b: &[Part]) -> bool {
    let same_lists = |a: &Option<Arc<Lists>>, b: &Option<Arc<Lists>>| match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        _ => false,
    };
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(a, b)| Arc::ptr_eq(&a.server, &b.server) && same_lists(&a.lists, &b.lists))
}
