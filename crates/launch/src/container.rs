//! Servers in containers.
//!
//! Owns a launcher that runs images through the API of Docker or Podman: one container for each upstream, kept as long as
//! that, spoken to over the engine's own attach stream. Each has the least it needs: no capabilities, no new privileges, a
//! root that cannot be written, no network but what its entry names, limits. Refuses `docker run`: no program of the
//! engine's is started, and nothing of what the server is started with goes through it (`enter`).
//!
//! Read `plan` for what a container is, `running` for its life, `engine` for who runs it; `api` is how all of them ask.

mod api;
pub(crate) mod declared;
mod engine;
mod enter;
mod found;
mod image;
mod leftovers;
mod network;
mod plan;
mod running;
pub(crate) mod volumes;

use std::io;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use catalog::{Entry, Launch};
use transport::BoxFuture;
use zeroize::Zeroizing;

use self::declared::{Declared, Way};
use self::engine::Engine;
pub use self::found::{Places, Which};
use self::image::Images;
pub use self::image::{OnProgress, Progress, Pull};
pub use self::leftovers::Registry;
use self::network::Door;
use self::plan::{Owner, Plan};
use self::running::{Created, Lost, Started};
use self::volumes::Bounds;
use crate::image::trust;
use crate::launcher::{Link, file_of, filled};
use crate::limits::{BOX_PROXY_PORT, ENGINE_ABSENCE, ENGINE_GLANCE};
use crate::one_shot::{self, Ran, RunOnce};
use crate::process::Process;
use crate::sandbox::BoxLimits;
use crate::signed::Signers;
use crate::stderr::Tail;
use crate::{Isolation, LaunchError, Launched, Launcher};

/// What a [`ContainerLauncher`] runs containers with.
#[derive(Clone)]
pub struct ContainerOptions {
    /// Which engine.
    pub which: Which,
    /// Where engines may be.
    pub places: Places,
    /// What each container may use.
    pub limits: BoxLimits,
    /// When images are fetched.
    pub pull: Pull,
    /// Which have to be signed, and by whom.
    pub signers: Signers,
    /// Whoever wants to see them come.
    pub on_progress: OnProgress,
    /// A folder of ours that the engine can read, for the first program of containers.
    pub folder: PathBuf,
    /// Our other folders: never shown in a container.
    pub own_folders: Vec<PathBuf>,
    /// The working folder.
    pub cwd: Option<PathBuf>,
    /// Who says which gateways live.
    pub registry: Arc<dyn Registry>,
}

/// Starts servers in containers, and passes on to another launcher what is none.
pub struct ContainerLauncher {
    shared: Arc<Shared>,
    others: Arc<dyn Launcher>,
    /// For images where there is no engine, if they can be had without one.
    without: Option<Arc<dyn Launcher>>,
}

struct Shared {
    options: ContainerOptions,
    bounds: Bounds,
    images: Arc<Images>,
    lost: Arc<Lost>,
    known: Mutex<Known>,
    /// Rung when an answer is there.
    answered: Condvar,
}

/// What is known of the engine.
#[derive(Default)]
struct Known {
    engine: Option<Result<Engine, String>>,
    since: Option<Instant>,
    is_asked: bool,
    was_swept: bool,
}

impl ContainerLauncher {
    /// A launcher with these options. No engine is asked for anything before somebody asks for a container.
    #[must_use]
    pub fn new(options: ContainerOptions, others: Arc<dyn Launcher>) -> Self {
        let shared = Shared {
            bounds: Bounds {
                home: options.places.home.clone(),
                cwd: options.cwd.clone(),
                own: options.own_folders.clone(),
            },
            images: Arc::new(Images::new(options.pull, options.on_progress.clone())),
            lost: Arc::default(),
            known: Mutex::default(),
            answered: Condvar::new(),
            options,
        };
        Self {
            shared: Arc::new(shared),
            others,
            without: None,
        }
    }

    /// Where no engine answers, images are this one's.
    #[must_use]
    pub fn or_without(self, without: Arc<dyn Launcher>) -> Self {
        Self {
            without: Some(without),
            ..self
        }
    }

    /// Who starts an image, as far as that is known: nobody waits long for an engine that is not there.
    fn without(&self, entry: &Entry) -> Option<&dyn Launcher> {
        let without = self.without.as_deref()?;
        let is_image = matches!(
            entry.launch,
            Launch::Container { .. } | Launch::OneShot { .. }
        );
        (is_image && matches!(self.shared.glance(), Some(Err(_)))).then_some(without)
    }

