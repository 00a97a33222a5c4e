//! The process between us and a server, so that nothing of the server outlives us.
//!
//! A parent that is killed cannot clean up, and asking the system to do it (`PR_SET_PDEATHSIG`) needs code between
//! fork and exec, covers only the child itself and is tied to a thread. So a second process of our own program is
//! the server's parent. It adopts whatever the server leaves behind, hears of our end because the socket between us
//! closes, and ends the whole tree then: politely first, since a server may have to stop something outside of it,
//! such as a container. It is not on the way of the data: the server gets its own pipes, passed over the socket, so
//! that no other process can inherit any of them. Its own environment is empty: the server's comes the same way.
//!
//! Read `control` next for what is said over the socket, and `tree` for who belongs to the server.

pub(crate) mod control;
pub(crate) mod environment;
pub(crate) mod tree;

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, kill_process, kill_process_group, wait,
};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::pipe::register;

use crate::exit::ExitReason;
use crate::limits::{GUARD_EOF_GRACE, KILL_AGAIN, KILL_WAIT, TERM_GRACE};
use crate::sandbox::{init, users, warden};
use control::{Order, Report};

/// The hidden command, called with what follows `__guard`. Its standard input is the socket to whoever started it.
/// Returns when nothing of the server is left.
///
/// `-- PROGRAM ARGS…` guards a program, `--box` guards a box; the two others are parts of a box, `--init` its first
/// process and `--hold` one that holds a namespace of users until somebody has it.
#[must_use]
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args = args.into_iter();
    let Some(part) = args.next() else {
        return ExitCode::from(2);
    };
    // Whoever ends the gateway by its name should not hit what cleans up behind it.
    let _ = rustix::thread::set_name(c"mcp-guard");
    match (part.to_str(), args.next()) {
        (Some("--"), Some(program)) => guard(|_, fds| start(program, args, fds)),
        (Some("--box"), None) => guard(|control, fds| warden::make(control, &fds)),
        (Some("--init"), None) => init::main(),
        (Some("--hold"), None) => users::hold(),
        _ => ExitCode::from(2),
    }
}

/// What a guard guards.
pub(crate) struct Ward {
    /// Our child: the server, or the first process of its box.
    pub(crate) child: Pid,
    /// The server, or what comes nearest to it.
    pub(crate) server: Pid,
    /// The socket to the first process of a box.
    pub(crate) inside: Option<OwnedFd>,
    /// To be removed after the end.
    pub(crate) leftovers: warden::Leftovers,
}

fn guard(start: impl FnOnce(BorrowedFd<'_>, Vec<OwnedFd>) -> Result<Ward, Report>) -> ExitCode {
    // Without it (Linux before 3.4) only the group is ended.
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    let control = rustix::stdio::stdin();
    let Ok(Some((_, fds))) = control::take(control) else {
        return ExitCode::from(2);
    };
    let Ok(signals) = Signals::register() else {
        return ExitCode::from(2);
    };
    match start(control, fds) {
        Ok(ward) => {
            control::report(control, &Report::Started(ward.server));
            let Ward {
                child,
                inside,
                leftovers,
                ..
            } = ward;
            let reason = Guard::new(control, signals, child, inside).run();
            let is_killed = reason == ExitReason::Signal(Signal::KILL.as_raw());
            let reason = match is_killed && leftovers.had_too_little_memory() {
                true => ExitReason::Memory,
                false => reason,
            };
            drop(leftovers);
            control::report(control, &Report::Ended(reason));
            exit_code(reason)
        }
        Err(report) => {
            control::report(control, &report);
            ExitCode::from(127)
        }
    }
}

fn start(
    program: OsString,
    args: impl Iterator<Item = OsString>,
    fds: Vec<OwnedFd>,
) -> Result<Ward, Report> {
    let failed = |errno| Report::Failed(errno);
    let [stdin, stdout, stderr, environment] = <[OwnedFd; 4]>::try_from(fds)
        .map_err(|_| failed(rustix::io::Errno::INVAL.raw_os_error()))?;
    let environment = environment::read(environment)
        .map_err(|error| failed(error.raw_os_error().unwrap_or_default()))?;
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where children are started"
    )]
    let mut command = Command::new(program);
    // What we keep of the pipes goes with `command`: else the gateway would never see them close.
    let child = command
        .args(args)
        .env_clear()
        .envs(environment)
        .stdin(stdin)
        .stdout(stdout)
        .stderr(stderr)
        .process_group(0)
        .spawn()
        .map_err(|error| failed(error.raw_os_error().unwrap_or_default()))?;
    let server = Pid::from_child(&child);
    Ok(Ward {
        child: server,
        server,
        inside: None,
        leftovers: warden::Leftovers::default(),
    })
}

