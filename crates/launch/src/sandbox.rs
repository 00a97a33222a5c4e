//! Servers in boxes.
//!
//! Owns a launcher that gives each server the least it needs: a root of its own with the programs it runs on and what
//! its entry declares, private folders, no network, an unprivileged user, limits. Works as root and as anybody else,
//! with nothing installed. Refuses to start a server without isolation unless told that it may.
//!
//! A box takes three processes of our program on the way and one that stays: the gateway plans what is in it
//! (`contents`, `plan`), a guard makes what must be made from outside (`warden`), the first process inside builds the
//! rest and gives up every right (`init`). Read them in this order; `level` says what happens where that is refused.

mod bubblewrap;
mod cgroup;
mod contents;
mod declared;
pub(crate) mod init;
mod level;
mod options;
mod plan;
mod probe;
pub(crate) mod rooted;
mod scratch;
mod seccomp;
pub(crate) mod syscalls;
mod together;
pub(crate) mod users;
pub(crate) mod warden;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::net::{TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use catalog::{Entry, Launch};
use egress::Doors;
use transport::BoxFuture;

use self::contents::{Bounds, Share, Wanted};
pub use self::declared::{Declared, DeclaredError, Reach, Volume};
pub use self::level::{Level, LimitedBy, Probe};
pub use self::options::{BoxLimits, SandboxOptions};
use self::plan::{Item, Plan, User};
use self::together::Together;
use self::users::Owners;
use crate::launcher::{self, Pipes};
use crate::limits::{BOX_NAMES, BOX_PROXY_PORT};
use crate::spawn::{self, Boxed, Spec};
use crate::way_out;
use crate::{Isolation, LaunchError, Launched, Launcher, Options, ProcessLauncher};

/// Who a server is when root makes its box: the user that images without users of their own have, who owns nothing.
const NOBODY: User = User {
    uid: 65532,
    gid: 65532,
};

/// Starts servers in boxes.
#[derive(Debug)]
pub struct SandboxLauncher {
    shared: Arc<Shared>,
    /// For what is not started here, and for servers without isolation.
    plain: ProcessLauncher,
}

#[derive(Debug)]
struct Shared {
    options: SandboxOptions,
    probe: OnceLock<Probe>,
    owners: Owners,
    together: Together,
}

/// A server in its box.
pub struct BoxedServer {
    /// The server.
    pub launched: Launched,
    /// The doors of the box' own network, if it has one.
    pub doors: Option<Doors>,
}

impl SandboxLauncher {
    /// A launcher with these options. What is possible here is found out with the first server, or by [`Self::probe`].
    #[must_use]
    pub fn new(options: SandboxOptions) -> Self {
        let plain = ProcessLauncher::new(Options {
            guard: Some(options.program.clone()),
            environment: options.environment.clone(),
        });
        Self {
            shared: Arc::new(Shared {
                options,
                probe: OnceLock::new(),
                owners: Owners::default(),
                together: Together::default(),
            }),
            plain,
        }
    }

    /// Which level is in force here, and what is missing for more. The first call makes a box to see; it blocks for
    /// some milliseconds.
    #[must_use]
    pub fn probe(&self) -> &Probe {
        self.shared.probe()
    }

    /// Finds that out on a thread of its own, so that nobody has to wait for it later.
    pub fn probe_soon(&self) {
        let shared = self.shared.clone();
        // Where there is no thread to be had, whoever asks first finds it out.
        let _ = std::thread::Builder::new()
            .name("probe".to_owned())
            .spawn(move || {
                shared.probe();
            });
    }

    /// Starts the server of an entry in a box with what it declares.
    ///
    /// # Errors
    /// As [`Launcher::launch`]; also where what it declares cannot be had.
    pub async fn launch_declared(
        &self,
        entry: &Entry,
        declared: &Declared,
    ) -> Result<BoxedServer, LaunchError> {
        let spec = self.plain.spec(entry)?;
        let file = launcher::file_of(entry);
        let (pipes, ends) = Pipes::make()?;
        let shared = self.shared.clone();
        let declared = declared.clone();
        let started = move || shared.start(&spec, &declared, &file, ends);
        let (spawned, doors, notes) = self.plain.starts.apart(started).await??;
        Ok(BoxedServer {
            launched: pipes.launched(spawned, &notes),
            doors: doors_of(doors),
        })
    }
}

impl Launcher for SandboxLauncher {
    fn launch<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Launched, LaunchError>> {
        if !matches!(entry.launch, Launch::Command { .. }) {
            return self.plain.launch(entry);
        }
        Box::pin(async move {
            let declared = Declared::of(entry).map_err(|error| LaunchError::Contents {
                why: error.to_string(),
                file: launcher::file_of(entry),
            })?;
            let boxed = self.launch_declared(entry, &declared).await?;
            let mut launched = boxed.launched;
            if let (Some(doors), Some(process), Reach::Hosts(allowed)) =
                (boxed.doors, &mut launched.process, declared.reach)
            {
                process
                    .open(entry.name.as_str(), doors, allowed)
                    .map_err(LaunchError::Pipes)?;
            }
            Ok(launched)
        })
    }

