//! A gateway in this process: from settings and entries to something that answers. Owns the runtime of
//! commands and their end: servers are stopped whatever happens. Read `load.rs` before, `local.rs` after.

mod beside;

use std::cell::OnceCell;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use catalog::{Launch, Network};
use config::{Loaded, Runtime};
use gateway::Recorder;
use gateway::front::Gateway;
use launch::Launcher;
use store::{Store, StoreHandle};

use crate::callers::{Registry, Rightful};
use crate::catalogs::{self, Chosen};
use crate::choice::{CatalogChoice, Choice};
use crate::error::{Failure, Kind};
use crate::interceptors;
use crate::limits::{CATALOG_PROBLEMS_MAX, INSTALLATIONS_LOOK, QUICK_GRACE, START_WAIT};
use crate::load::{how_to_name_some, load, place, server_of};
use crate::local::{LastFault, Local};
use crate::log::{Log, Notice};
use crate::person::{LocalPerson, Said};
use crate::records::{Both, Records};
use crate::running::Status;
use crate::surroundings::Surroundings;
use crate::tool::Tool;
use crate::ui::{Label, Line, Ui};
use crate::{launchers, sign_ins};

/// Runs to the end, or to Ctrl-C: the work is dropped then.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(8)
        .build()
        .map_err(|e| Failure::internal("the runtime does not start", e))?;
    // The front door's own future stays on this thread, so there must be a place for such.
    let done = tokio::task::LocalSet::new().block_on(&runtime, work);
    // A name lookup that hangs must not hang the end.
    runtime.shutdown_background();
    done
}

/// Does the work unless Ctrl-C or SIGTERM comes first.
pub(crate) async fn unless_interrupted<T>(
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let mut shutdown = server::Shutdown::on_signals()
        .map_err(|e| Failure::internal("signals cannot be heard", e))?;
    tokio::select! {
        done = work => done,
        () = shutdown.draining() => Err(Failure::new(Kind::Interrupted, "interrupted")),
    }
}

