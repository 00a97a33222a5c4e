//! An installation, from the request to what can be started.
//!
//! Owns that there is one at a time of a kind, on this machine as in this process; that it goes on when whoever asked has
//! gone; and that nothing is left of one that fails. Next: `npm` and `pypi`, which do it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use catalog::Registry;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::cache::{self, Cache, Pin, Turn};
use super::step::Bench;
use super::wanted::Wanted;
use super::{PackageOptions, hosts, npm, pypi};
use crate::limits::INSTALL_WAIT;
use crate::lookup;
use crate::{Launcher, Options, ProcessLauncher};

/// What was installed in a scratch folder.
pub(super) struct Made {
    /// Stands for all of it.
    pub(super) digest: String,
    /// The folder that is kept.
    pub(super) tree: PathBuf,
    pub(super) version: String,
    /// As a pin has it.
    pub(super) start: Vec<String>,
    pub(super) unscripted: Vec<String>,
}

/// Installs packages, and knows what is installed.
pub(super) struct Installer {
    pub(super) launcher: Arc<dyn Launcher>,
    plain: ProcessLauncher,
    pub(super) cache: Cache,
    options: PackageOptions,
    /// Those that are under way, by what they are for.
    running: Mutex<HashMap<String, watch::Receiver<Progress>>>,
}

/// How far an installation is.
#[derive(Debug, Clone)]
enum Progress {
    /// Under way; what it does.
    Busy(String),
    Done(Result<Pin, String>),
}

/// The scratch folder of an installation, and the right to it until it is gone.
struct Scratch {
    folder: PathBuf,
    turn: Option<Turn>,
}

impl Scratch {
    /// Removes it without stopping others for that.
    async fn removed(mut self) {
        let (folder, turn) = (self.folder.clone(), self.turn.take());
        let removing = tokio::task::spawn_blocking(move || {
            // What cannot be removed is removed by the next installation.
            let _ = cache::remove(&folder);
            drop(turn);
        });
        let _ = removing.await;
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Given up in the middle, when all ends: nobody is stopped by this any more.
        if self.turn.is_some() {
            let _ = cache::remove(&self.folder);
        }
    }
}

impl Installer {
    pub(super) fn new(launcher: Arc<dyn Launcher>, options: PackageOptions) -> Self {
        let plain = ProcessLauncher::new(Options {
            guard: options.program.clone(),
            environment: options.environment.clone(),
        });
        Self {
            launcher,
            plain,
            cache: Cache::new(options.folder.clone()),
            options,
            running: Mutex::default(),
        }
    }

    /// What a request is remembered under.
    pub(super) fn key(&self, wanted: &Wanted) -> String {
        let specs = wanted.specs.iter().map(|spec| spec.text.as_str());
        let program = wanted.program.as_deref().unwrap_or_default();
        let scripts = self.scripts(wanted.registry);
        let texts = [wanted.registry.as_str(), program].into_iter().chain(specs);
        cache::digest(texts.chain(["|"]).chain(scripts.iter().map(String::as_str)))
    }

    /// Whether a program that installing or running needs is missing: what to say then.
    pub(super) fn lacks(&self, wanted: &Wanted) -> Option<String> {
        let (needs, what) = match wanted.registry {
            Registry::Npm => (
                &["node", "npm"][..],
                "Node.js, which brings `node` and `npm`",
            ),
            _ => (&["python3"][..], "Python 3"),
        };
        let missing = needs.iter().find(|name| !self.has(name))?;
        Some(format!(
            "{} needs {what}: `{missing}` is in no folder of PATH; install it, or start the gateway where it is found",
            wanted.shown()
        ))
    }

    /// What is installed for a request. Installs it first if need be, and tells meanwhile what is being done; an error
    /// says why it cannot be had.
    pub(super) async fn installed(
        self: &Arc<Self>,
        wanted: &Wanted,
        is_fresh: bool,
        tell: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<Pin, String> {
        let key = self.key(wanted);
        let known = self.cache.pin(&key).filter(|_| !is_fresh);
        if let Some(pin) = known.filter(|pin| self.cache.hold(pin)) {
            return Ok(pin);
        }
        if let Some(lacks) = self.lacks(wanted) {
            return Err(lacks);
        }
        let mut progress = self.begin(key, wanted, is_fresh);
        let mut told = String::new();
        loop {
            match progress.borrow_and_update().clone() {
                Progress::Busy(what) if what == told => {}
                Progress::Busy(what) => {
                    tell(&what);
                    told = what;
                }
                Progress::Done(done) => {
                    // So fresh is nothing removed.
                    return done.inspect(|pin| _ = self.cache.hold(pin));
                }
            }
            if progress.changed().await.is_err() {
                return Err("the installation was ended".to_owned());
            }
        }
    }

    /// Joins the installation that is under way, or begins one.
    fn begin(
        self: &Arc<Self>,
        key: String,
        wanted: &Wanted,
        is_fresh: bool,
    ) -> watch::Receiver<Progress> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(progress) = running.get(&key) {
            return progress.clone();
        }
        let (tell, progress) =
            watch::channel(Progress::Busy(format!("installing {}", wanted.shown())));
        running.insert(key.clone(), progress.clone());
        drop(running);
        let (this, wanted) = (self.clone(), wanted.clone());
        // Of its own: who asked may have no patience, and the next one finds it done.
        tokio::spawn(async move {
            let over = Over(&this, key.clone());
            let done = this.install(&key, &wanted, is_fresh, &tell).await;
            let done =
                done.map_err(|why| format!("{} could not be installed: {why}", wanted.shown()));
            drop(over);
            let is_more = done.is_ok();
            tell.send_replace(Progress::Done(done));
            if is_more {
                let cache = this.cache.clone();
                tokio::task::spawn_blocking(move || cache.tidy());
            }
        });
        progress
    }

