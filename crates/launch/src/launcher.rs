//! From an entry to a server that can be spoken to.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use catalog::{Entry, Launch, Network, RemoteKind};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use transport::client::{self, Endpoint};
use transport::readiness::register;
use transport::{BoxFuture, Pipe, stdio};

use crate::LaunchError;
use crate::environment;
use crate::lookup::{self, Missing};
use crate::process::Process;
use crate::spawn::{self, Spawned, Spec};
use crate::starting::Starts;
use crate::stderr::{self, Tail};

/// A way to start servers, or to reach those that run already.
pub trait Launcher: Send + Sync {
    /// Starts the server of an entry. Its process belongs to the runtime that this runs on.
    fn launch<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Launched, LaunchError>>;

    /// Reaches a remote server by HTTP+SSE, after it turned out not to speak streamable HTTP.
    fn launch_sse<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Launched, LaunchError>> {
        Box::pin(reach_sse(entry))
    }

    /// Whether nothing has to be fetched before an entry can be started. Looks at a file at most.
    fn is_prepared(&self, _entry: &Entry) -> bool {
        true
    }

    /// Fetches what has to be there before an entry can be started, and tells meanwhile what is being done. It may take
    /// minutes, has a limit of its own, and goes on for the next one who asks when this is dropped.
    fn prepare<'a>(
        &'a self,
        _entry: &'a Entry,
        _tell: &'a (dyn Fn(&str) + Send + Sync),
    ) -> BoxFuture<'a, Result<(), LaunchError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Whether what it would start for an entry is kept from the rest of this machine. Remote servers run elsewhere.
    fn is_boxed(&self, entry: &Entry) -> bool {
        !entry.launch.is_local()
    }

    /// How what it would start for an entry is kept from the rest of this machine; `None` for what runs elsewhere.
    fn isolation(&self, entry: &Entry) -> Option<Isolation> {
        entry.launch.is_local().then(|| Isolation {
            level: "none, it runs with your rights".to_owned(),
            missing: Vec::new(),
        })
    }

    /// What of the network it lets a local server reach, in words for people; `None` for what runs elsewhere.
    fn network(&self, entry: &Entry) -> Option<String> {
        if !entry.launch.is_local() {
            return None;
        }
        Some(match (&entry.network, self.is_boxed(entry)) {
            (_, false) => "open, for it runs with your rights".to_owned(),
            (Network::Open, true) => "open".to_owned(),
            (Network::Hosts(hosts), true) if !hosts.is_empty() => hosts.join(", "),
            (Network::Hosts(_) | Network::None | Network::Unsaid, true) => "none".to_owned(),
        })
    }

    /// Whether the person does not want to be asked whether a server may reach this host.
    fn is_denied(&self, _entry: &Entry, _host: &str) -> bool {
        true
    }

    /// Keeps for later starts whether a server may reach a host.
    ///
    /// # Errors
    /// It cannot be kept; why.
    fn decide(&self, _entry: &Entry, _host: &str, _is_allowed: bool) -> Result<(), String> {
        Err("nothing keeps that here".to_owned())
    }

    /// Why it cannot start an entry at all, if so, as far as the entry says.
    fn refuses(&self, _entry: &Entry) -> Option<String> {
        None
    }
}

/// How a server is kept from the rest of this machine, in words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Isolation {
    /// How.
    pub level: String,
    /// What is missing for more, one sentence each.
    pub missing: Vec<String>,
}

/// A server that was started or reached.
pub struct Launched {
    /// How to speak to it.
    pub link: Link,
    /// Its process, if it is ours. The server ends when this is dropped.
    pub process: Option<Process>,
}

/// How to speak to a server.
pub enum Link {
    /// Frames in both directions.
    Pipe(Pipe),
    /// Requests by streamable HTTP.
    Http(Endpoint),
}