/// Starts the chosen servers, does the work with a client of theirs and their tools, and stops them.
pub(crate) fn with<T>(
    ui: &Ui,
    choice: &Choice,
    memory: Memory,
    work: impl AsyncFnOnce(&mut Local, Vec<Tool>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let here = Surroundings::of_choice(choice)?;
    let loaded = load(ui, &here, choice, &[])?;
    let is_told_why = loaded
        .problems
        .iter()
        .any(|problem| server_of(problem).is_some());
    if loaded.entries.is_empty() && choice.servers.is_none() && !is_told_why {
        ui.warn("no server is configured", &[how_to_name_some(&here)]);
    }
    let engine = Engine::new(here, loaded)
        .patient(memory)
        .tools(&choice.more.tools);
    block_on(async {
        let gateway = engine.start(ui, None)?;
        let done = unless_interrupted(async {
            let mut local = Local::open(&gateway, &engine.fault).await?;
            let tools = local.tools(ui).await?;
            if memory == Memory::Fresh {
                tell_broken(ui, &gateway)?;
            }
            work(&mut local, tools).await
        });
        let done = tokio::select! {
            done = done => done,
            never = tell_installations(ui, &gateway) => match never {},
        };
        gateway.shutdown(QUICK_GRACE).await;
        engine.finish();
        done
    })
}

/// Does the work with a client of the chosen servers that can run scripts over them, and stops them.
pub(crate) fn with_scripts<T>(
    ui: &Ui,
    choice: &Choice,
    catalogs: CatalogChoice,
    work: impl AsyncFnOnce(&mut Local) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let here = Surroundings::of_choice(choice)?;
    let mut loaded = load(ui, &here, choice, &[])?;
    // Who runs one here wants it, whatever agents may.
    loaded.settings.code_mode = true;
    let chosen = Chosen::begin(&here, &catalogs).patient(ui);
    let engine = Engine::new(here, loaded)
        .patient(Memory::Learnt)
        .dynamic(Some(chosen));
    block_on(async {
        let gateway = engine.start(ui, None)?;
        let done = unless_interrupted(async {
            let mut local = Local::open(&gateway, &engine.fault).await?;
            work(&mut local).await
        });
        let done = tokio::select! {
            done = done => done,
            never = tell_installations(ui, &gateway) => match never {},
        };
        gateway.shutdown(QUICK_GRACE).await;
        engine.finish();
        done
    })
}

/// Tells once of each server that something is fetched for, while it is.
async fn tell_installations(ui: &Ui, gateway: &Gateway) -> std::convert::Infallible {
    let mut told = std::collections::HashSet::new();
    loop {
        tokio::time::sleep(INSTALLATIONS_LOOK).await;
        for server in gateway.servers() {
            if server.state == "installing"
                && let Some(what) = server.reason
                && told.insert((server.name.clone(), what.clone()))
            {
                ui.note(&Line::new().put(Label::Dim, format!("{}: {what} …", server.name)));
            }
        }
    }
}

/// Tells which servers do not work. It is a failure if there are some and none works.
fn tell_broken(ui: &Ui, gateway: &Gateway) -> Result<(), Failure> {
    let servers = gateway.servers();
    let broken = || servers.iter().filter(|s| s.state == "failed");
    for server in broken() {
        let reason = server.reason.as_deref().unwrap_or("it does not say why");
        ui.warn(
            &format!("server `{}` does not work: {reason}", server.name),
            &[],
        );
    }
    let tried = servers.iter().filter(|s| s.state != "disabled").count();
    match broken().count() {
        0 => Ok(()),
        count if count < tried => Ok(()),
        _ => Err(Failure::new(Kind::NotRunning, "no server works")),
    }
}

/// The configured servers, none of them started.
pub(crate) fn configured(ui: &Ui, choice: &Choice) -> Result<Vec<Status>, Failure> {
    let here = Surroundings::of_process()?;
    let loaded = load(ui, &here, choice, &[])?;
    let status = |entry: catalog::Entry| Status {
        name: entry.name.to_string(),
        kind: entry.kind().to_owned(),
        state: if entry.disabled {
            "disabled"
        } else {
            "configured"
        }
        .to_owned(),
        reason: None,
        upstreams: 0,
        versions: Vec::new(),
        pids: Vec::new(),
        tools: 0,
        calls: 0,
        errors: 0,
        isolation: None,
        missing: Vec::new(),
        network: None,
        refused: Vec::new(),
        source: entry.source,
    };
    Ok(loaded.entries.into_iter().map(status).collect())
}

/// Where the lists of servers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// As they were learnt, by whichever gateway; asked for where they never were.
    Learnt,
    /// Every server says what it offers now.
    Fresh,
}

/// What a gateway is made of.
pub(crate) struct Engine {
    pub(crate) here: Surroundings,
    loaded: Loaded,
    tools: Vec<String>,
    log: Option<Arc<Log>>,
    /// Where no log is wanted: why the last request failed.
    pub(crate) fault: Arc<LastFault>,
    memory: Memory,
    is_patient: bool,
    /// Which catalogs agents find servers in; none: they do not.
    catalogs: Option<Chosen>,
    /// The profile whose servers are among the entries.
    profile: Option<String>,
    /// Of one beside the first in this process: what its metrics are told apart by.
    beside: Option<String>,
    rules: Arc<gateway::Rules>,
    store: OnceCell<StoreHandle>,
    /// What this process is called among others.
    id: String,
    records: OnceCell<Arc<Records>>,
    /// Callers with tokens of their own; none where nobody comes in by one.
    callers: OnceCell<Arc<Registry>>,
}

impl Engine {
    /// Over these entries.
    pub(crate) fn new(here: Surroundings, loaded: Loaded) -> Self {
        Self {
            rules: Arc::new(gateway::Rules::new(loaded.policy.clone())),
            here,
            loaded,
            tools: Vec::new(),
            log: None,
            fault: Arc::default(),
            memory: Memory::Learnt,
            is_patient: false,
            catalogs: None,
            profile: None,
            beside: None,
            store: OnceCell::new(),
            id: config::running::new_id(),
            records: OnceCell::new(),
            callers: OnceCell::new(),
        }
    }

