//! Images without a container engine.
//!
//! Owns a launcher that fetches the image of an entry, unpacks it once into a folder of ours, and starts what it starts in a
//! box whose root these files are. Works as root and as anybody else, with nothing installed. Refuses what only an engine can
//! give, each with a reason: named volumes, a root that can be written.
//!
//! Read `pull` for the way from a name to files, `unpack` for what a layer may do, `store` for where they are; the box is
//! `sandbox::rooted`.

mod manifest;
mod pull;
mod store;
pub mod tar;
pub mod unpack;

use std::collections::BTreeSet;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use catalog::{Entry, Launch, Origin};
use egress::AllowList;
use fetch::Trust;
use fetch::images::ImageName;
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::oneshot;
use transport::BoxFuture;
use transport::readiness::register;

use self::manifest::Config;
use self::store::Store;
use crate::container::declared::{Declared, Way};
use crate::container::volumes::{self, Bounds, Mount, What};
use crate::container::{OnProgress, Progress, Pull};
use crate::launcher::{Pipes, file_of, filled};
use crate::limits::{ONE_SHOT_BYTES_MAX, STDERR_DRAIN, STDERR_READ_BYTES};
use crate::one_shot::{self, Ran, RunOnce};
use crate::sandbox::SandboxLauncher;
use crate::sandbox::rooted::Rooted;
use crate::signed::Signers;
use crate::stderr::{self, Tail};
use crate::way_out::Notes;
use crate::{Isolation, LaunchError, Launched, Launcher, Link};

/// What an [`ImageLauncher`] unpacks images with.
#[derive(Clone)]
pub struct ImageOptions {
    /// Where images are kept. It is made when it is needed.
    pub folder: PathBuf,
    /// When they are fetched.
    pub pull: Pull,
    /// Which have to be signed, and by whom.
    pub signers: Signers,
    /// Whoever wants to see them come.
    pub on_progress: OnProgress,
    /// The person's home.
    pub home: Option<PathBuf>,
    /// The working folder.
    pub cwd: Option<PathBuf>,
    /// Our own folders: never shown.
    pub own_folders: Vec<PathBuf>,
}

/// Starts images in boxes, and passes on to the launcher of boxes what is none.
pub struct ImageLauncher(Arc<Shared>);

struct Shared {
    sandbox: Arc<SandboxLauncher>,
    options: ImageOptions,
    store: Store,
    bounds: Bounds,
    /// Fetched since we run.
    fetched: Mutex<BTreeSet<String>>,
}

impl ImageLauncher {
    /// A launcher with these options, over boxes. Nothing is fetched before somebody wants it.
    #[must_use]
    pub fn new(options: ImageOptions, sandbox: Arc<SandboxLauncher>) -> Self {
        Self(Arc::new(Shared {
            sandbox,
            store: Store::new(options.folder.clone()),
            bounds: Bounds {
                home: options.home.clone(),
                cwd: options.cwd.clone(),
                own: options.own_folders.clone(),
            },
            fetched: Mutex::default(),
            options,
        }))
    }
}

/// What the label of an image says that was unpacked; nothing is fetched for it.
#[must_use]
pub fn label(folder: PathBuf, image: &str, label: &str) -> Option<String> {
    let store = Store::new(folder);
    let (_, folder) = store.find(&ImageName::parse(image).ok()?)?;
    let config = Config::parse(&std::fs::read(folder.join("config.json")).ok()?).ok()?;
    config.config?.labels?.remove(label)
}

/// The names under which unpacked images were fetched, each with that of its folder.
#[must_use]
pub fn names(folder: PathBuf) -> Vec<(String, String)> {
    Store::new(folder).names()
}

impl Launcher for ImageLauncher {
    fn launch<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Launched, LaunchError>> {
        match entry.launch {
            Launch::Container { .. } => Box::pin(async {
                filled(entry)?;
                self.0.start(entry).await
            }),
            Launch::OneShot { .. } => Box::pin(async {
                filled(entry)?;
                if let Some(why) = self.refuses(entry) {
                    return Err(contents(why, entry));
                }
                Ok(Launched {
                    link: Link::Pipe(one_shot::serve(entry, self.0.clone())),
                    process: None,
                })
            }),
            _ => self.0.sandbox.launch(entry),
        }
    }

