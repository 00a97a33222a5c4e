//! The first process in a box.
//!
//! Owns the way from a fresh process to one that is as confined as the server, and then the server's end: it starts the
//! server, reaps what loses its parent, passes on the request to end, and tells how the server ended. The kernel kills
//! whatever is left in the box when it ends itself, which it does with the server and with the guard.
//!
//! Every right that making the box needs is given up before the server starts: what the server could do to this
//! process would not win it anything.
//!
//! Without namespaces it confines itself and becomes the server; the guard does the rest.

mod landlocked;
mod loopback;
mod privileges;
mod root;

pub(super) use landlocked::version as landlock_version;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};
use signal_hook::consts::SIGCHLD;
use signal_hook::low_level::pipe::register;

use super::Level;
use super::plan::{self, HOME, Plan, TMP, User};
use super::seccomp::{self, Sockets};
use super::syscalls::{Apart, keep_descriptors, unshare};
use super::warden::{MAP, MAPPED, Start, refused, refused_by};
use crate::exit::ExitReason;
use crate::guard::control::{self, Order, Report};
use crate::guard::{drain, reason};
use crate::limits::BOX_NAMES;

/// Where everybody asks for names who has not been told otherwise.
const NAMES_PORT: u16 = 53;

/// The hidden command `__guard --init`, whose standard input is the socket to the guard.
pub(crate) fn main() -> ExitCode {
    // A descriptor that no program after us has.
    let Ok(guard) = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3) else {
        return ExitCode::from(2);
    };
    match run(&guard) {
        Ok(reason) => {
            control::report(&guard, &Report::Ended(reason));
            ExitCode::SUCCESS
        }
        Err(report) => {
            control::report(&guard, &report);
            ExitCode::FAILURE
        }
    }
}

fn run(guard: &OwnedFd) -> Result<ExitReason, Report> {
    let taken = control::take(guard).map_err(refused("hearing the guard"))?;
    let (start, plan, fds, users) = taken
        .and_then(|(text, fds)| told(&text, fds))
        .ok_or_else(|| refused("hearing the guard")(io::ErrorKind::InvalidData.into()))?;
    for group in &start.join {
        fs::write(group, "0").map_err(refused(format!("joining {}", group.display())))?;
    }
    // What whoever started the gateway has left open is not the server's.
    let closed = keep_descriptors();
    if !plan.level.has_init() {
        return Err(become_server(&plan, &start, fds));
    }
    closed.map_err(refused_by("closing descriptors"))?;
    let signals = Ended::register().map_err(refused("signals"))?;
    // Otherwise that is done already.
    let is_ours = plan.level == Level::Namespaces;
    if is_ours {
        let apart = match plan.network {
            plan::Network::Own(_) => Apart::Rest,
            plan::Network::Machine => Apart::RestOnTheNetwork,
        };
        unshare(apart).map_err(refused_by("namespaces"))?;
        if apart == Apart::Rest {
            loopback::up().map_err(refused("the loopback"))?;
        }
    }
    if let plan::Network::Own(Some(doors)) = &plan.network {
        open(guard, doors).map_err(refused("a listener"))?;
    }
    if is_ours {
        root::build(&plan, &users)?;
    }
    drop(users);
    privileges::limit(&plan.limits, start.limited_by, plan.level).map_err(refused("limits"))?;
    if let Some(user) = plan.user {
        become_user(guard, user, &fds)?;
    }
    privileges::give_up().map_err(refused("giving up privileges"))?;
    landlocked::inside(&plan).map_err(refused("landlock"))?;
    seccomp::apply(Sockets::All).map_err(refused("the filter of system calls"))?;

    let Some(command) = &plan.command else {
        control::report(guard, &Report::Started(rustix::process::getpid()));
        return Ok(ExitReason::Code(0));
    };
    let server = spawn(command, fds)?;
    control::report(guard, &Report::Started(server));
    Ok(attend(guard, &signals, server))
}

/// Opens the doors of the box, and hands them out: the proxy, names, ports. Where the low numbers are not ours to have,
/// there is only the first.
fn open(guard: &OwnedFd, doors: &plan::Doors) -> io::Result<()> {
    let proxy = TcpListener::bind((Ipv4Addr::LOCALHOST, doors.proxy))?;
    let (network, bits) = BOX_NAMES;
    let names = loopback::is_all_of(network, bits)
        .and_then(|()| UdpSocket::bind((Ipv4Addr::LOCALHOST, NAMES_PORT)))
        .ok();
    // Which address somebody connects to says which host is meant.
    let listen = |port: &u16| TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port)).ok();
    let forwards: Vec<_> = doors.forwards.iter().filter_map(listen).collect();
    let said = Report::Listening.text();
    let fds: Vec<_> = [proxy.as_fd()]
        .into_iter()
        .chain(names.as_ref().map(AsFd::as_fd))
        .chain(forwards.iter().map(AsFd::as_fd))
        .collect();
    control::pass(guard, said.as_bytes(), &fds)
}

/// Becomes the user that the server is, in a namespace where it is alone.
fn become_user(guard: &OwnedFd, user: User, fds: &[OwnedFd; 3]) -> Result<(), Report> {
    for fd in fds {
        privileges::hand_over(fd, user);
    }
    privileges::leave_groups().map_err(refused("groups"))?;
    unshare(Apart::Users).map_err(refused_by("a namespace of users"))?;
    control::pass(guard, MAP, &[]).map_err(refused("mapping users"))?;
    match control::take(guard) {
        Ok(Some((text, _))) if text == MAPPED => {}
        _ => return Err(refused("mapping users")(io::ErrorKind::BrokenPipe.into())),
    }
    privileges::become_user(user).map_err(refused("becoming another user"))
}

