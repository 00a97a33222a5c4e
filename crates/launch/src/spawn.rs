//! Starts the process of a server and holds the reins.
//!
//! Owns the two ways: with a guard between us and the server (see [`crate::guard`]), or without. Every server leads a
//! process group of its own, so that a signal reaches what it started, and a ^C in our terminal does not reach it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::LaunchError;
use crate::exit::ExitReason;
#[cfg(target_os = "linux")]
use crate::guard::control::{self, Order, Report};

/// What to start.
pub(crate) struct Spec {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) env: BTreeMap<OsString, OsString>,
    pub(crate) cwd: Option<PathBuf>,
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
        }),
    })
}

#[cfg(target_os = "linux")]
fn guarded(spec: &Spec, fds: &[OwnedFd; 3], guard: &Path) -> Result<Spawned, LaunchError> {
    let failed = |error| LaunchError::Guard {
        guard: guard.to_owned(),
        error,
    };
    let (ours, theirs) = control::pair().map_err(failed)?;
    control::send_fds(&ours, fds).map_err(failed)?;
    let mut command = spec.command(guard);
    command
        .arg("__guard")
        .arg("--")
        .arg(&spec.program)
        .args(&spec.args);
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
    match control::wait_report(&ours).map_err(failed)? {
        Report::Started(server) => {
            spawned.reins = Arc::new(Reins {
                server,
                hold: Hold::Guard { control: ours },
            });
            Ok(spawned)
        }
        Report::Failed(errno) => Err(LaunchError::Start {
            program: spec.program.clone(),
            error: io::Error::from_raw_os_error(errno),
        }),
        Report::Ended(_) => Err(failed(io::Error::other("it ended before it began"))),
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
        if let Some(cwd) = &self.cwd {
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
        });
        Self {
            child: Some(guard),
            reins,
        }
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
}

enum Hold {
    /// We are the parent: the signals go to the group, as long as its id is known to be its own.
    Group { gone: Mutex<bool> },
    /// The guard is the parent, and does it.
    #[cfg(target_os = "linux")]
    Guard { control: OwnedFd },
}

impl Reins {
    /// Asks everything to end.
    pub(crate) fn term(&self) {
        match &self.hold {
            Hold::Group { gone } => self.signal_group(gone, Signal::TERM),
            #[cfg(target_os = "linux")]
            Hold::Guard { control } => control::order(control, Order::Term),
        }
    }

    /// Ends everything.
    pub(crate) fn kill(&self) {
        match &self.hold {
            Hold::Group { gone } => self.signal_group(gone, Signal::KILL),
            #[cfg(target_os = "linux")]
            Hold::Guard { control } => control::order(control, Order::Kill),
        }
    }

    /// Reaps a child that has ended.
    fn reap(&self, mut child: Child) -> ExitReason {
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