fn exit_code(reason: ExitReason) -> ExitCode {
    match reason {
        ExitReason::Code(code) => ExitCode::from(code.to_le_bytes()[0]),
        ExitReason::Signal(signal) => ExitCode::from((128 + signal).to_le_bytes()[0]),
        ExitReason::Memory => ExitCode::from(128 + 9),
        ExitReason::EngineGone | ExitReason::Unknown => ExitCode::FAILURE,
    }
}

/// Signals, as bytes on sockets: one for children that ended, one for requests to end.
struct Signals {
    child: UnixStream,
    end: UnixStream,
}

impl Signals {
    fn register() -> io::Result<Self> {
        let (child, tell_child) = UnixStream::pair()?;
        let (end, tell_end) = UnixStream::pair()?;
        register(SIGCHLD, tell_child)?;
        for signal in [SIGTERM, SIGINT, SIGHUP] {
            register(signal, tell_end.try_clone()?)?;
        }
        Ok(Self { child, end })
    }
}

struct Guard<'a> {
    control: BorrowedFd<'a>,
    /// The gateway is there.
    attended: bool,
    signals: Signals,
    server: Pid,
    /// The first process of a box, if there is one: it is the server to us, and knows the real one.
    inside: Option<OwnedFd>,
    is_frozen: bool,
    /// Known once the server itself is reaped; what it started may still be there.
    reason: Option<ExitReason>,
    next: Next,
}

/// What happens if nothing else does.
#[derive(Clone, Copy)]
enum Next {
    Nothing,
    Term(Instant),
    Kill(Instant),
    /// Being killed; given up at that time.
    Leave(Instant),
}

impl<'a> Guard<'a> {
    fn new(
        control: BorrowedFd<'a>,
        signals: Signals,
        server: Pid,
        inside: Option<OwnedFd>,
    ) -> Self {
        Self {
            control,
            attended: true,
            signals,
            server,
            inside,
            is_frozen: false,
            reason: None,
            next: Next::Nothing,
        }
    }

    fn run(&mut self) -> ExitReason {
        loop {
            if !self.reap() {
                return self.reason.unwrap_or(ExitReason::Unknown);
            }
            let now = Instant::now();
            match self.next {
                Next::Term(at) if at <= now => {
                    self.term();
                    self.next = Next::Kill(now + TERM_GRACE);
                }
                Next::Kill(at) if at <= now => self.kill(),
                Next::Leave(at) if at <= now => return self.reason.unwrap_or(ExitReason::Unknown),
                Next::Leave(_) => self.signal(Signal::KILL),
                _ => {}
            }
            self.wait(now);
        }
    }

