//! The guard of a box: makes what only a process outside can make, starts the first process inside, and removes what is
//! left when the box is gone.
//!
//! The first process inside is the system's word for "kill everything": when it ends, by whatever, the kernel ends all
//! others in its namespace of process ids. It ends when its socket to the guard closes. See [`super::init`].

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{
    CapabilitySet, capabilities, configure_capability_in_ambient_set, set_capabilities,
};
use serde::{Deserialize, Serialize};

use super::cgroup::Groups;
use super::plan::{Plan, User};
use super::scratch::Scratch;
use super::syscalls::{Apart, unshare};
use super::{Level, LimitedBy, bubblewrap};
use crate::guard::control::{self, Report};
use crate::guard::{Ward, tree};

/// What the first process inside is told, together with stdin, stdout and stderr of the server, the plan, and the
/// namespaces of users that it names.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Start {
    /// To write "0" into.
    pub(super) join: Vec<PathBuf>,
    pub(super) limited_by: LimitedBy,
    /// The private folder, where it is one of the machine's.
    pub(super) scratch: Option<PathBuf>,
}

/// What the first process inside asks for: that its users be mapped.
pub(super) const MAP: &[u8] = b"map";
/// That is done.
pub(super) const MAPPED: &[u8] = b"mapped";

/// What outlives a box unless it is removed.
#[derive(Debug, Default)]
pub(crate) struct Leftovers {
    groups: Option<Groups>,
    scratch: Option<Scratch>,
}

impl Leftovers {
    /// Whether somebody in the box was killed for want of memory.
    pub(crate) fn had_too_little_memory(&self) -> bool {
        self.groups
            .as_ref()
            .is_some_and(Groups::had_too_little_memory)
    }
}

/// Makes the box of a plan and starts what is in it.
pub(crate) fn make(control: BorrowedFd<'_>, fds: &[OwnedFd]) -> Result<Ward, Report> {
    let plan = match fds {
        [_, _, _, plan, ..] => Plan::read(plan).map_err(refused("reading the plan"))?,
        _ => return Err(Report::Failed(rustix::io::Errno::INVAL.raw_os_error())),
    };
    let mut leftovers = Leftovers::default();
    let groups = match plan.level {
        Level::Bubblewrap => None,
        _ => Groups::make(&plan.limits),
    };
    let mut start = Start {
        join: groups.as_ref().map(Groups::join).unwrap_or_default(),
        limited_by: groups.as_ref().map_or(LimitedBy::Rlimits, Groups::by),
        scratch: None,
    };
    leftovers.groups = groups;
    match (plan.level, plan.user) {
        (Level::Namespaces, Some(_)) => {
            unshare(Apart::Processes).map_err(refused_by("a namespace of processes"))?;
        }
        (Level::Namespaces, None) => become_alone()?,
        (Level::Bubblewrap, _) => {}
        (Level::Landlock | Level::None, _) => {
            let scratch = Scratch::make().map_err(refused("a private folder"))?;
            start.scratch = Some(scratch.path().to_owned());
            leftovers.scratch = Some(scratch);
        }
    }

    let (ours, theirs) = control::pair().map_err(refused("a socket"))?;
    let text = serde_json::to_vec(&start)
        .map_err(io::Error::from)
        .map_err(refused("telling the box"))?;
    let passed: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
    control::pass(&ours, &text, &passed).map_err(refused("telling the box"))?;
    let init = match plan.level {
        Level::Bubblewrap => bubblewrap::spawn(theirs, &plan),
        _ => spawn(theirs),
    };
    let init = init.map_err(refused("starting the first process"))?;
    let inside = plan.level.has_init();
    if let Err(report) = listen(control, &ours, init, &plan) {
        end(init);
        return Err(report);
    }
    // As the machine counts; it may have ended already.
    let first_of = |parent| tree::children_of(parent).first().copied().unwrap_or(parent);
    let server = match plan.level {
        Level::Namespaces => first_of(init),
        Level::Bubblewrap => first_of(first_of(init)),
        Level::Landlock | Level::None => init,
    };
    Ok(Ward {
        child: init,
        server,
        inside: inside.then_some(ours),
        leftovers,
    })
}