    async fn install(
        &self,
        key: &str,
        wanted: &Wanted,
        is_fresh: bool,
        tell: &watch::Sender<Progress>,
    ) -> Result<Pin, String> {
        let deadline = Instant::now() + INSTALL_WAIT;
        let late = |_| format!("it takes more than {} s", INSTALL_WAIT.as_secs());
        let folder = |error| self.unusable(error);
        self.cache.make().map_err(folder)?;
        let before = self.cache.pin(key);
        let waits = || {
            let what = format!(
                "waiting for another gateway that installs {}",
                wanted.shown()
            );
            tell.send_replace(Progress::Busy(what));
        };
        let turn = timeout_at(deadline, self.cache.turn(key, waits)).await;
        let turn = turn.map_err(late)?.map_err(folder)?;
        // Somebody else may have done it meanwhile.
        let known = self.cache.pin(key);
        if let Some(pin) = known.filter(|pin| !is_fresh || before.as_ref() != Some(pin)) {
            return Ok(pin);
        }
        tell.send_replace(Progress::Busy(format!("installing {}", wanted.shown())));
        let (cache, name) = (self.cache.clone(), key.to_owned());
        let scratch = tokio::task::spawn_blocking(move || cache.scratch(&name)).await;
        let scratch = Scratch {
            folder: scratch
                .map_err(|error| error.to_string())?
                .map_err(folder)?,
            turn: Some(turn),
        };
        let made = timeout_at(deadline, self.made(&scratch.folder, key, wanted)).await;
        scratch.removed().await;
        made.map_err(late)?
    }

    /// Installs in a scratch folder, and keeps what was installed.
    async fn made(&self, scratch: &Path, key: &str, wanted: &Wanted) -> Result<Pin, String> {
        let folder = |error| self.unusable(error);
        std::fs::create_dir(scratch.join("tmp")).map_err(folder)?;
        let (registry, environment) = (wanted.registry, self.options.environment.clone());
        let sources = tokio::task::spawn_blocking(move || hosts::of(registry, &environment)).await;
        let sources = sources.map_err(|error| error.to_string())?;
        let bench = Bench {
            launcher: &self.launcher,
            plain: &self.plain,
            scratch,
            sources: &sources,
        };
        let scripts = self.scripts(registry);
        let made = match registry {
            Registry::Npm => npm::install(&bench, wanted, &scripts).await?,
            _ => pypi::install(&bench, wanted, self.has("uv"), &scripts).await?,
        };
        let spec = &wanted.specs[0];
        let name = [registry.as_str(), &spec.name, &made.version]
            .map(cache::slug)
            .join("-");
        let pin = Pin {
            package: format!("{}:{}", registry.as_str(), spec.name),
            version: made.version,
            folder: format!("{name}-{}", made.digest),
            start: made.start,
            unscripted: made.unscripted,
            at: cache::now(),
        };
        self.keep(&made.tree, registry, key, &pin).map_err(folder)?;
        Ok(pin)
    }

    fn unusable(&self, error: std::io::Error) -> String {
        format!(
            "\"{}\" cannot be used: {error}",
            self.cache.root().display()
        )
    }

    fn keep(&self, tree: &Path, registry: Registry, key: &str, pin: &Pin) -> std::io::Result<()> {
        if registry == Registry::Pypi {
            pypi::moved(tree, &self.cache.installed(&pin.folder))?;
        }
        self.cache.put(tree, &pin.folder)?;
        self.cache.keep(key, pin)
    }

    pub(super) fn has(&self, program: &str) -> bool {
        let path = self.options.environment.iter().rev();
        let path = path
            .filter(|(name, _)| name == "PATH")
            .map(|(_, path)| path.as_os_str())
            .next();
        lookup::find(program, path, None).is_ok()
    }

    /// Of a registry, the packages that may run something while they are installed.
    fn scripts(&self, registry: Registry) -> Vec<String> {
        let names = self.options.install_scripts.iter().filter_map(|said| {
            let (of, name) = said.split_once(':')?;
            (of == registry.as_str()).then(|| name.to_owned())
        });
        names.collect()
    }
}

/// Takes an installation from the list, however it ends.
struct Over<'a>(&'a Installer, String);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        let mut running = self
            .0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        running.remove(&self.1);
    }
}
