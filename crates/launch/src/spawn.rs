//! Starts the process of a server and holds the reins.
//!
//! Owns the two ways: with a guard between us and the server (see [`crate::guard`]), or without. Every server leads a
//! process group of its own, so that a signal reaches what it started, and a ^C in our terminal does not reach it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::LaunchError;
use crate::exit::ExitReason;
#[cfg(target_os = "linux")]
use crate::guard::control::{self, Order, Report};
#[cfg(target_os = "linux")]
use crate::guard::environment;
use crate::process::Hold as _;

/// What to start in a box, and what it was told about.
#[cfg(target_os = "linux")]
pub(crate) struct Boxed {
    /// In memory.
    pub(crate) plan: OwnedFd,
    /// The namespaces of users that the plan names.
    pub(crate) users: Vec<Arc<OwnedFd>>,
    /// For messages.
    pub(crate) program: PathBuf,
}

/// What to start.
pub(crate) struct Spec {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) env: BTreeMap<OsString, OsString>,
    /// The names in it that the entry sets itself.
    pub(crate) own: Vec<String>,
    /// Where it runs, as its entry says.
    pub(crate) cwd: Option<PathBuf>,
    /// Where it runs else; none: where we do.
    pub(crate) base: Option<PathBuf>,
}

/// Starts it with these as its stdin, stdout and stderr. Blocks for the time that takes.
pub(crate) fn spawn(
    spec: &Spec,
    fds: [OwnedFd; 3],
    guard: Option<&Path>,
) -> Result<Spawned, LaunchError> {
    #[cfg(target_os = "linux")]
    if let Some(guard) = guard {
        return guarded(spec, &fds, guard);
    }
    let _ = guard;
    let [stdin, stdout, stderr] = fds;
    let mut command = spec.command(&spec.program);
    command
        .args(&spec.args)
        .stdin(stdin)
        .stdout(stdout)
        .stderr(stderr);
    let child = command.spawn().map_err(|error| LaunchError::Start {
        program: spec.program.clone(),
        error,
    })?;
    let server = pid_of(&child);
    Ok(Spawned {
        child: Some(child),
        reins: Arc::new(Reins {
            server,
            hold: Hold::Group {
                gone: Mutex::new(false),
            },
            is_too_large: AtomicBool::new(false),
        }),
    })
}

#[cfg(target_os = "linux")]
fn guarded(spec: &Spec, fds: &[OwnedFd; 3], guard: &Path) -> Result<Spawned, LaunchError> {
    let environment = environment::write(&spec.env).map_err(|error| LaunchError::Start {
        program: spec.program.clone(),
        error,
    })?;
    let mut command = spec.command(guard);
    command
        .env_clear()
        .arg("__guard")
        .arg("--")
        .arg(&spec.program)
        .args(&spec.args);
    let fds: Vec<_> = fds.iter().chain([&environment]).map(AsFd::as_fd).collect();
    let (spawned, _) = behind(command, &fds, guard, &spec.program)?;
    Ok(spawned)
}

/// Starts a box with these as its server's stdin, stdout and stderr; the doors of its network are handed over. Blocks for the
/// time that takes.
#[cfg(target_os = "linux")]
pub(crate) fn spawn_boxed(
    boxed: &Boxed,
    fds: &[OwnedFd; 3],
    guard: &Path,
) -> Result<(Spawned, Vec<OwnedFd>), LaunchError> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where children are started"
    )]
    let mut command = Command::new(guard);
    command
        .args(["__guard", "--box"])
        .env_clear()
        .current_dir("/")
        .process_group(0);
    let own = fds.iter().chain([&boxed.plan]).map(AsFd::as_fd);
    let fds: Vec<_> = own.chain(boxed.users.iter().map(AsFd::as_fd)).collect();
    behind(command, &fds, guard, &boxed.program)
}

/// Makes a box in which nothing is started, and waits until it is gone again.
#[cfg(target_os = "linux")]
pub(crate) fn try_box(boxed: &Boxed, fds: &[OwnedFd; 3], guard: &Path) -> Result<(), LaunchError> {
    match spawn_boxed(boxed, fds, guard) {
        Ok((mut spawned, _)) => {
            let child = spawned.child.take();
            match child.map(|child| spawned.reins.reap(child)) {
                Some(ExitReason::Code(0)) => Ok(()),
                _ => Err(LaunchError::no_box(
                    "it did not end as it should".to_owned(),
                    0,
                )),
            }
        }
        // It is the guard's last word, and the box is its last process.
        Err(LaunchError::Ended(ExitReason::Code(0))) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Starts a guard, passes it what it needs, and waits until its server runs.
#[cfg(target_os = "linux")]
fn behind(
    mut command: Command,
    fds: &[BorrowedFd<'_>],
    guard: &Path,
    program: &Path,
) -> Result<(Spawned, Vec<OwnedFd>), LaunchError> {
    let failed = |error| LaunchError::Guard {
        guard: guard.to_owned(),
        error,
    };
    let (ours, theirs) = control::pair().map_err(failed)?;
    control::pass(&ours, b"fds", fds).map_err(failed)?;
    // Whatever path it was found by, in a list of processes it is us.
    command
        .arg0("portolan")
        .stdin(theirs)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let child = command.spawn().map_err(failed)?;
    // Ours of the guard's end: only without it is the end of the guard seen.
    drop(command);

    let mut spawned = Spawned::unfinished(child);
    let mut doors = Vec::new();
    loop {
        let (report, fds) = control::wait_report(&ours).map_err(failed)?;
        match report {
            Report::Started(server) => {
                spawned.reins = Arc::new(Reins {
                    server,
                    hold: Hold::Guard { control: ours },
                    is_too_large: AtomicBool::new(false),
                });
                return Ok((spawned, doors));
            }
            Report::Listening => doors = fds,
            Report::Failed(errno) => {
                return Err(LaunchError::Start {
                    program: program.to_owned(),
                    error: io::Error::from_raw_os_error(errno),
                });
            }
            Report::Refused(what, errno) => return Err(LaunchError::no_box(what, errno)),
            Report::Ended(reason) => return Err(LaunchError::Ended(reason)),
        }
    }
}

impl Spec {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where children are started"
    )]
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.env).process_group(0);
        if let Some(cwd) = self.cwd.as_ref().or(self.base.as_ref()) {
            command.current_dir(cwd);
        }
        command
    }
}