    /// Callers come in by tokens of their own.
    pub(crate) fn callers(&self) -> Result<Arc<Registry>, Failure> {
        let registry = Registry::open(&self.here.dirs, self.loaded.auth.as_ref())
            .map_err(|error| Failure::new(Kind::Config, error.to_string()))?;
        Ok(Arc::clone(self.callers.get_or_init(|| Arc::new(registry))))
    }

    /// What this process is called in the registry and in records.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// For one question: the first list waits until every server has answered or failed.
    pub(crate) fn patient(self, memory: Memory) -> Self {
        Self {
            is_patient: true,
            memory,
            ..self
        }
    }

    /// Only these tools, if there are any.
    pub(crate) fn tools(self, tools: &[String]) -> Self {
        Self {
            tools: tools.to_vec(),
            ..self
        }
    }

    /// Agents find servers in these catalogs.
    pub(crate) fn dynamic(self, catalogs: Option<Chosen>) -> Self {
        Self { catalogs, ..self }
    }

    /// The servers of this profile are among the entries.
    pub(crate) fn profile(self, profile: Option<String>) -> Self {
        Self { profile, ..self }
    }

    /// These rules, which others may replace.
    pub(crate) fn rules(self, rules: Arc<gateway::Rules>) -> Self {
        Self { rules, ..self }
    }

    /// The rules, for whoever replaces them.
    pub(crate) fn own_rules(&self) -> Arc<gateway::Rules> {
        Arc::clone(&self.rules)
    }

    /// Every call is told here.
    pub(crate) fn log(self, log: Arc<Log>) -> Self {
        Self {
            log: Some(log),
            ..self
        }
    }

    /// How many servers there are.
    pub(crate) fn server_count(&self) -> usize {
        self.loaded.entries.iter().filter(|e| !e.disabled).count()
    }

    /// The gateway; `pages` shows the person pages. No server is started by this.
    pub(crate) fn start(
        &self,
        ui: &Ui,
        pages: Option<Arc<dyn gateway::Pages>>,
    ) -> Result<Gateway, Failure> {
        let mut settings = gateway_settings(&self.loaded.settings);
        let mut entries = self.loaded.entries.iter();
        let is_container =
            |launch: &Launch| matches!(launch, Launch::Container { .. } | Launch::OneShot { .. });
        let asks_engine = entries.any(|e| !e.disabled && is_container(&e.launch));
        let launcher = launchers::launcher(
            &self.here,
            &self.loaded.settings,
            self.told(ui),
            asks_engine,
        )?;
        if self.is_patient {
            settings.list_wait = START_WAIT.max(settings.start_timeout);
            if !self
                .loaded
                .entries
                .iter()
                .all(|entry| launcher.is_prepared(entry))
            {
                settings.list_wait += launch::limits::INSTALL_WAIT;
            }
        }
        let launcher: Arc<dyn Launcher> = Arc::new(launcher);
        self.tell_unkept(ui);
        let kept = self.store(ui);
        // Who asks anew wants nothing of what was learnt before; what tools looked like is no such thing.
        let store = kept.clone().filter(|_| self.memory != Memory::Fresh);
        let options = gateway::Options {
            sign_ins: Some(sign_ins::sign_ins(
                &self.here,
                &self.loaded.settings,
                pages.clone(),
            )),
            tools: self.tools.clone(),
            settings,
            dynamic: self.directory(store.clone(), pages),
            features: features(&self.loaded.settings),
            scripts: self.scripts(),
            store,
            kept,
            decider: self.decider(),
            admission: self
                .callers
                .get()
                .map(|callers| Arc::clone(callers) as Arc<dyn gateway::Admission>),
            recorder: self.recorder(ui),
            interceptors: self.interceptors()?,
            profile: self.beside.clone(),
            ..gateway::Options::new(self.loaded.entries.clone(), launcher)
        };
        Gateway::new(options).map_err(|e| {
            Failure::new(
                Kind::Internal,
                format!("the system has no randomness to give: {e}"),
            )
        })
    }

