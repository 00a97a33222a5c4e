//! Servers that come as packages of npm and PyPI, and as bundles.
//!
//! Owns a launcher around another one: it installs the package of an entry once, with its registry for a network and
//! nothing else, and has what was installed started by the other launcher, as a program like any other. Where servers
//! are in boxes, the commands `npx`, `uvx` and `uv run` mean such packages too, since in a box they could fetch nothing.
//! Refuses to choose a newer version by itself: what a request led to first, it leads to until somebody asks for more.
//!
//! Read `wanted`, then `install`, then `cache`; `step` is how a registry's own client is run, `bundle` what comes as a file.

mod bundle;
mod cache;
mod hosts;
mod install;
mod npm;
mod npx;
mod pypi;
mod step;
mod uvx;
mod wanted;

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalog::{Entry, Launch};
use transport::BoxFuture;

use self::bundle::{Bundle, Bundles};
pub use self::bundle::{BundlePart, FetchFile, bundle_entry, read_bundle, walk_bundle};
use self::cache::{Cache, Pin};
use self::install::Installer;
use self::uvx::Run;
use self::wanted::Wanted;
use crate::launcher::{file_of, filled};
use crate::{Isolation, LaunchError, Launched, Launcher};

/// What a [`PackageLauncher`] installs with.
#[derive(Clone)]
pub struct PackageOptions {
    /// Where installed packages lie. It is made when it is needed.
    pub folder: PathBuf,
    /// Our environment: PATH, and what the person has told npm, pip and uv.
    pub environment: Vec<(OsString, OsString)>,
    /// Our own program, as in [`Options::guard`](crate::Options::guard).
    pub program: Option<PathBuf>,
    /// Fetches bundles; none: only those of this machine are used.
    pub fetch: Option<FetchFile>,
    /// Packages that may run something of theirs while they are installed: `npm:NAME`, `pypi:NAME`.
    pub install_scripts: Vec<String>,
}

/// Values of the environment are not printed.
impl fmt::Debug for PackageOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackageOptions")
            .field("folder", &self.folder)
            .field("install_scripts", &self.install_scripts)
            .finish_non_exhaustive()
    }
}

/// Starts servers that come as packages, and lets another launcher start all.
pub struct PackageLauncher {
    installer: Arc<Installer>,
    bundles: Arc<Bundles>,
    /// What `${HOME}` stands for in a bundle.
    home: String,
}

/// A package that was looked for anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Updated {
    /// `npm:name`.
    pub package: String,
    /// The version that was in use; `None`: none was installed.
    pub before: Option<String>,
    /// The one that is from now on.
    pub now: String,
}

/// What an entry means.
enum Meant {
    /// What it says.
    Itself,
    /// A program that is there already.
    Program(Box<Entry>),
    Package(Wanted),
    Bundle(Bundle),
}

impl PackageLauncher {
    /// One that has everything started by `launcher`.
    #[must_use]
    pub fn new(launcher: Arc<dyn Launcher>, options: PackageOptions) -> Self {
        let bundles = Bundles {
            cache: Cache::new(options.folder.clone()),
            fetch: options.fetch.clone(),
        };
        let home = options
            .environment
            .iter()
            .rev()
            .find(|(name, _)| name == "HOME");
        let home = home.map(|(_, home)| home.to_string_lossy().into_owned());
        Self {
            bundles: Arc::new(bundles),
            home: home.unwrap_or_else(|| "/".to_owned()),
            installer: Arc::new(Installer::new(launcher, options)),
        }
    }