/// Hears the first process out until the server runs: until it says so, or, where it becomes the server, until its
/// socket closes with the change.
fn listen(control: BorrowedFd<'_>, inside: &OwnedFd, init: Pid, plan: &Plan) -> Result<(), Report> {
    loop {
        let taken = control::take_in_time(inside).map_err(refused("hearing the first process"))?;
        let Some((text, fds)) = taken else {
            if !plan.level.has_init() {
                return Ok(());
            }
            return Err(refused("the first process ended")(
                io::ErrorKind::BrokenPipe.into(),
            ));
        };
        if text == MAP {
            let process = format!("/proc/{}", init.as_raw_nonzero());
            if let Some(user) = plan.user {
                map_users(&process, user, user).map_err(refused("mapping users"))?;
            }
            control::pass(inside, MAPPED, &[]).map_err(refused("mapping users"))?;
            continue;
        }
        match Report::parse(&text) {
            Some(Report::Started(_)) => return Ok(()),
            Some(Report::Listening) => {
                let fds: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
                let _ = control::pass(control, &text, &fds);
            }
            Some(report) => return Err(report),
            None => {}
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is where the first process of a box is started"
)]
fn spawn(theirs: OwnedFd) -> io::Result<Pid> {
    let child = Command::new("/proc/self/exe")
        .arg("__guard")
        .arg("--init")
        .arg0("portolan")
        .env_clear()
        .stdin(theirs)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    Ok(Pid::from_child(&child))
}

fn end(child: Pid) {
    let _ = kill_process(child, Signal::KILL);
    let _ = rustix::process::waitpid(Some(child), rustix::process::WaitOptions::empty());
}

/// An ordinary user has the right to make namespaces in one of its own only, where it is itself and nobody else is.
fn become_alone() -> Result<(), Report> {
    let user = User {
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
    };
    unshare(Apart::UsersAndProcesses).map_err(refused_by("a namespace of users"))?;
    map_users("/proc/self", user, user).map_err(refused("mapping users"))?;
    // Who is not root in it loses these rights with the next program, unless they are handed on.
    let handed_on = [
        CapabilitySet::SYS_ADMIN,
        CapabilitySet::NET_ADMIN,
        CapabilitySet::NET_BIND_SERVICE,
        CapabilitySet::SETPCAP,
    ];
    let mut sets = capabilities(None).map_err(refused_by("capabilities"))?;
    sets.inheritable = sets.permitted;
    set_capabilities(None, sets).map_err(refused_by("capabilities"))?;
    for capability in handed_on {
        configure_capability_in_ambient_set(capability, true)
            .map_err(refused_by("capabilities"))?;
    }
    Ok(())
}

/// Says who a user of a new namespace is in ours.
pub(super) fn map_users(process: &str, inside: User, outside: User) -> io::Result<()> {
    // Required of those without privileges, and of no use to anybody here.
    fs::write(format!("{process}/setgroups"), "deny")?;
    fs::write(
        format!("{process}/gid_map"),
        format!("{} {} 1", inside.gid, outside.gid),
    )?;
    fs::write(
        format!("{process}/uid_map"),
        format!("{} {} 1", inside.uid, outside.uid),
    )
}

/// For `map_err`: what was being done, in words that fit "the box could not be made: …".
pub(super) fn refused(what: impl Into<String>) -> impl FnOnce(io::Error) -> Report {
    move |error| {
        let what = match error.raw_os_error() {
            Some(_) => what.into(),
            None => format!("{}: {error}", what.into()),
        };
        Report::Refused(what, error.raw_os_error().unwrap_or_default())
    }
}

pub(super) fn refused_by(what: impl Into<String>) -> impl FnOnce(rustix::io::Errno) -> Report {
    move |errno| refused(what)(errno.into())
}