/// What a [`ProcessLauncher`] starts servers with.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Our own program, whose hidden command `__guard` calls `guard::main`; `/proc/self/exe` is it even after an
    /// update has replaced the file. With it no process of a server outlives us, however we end; without it that
    /// holds only if we end in order. Linux only.
    pub guard: Option<PathBuf>,
    /// Our environment. Servers see the harmless part of it.
    pub environment: Vec<(OsString, OsString)>,
}

impl Options {
    /// With this process' own environment, and without a guard.
    #[must_use]
    pub fn inherited() -> Self {
        Self {
            guard: None,
            environment: std::env::vars_os().collect(),
        }
    }
}

/// Starts servers as processes.
#[derive(Debug)]
pub struct ProcessLauncher {
    options: Options,
    pub(crate) starts: Starts,
}

impl ProcessLauncher {
    /// A launcher with these options.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            options,
            starts: Starts::default(),
        }
    }

    async fn start(&self, spec: Spec) -> Result<Launched, LaunchError> {
        // Everything that can fail on our side comes first: then there is nothing to clean up.
        let (pipes, ends) = Pipes::make()?;
        let guard = self.options.guard.clone();
        let start = move || spawn::spawn(&spec, ends, guard.as_deref());
        let spawned = self.starts.apart(start).await??;
        Ok(pipes.launched(spawned, &[]))
    }

    /// What to start for an entry, checked as far as it can be before starting it.
    pub(crate) fn spec(&self, entry: &Entry) -> Result<Spec, LaunchError> {
        filled(entry)?;
        let Launch::Command {
            command,
            args,
            env,
            cwd,
        } = &entry.launch
        else {
            return Err(LaunchError::NotProgram);
        };
        let file = file_of(entry);
        if let Some(folder) = cwd.as_ref().filter(|folder| !lookup::enters(folder)) {
            return Err(LaunchError::NoFolder {
                path: folder.clone(),
                file,
            });
        }
        // One that is gone is no reason not to start.
        let base = entry.base.clone().filter(|base| lookup::enters(base));
        let own = env.iter().map(|(name, _)| name.clone()).collect();
        let env = environment::of_server(&self.options.environment, env);
        let path = env.get(OsStr::new("PATH")).map(OsString::as_os_str);
        let from = cwd.as_deref().or(base.as_deref());
        let program = lookup::find(command, path, from).map_err(|missing| {
            // People paste what they type into a shell.
            let first = command.split_whitespace().next().unwrap_or_default();
            if first != command && lookup::find(first, path, from).is_ok() {
                return LaunchError::Line {
                    command: command.clone(),
                    program: first.to_owned(),
                    file,
                };
            }
            match missing {
                Missing::NotFound => LaunchError::NotFound {
                    command: command.clone(),
                    file,
                },
                Missing::NoFile(path) => LaunchError::NoFile { path, file },
                Missing::NotExecutable(path) => LaunchError::NotExecutable { path, file },
            }
        })?;
        Ok(Spec {
            program,
            args: args.clone(),
            env,
            own,
            cwd: cwd.clone(),
            base,
        })
    }
}

/// Our ends of a server's stdin, stdout and stderr.
pub(crate) struct Pipes {
    pipe: Pipe,
    stderr: AsyncFd<OwnedFd>,
}

impl Pipes {
    /// Ours, and the server's.
    pub(crate) fn make() -> Result<(Self, [OwnedFd; 3]), LaunchError> {
        let (stdin, our_stdin) = io::pipe().map_err(LaunchError::Pipes)?;
        let (our_stdout, stdout) = io::pipe().map_err(LaunchError::Pipes)?;
        let (our_stderr, stderr) = io::pipe().map_err(LaunchError::Pipes)?;
        let pipe =
            stdio::from_fds(our_stdout.into(), our_stdin.into()).map_err(LaunchError::Pipes)?;
        rustix::io::ioctl_fionbio(&our_stderr, true)
            .map_err(|errno| LaunchError::Pipes(errno.into()))?;
        let stderr_of_it =
            register(our_stderr.into(), Interest::READABLE).map_err(LaunchError::Pipes)?;
        let ends = [stdin.into(), stdout.into(), stderr.into()];
        let ours = Self {
            pipe,
            stderr: stderr_of_it,
        };
        Ok((ours, ends))
    }