    /// Looks for the newest version that an entry allows, and installs it; `None`: it is no package. What runs goes on.
    ///
    /// # Errors
    /// It cannot be had; what was in use stays.
    pub async fn update(
        &self,
        entry: &Entry,
        tell: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<Option<Updated>, LaunchError> {
        let Meant::Package(wanted) = self.meant(entry)? else {
            return Ok(None);
        };
        let before = self.installer.cache.pin(&self.installer.key(&wanted));
        let installed = self.installer.installed(&wanted, true, tell).await;
        let now = installed.map_err(|why| refused(why, entry))?;
        Ok(Some(Updated {
            package: now.package,
            before: before.map(|pin| pin.version),
            now: now.version,
        }))
    }

    fn inner(&self) -> &Arc<dyn Launcher> {
        &self.installer.launcher
    }

    fn meant(&self, entry: &Entry) -> Result<Meant, LaunchError> {
        if let Some(bundle) = Bundle::of_entry(entry) {
            return bundle.map(Meant::Bundle).map_err(|why| refused(why, entry));
        }
        let meant = match &entry.launch {
            Launch::Package { .. } => Wanted::of_entry(&entry.launch).map(Meant::Package),
            Launch::Command {
                command, args, cwd, ..
            } => self.of_command(entry, command, args, cwd.as_deref()),
            _ => Ok(Meant::Itself),
        };
        meant.map_err(|why| refused(why, entry))
    }

    /// In a box, the programs that fetch packages could fetch nothing; outside they do what they always did.
    fn of_command(
        &self,
        entry: &Entry,
        command: &str,
        args: &[String],
        cwd: Option<&Path>,
    ) -> Result<Meant, String> {
        let program = Path::new(command)
            .file_name()
            .and_then(|name| name.to_str());
        let base = cwd.or(entry.base.as_deref()).map_or_else(
            || std::env::current_dir().unwrap_or_default(),
            Path::to_owned,
        );
        let is_boxed = || self.inner().is_boxed(entry);
        match (program, args) {
            (Some("npx"), _) if is_boxed() => {
                let wanted = npx::read(args)?;
                Ok(match local_bin(entry, &wanted, &base) {
                    Some(program) => Meant::Program(Box::new(program)),
                    None => Meant::Package(wanted),
                })
            }
            (Some("npm"), [exec, rest @ ..]) if (exec == "exec" || exec == "x") && is_boxed() => {
                npx::read(rest).map(Meant::Package)
            }
            (Some("uvx"), _) if is_boxed() => uvx::read(args).map(Meant::Package),
            (Some("uv"), _) if is_boxed() => match uvx::read_uv(args, &base) {
                None => Ok(Meant::Itself),
                Some(run) => match run? {
                    Run::Package(wanted) => Ok(Meant::Package(wanted)),
                    Run::Project {
                        folder,
                        enters,
                        command,
                    } => of_project(entry, &folder, enters, command)
                        .map(|program| Meant::Program(Box::new(program))),
                },
            },
            _ => Ok(Meant::Itself),
        }
    }

    /// The entry that starts what is in a bundle.
    async fn of_bundle(&self, entry: &Entry, bundle: &Bundle) -> Result<Entry, String> {
        let (pin, python) = self.bundle_installed(bundle, &|_| ()).await?;
        let has = |program: &str| self.installer.has(program);
        let mut started = self.bundles.program(bundle, &pin, &self.home, has)?;
        if let Some(python) = python {
            started.command = python;
            // What `uv run` would install of the project itself.
            let own = format!("{0}:{0}/src", started.volume);
            started.env.push(("PYTHONPATH".to_owned(), own));
        }
        let mut program = as_command(entry, started.command, started.args);
        program.volumes.push(started.volume);
        if let Launch::Command { env, .. } = &mut program.launch {
            *env = started.env;
        }
        Ok(program)
    }

    /// Unpacks a bundle and installs what it needs; also the Python that it has of its own then.
    async fn bundle_installed(
        &self,
        bundle: &Bundle,
        tell: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<(Pin, Option<String>), String> {
        let pin = self.bundles.installed(bundle, tell).await?;
        let Some(wanted) = self.bundles.needs(bundle, &pin)? else {
            return Ok((pin, None));
        };
        let installed = self.installer.installed(&wanted, false, tell).await?;
        let folder = self.installer.cache.installed(&installed.folder);
        let python = folder
            .canonicalize()
            .unwrap_or(folder)
            .join("env/bin/python");
        Ok((pin, Some(python.to_string_lossy().into_owned())))
    }

    /// The entry that starts what was installed.
    fn started(&self, entry: &Entry, wanted: &Wanted, pin: &Pin) -> Entry {
        let folder = self.installer.cache.installed(&pin.folder);
        let folder = folder.canonicalize().unwrap_or(folder);
        let mut words = pin.start.iter().map(|word| match word.strip_prefix("./") {
            Some(inside) => folder.join(inside).to_string_lossy().into_owned(),
            None => word.clone(),
        });
        let command = words.next().unwrap_or_default();
        let args = words.chain(wanted.args.iter().cloned()).collect();
        as_command(entry, command, args)
    }
}

impl Launcher for PackageLauncher {
    fn launch<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Launched, LaunchError>> {
        Box::pin(async move {
            match self.meant(entry)? {
                Meant::Itself => self.inner().launch(entry).await,
                Meant::Program(program) => self.inner().launch(&program).await,
                Meant::Package(wanted) => {
                    filled(entry)?;
                    let installed = self.installer.installed(&wanted, false, &|_| ()).await;
                    let pin = installed.map_err(|why| refused(why, entry))?;
                    let launched = self
                        .inner()
                        .launch(&self.started(entry, &wanted, &pin))
                        .await?;
                    if let (Some(process), false) = (&launched.process, pin.unscripted.is_empty()) {
                        process.note(&unscripted(&pin));
                    }
                    Ok(launched)
                }
                Meant::Bundle(bundle) => {
                    filled(entry)?;
                    let program = self.of_bundle(entry, &bundle).await;
                    let program = program.map_err(|why| refused(why, entry))?;
                    self.inner().launch(&program).await
                }
            }
        })
    }

    fn launch_sse<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Launched, LaunchError>> {
        self.inner().launch_sse(entry)
    }

    fn is_prepared(&self, entry: &Entry) -> bool {
        match self.meant(entry) {
            Ok(Meant::Package(wanted)) => {
                let key = self.installer.key(&wanted);
                self.installer.cache.pin(&key).is_some()
            }
            Ok(Meant::Itself) => self.inner().is_prepared(entry),
            Ok(Meant::Bundle(bundle)) => self.bundles.pin(&bundle).is_some(),
            _ => true,
        }
    }

    fn prepare<'a>(
        &'a self,
        entry: &'a Entry,
        tell: &'a (dyn Fn(&str) + Send + Sync),
    ) -> BoxFuture<'a, Result<(), LaunchError>> {
        Box::pin(async move {
            let wanted = match self.meant(entry)? {
                Meant::Package(wanted) => wanted,
                Meant::Bundle(bundle) => {
                    filled(entry)?;
                    let installed = self.bundle_installed(&bundle, tell).await;
                    return installed.map(drop).map_err(|why| refused(why, entry));
                }
                Meant::Itself => return self.inner().prepare(entry, tell).await,
                Meant::Program(_) => return Ok(()),
            };
            filled(entry)?;
            let installed = self.installer.installed(&wanted, false, tell).await;
            installed.map(drop).map_err(|why| refused(why, entry))
        })
    }