    /// Waits for the probe, for some milliseconds, if it has not ended yet.
    fn is_boxed(&self, entry: &Entry) -> bool {
        match entry.launch {
            Launch::Command { .. } => self.probe().level != Level::None,
            _ => self.plain.is_boxed(entry),
        }
    }

    fn refuses(&self, entry: &Entry) -> Option<String> {
        if !matches!(entry.launch, Launch::Command { .. }) {
            return self.plain.refuses(entry);
        }
        let probe = self.probe();
        if probe.level == Level::None && !self.shared.options.allow_unsandboxed {
            return Some(unsandboxed(probe).to_string());
        }
        match Declared::of(entry) {
            Ok(declared) if !can_reach(probe, &declared) => Some(NO_WAY.to_owned()),
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        }
    }

    fn isolation(&self, entry: &Entry) -> Option<Isolation> {
        match entry.launch {
            Launch::Command { .. } => {
                let probe = self.probe();
                Some(Isolation {
                    level: probe.to_string(),
                    missing: probe.missing.clone(),
                })
            }
            _ => self.plain.isolation(entry),
        }
    }
}

/// What is said where hosts are named and there is no network of its own to put a proxy in.
const NO_WAY: &str = "`network` names hosts, and the only isolation that works here (landlock) has no way to them; leave it out for none, or run the gateway with --runtime process";

fn can_reach(probe: &Probe, declared: &Declared) -> bool {
    match &declared.reach {
        Reach::Hosts(allowed) => allowed.is_empty() || probe.level != Level::Landlock,
        Reach::Open => true,
    }
}

/// What the first process has handed out: a proxy, perhaps one who knows names, and ports.
fn doors_of(fds: Vec<OwnedFd>) -> Option<Doors> {
    let (names, mut listeners): (Vec<_>, Vec<_>) = fds.into_iter().partition(|fd| {
        rustix::net::sockopt::socket_type(fd) == Ok(rustix::net::SocketType::DGRAM)
    });
    if listeners.is_empty() {
        return None;
    }
    Some(Doors {
        proxy: listeners.remove(0).into(),
        names: names.into_iter().next().map(UdpSocket::from),
        network: BOX_NAMES.0,
        forwards: listeners.into_iter().map(TcpListener::from).collect(),
    })
}

fn unsandboxed(probe: &Probe) -> LaunchError {
    LaunchError::Unsandboxed {
        missing: probe.missing.join("; "),
    }
}

/// What a box is made of, and what is to be said about it.
struct Planned {
    plan: Plan,
    /// The namespaces of users that the plan names.
    users: Vec<Arc<OwnedFd>>,
    notes: Vec<String>,
}

type Started = (spawn::Spawned, Vec<OwnedFd>, Vec<String>);

impl Shared {
    fn probe(&self) -> &Probe {
        self.probe.get_or_init(|| probe::probe(&self.options))
    }

    fn start(
        &self,
        spec: &Spec,
        declared: &Declared,
        file: &str,
        ends: [OwnedFd; 3],
    ) -> Result<Started, LaunchError> {
        let probe = self.probe();
        let guard = &self.options.program;
        if probe.level == Level::None {
            if !self.options.allow_unsandboxed {
                return Err(unsandboxed(probe));
            }
            let spawned = spawn::spawn(spec, ends, Some(guard))?;
            return Ok((
                spawned,
                Vec::new(),
                vec!["this server runs without isolation".to_owned()],
            ));
        }
        if !can_reach(probe, declared) {
            return Err(LaunchError::Contents {
                why: NO_WAY.to_owned(),
                file: file.to_owned(),
            });
        }
        let Planned { plan, users, notes } = self.plan(probe, spec, declared, file)?;
        let boxed = Boxed {
            plan: plan.write().map_err(LaunchError::Pipes)?,
            users,
            program: spec.program.clone(),
        };
        let (spawned, doors) =
            spawn::spawn_boxed(&boxed, &ends, guard).map_err(|error| match error {
                LaunchError::Start { .. } if !notes.is_empty() => LaunchError::Outside {
                    error: Box::new(error),
                    outside: notes.join("; "),
                },
                error => error,
            })?;
        let together = self.options.limits.all_memory_bytes;
        if let Some(root) = spawned.root()
            && probe.limits == LimitedBy::Rlimits
            && together > 0
        {
            self.together.watch(root, &spawned.reins, together);
        }
        Ok((spawned, doors, notes))
    }

