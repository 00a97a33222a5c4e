//! Processes of our own program by the dozen: one gets ready once, and the others are copies of it.
//!
//! A copy shares with its original all memory that neither has changed: it costs what it does itself, not what our whole
//! program costs, and it is there in a fraction of the time. The original only ever hears from us, and no copy of it can
//! reach it. Copies lie in memory where it lies: whoever could crash one after the other could learn where that is. So
//! there is a new original after a crash. Read `own` for how both end.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, waitpid};
use rustix::stdio::{dup2_stdin, stdin};

use crate::guard::control::{Report, pair, pass, report, take, wait_report};
use crate::limits::COPY_ATTEMPTS;
use crate::own::OwnProcess;
use crate::sandbox::syscalls::{OneThread, close_descriptors, copy};

/// The original, once there is need of one.
#[derive(Debug)]
pub struct Nursery {
    program: PathBuf,
    args: Vec<String>,
    original: Mutex<Option<Original>>,
}

#[derive(Debug)]
struct Original {
    // In this order: it ends by itself when nobody holds the other end.
    control: OwnedFd,
    _process: OwnProcess,
    /// A copy of it has crashed.
    is_known: Arc<AtomicBool>,
}

impl Nursery {
    /// Of this program, which with these arguments calls [`main`]. Nothing is started yet.
    pub fn new(program: impl Into<PathBuf>, args: &[&str]) -> Self {
        Self {
            program: program.into(),
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            original: Mutex::default(),
        }
    }

    /// A copy with `channel` as its standard input. Blocks for the time that takes, which is short unless it is the first.
    ///
    /// # Errors
    /// If there is none, after a second attempt with a new original.
    pub fn copy(&self, channel: &OwnedFd) -> io::Result<OwnProcess> {
        let mut kept = self.original.lock().unwrap_or_else(PoisonError::into_inner);
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for _ in 0..COPY_ATTEMPTS {
            let known = kept.take();
            let original = match known.filter(|known| !known.is_known.load(Ordering::Relaxed)) {
                Some(original) => original,
                None => self.start()?,
            };
            match original.copy(channel) {
                Ok(copy) => {
                    *kept = Some(original);
                    return Ok(OwnProcess::copied(copy));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn start(&self) -> io::Result<Original> {
        let (ours, theirs) = pair()?;
        let args: Vec<&str> = self.args.iter().map(String::as_str).collect();
        Ok(Original {
            control: ours,
            _process: OwnProcess::start(&self.program, &args, theirs)?,
            is_known: Arc::default(),
        })
    }
}

impl Original {
    fn copy(&self, channel: &OwnedFd) -> io::Result<Copy> {
        pass(&self.control, b"copy", &[channel.as_fd()])?;
        match wait_report(&self.control)?.0 {
            Report::Started(pid) => Ok(Copy {
                pid,
                is_known: self.is_known.clone(),
                end: None,
            }),
            Report::Failed(errno) => Err(io::Error::from_raw_os_error(errno)),
            _ => Err(io::Error::other("it speaks differently")),
        }
    }
}

/// A copy, which is a child of ours as its original is.
#[derive(Debug)]
pub(crate) struct Copy {
    pid: Pid,
    is_known: Arc<AtomicBool>,
    /// How it ended, once it was waited for: its id may be another's then.
    end: Option<Option<i32>>,
}

impl Copy {
    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().cast_unsigned()
    }

    /// See [`OwnProcess::end`].
    pub(crate) fn end(&mut self) -> Option<i32> {
        if let Some(end) = self.end {
            return end;
        }
        let end = match self.status(WaitOptions::NOHANG) {
            Ok(None) => {
                let _ = kill_process(self.pid, Signal::KILL);
                self.status(WaitOptions::empty()).ok().flatten()
            }
            Ok(end) => end,
            // It is no child of ours, so its id may be anybody's.
            Err(_) => None,
        };
        let signal = end.and_then(WaitStatus::terminating_signal);
        // Not what anybody did to it, but what it did.
        if signal.is_some_and(|signal| CRASHES.contains(&signal)) {
            self.is_known.store(true, Ordering::Relaxed);
        }
        self.end = Some(signal);
        signal
    }

    fn status(&self, how: WaitOptions) -> io::Result<Option<WaitStatus>> {
        loop {
            match waitpid(Some(self.pid), how) {
                Err(rustix::io::Errno::INTR) => {}
                found => return Ok(found?.map(|(_, status)| status)),
            }
        }
    }
}

/// Signals by which a process ends that did what it cannot, or may not.
const CRASHES: [i32; 6] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGTRAP,
    libc::SIGABRT,
    libc::SIGSYS,
];

/// The original's side: gets ready, and then makes copies for as long as anybody wants them. What `run` gives is how a copy
/// ends. The process must have one thread,
/// and nothing open but its standard streams that it needs.
pub fn main<T>(
    prepare: impl FnOnce() -> io::Result<T>,
    run: impl FnOnce(T) -> ExitCode,
) -> ExitCode {
    let Ok(one) = OneThread::here() else {
        return ExitCode::from(2);
    };
    // Without the call, which is older than Linux 5.9, what was left open stays so: it is nothing of ours.
    let _ = close_descriptors(&one);
    let Ok(ready) = prepare() else {
        return ExitCode::from(2);
    };
    while let Ok(Some((_, channels))) = take(stdin()) {
        let Some(channel) = channels.into_iter().next() else {
            continue;
        };
        let said = match copy(&one) {
            Ok(None) => {
                // It takes the place of what leads to us, which a copy must not have.
                if dup2_stdin(&channel).is_err() {
                    return ExitCode::from(2);
                }
                drop(channel);
                return run(ready);
            }
            Ok(Some(pid)) => Report::Started(pid),
            Err(errno) => Report::Failed(errno.raw_os_error()),
        };
        report(stdin(), &said);
    }
    ExitCode::SUCCESS
}