    fn launch_sse<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Launched, LaunchError>> {
        self.0.sandbox.launch_sse(entry)
    }

    fn is_prepared(&self, entry: &Entry) -> bool {
        match &entry.launch {
            Launch::Container { image, .. } if !entry.is_template => {
                self.0.options.pull == Pull::Never || self.0.is_here(image)
            }
            _ => self.0.sandbox.is_prepared(entry),
        }
    }

    fn prepare<'a>(
        &'a self,
        entry: &'a Entry,
        tell: &'a (dyn Fn(&str) + Send + Sync),
    ) -> BoxFuture<'a, Result<(), LaunchError>> {
        let Launch::Container { image, .. } = &entry.launch else {
            return self.0.sandbox.prepare(entry, tell);
        };
        Box::pin(async move {
            filled(entry)?;
            tell(&format!("fetching the image {image}"));
            let got = self.0.image(entry, image).await;
            got.map(drop).map_err(|why| LaunchError::Container { why })
        })
    }

    fn is_boxed(&self, entry: &Entry) -> bool {
        match entry.launch {
            // There is no other way to start it.
            Launch::Container { .. } | Launch::OneShot { .. } => true,
            _ => self.0.sandbox.is_boxed(entry),
        }
    }

    fn refuses(&self, entry: &Entry) -> Option<String> {
        if let Some(sample) = one_shot::sample(entry) {
            return self.refuses(&sample);
        }
        let Launch::Container { .. } = entry.launch else {
            return self.0.sandbox.refuses(entry);
        };
        let declared = self.0.declared(entry).map(drop);
        self.0.sandbox.roots().and(declared).err()
    }

    fn isolation(&self, entry: &Entry) -> Option<Isolation> {
        let of_box = self.0.sandbox.isolation(entry);
        if !matches!(
            entry.launch,
            Launch::Container { .. } | Launch::OneShot { .. }
        ) {
            return of_box;
        }
        let probe = self.0.sandbox.probe();
        let mut missing = probe.missing.clone();
        let each = match entry.launch {
            Launch::OneShot { .. } => "for each call ",
            _ => "",
        };
        missing.extend(self.refuses(entry));
        Some(Isolation {
            level: format!("{each}its image in a box, without a container engine: {probe}"),
            missing,
        })
    }
}

impl Shared {
    fn is_here(&self, image: &str) -> bool {
        let is_fresh = || self.lock().contains(image);
        let name = ImageName::parse(image);
        name.is_ok_and(|name| self.store.find(&name).is_some())
            && (self.options.pull != Pull::Always || is_fresh())
    }

    /// What an entry declares, as far as a box can give it.
    fn declared(&self, entry: &Entry) -> Result<Declared, String> {
        let declared = Declared::of(entry, &self.bounds)?;
        if declared.is_writable {
            return Err("`read_only = false` needs a container engine; leave it out, or install Docker or Podman".to_owned());
        }
        if !declared.extra_hosts.is_empty() {
            return Err(
                "`extra_hosts` needs a container engine; write NAME=ADDRESS in `network` instead"
                    .to_owned(),
            );
        }
        let named = declared.mounts.iter().find_map(|mount| match &mount.what {
            What::Named(name) => Some(name),
            What::Bind { .. } => None,
        });
        match named {
            Some(name) => Err(format!(
                "the volume \"{name}\" needs a container engine; name a folder of yours in `volumes` instead"
            )),
            None => Ok(declared),
        }
    }