    /// Takes note of everybody who ended; false if nobody is left.
    fn reap(&mut self) -> bool {
        loop {
            match wait(WaitOptions::NOHANG | WaitOptions::CONTINUED) {
                // Somebody outside has let it go on.
                Ok(Some((_, status))) if status.continued() => {
                    if self.is_frozen {
                        self.hold(true);
                    }
                }
                Ok(Some((child, status))) if child == self.server => {
                    self.reason = Some(self.told().unwrap_or_else(|| reason(status)));
                    let _ = kill_process_group(self.server, Signal::KILL);
                    self.kill();
                }
                Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }

    fn kill(&mut self) {
        if !matches!(self.next, Next::Leave(_)) {
            self.next = Next::Leave(Instant::now() + KILL_WAIT);
        }
        self.signal(Signal::KILL);
    }

    /// What the first process of a box said last: how the server ended.
    fn told(&self) -> Option<ExitReason> {
        match control::last_report(self.inside.as_ref()?)? {
            Report::Ended(reason) => Some(reason),
            _ => None,
        }
    }

    /// To the server's group, and to whoever left it and lost their parent. In a box the first process knows them all,
    /// and takes them along when it is killed.
    fn signal(&self, signal: Signal) {
        if let Some(inside) = self.inside.as_ref().filter(|_| signal == Signal::TERM) {
            control::order(inside, Order::Term);
            return;
        }
        if self.reason.is_none() {
            let _ = kill_process_group(self.server, signal);
        }
        for child in tree::children() {
            if child != self.server {
                let _ = kill_process(child, signal);
            }
        }
    }

    /// Who is frozen hears nothing.
    fn term(&mut self) {
        self.freeze(false);
        self.signal(Signal::TERM);
    }

    /// Stops the server and everything that it started, or lets it go on. By signals, not by a control group: that would
    /// hold the first process of a box too, which could not see our end then.
    fn freeze(&mut self, stop: bool) {
        // Whatever ends, ends: nothing is held up then.
        let is_ending = !matches!(self.next, Next::Nothing);
        if self.is_frozen == stop || (stop && is_ending) {
            return;
        }
        self.is_frozen = stop;
        self.hold(stop);
    }

    fn hold(&self, stop: bool) {
        let (order, signal) = match stop {
            true => (Order::Freeze, Signal::STOP),
            false => (Order::Thaw, Signal::CONT),
        };
        if let Some(inside) = &self.inside {
            control::order(inside, order);
            return;
        }
        // Twice: one may have started another meanwhile.
        for _ in 0..2 {
            for process in tree::descendants() {
                let _ = kill_process(process, signal);
            }
        }
    }

    /// Until something happens or is due.
    fn wait(&mut self, now: Instant) {
        let timeout = match self.next {
            Next::Nothing => None,
            Next::Term(at) | Next::Kill(at) => Some(at.saturating_duration_since(now)),
            Next::Leave(_) => Some(KILL_AGAIN),
        };
        let mut fds = [
            PollFd::new(&self.signals.child, PollFlags::IN),
            PollFd::new(&self.signals.end, PollFlags::IN),
            PollFd::from_borrowed_fd(self.control, PollFlags::IN),
        ];
        let watched = if self.attended {
            &mut fds[..]
        } else {
            &mut fds[..2]
        };
        if poll(watched, timeout.map(timespec).as_ref()).is_err() {
            return;
        }
        let happened = fds.map(|fd| !fd.revents().is_empty());
        if happened[0] {
            drain(&self.signals.child);
        }
        if happened[1] {
            drain(&self.signals.end);
            self.end_from(Instant::now());
        }
        if happened[2] {
            self.obey();
        }
    }

    fn obey(&mut self) {
        match control::receive_order(self.control) {
            Some(Order::Term) => self.term(),
            Some(Order::Kill) => self.kill(),
            Some(Order::Freeze) => self.freeze(true),
            Some(Order::Thaw) => self.freeze(false),
            None => {
                self.attended = false;
                self.freeze(false);
                // The server's stdin has closed with the gateway: it may leave by itself.
                self.end_from(Instant::now() + GUARD_EOF_GRACE);
            }
        }
    }

    fn end_from(&mut self, term: Instant) {
        if let Next::Nothing = self.next {
            self.next = Next::Term(term);
        }
    }
}

pub(crate) fn reason(status: WaitStatus) -> ExitReason {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => ExitReason::Code(code),
        (None, Some(signal)) => ExitReason::Signal(signal),
        (None, None) => ExitReason::Unknown,
    }
}

pub(crate) fn drain(signals: &UnixStream) {
    let mut bytes = [0; 64];
    while let Ok((_, 1..)) = rustix::net::recv(
        signals.as_fd(),
        &mut bytes,
        rustix::net::RecvFlags::DONTWAIT,
    ) {}
}

fn timespec(duration: Duration) -> Timespec {
    // Rounded up, for what is due must be due when the wait is over.
    let duration = duration + Duration::from_millis(1);
    Timespec {
        tv_sec: duration.as_secs().cast_signed(),
        tv_nsec: duration.subsec_nanos().into(),
    }
}
