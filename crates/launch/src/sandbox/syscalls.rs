//! The four system calls that no library in use wraps safely. The only file of the project that may say `unsafe`.
#![expect(
    unsafe_code,
    reason = "rustix has no mount_setattr, no close_range and no clone, and its unshare is unsafe for a flag that is never given here"
)]

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use rustix::io::Errno;
use rustix::mount::MountAttrFlags;
use rustix::process::Pid;
use rustix::thread::UnshareFlags;

/// Namespaces of a process with one thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Apart {
    /// Users and the ids of processes; the latter for children only.
    UsersAndProcesses,
    /// The ids of the processes that are started from now on.
    Processes,
    /// Users alone.
    Users,
    /// Everything else that has a namespace, but for time.
    Rest,
    /// The same but for the network.
    RestOnTheNetwork,
}

const REST: UnshareFlags = UnshareFlags::NEWNS
    .union(UnshareFlags::NEWIPC)
    .union(UnshareFlags::NEWUTS)
    .union(UnshareFlags::NEWCGROUP);

/// Leaves namespaces. `EINVAL` where the process has more than one thread.
pub(super) fn unshare(apart: Apart) -> Result<(), Errno> {
    let flags = match apart {
        Apart::UsersAndProcesses => UnshareFlags::NEWUSER | UnshareFlags::NEWPID,
        Apart::Processes => UnshareFlags::NEWPID,
        Apart::Users => UnshareFlags::NEWUSER,
        Apart::Rest => REST | UnshareFlags::NEWNET,
        Apart::RestOnTheNetwork => REST,
    };
    // SAFETY: what can go wrong is that threads lose descriptors, with `FILES`, which is in none of these.
    unsafe { rustix::thread::unshare_unsafe(flags) }
}

/// Sees to it that no program after this one has any descriptor but the first three. Linux 5.11, `close_range(2)`.
pub(super) fn keep_descriptors() -> Result<(), Errno> {
    // SAFETY: no memory is involved; descriptors stay open, and whoever owns one here goes on owning it.
    let result = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            3,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
    outcome(result)
}

/// Closes all descriptors but the first three: whoever started us may have left some open. Linux 5.9, `close_range(2)`.
pub(crate) fn close_descriptors(_: &OneThread) -> Result<(), Errno> {
    // SAFETY: no memory is involved, and with one thread, which is here, nobody else uses one.
    let result = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
    outcome(result)
}

/// Which of the mounts at a place are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    One,
    All,
}

/// Sets attributes of the mounts at `mount`, the root of a mount; with `users`, whose namespace says which owner on disk
/// is which user here. Linux 5.12, `mount_setattr(2)`.
pub(super) fn set_mount_attributes(
    mount: impl AsFd,
    depth: Depth,
    set: MountAttrFlags,
    users: Option<BorrowedFd<'_>>,
) -> Result<(), Errno> {
    const HERE: &CStr = c"";
    let mut attributes = libc::mount_attr {
        attr_set: set.bits().into(),
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    if let Some(users) = users {
        attributes.attr_set |= u64::from(MountAttrFlags::MOUNT_ATTR_IDMAP.bits());
        attributes.userns_fd = users.as_raw_fd().unsigned_abs().into();
    }
    let recursive = match depth {
        Depth::One => 0,
        Depth::All => libc::AT_RECURSIVE,
    };
    // SAFETY: the two pointers are to a string that ends and to a structure of the size that is told, both alive
    // until the call is over, and the kernel only reads them.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_fd().as_raw_fd(),
            HERE.as_ptr(),
            libc::AT_EMPTY_PATH | recursive,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    outcome(result)
}

/// That this process has one thread, as it had when this was asked.
pub(crate) struct OneThread(());

impl OneThread {
    pub(crate) fn here() -> io::Result<Self> {
        match std::fs::read_dir("/proc/self/task")?.count() {
            1 => Ok(Self(())),
            _ => Err(Errno::INVAL.into()),
        }
    }
}

/// Makes a copy of this process: `None` in the copy, its id here. It is no child of ours but of our parent, who waits for
/// it.
pub(crate) fn copy(_: &OneThread) -> Result<Option<Pid>, Errno> {
    let flags = libc::CLONE_PARENT | libc::SIGCHLD;
    // SAFETY: without `CLONE_VM` and with no stack given it is `fork`: both go on with memory of their own, on the same
    // stack. There is one thread, so no lock is held by one that is not there in the copy.
    let result = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    if result < 0 {
        outcome(result)?;
    }
    Ok(Pid::from_raw(result.try_into().unwrap_or_default()))
}

fn outcome(result: libc::c_long) -> Result<(), Errno> {
    if result == 0 {
        return Ok(());
    }
    Err(io::Error::last_os_error()
        .raw_os_error()
        .map_or(Errno::INVAL, Errno::from_raw_os_error))
}