    /// Looks for the engine on a thread of its own, so that nobody has to wait for it later.
    pub fn probe_soon(&self) {
        self.shared.ask_soon(&mut self.shared.lock());
    }

    /// Answers for one-shot tools. Nothing is started before one is called, but what cannot be is told now.
    async fn serve(&self, entry: &Entry) -> Result<Launched, LaunchError> {
        filled(entry)?;
        if let Some(sample) = one_shot::sample(entry) {
            Declared::of(&sample, &self.shared.bounds).map_err(|why| LaunchError::Contents {
                why,
                file: file_of(entry),
            })?;
        }
        let engine = self.shared.engine().await;
        engine.map_err(|why| LaunchError::Container { why })?;
        Ok(Launched {
            link: Link::Pipe(one_shot::serve(entry, self.shared.clone())),
            process: None,
        })
    }

    async fn start(&self, entry: &Entry) -> Result<Launched, LaunchError> {
        filled(entry)?;
        let declared = Declared::of(entry, &self.shared.bounds);
        let declared = declared.map_err(|why| LaunchError::Contents {
            why,
            file: file_of(entry),
        })?;
        self.shared
            .start(entry, &declared)
            .await
            .map_err(|why| LaunchError::Container { why })
    }
}

/// The engine that answers, with its version; else why none does, and what to do. Takes the time of an engine's answers,
/// on a runtime of its own: not for a thread that has one.
///
/// # Errors
/// There is none.
pub fn engine_name(places: &Places, which: Which) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let found = runtime.block_on(Engine::find(places, which))?;
    Ok(found.name)
}

/// A label of an image that is here already; `None` where it or the engine is not. Takes the time of an engine's
/// answers, on a runtime of its own: not for a thread that has one.
#[must_use]
pub fn label(places: &Places, which: Which, image: &str, label: &str) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .ok()?;
    runtime.block_on(async {
        let engine = Engine::find(places, which).await.ok()?;
        let image = image::look(&engine.api, image).await.ok()?;
        image.label(label).map(str::to_owned)
    })
}

impl Launcher for ContainerLauncher {
    fn launch<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Launched, LaunchError>> {
        if let Some(without) = self.without(entry) {
            return without.launch(entry);
        }
        match entry.launch {
            Launch::Container { .. } => Box::pin(self.start(entry)),
            Launch::OneShot { .. } => Box::pin(self.serve(entry)),
            _ => self.others.launch(entry),
        }
    }

    fn launch_sse<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Launched, LaunchError>> {
        self.others.launch_sse(entry)
    }

    fn is_prepared(&self, entry: &Entry) -> bool {
        match (self.without(entry), &entry.launch) {
            (Some(without), _) => without.is_prepared(entry),
            // The engine fetches it as a part of the start.
            (None, Launch::Container { .. } | Launch::OneShot { .. }) => true,
            (None, _) => self.others.is_prepared(entry),
        }
    }

    fn prepare<'a>(
        &'a self,
        entry: &'a Entry,
        tell: &'a (dyn Fn(&str) + Send + Sync),
    ) -> BoxFuture<'a, Result<(), LaunchError>> {
        match (self.without(entry), &entry.launch) {
            (Some(without), _) => without.prepare(entry, tell),
            (None, Launch::Container { .. } | Launch::OneShot { .. }) => {
                Box::pin(std::future::ready(Ok(())))
            }
            (None, _) => self.others.prepare(entry, tell),
        }
    }

    fn is_boxed(&self, entry: &Entry) -> bool {
        match entry.launch {
            // Whether there is an engine or not: there is no other way to start it.
            Launch::Container { .. } | Launch::OneShot { .. } => true,
            _ => self.others.is_boxed(entry),
        }
    }

    fn refuses(&self, entry: &Entry) -> Option<String> {
        if let Some(without) = self.without(entry) {
            return without.refuses(entry);
        }
        if let Some(sample) = one_shot::sample(entry) {
            return self.refuses(&sample);
        }
        let Launch::Container { .. } = entry.launch else {
            return self.others.refuses(entry);
        };
        let declared = Declared::of(entry, &self.shared.bounds);
        match (self.shared.glance(), declared) {
            (Some(Err(why)), _) | (_, Err(why)) => Some(why),
            // An engine that has not answered yet refuses nothing yet.
            (Some(Ok(_)) | None, Ok(_)) => None,
        }
    }

    fn isolation(&self, entry: &Entry) -> Option<Isolation> {
        if let Some(without) = self.without(entry) {
            return without.isolation(entry);
        }
        if let Some(sample) = one_shot::sample(entry) {
            let isolation = self.isolation(&sample)?;
            return Some(Isolation {
                level: format!("one {} for each call", isolation.level),
                ..isolation
            });
        }
        let Launch::Container { .. } = entry.launch else {
            return self.others.isolation(entry);
        };
        let declared = Declared::of(entry, &self.shared.bounds);
        let (level, mut missing) = match self.shared.glance() {
            Some(Ok(engine)) => {
                let rootless = if engine.rootless { ", rootless" } else { "" };
                (
                    format!("container of {}{rootless}", engine.name),
                    engine.missing,
                )
            }
            Some(Err(why)) => ("container".to_owned(), vec![why]),
            None => (
                "container".to_owned(),
                vec!["the engine has not answered yet".to_owned()],
            ),
        };
        let way = match &declared {
            Ok(declared) => match declared.way {
                Way::None => ", no network",
                Way::Proxy(_) => ", network through a proxy",
                Way::Open => ", open network",
            },
            Err(_) => "",
        };
        missing.extend(declared.err());
        Some(Isolation {
            level: format!("{level}{way}"),
            missing,
        })
    }
}

