//! How a process ended, and when.

use std::fmt;
use std::process::ExitStatus;

use rustix::process::{Pid, WaitId, WaitIdOptions};
use tokio::sync::oneshot;

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitReason {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// By the system, because it and what it started used more memory than they may.
    Memory,
    /// With the engine of its container, or we have lost the one with the other.
    EngineGone,
    /// Nobody knows: who watched it was killed.
    Unknown,
}

impl ExitReason {
    /// It ended by itself and says that all is well.
    #[must_use]
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal(signal) => match signal_name(*signal) {
                Some(name) => write!(f, "was ended by {name}"),
                None => write!(f, "was ended by signal {signal}"),
            },
            Self::Memory => f.write_str(
                "was ended because it used more memory than it may; `resources` of its entry or --memory allows it more, `memory_total` all servers together",
            ),
            Self::EngineGone => {
                f.write_str("was lost: the container engine ended or does not answer")
            }
            Self::Unknown => f.write_str("ended for an unknown reason"),
        }
    }
}

impl From<ExitStatus> for ExitReason {
    fn from(status: ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt;

        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, Some(signal)) => Self::Signal(signal),
            (None, None) => Self::Unknown,
        }
    }
}

/// Waits until a child has ended. It is not reaped, so its id stays its own until the caller does so.
pub(crate) async fn ended(child: Pid) {
    #[cfg(target_os = "linux")]
    if let Ok(fd) = rustix::process::pidfd_open(child, rustix::process::PidfdFlags::empty())
        && let Ok(fd) = transport::readiness::register(fd, tokio::io::Interest::READABLE)
        && fd.readable().await.is_ok()
    {
        return;
    }
    // A kernel, or a filter of system calls, from before pidfd_open.
    ended_by_thread(child).await;
}

async fn ended_by_thread(child: Pid) {
    let (tell, told) = oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("wait".into())
        .spawn(move || {
            let wait = || {
                rustix::process::waitid(
                    WaitId::Pid(child),
                    WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
                )
            };
            while let Err(rustix::io::Errno::INTR) = wait() {}
            // Nobody listens any more: then nobody needs to know.
            let _ = tell.send(());
        });
    if thread.is_ok() {
        let _ = told.await;
    }
}

fn signal_name(signal: i32) -> Option<&'static str> {
    use rustix::process::Signal;

    [
        (Signal::HUP, "SIGHUP"),
        (Signal::INT, "SIGINT"),
        (Signal::QUIT, "SIGQUIT"),
        (Signal::ILL, "SIGILL"),
        (Signal::TRAP, "SIGTRAP"),
        (Signal::ABORT, "SIGABRT"),
        (Signal::BUS, "SIGBUS"),
        (Signal::FPE, "SIGFPE"),
        (Signal::KILL, "SIGKILL"),
        (Signal::SEGV, "SIGSEGV"),
        (Signal::PIPE, "SIGPIPE"),
        (Signal::ALARM, "SIGALRM"),
        (Signal::TERM, "SIGTERM"),
        (Signal::XCPU, "SIGXCPU"),
        (Signal::XFSZ, "SIGXFSZ"),
        (Signal::SYS, "SIGSYS"),
    ]
    .into_iter()
    .find_map(|(known, name)| (known.as_raw() == signal).then_some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_is_seen_with_a_thread_too() {
        #[expect(clippy::disallowed_methods, reason = "a child to wait for")]
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let pid = Pid::from_child(&child);
        let mut both = tokio::spawn(async move {
            ended(pid).await;
            ended_by_thread(pid).await;
        });
        tokio::task::yield_now().await;
        assert!(!both.is_finished());
        drop(stdin);
        (&mut both).await.unwrap();
        // It was left to be reaped here.
        assert!(child.wait().unwrap().success());
    }

    #[test]
    fn reasons_read_well() {
        assert_eq!(ExitReason::Code(3).to_string(), "exited with code 3");
        assert_eq!(ExitReason::Signal(9).to_string(), "was ended by SIGKILL");
        assert_eq!(ExitReason::Signal(60).to_string(), "was ended by signal 60");
        assert!(ExitReason::Code(0).is_success() && !ExitReason::Code(1).is_success());
    }
}