    /// Whose tokens callers may come with, if anybody's.
    pub(crate) fn auth(&self) -> Option<&config::AuthSettings> {
        self.loaded.auth.as_ref()
    }

    /// Callers with tokens of their own, where they come in by them.
    pub(crate) fn known_callers(&self) -> Option<Arc<Registry>> {
        self.callers.get().cloned()
    }

    /// Tells something, where there is a log.
    pub(crate) fn notice(&self, notice: Notice) {
        if let Some(log) = &self.log {
            log.notice(notice);
        }
    }

    /// Rules, and what callers have a right to.
    fn decider(&self) -> Arc<dyn gateway::Decider> {
        let rules = Arc::clone(&self.rules) as Arc<dyn gateway::Decider>;
        match self.callers.get() {
            None => rules,
            Some(callers) => Arc::new(Rightful {
                callers: Arc::clone(callers),
                rules,
                profile: self.profile.clone(),
            }),
        }
    }

    /// Who looks at calls.
    fn interceptors(&self) -> Result<Vec<Arc<dyn gateway::Interceptor>>, Failure> {
        let configured = &self.loaded.interceptors;
        let profile = self.profile.as_deref();
        interceptors::standing(configured, profile, self.log.as_ref())
            .map_err(|why| Failure::new(Kind::Config, why))
    }

    /// Who hears of calls: the log or whoever asks for one, and the record.
    fn recorder(&self, ui: &Ui) -> Arc<dyn Recorder> {
        let heard: Arc<dyn Recorder> = match &self.log {
            Some(log) => Arc::clone(log) as _,
            None => Arc::clone(&self.fault) as _,
        };
        if let Some(records) = self.records.get() {
            return Arc::new(Both(heard, Arc::clone(records) as _));
        }
        let log = self.log.clone();
        match Records::start(&self.here, &self.loaded.settings, &self.id, log) {
            Ok(None) => heard,
            Ok(Some(records)) => {
                let records = self.records.get_or_init(|| Arc::new(records));
                Arc::new(Both(heard, Arc::clone(records) as _))
            }
            Err(error) => {
                ui.warn(&format!("calls will not be recorded: {error}"), &[]);
                heard
            }
        }
    }

    #[cfg(target_os = "linux")]
    fn told(&self, ui: &Ui) -> launchers::Told {
        crate::pulls::told(ui, self.log.clone())
    }

    #[cfg(not(target_os = "linux"))]
    fn told(&self, _: &Ui) -> launchers::Told {}

    /// Whoever limits a server relies on it.
    fn tell_unkept(&self, ui: &Ui) {
        if self.loaded.settings.runtime != Runtime::Process {
            return;
        }
        let programs = self
            .loaded
            .entries
            .iter()
            .filter(|entry| !entry.disabled && matches!(entry.launch, Launch::Command { .. }));
        for entry in programs {
            let key = match &entry.network {
                Network::None | Network::Hosts(_) => "network",
                Network::Unsaid | Network::Open if !entry.volumes.is_empty() => "volumes",
                Network::Unsaid | Network::Open => continue,
            };
            ui.warn(
                &format!(
                    "server `{}`: `{key}` limits nothing, it runs with your rights",
                    entry.name
                ),
                &["--runtime auto gives it what its entry declares and no more".to_owned()],
            );
        }
    }

