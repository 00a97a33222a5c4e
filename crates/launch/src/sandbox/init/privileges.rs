//! What the first process gives up, and what it may no longer use more of.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::FileType;
use rustix::process::{
    DumpableBehavior, Gid, Resource, Rlimit, Signal, Uid, getrlimit, set_dumpable_behavior,
    set_parent_process_death_signal, setrlimit,
};
use rustix::thread::{
    CapabilitiesSecureBits, CapabilitySet, CapabilitySets, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_capabilities_secure_bits,
    set_no_new_privs, set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};

use crate::sandbox::plan::User;
use crate::sandbox::{BoxLimits, Level, LimitedBy};

/// More than any kernel has.
const CAPABILITIES: u32 = 63;

/// Gives a pipe to that user, who may open it by name again then, as `/dev/stderr` for one. Nothing else: a terminal or
/// a device is not ours to give away.
pub(super) fn hand_over(fd: &OwnedFd, user: User) {
    let is_pipe =
        rustix::fs::fstat(fd).is_ok_and(|of| FileType::from_raw_mode(of.st_mode) == FileType::Fifo);
    if is_pipe {
        let (uid, gid) = ids(user);
        // Whoever does not open it by name does not miss it.
        let _ = rustix::fs::fchown(fd, Some(uid), Some(gid));
    }
}

fn ids(user: User) -> (Uid, Gid) {
    (Uid::from_raw(user.uid), Gid::from_raw(user.gid))
}

/// Limits of each process; only ever lower than they were.
pub(super) fn limit(limits: &BoxLimits, by: LimitedBy, level: Level) -> io::Result<()> {
    lower(Resource::Core, 0)?;
    lower(Resource::Nofile, limits.open_files.into())?;
    if level.has_init() {
        // It counts those of the user's namespace; without one, everything that the person runs.
        lower(Resource::Nproc, limits.processes.into())?;
    }
    lower(Resource::Memlock, 64 << 10)?;
    lower(Resource::Msgqueue, 800 << 10)?;
    if by == LimitedBy::Rlimits {
        // Not its addresses: some runtimes reserve terabytes of those and use none.
        lower(Resource::Data, limits.memory_bytes)?;
    }
    Ok(())
}

fn lower(resource: Resource, value: u64) -> io::Result<()> {
    let now = getrlimit(resource);
    let at_most = |limit: Option<u64>| Some(limit.map_or(value, |limit| limit.min(value)));
    Ok(setrlimit(
        resource,
        Rlimit {
            current: at_most(now.current),
            maximum: at_most(now.maximum),
        },
    )?)
}

/// Leaves all groups; needs the right to.
pub(super) fn leave_groups() -> io::Result<()> {
    Ok(set_thread_groups(&[])?)
}

/// From here on files are opened as that user.
pub(super) fn become_user(user: User) -> io::Result<()> {
    let (uid, gid) = ids(user);
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)?;
    Ok(())
}

/// Gives up every capability, the way to get any again, and to be looked into.
pub(super) fn give_up() -> io::Result<()> {
    // Becoming another user has kept none of them; where there is still one, these need it.
    let _ = set_capabilities_secure_bits(
        CapabilitiesSecureBits::NO_ROOT
            | CapabilitiesSecureBits::NO_ROOT_LOCKED
            | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE
            | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE_LOCKED,
    );
    for bit in 0..CAPABILITIES {
        // Ends at the first that the kernel does not know. Without the right to do this at all nothing is won by what
        // stays, for no program that gives privileges does so from here on.
        let capability = CapabilitySet::from_bits_retain(1 << bit);
        if remove_capability_from_bounding_set(capability).is_err() {
            break;
        }
    }
    clear_ambient_capability_set()?;
    let none = CapabilitySet::empty();
    set_capabilities(
        None,
        CapabilitySets {
            effective: none,
            permitted: none,
            inheritable: none,
        },
    )?;
    set_no_new_privs(true)?;
    // The server has our user: it could read our memory otherwise, and trace us.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    // A second way to hear of the guard's end.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(())
}