/// A process that runs. Killed when dropped before its end.
pub(crate) struct Spawned {
    /// The server, or its guard. `None` once it is reaped.
    child: Option<Child>,
    pub(crate) reins: Arc<Reins>,
}

impl Spawned {
    /// A guard that has not said yet what it guards. Its own group is the only thing there is to kill.
    #[cfg(target_os = "linux")]
    fn unfinished(guard: Child) -> Self {
        let server = pid_of(&guard);
        let reins = Arc::new(Reins {
            server,
            hold: Hold::Group {
                gone: Mutex::new(false),
            },
            is_too_large: AtomicBool::new(false),
        });
        Self {
            child: Some(guard),
            reins,
        }
    }

    /// What everything of it descends from: its guard, or the server itself.
    #[cfg(target_os = "linux")]
    pub(crate) fn root(&self) -> Option<Pid> {
        self.child.as_ref().map(pid_of)
    }

    /// Waits for the end, sees to it that nothing is left, and says how it ended.
    pub(crate) async fn ended(mut self) -> ExitReason {
        if let Some(child) = &self.child {
            crate::exit::ended(pid_of(child)).await;
        }
        self.child
            .take()
            .map_or(ExitReason::Unknown, |child| self.reins.reap(child))
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            self.reins.kill();
            // Killed processes end soon, but not at once; a zombie would stay as long as we do.
            let _ = std::thread::Builder::new()
                .name("reap".into())
                .spawn(move || child.wait());
        }
    }
}

/// What sends signals to a server and everything that it started.
pub(crate) struct Reins {
    pub(crate) server: Pid,
    hold: Hold,
    /// We ended it because of the memory that it uses.
    is_too_large: AtomicBool,
}

enum Hold {
    /// We are the parent: the signals go to the group, as long as its id is known to be its own.
    Group { gone: Mutex<bool> },
    /// The guard is the parent, and does it.
    #[cfg(target_os = "linux")]
    Guard { control: OwnedFd },
}

impl crate::process::Hold for Reins {
    fn pid(&self) -> u32 {
        self.server.as_raw_nonzero().get().unsigned_abs()
    }

    fn term(&self) {
        match &self.hold {
            Hold::Group { gone } => self.signal_group(gone, Signal::TERM),
            #[cfg(target_os = "linux")]
            Hold::Guard { control } => control::order(control, Order::Term),
        }
    }

    fn kill(&self) {
        match &self.hold {
            Hold::Group { gone } => self.signal_group(gone, Signal::KILL),
            #[cfg(target_os = "linux")]
            Hold::Guard { control } => control::order(control, Order::Kill),
        }
    }

    fn freeze(&self) {
        match &self.hold {
            Hold::Group { gone } => self.signal_group(gone, Signal::STOP),
            #[cfg(target_os = "linux")]
            Hold::Guard { control } => control::order(control, Order::Freeze),
        }
    }

    fn thaw(&self) {
        match &self.hold {
            Hold::Group { gone } => self.signal_group(gone, Signal::CONT),
            #[cfg(target_os = "linux")]
            Hold::Guard { control } => control::order(control, Order::Thaw),
        }
    }
}

impl Reins {
    /// Ends it because of the memory that it uses, and says so afterwards.
    pub(crate) fn end_for_memory(&self) {
        self.is_too_large.store(true, Ordering::SeqCst);
        self.kill();
    }

    /// Reaps a child that has ended.
    fn reap(&self, child: Child) -> ExitReason {
        let reason = self.reaped(child);
        match self.is_too_large.load(Ordering::SeqCst) {
            true => ExitReason::Memory,
            false => reason,
        }
    }

    fn reaped(&self, mut child: Child) -> ExitReason {
        match &self.hold {
            Hold::Group { gone } => {
                let mut gone = gone.lock().unwrap_or_else(PoisonError::into_inner);
                // Not reaped yet, so the group cannot be somebody else's: whoever is left in it is the server's.
                let _ = kill_process_group(self.server, Signal::KILL);
                *gone = true;
                child.wait().map_or(ExitReason::Unknown, ExitReason::from)
            }
            #[cfg(target_os = "linux")]
            Hold::Guard { control } => {
                let _ = child.wait();
                match control::last_report(control) {
                    Some(Report::Ended(reason)) => reason,
                    // The guard itself was killed. Its wards are orphans by now, but still a group.
                    _ => {
                        let _ = kill_process_group(self.server, Signal::KILL);
                        ExitReason::Unknown
                    }
                }
            }
        }
    }

    fn signal_group(&self, gone: &Mutex<bool>, signal: Signal) {
        let gone = gone.lock().unwrap_or_else(PoisonError::into_inner);
        if !*gone {
            let _ = kill_process_group(self.server, signal);
        }
    }
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_child(child)
}