    fn is_boxed(&self, entry: &Entry) -> bool {
        self.inner().is_boxed(&stand_in(entry))
    }

    fn isolation(&self, entry: &Entry) -> Option<Isolation> {
        self.inner().isolation(&stand_in(entry))
    }

    fn network(&self, entry: &Entry) -> Option<String> {
        self.inner().network(&stand_in(entry))
    }

    fn is_denied(&self, entry: &Entry, host: &str) -> bool {
        self.inner().is_denied(entry, host)
    }

    fn decide(&self, entry: &Entry, host: &str, is_allowed: bool) -> Result<(), String> {
        self.inner().decide(entry, host, is_allowed)
    }

    fn refuses(&self, entry: &Entry) -> Option<String> {
        match self.meant(entry) {
            Err(error) => Some(error.to_string()),
            Ok(Meant::Package(wanted)) => self
                .installer
                .lacks(&wanted)
                .or_else(|| self.inner().refuses(&stand_in(entry))),
            Ok(Meant::Bundle(_)) => self.inner().refuses(&stand_in(entry)),
            Ok(Meant::Itself | Meant::Program(_)) => self.inner().refuses(entry),
        }
    }
}

/// What is started for a package is a program; which one does not matter before it is installed.
fn stand_in(entry: &Entry) -> Entry {
    match entry.launch {
        Launch::Package { .. } => as_command(entry, "node".to_owned(), Vec::new()),
        _ => entry.clone(),
    }
}

/// The same entry with this program.
fn as_command(entry: &Entry, command: String, args: Vec<String>) -> Entry {
    let (env, cwd) = match &entry.launch {
        Launch::Package { env, .. } => (env.clone(), None),
        Launch::Command { env, cwd, .. } => (env.clone(), cwd.clone()),
        _ => (Vec::new(), None),
    };
    Entry {
        launch: Launch::Command {
            command,
            args,
            env,
            cwd,
        },
        ..entry.clone()
    }
}

/// What `npx` finds first: a program that the project has itself.
fn local_bin(entry: &Entry, wanted: &Wanted, base: &Path) -> Option<Entry> {
    let [spec] = &*wanted.specs else { return None };
    let name = wanted.program.as_deref().unwrap_or(&spec.name);
    if spec.text != spec.name || name.contains('/') {
        return None;
    }
    let bin = base.join("node_modules/.bin").join(name);
    let command = bin.is_file().then(|| bin.to_str().map(str::to_owned))??;
    Some(as_command(entry, command, wanted.args.clone()))
}

/// What `uv run` runs in a project: something of the environment that `uv sync` has made.
fn of_project(
    entry: &Entry,
    folder: &Path,
    enters: bool,
    command: Vec<String>,
) -> Result<Entry, String> {
    let project = folder
        .ancestors()
        .find(|folder| folder.join("pyproject.toml").is_file())
        .unwrap_or(folder);
    let bin = project.join(".venv/bin");
    if !bin.join("python").exists() {
        return Err(format!(
            "`uv run` in a box runs what is installed in \"{}\", and nothing is: run `uv sync` there once",
            project.join(".venv").display()
        ));
    }
    let mut words = command.into_iter();
    let name = words.next().unwrap_or_default();
    let own = bin.join(&name);
    let program = match !name.contains('/') && own.is_file() {
        true => own.to_string_lossy().into_owned(),
        false => name,
    };
    let mut started = as_command(entry, program, words.collect());
    if let Launch::Command { cwd, env, .. } = &mut started.launch {
        if enters {
            *cwd = Some(folder.to_owned());
        }
        let venv = project.join(".venv").to_string_lossy().into_owned();
        env.push(("VIRTUAL_ENV".to_owned(), venv));
    }
    Ok(started)
}

fn unscripted(pin: &Pin) -> String {
    let names: Vec<String> = pin
        .unscripted
        .iter()
        .map(|name| format!("\"npm:{name}\""))
        .collect();
    format!(
        "{} wanted to run scripts while being installed, which was not done; if this server does not work without: install_scripts = [{}] under [gateway] in config.toml",
        pin.unscripted.join(", "),
        names.join(", ")
    )
}

fn refused(why: String, entry: &Entry) -> LaunchError {
    LaunchError::Contents {
        why,
        file: file_of(entry),
    }
}