    /// The configuration and the files of an image, fetched if need be.
    async fn image(&self, entry: &Entry, image: &str) -> Result<(Config, PathBuf), String> {
        let name = ImageName::parse(image).map_err(|error| error.to_string())?;
        if !self.is_here(image) {
            if self.options.pull == Pull::Never {
                return Err(format!(
                    "the image \"{image}\" is not here, and `pull` is \"never\"; start it once with --pull missing"
                ));
            }
            let fetched = self.fetch(name.clone(), image, trust(entry)).await;
            fetched.map_err(|why| format!("the image \"{image}\" could not be fetched: {why}"))?;
            self.lock().insert(image.to_owned());
        }
        let gone =
            || format!("the image \"{image}\" is not where it was kept any more; start it again");
        let (signed, folder) = self.store.find(&name).ok_or_else(gone)?;
        // Where nothing can be written, nobody removes anything.
        if !self.store.hold(&folder).unwrap_or(true) {
            return Err(gone());
        }
        let signers = &self.options.signers;
        signers
            .check(entry, image, Some(&signed), trust(entry))
            .await?;
        let read = std::fs::read(folder.join("config.json"));
        let config = Config::parse(&read.map_err(|error| error.to_string())?)?;
        let rootfs = folder.join("rootfs").canonicalize();
        Ok((config, rootfs.map_err(|error| error.to_string())?))
    }

    /// On a thread of its own, which goes on when nobody waits any more: the next one finds more of it.
    async fn fetch(&self, name: ImageName, image: &str, trust: Trust) -> Result<(), String> {
        let (tell, told) = oneshot::channel();
        let (store, on_progress) = (self.store.clone(), self.options.on_progress.clone());
        let mut progress = Progress {
            image: image.to_owned(),
            bytes: 0,
            of: 0,
            is_done: false,
        };
        let work = move || {
            on_progress(&progress);
            let mut last = Instant::now();
            let done = pull::pull(&store, &name, trust, &mut |bytes, of| {
                (progress.bytes, progress.of) = (bytes, of);
                if last.elapsed() > TOLD_EVERY {
                    last = Instant::now();
                    on_progress(&progress);
                }
            });
            progress.is_done = true;
            on_progress(&progress);
            // Who does not wait any more hears of it at the next start.
            let is_done = done.is_ok();
            let _ = tell.send(done);
            if is_done {
                store.tidy();
            }
        };
        std::thread::Builder::new()
            .name("pull".to_owned())
            .spawn(work)
            .map_err(|error| error.to_string())?;
        told.await
            .unwrap_or_else(|_| Err("the thread that fetches it ended".to_owned()))
    }

    /// What to start for an entry.
    async fn rooted(
        &self,
        entry: &Entry,
        folders: &[String],
    ) -> Result<(Rooted, AllowList), String> {
        self.sandbox.roots()?;
        let mut declared = self.declared(entry)?;
        let named = volumes::within(&declared.mounts, folders, &self.bounds)?;
        declared.mounts.extend(named);
        let (config, rootfs) = self.image(entry, &declared.image).await?;
        let program = config.program(&declared.command);
        if program.is_empty() {
            return Err(format!(
                "the image \"{}\" starts no program by itself; say one in `args`",
                declared.image
            ));
        }
        let start = config.config.unwrap_or_default();
        let mut env = declared.env.clone();
        for line in start.env.unwrap_or_default() {
            if let Some((name, value)) = line.split_once('=')
                && !env.iter().any(|(own, _)| own == name)
            {
                env.push((name.to_owned(), value.to_owned()));
            }
        }
        let mounts = declared
            .mounts
            .iter()
            .filter_map(|mount: &Mount| match &mount.what {
                What::Bind { source, .. } => {
                    Some((source.clone(), mount.target.clone(), mount.writable))
                }
                What::Named(_) => None,
            });
        let hosts = match declared.way {
            Way::Proxy(hosts) => Some(hosts),
            Way::None => Some(AllowList::default()),
            Way::Open => None,
        };
        let rooted = Rooted {
            rootfs,
            program,
            env,
            cwd: start.working_dir.filter(|folder| folder.starts_with('/')),
            mounts: mounts.collect(),
            resources: entry.resources,
            hosts: hosts.clone(),
        };
        Ok((rooted, hosts.unwrap_or_default()))
    }