/// What the guard said and passed, taken apart.
fn told(text: &[u8], fds: Vec<OwnedFd>) -> Option<(Start, Plan, [OwnedFd; 3], Vec<OwnedFd>)> {
    let start = serde_json::from_slice(text).ok()?;
    let mut fds = fds.into_iter();
    let stdio = [fds.next()?, fds.next()?, fds.next()?];
    let plan = Plan::read(&fds.next()?).ok()?;
    Some((start, plan, stdio, fds.collect()))
}

fn spawn(command: &plan::Command, fds: [OwnedFd; 3]) -> Result<Pid, Report> {
    let cwd = command.cwd.clone().unwrap_or_else(|| HOME.into());
    let mut prepared = prepare(command, Path::new(&cwd), HOME, TMP, fds);
    let child = prepared
        .process_group(0)
        .spawn()
        .map_err(|error| Report::Failed(error.raw_os_error().unwrap_or_default()))?;
    Ok(Pid::from_child(&child))
}

/// Never returns if all goes well.
fn become_server(plan: &Plan, start: &Start, fds: [OwnedFd; 3]) -> Report {
    let confine = || {
        privileges::limit(&plan.limits, start.limited_by, plan.level).map_err(refused("limits"))?;
        privileges::give_up().map_err(refused("giving up privileges"))?;
        landlocked::outside(plan, start.scratch.as_deref()).map_err(refused("landlock"))?;
        let sockets = match plan.network {
            plan::Network::Own(_) => Sockets::None,
            plan::Network::Machine => Sockets::All,
        };
        seccomp::apply(sockets).map_err(refused("the filter of system calls"))
    };
    if let Err(report) = confine() {
        return report;
    }
    let Some(command) = &plan.command else {
        return Report::Ended(ExitReason::Code(0));
    };
    let scratch: PathBuf = start.scratch.clone().unwrap_or_else(|| HOME.into());
    let private = scratch.to_string_lossy();
    let cwd = command.cwd.clone().map_or(scratch.clone(), PathBuf::from);
    let error = prepare(command, &cwd, &private, &private, fds).exec();
    Report::Failed(error.raw_os_error().unwrap_or_default())
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is where the server in a box is started"
)]
fn prepare(
    command: &plan::Command,
    cwd: &Path,
    home: &str,
    tmp: &str,
    fds: [OwnedFd; 3],
) -> Command {
    let [stdin, stdout, stderr] = fds;
    let env: BTreeMap<OsString, OsString> = [("HOME", home), ("TMPDIR", tmp), ("PWD", "")]
        .map(|(name, value)| (name.into(), value.into()))
        .into_iter()
        .filter(|(_, value): &(OsString, OsString)| !value.is_empty())
        .chain(command.env.iter().cloned())
        .collect();
    let mut prepared = Command::new(&command.program);
    prepared
        .args(&command.args)
        .env_clear()
        .envs(env)
        .current_dir(cwd)
        .stdin(stdin)
        .stdout(stdout)
        .stderr(stderr);
    prepared
}

/// Tells of children that ended.
struct Ended(UnixStream);

impl Ended {
    fn register() -> io::Result<Self> {
        let (told, tell) = UnixStream::pair()?;
        register(SIGCHLD, tell)?;
        Ok(Self(told))
    }
}

/// Until the server has ended, or the guard has.
fn attend(guard: &OwnedFd, ended: &Ended, server: Pid) -> ExitReason {
    let mut is_frozen = false;
    loop {
        loop {
            match wait(WaitOptions::NOHANG | WaitOptions::CONTINUED) {
                // Somebody outside has let it go on.
                Ok(Some((_, status))) if status.continued() => {
                    if is_frozen {
                        again(Signal::STOP);
                    }
                }
                Ok(Some((child, status))) if child == server => return reason(status),
                Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
                Ok(None) => break,
                Err(_) => return ExitReason::Unknown,
            }
        }
        let mut fds = [
            PollFd::new(&ended.0, PollFlags::IN),
            PollFd::new(guard, PollFlags::IN),
        ];
        if poll(&mut fds, None).is_err() {
            continue;
        }
        let happened = fds.map(|fd| !fd.revents().is_empty());
        if happened[0] {
            drain(&ended.0);
        }
        if happened[1] {
            match control::receive_order(guard.as_fd()) {
                Some(Order::Term) => everybody(Signal::TERM),
                Some(Order::Freeze) => {
                    is_frozen = true;
                    again(Signal::STOP);
                }
                Some(Order::Thaw) => {
                    is_frozen = false;
                    again(Signal::CONT);
                }
                // Killed from outside, by the guard; or nobody is there any more to do it.
                Some(Order::Kill) | None => return ExitReason::Signal(Signal::KILL.as_raw()),
            }
        }
    }
}

/// Twice: one may have started another meanwhile.
fn again(signal: Signal) {
    everybody(signal);
    everybody(signal);
}

/// Everybody in the box but us.
fn everybody(signal: Signal) {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids =
        processes.filter_map(|process| Pid::from_raw(process.file_name().to_str()?.parse().ok()?));
    for pid in pids.filter(|pid| !pid.is_init()) {
        let _ = kill_process(pid, signal);
    }
}