    /// What the box of a server is made of, and what is to be said about it.
    fn plan(
        &self,
        probe: &Probe,
        spec: &Spec,
        declared: &Declared,
        file: &str,
    ) -> Result<Planned, LaunchError> {
        let home = spec.env.get(OsStr::new("HOME")).map(PathBuf::from);
        let bounds = Bounds::new(home.as_deref());
        let base = match spec.cwd.as_ref().or(spec.base.as_ref()) {
            Some(base) => base.clone(),
            None => std::env::current_dir().unwrap_or_else(|_| "/".into()),
        };
        let wanted = Wanted {
            program: &spec.program,
            args: &spec.args,
            env: &spec.env,
            cwd: spec.cwd.as_deref(),
            base: &base,
            volumes: &declared.volumes,
        };
        let contents =
            contents::choose(&wanted, &bounds).map_err(|refusal| LaunchError::Contents {
                why: refusal.to_string(),
                file: file.to_owned(),
            })?;
        let notes = contents
            .outside
            .iter()
            .map(|path| outside(path, file))
            .collect();
        let user = (probe.rootful && probe.level == Level::Namespaces).then_some(NOBODY);
        let (mut items, users) = self.items(contents.shares, user)?;
        items.splice(0..0, contents.system);
        let network = match &declared.reach {
            Reach::Open => {
                items.extend(contents::names());
                plan::Network::Machine
            }
            // Without namespaces there is none to put doors into.
            Reach::Hosts(_) if probe.level == Level::Landlock => plan::Network::Own(None),
            Reach::Hosts(allowed) => plan::Network::Own(Some(plan::Doors {
                proxy: BOX_PROXY_PORT,
                forwards: allowed.ports(),
            })),
        };
        let proxy = match &network {
            plan::Network::Own(doors) => doors.as_ref().map(|doors| doors.proxy),
            plan::Network::Machine => None,
        };
        let plan = Plan {
            level: probe.level,
            command: Some(plan::Command {
                program: contents.program.into(),
                args: spec.args.clone(),
                env: environment(spec, &contents.path, proxy),
                cwd: contents.cwd.map(Into::into),
            }),
            items,
            user,
            limits: self.options.limits.with(&declared.resources),
            network,
        };
        Ok(Planned { plan, users, notes })
    }

    /// The shares, with the owner of each seen as the server's user.
    fn items(
        &self,
        shares: Vec<Share>,
        user: Option<User>,
    ) -> Result<(Vec<Item>, Vec<Arc<OwnedFd>>), LaunchError> {
        let mut users: Vec<Arc<OwnedFd>> = Vec::new();
        let mut items = Vec::with_capacity(shares.len());
        for share in shares {
            if share.at != share.from {
                items.push(Item::Link {
                    at: share.at.into(),
                    to: share.from.into(),
                });
                continue;
            }
            let namespace = match user {
                Some(user) => self.owner_seen_as(&share.from, user, &mut users)?,
                None => None,
            };
            items.push(Item::Share {
                at: share.at.into(),
                from: share.from.into(),
                writable: share.writable,
                users: namespace,
            });
        }
        Ok((items, users))
    }
}

/// What is said of a file that the command line names and the box does not hold.
fn outside(path: &Path, file: &str) -> String {
    let path = path.display();
    format!(
        "\"{path}\" is not in the server's box: add \"{path}\", or \"{path}:rw\" to let it write, to `volumes` in {file}"
    )
}

/// Of the server's environment, what still means something in the box, and the way to a proxy.
fn environment(
    spec: &Spec,
    path: &[PathBuf],
    proxy_port: Option<u16>,
) -> Vec<(OsString, OsString)> {
    const OF_THE_MACHINE: &[&str] = &["HOME", "TMPDIR", "USER", "LOGNAME", "SHELL", "PYENV_ROOT"];
    const PROXIES: &[&str] = &["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];
    let is_ours = |name: &OsStr| {
        let Some(name) = name.to_str() else {
            return false;
        };
        let upper = name.to_ascii_uppercase();
        OF_THE_MACHINE.contains(&name)
            || PROXIES.contains(&&*upper)
            || name.starts_with("XDG_")
            || name.starts_with("DOCKER_")
    };
    let is_set = |name: &OsStr| spec.own.iter().any(|own| OsStr::new(own) == name);
    let mut env: BTreeMap<OsString, OsString> = spec
        .env
        .iter()
        .filter(|(name, _)| is_set(name) || !is_ours(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for (name, value) in [
        ("USER", "server"),
        ("LOGNAME", "server"),
        ("SHELL", "/bin/sh"),
    ] {
        env.entry(name.into()).or_insert_with(|| value.into());
    }
    let before = env.get(OsStr::new("PATH")).cloned().unwrap_or_default();
    let folders = path.iter().cloned().chain(std::env::split_paths(&before));
    if let Ok(joined) = std::env::join_paths(folders) {
        env.insert("PATH".into(), joined);
    }
    for (name, value) in proxy_port.into_iter().flat_map(way_out::variables) {
        env.entry(name.into()).or_insert_with(|| value.into());
    }
    env.into_iter().collect()
}