    async fn start(&self, entry: &Entry) -> Result<Launched, LaunchError> {
        let (rooted, hosts) = self
            .rooted(entry, &[])
            .await
            .map_err(|why| LaunchError::Container { why })?;
        let (pipes, ends) = Pipes::make()?;
        let (spawned, doors) = self.sandbox.start_rooted(rooted, ends).await?;
        let mut launched = pipes.launched(spawned, &[]);
        if let (Some(doors), Some(process)) = (doors, &mut launched.process) {
            process
                .open(entry.name.as_str(), doors, hosts)
                .map_err(LaunchError::Pipes)?;
        }
        Ok(launched)
    }

    async fn once(&self, entry: &Entry, folders: &[String]) -> Result<Ran, String> {
        let (rooted, hosts) = self.rooted(entry, folders).await?;
        let failed = |error: std::io::Error| format!("no pipes for it: {error}");
        let (our_stdout, stdout) = std::io::pipe().map_err(failed)?;
        let (our_stderr, stderr) = std::io::pipe().map_err(failed)?;
        let our_stdout = listen(our_stdout.into()).map_err(failed)?;
        let our_stderr = listen(our_stderr.into()).map_err(failed)?;
        let stdin = File::open("/dev/null").map_err(failed)?;
        let ends = [stdin.into(), stdout.into(), stderr.into()];
        let started = self.sandbox.start_rooted(rooted, ends).await;
        let (spawned, doors) = started.map_err(|error| error.to_string())?;
        let tail = Arc::<Tail>::default();
        // Its way to the network closes with the call.
        let _way_out = match doors {
            Some(doors) => {
                let notes = Arc::new(Notes::new(tail.clone(), entry.name.as_str()));
                let limits = egress::Limits::default();
                Some(egress::Proxy::serve(doors, hosts, notes, limits).map_err(failed)?)
            }
            None => None,
        };
        // Whatever ends this before its time ends the program.
        let ended = async {
            let exit = spawned.ended().await;
            (exit, Instant::now())
        };
        let errors = stderr::read(our_stderr, tail.clone());
        let (read, (exit, _), ()) = tokio::join!(read(our_stdout), ended, async {
            // Its end closes the pipe, also in what it left behind.
            let _ = tokio::time::timeout(crate::limits::ONE_SHOT_TIME + STDERR_DRAIN, errors).await;
        });
        let (stdout, is_cut) = read.map_err(failed)?;
        Ok(Ran {
            stdout,
            is_cut,
            tail,
            exit,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner)
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

/// How often is told how far an image has come.
const TOLD_EVERY: Duration = Duration::from_millis(100);

/// Who names an image says how far its registry may be trusted to be where it says.
pub(crate) fn trust(entry: &Entry) -> Trust {
    match entry.origin == Origin::Own || entry.is_approved {
        true => Trust::Person,
        false => Trust::Outside,
    }
}

fn contents(why: String, entry: &Entry) -> LaunchError {
    LaunchError::Contents {
        why,
        file: file_of(entry),
    }
}

fn listen(fd: OwnedFd) -> std::io::Result<AsyncFd<OwnedFd>> {
    rustix::io::ioctl_fionbio(&fd, true)?;
    register(fd, Interest::READABLE)
}

/// All of it, as far as it is kept; the rest is read all the same, so that whoever writes does not wait for ever.
async fn read(fd: AsyncFd<OwnedFd>) -> std::io::Result<(Vec<u8>, bool)> {
    let (mut out, mut is_cut) = (Vec::new(), false);
    let mut buffer = vec![0; STDERR_READ_BYTES];
    loop {
        let mut ready = fd.readable().await?;
        match rustix::io::read(fd.get_ref(), &mut buffer) {
            Ok(0) => return Ok((out, is_cut)),
            Ok(read) => {
                let room = ONE_SHOT_BYTES_MAX - out.len();
                is_cut |= read > room;
                out.extend_from_slice(&buffer[..read.min(room)]);
            }
            Err(Errno::AGAIN) => ready.clear_ready(),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}