/// A container in which nothing of the server runs yet.
struct Ready {
    started: Started,
    pid: u32,
    /// What makes a server of it.
    message: Zeroizing<Vec<u8>>,
    /// What listens in its network, if it has a proxy.
    listener: Option<TcpListener>,
}

impl Shared {
    async fn start(&self, entry: &Entry, declared: &Declared) -> Result<Launched, String> {
        let ready = self.ready(entry, declared).await?;
        let tail = Arc::<Tail>::default();
        let running = ready
            .started
            .enter(&ready.message, ready.pid, &tail)
            .await
            .map_err(|error| self.told(&error))?;
        let mut process = Process::held(
            running.hold,
            running.pipe.sink.clone(),
            tail,
            running.exited,
        );
        if let (Some(listener), Way::Proxy(allowed)) = (ready.listener, declared.way.clone()) {
            process
                .open(entry.name.as_str(), listener, allowed)
                .map_err(|error| no_proxy(&error))?;
        }
        Ok(Launched {
            link: Link::Pipe(running.pipe),
            process: Some(process),
        })
    }

    /// Makes the container of an entry.
    async fn ready(&self, entry: &Entry, declared: &Declared) -> Result<Ready, String> {
        let engine = self.engine().await?;
        self.lost.remove_soon(&engine.api);
        let image = self.images.get(&engine, &declared.image).await?;
        let signers = &self.options.signers;
        let digest = image.digest(&declared.image);
        signers
            .check(entry, &declared.image, digest.as_deref(), trust(entry))
            .await?;
        let folder = self.options.folder.clone();
        let enter = tokio::task::spawn_blocking(move || enter::install(&folder))
            .await
            .map_err(|stopped| stopped.to_string())?
            .map_err(|error| {
                format!(
                    "nothing can be written to {}: {error}",
                    self.options.folder.display()
                )
            })?;
        let registry = &self.options.registry;
        let owner = Owner {
            id: registry
                .id()
                .map_err(|error| format!("nothing would tell whose it is: {error}"))?,
            registry: registry.name(),
        };
        let proxy_port = matches!(declared.way, Way::Proxy(_)).then_some(BOX_PROXY_PORT);
        let name = container_name(entry.name.as_str());
        let door = proxy_port.map(|_| Door::make(&self.options.folder, &name));
        let door = door.transpose().map_err(|error| no_proxy(&error))?;
        let plan = Plan {
            server: entry.name.as_str(),
            declared,
            image: &image,
            engine: &engine,
            limits: self.options.limits.with(&entry.resources),
            owner: &owner,
            enter: &enter,
            door: door.as_ref().map(Door::path),
        };
        let program = image.program(&declared.command);
        if program.is_empty() {
            return Err(format!(
                "the image \"{}\" starts no program by itself; say one in `args`",
                declared.image
            ));
        }
        let message = enter::message(&program, &plan.environment(proxy_port)).ok_or(
            "its arguments and environment are too large, or hold a zero byte; shorten them",
        )?;
        let told = |error: api::ApiError| self.told(&error);
        let created = Created::new(&engine.api, name, plan.body(), &self.lost)
            .await
            .map_err(told)?;
        let started = created.start().await.map_err(told)?;
        let pid = started.pid().await.map_err(told)?;
        let listener = match door {
            Some(door) => Some(door.taken().await.map_err(|error| no_proxy(&error))?),
            None => None,
        };
        Ok(Ready {
            started,
            pid,
            message,
            listener,
        })
    }