    /// What agents find servers in.
    fn directory(
        &self,
        store: Option<StoreHandle>,
        pages: Option<Arc<dyn gateway::Pages>>,
    ) -> Option<gateway::Dynamic> {
        let chosen = self.catalogs.clone()?;
        let (here, log) = (self.here.clone(), self.log.clone());
        let said = Said {
            config: self.loaded.server_config.clone(),
            catalogs: chosen.files().map(Path::to_owned).collect(),
        };
        let person = LocalPerson::new(&here, said, store).running(self.profile.clone());
        let person = Arc::new(person);
        let read = move || {
            let catalogs = catalogs::chosen(&here, &chosen);
            let problems = catalogs.iter().flat_map(|catalog| &catalog.problems);
            for problem in problems.take(CATALOG_PROBLEMS_MAX) {
                if let Some(log) = &log {
                    log.notice(Notice {
                        is_warning: true,
                        target: "catalog",
                        message: place(problem),
                        hint: problem.hint.clone(),
                        members: Vec::new(),
                    });
                }
            }
            catalog::Catalogs::merge(catalogs)
        };
        Some(gateway::Dynamic {
            catalogs: Arc::new(read),
            person,
            pull: Some(Arc::new(|url: &str| {
                Box::pin(catalogs::pull_for_model(url.to_owned()))
            })),
            pages,
        })
    }

    /// What runs the scripts of agents.
    #[cfg(target_os = "linux")]
    fn scripts(&self) -> Option<Arc<dyn gateway::scripts::Engine>> {
        let settings = &self.loaded.settings;
        settings.code_mode.then(|| crate::scripts::engine(settings))
    }

    /// Where nothing confines a worker, no script is run.
    #[cfg(not(target_os = "linux"))]
    fn scripts(&self) -> Option<Arc<dyn gateway::scripts::Engine>> {
        None
    }

    /// Where learnt lists are kept; without it they are learnt again each time.
    fn store(&self, ui: &Ui) -> Option<StoreHandle> {
        if let Some(store) = self.store.get() {
            return Some(store.clone());
        }
        let file = self.here.dirs.store_file();
        let opened = Store::open(&file).map_err(|e| e.to_string());
        match opened.and_then(|store| StoreHandle::start(store).map_err(|e| e.to_string())) {
            Ok(store) => Some(self.store.get_or_init(|| store).clone()),
            Err(why) => {
                ui.warn(
                    &format!("what servers offer will not be remembered: {why}"),
                    &[],
                );
                None
            }
        }
    }

    /// Writes what is left of the log and of what was learnt.
    pub(crate) fn finish(&self) {
        if let Some(log) = &self.log {
            log.flush();
        }
        if let Some(records) = self.records.get() {
            records.flush();
        }
        if let Some(store) = self.store.get() {
            // What is lost here is learnt again.
            let _ = store.flush();
        }
    }
}

fn features(settings: &config::Settings) -> gateway::Features {
    gateway::Features {
        profile_tools: settings.profile_tools,
        find_tools: settings.find_tools,
        registry_import: settings.registry_import,
        discover_prompt: settings.discover_prompt,
    }
}

fn gateway_settings(settings: &config::Settings) -> gateway::Settings {
    let seconds = Duration::from_secs;
    gateway::Settings {
        call_timeout: seconds(settings.call_timeout_s),
        start_timeout: seconds(settings.start_timeout_s),
        list_wait: seconds(settings.list_wait_s),
        idle_timeout: seconds(settings.idle_timeout_s),
        ping_after: seconds(settings.ping_after_s),
        freeze_after: seconds(settings.freeze_after_s),
        servers_max: settings.servers_max,
        calls_at_once: settings.calls_at_once,
        prewarm: settings.prewarm,
        sessions_max: settings.sessions_max,
        session_idle: seconds(settings.sessions_idle_s),
        in_flight_max: settings.inflight_max,
        tool_name_prefix: settings.tool_name_prefix,
        secret_scan: gateway::SecretScan {
            mode: match settings.secret_scan {
                config::SecretScan::Off => gateway::ScanMode::Off,
                config::SecretScan::Mask => gateway::ScanMode::Mask,
                config::SecretScan::Refuse => gateway::ScanMode::Refuse,
            },
            without: settings.secret_scan_without.clone(),
        },
        pin: match settings.pin {
            config::Pin::Off => gateway::Pin::Off,
            config::Pin::Warn => gateway::Pin::Warn,
            config::Pin::Hold => gateway::Pin::Hold,
        },
    }
}