    /// The server that has the other ends. The notes stand before its own last words.
    pub(crate) fn launched(self, spawned: Spawned, notes: &[String]) -> Launched {
        let tail = Arc::<Tail>::default();
        for note in notes {
            tail.note(note);
        }
        let reading = tokio::spawn(stderr::read(self.stderr, tail.clone()));
        let process = Process::watch(spawned, self.pipe.sink.clone(), tail, reading);
        Launched {
            link: Link::Pipe(self.pipe),
            process: Some(process),
        }
    }
}

impl Launcher for ProcessLauncher {
    fn launch<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Launched, LaunchError>> {
        match &entry.launch {
            Launch::Container { .. }
            | Launch::OneShot { .. }
            | Launch::Package { .. }
            | Launch::Unavailable { .. } => Box::pin(std::future::ready(Err(refused(entry)))),
            Launch::Command { .. } => Box::pin(async move { self.start(self.spec(entry)?).await }),
            Launch::Remote {
                kind: RemoteKind::Sse,
                ..
            } => self.launch_sse(entry),
            Launch::Remote {
                kind: RemoteKind::Auto | RemoteKind::Streamable,
                ..
            } => Box::pin(async move {
                Ok(Launched {
                    link: Link::Http(endpoint(entry)?),
                    process: None,
                })
            }),
        }
    }

    fn refuses(&self, entry: &Entry) -> Option<String> {
        match &entry.launch {
            Launch::Command { .. } | Launch::Remote { .. } => None,
            Launch::Container { .. }
            | Launch::OneShot { .. }
            | Launch::Package { .. }
            | Launch::Unavailable { .. } => Some(refused(entry).to_string()),
        }
    }
}

/// Why this launcher has no server for an entry that is neither a program nor remote.
fn refused(entry: &Entry) -> LaunchError {
    match &entry.launch {
        Launch::Container { image, .. } => LaunchError::Container {
            why: format!(
                "the image \"{image}\" needs a container engine, which this `runtime` does not use; run the gateway with --runtime auto"
            ),
        },
        Launch::OneShot { .. } => LaunchError::Container {
            why: "its tools need a container engine, which this `runtime` does not use; run the gateway with --runtime auto".to_owned(),
        },
        Launch::Package {
            registry,
            identifier,
            ..
        } => LaunchError::NotYet {
            what: format!("the {} package \"{identifier}\"", registry.as_str()),
            instead: "run it as a `command` meanwhile: npx or uvx, with the package as argument",
        },
        Launch::Unavailable { what, why } => LaunchError::Unavailable {
            what: what.clone(),
            why: why.clone(),
        },
        Launch::Command { .. } | Launch::Remote { .. } => LaunchError::NotProgram,
    }
}

/// A template has not been configured: what it would start is not what anybody meant.
pub(crate) fn filled(entry: &Entry) -> Result<(), LaunchError> {
    match entry.is_template {
        true => Err(LaunchError::Template {
            server: entry.name.to_string(),
        }),
        false => Ok(()),
    }
}

async fn reach_sse(entry: &Entry) -> Result<Launched, LaunchError> {
    let pipe = client::sse_pipe(&endpoint(entry)?).await?;
    Ok(Launched {
        link: Link::Pipe(pipe),
        process: None,
    })
}

fn endpoint(entry: &Entry) -> Result<Endpoint, LaunchError> {
    filled(entry)?;
    let Launch::Remote { url, headers, .. } = &entry.launch else {
        return Err(LaunchError::NotRemote);
    };
    Endpoint::new(url, headers).map_err(|error| LaunchError::Endpoint {
        error,
        file: file_of(entry),
    })
}

/// Where to mend an entry.
pub(crate) fn file_of(entry: &Entry) -> String {
    if entry.source.is_empty() {
        format!("the entry \"{}\"", entry.name)
    } else {
        entry.source.clone()
    }
}