    async fn once(&self, entry: &Entry, folders: &[String]) -> Result<Ran, String> {
        let mut declared = Declared::of(entry, &self.bounds)?;
        let named = volumes::within(&declared.mounts, folders, &self.bounds)?;
        declared.mounts.extend(named);
        let ready = self.ready(entry, &declared).await?;
        let tail = Arc::<Tail>::default();
        // Its way to the network closes with the call.
        let _way_out = match ready.listener {
            Some(listener) => Some(
                serve_proxy(listener, &declared, entry, tail.clone())
                    .map_err(|error| no_proxy(&error))?,
            ),
            None => None,
        };
        let ran = ready.started.run(&ready.message, tail).await;
        ran.map_err(|error| self.told(&error))
    }

    /// What to say of an answer that was none; an engine that is gone is looked for again.
    fn told(&self, error: &api::ApiError) -> String {
        if !error.is_refusal() {
            *self.lock() = Known::default();
        }
        error.to_string()
    }

    /// The engine, looked for if it is not known.
    async fn engine(&self) -> Result<Engine, String> {
        if let Some(known) = self.lock().current() {
            return known;
        }
        let found = Engine::find(&self.options.places, self.options.which).await;
        self.found(found.clone()).await;
        found
    }

    /// Remembers what was found, and cleans up behind others.
    async fn found(&self, found: Result<Engine, String>) {
        let sweeps = {
            let mut known = self.lock();
            known.engine = Some(found.clone());
            known.since = Some(Instant::now());
            known.is_asked = false;
            found.is_ok() && !std::mem::replace(&mut known.was_swept, true)
        };
        self.answered.notify_all();
        if let (Ok(engine), true) = (found, sweeps) {
            leftovers::reap(&engine, &*self.options.registry).await;
        }
    }

    /// What is known of the engine, after a moment at most.
    fn glance(self: &Arc<Self>) -> Option<Result<Engine, String>> {
        let mut known = self.lock();
        if let Some(current) = known.current() {
            return Some(current);
        }
        // Only who asks first waits, and the others take what was true before.
        let is_first = !known.is_asked;
        self.ask_soon(&mut known);
        if !is_first || known.engine.is_some() {
            return known.engine.clone();
        }
        let (known, _) = self
            .answered
            .wait_timeout_while(known, ENGINE_GLANCE, |known| known.engine.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        known.engine.clone()
    }

    fn ask_soon(self: &Arc<Self>, known: &mut MutexGuard<'_, Known>) {
        if std::mem::replace(&mut known.is_asked, true) {
            return;
        }
        let shared = self.clone();
        let asking = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let Ok(runtime) = runtime else { return };
            runtime.block_on(async {
                let options = &shared.options;
                let found = Engine::find(&options.places, options.which).await;
                shared.found(found).await;
            });
        };
        // Where there is no thread to be had, the first start finds it out.
        let _ = std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(asking);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunOnce for Shared {
    fn run<'a>(
        &'a self,
        entry: &'a Entry,
        folders: &'a [String],
    ) -> BoxFuture<'a, Result<Ran, String>> {
        Box::pin(self.once(entry, folders))
    }
}

fn serve_proxy(
    listener: TcpListener,
    declared: &Declared,
    entry: &Entry,
    tail: Arc<Tail>,
) -> io::Result<egress::Proxy> {
    let Way::Proxy(allowed) = declared.way.clone() else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let notes = Arc::new(crate::way_out::Notes::new(tail, entry.name.as_str()));
    egress::Proxy::serve(listener, allowed, notes, egress::Limits::default())
}

fn no_proxy(error: &io::Error) -> String {
    format!("no proxy could be put into its network: {error}")
}

impl Known {
    /// An engine that was there is there until it turns out otherwise; one that was not may have come.
    fn current(&self) -> Option<Result<Engine, String>> {
        let is_old = self
            .since
            .is_none_or(|since| since.elapsed() > ENGINE_ABSENCE);
        match &self.engine {
            Some(Err(_)) if is_old => None,
            known => known.clone(),
        }
    }
}

/// A name that says whose container it is to whoever lists them.
fn container_name(server: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let server: String = server.chars().take(40).map(plain).collect();
    let mut bytes = [0; 4];
    // Without random numbers there may be one of this name already, which the engine says.
    let _ = getrandom::fill(&mut bytes);
    format!("portolan-{server}-{:08x}", u32::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests;
