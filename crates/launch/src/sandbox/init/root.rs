//! The files of a box: a root of its own in memory, with what the plan shares in it, and the way into it.
//!
//! Everything shared is opened before anything changes, and each place for it is opened without following a link: a
//! folder that the server could write in an earlier life of the box cannot send us elsewhere.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use rustix::fs::{Mode, OFlags, ResolveFlags, mkdirat, openat, openat2, symlinkat};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags,
    OpenTreeFlags, UnmountFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen,
    mount_change, move_mount, open_tree, unmount,
};

use super::super::plan::{HOME, Item, Network, Plan, TMP, User};
use super::super::syscalls::{Depth, set_mount_attributes};
use super::super::warden::{refused, refused_by};
use crate::guard::control::Report;
use crate::limits::BOX_SCRATCH_FILES;

/// Any folder: what it holds has been opened by the time it is covered.
const STAGE: &str = "/tmp";

/// Devices that hold nothing.
const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom", "tty"];

/// What of `/proc` tells of the machine, or of the keys of its users, though a namespace of processes is around it.
const MASKED: &[&str] = &[
    "/proc/acpi",
    "/proc/asound",
    "/proc/kcore",
    "/proc/key-users",
    "/proc/keys",
    "/proc/kallsyms",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/sysrq-trigger",
    "/proc/timer_list",
    "/proc/timer_stats",
];

/// For what nobody runs from or writes to.
const CLOSED: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NOSUID
    .union(MountAttrFlags::MOUNT_ATTR_NODEV)
    .union(MountAttrFlags::MOUNT_ATTR_NOEXEC)
    .union(MountAttrFlags::MOUNT_ATTR_RDONLY);

/// Builds the root and enters it. Of the machine's own there is nothing to be found from then on.
pub(super) fn build(plan: &Plan, users: &[OwnedFd]) -> Result<(), Report> {
    mount_change(
        "/",
        MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
    )
    .map_err(refused_by("leaving the machine's mounts"))?;
    let machine = open_folder("/").map_err(refused_by("opening the machine's root"))?;
    let shares = plan.items.iter().filter_map(|item| match item {
        Item::Share {
            at,
            from,
            writable,
            users: named,
        } => Some((at, from, *writable, named.and_then(|n| users.get(n)))),
        Item::Link { .. } => None,
    });
    let mut mounts = Vec::new();
    for (at, from, writable, users) in shares {
        let mount = share(&machine, from, writable, users)
            .map_err(refused_by(format!("sharing {}", shown(from))))?;
        mounts.push((at, mount));
    }
    let devices: Vec<_> = DEVICES
        .iter()
        .filter_map(|name| Some((*name, device(&machine, name).ok()?)))
        .collect();

    // While the machine's own is still to be seen: whom that is hidden from may not have another one.
    let processes = file_system("proc", &[], CLOSED).map_err(refused_by("/proc"))?;

    let root = in_memory(
        &[("mode", "0755"), ("size", "16m")],
        MountAttrFlags::empty(),
    )
    .map_err(refused_by("a root in memory"))?;
    attach(&root, open_folder(STAGE).map_err(refused_by(STAGE))?)
        .map_err(refused_by("a root in memory"))?;
    let root = open_folder(STAGE).map_err(refused_by("a root in memory"))?;
    private(&root, plan)?;
    for (name, device) in devices {
        place(&root, &OsString::from(format!("/dev/{name}")), Kind::File)
            .and_then(|at| attach(&device, at))
            .map_err(refused_by(format!("/dev/{name}")))?;
    }
    for (at, (mount, kind)) in mounts {
        place(&root, at, kind)
            .and_then(|at| attach(&mount, at))
            .map_err(refused_by(format!("placing {}", shown(at))))?;
    }
    for item in &plan.items {
        if let Item::Link { at, to } = item {
            link(&root, at, to).map_err(refused_by(format!("the link {}", shown(at))))?;
        }
    }
    write_accounts(&root, plan).map_err(refused("writing accounts"))?;
    place(&root, OsStr::new("/proc"), Kind::Folder)
        .and_then(|at| attach(&processes, at))
        .and_then(|()| mask(&root))
        .map_err(refused_by("/proc"))?;
    enter(&root).map_err(refused_by("entering the root"))?;
    let read_only = open_folder("/").and_then(|root| {
        set_mount_attributes(root, Depth::One, MountAttrFlags::MOUNT_ATTR_RDONLY, None)
    });
    read_only.map_err(refused_by("closing the root"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    File,
}

/// A mount of something of the machine, not yet anywhere.
fn share(
    machine: &OwnedFd,
    from: &OsStr,
    writable: bool,
    users: Option<&OwnedFd>,
) -> Result<(OwnedFd, Kind), Errno> {
    let source = without_links(machine, from)?;
    let kind = match rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(&source)?.st_mode) {
        rustix::fs::FileType::Directory => Kind::Folder,
        _ => Kind::File,
    };
    let mut attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    if !writable {
        attributes |= MountAttrFlags::MOUNT_ATTR_RDONLY;
    }
    let mount = copy_of(&source)?;
    if let Some(users) = users {
        match set_mount_attributes(&mount, Depth::All, attributes, Some(users.as_fd())) {
            Ok(()) => return Ok((mount, kind)),
            // A file system that cannot: its files keep their owners, who are others than the server then.
            Err(Errno::INVAL | Errno::PERM) => {}
            Err(errno) => return Err(errno),
        }
    }
    set_mount_attributes(&mount, Depth::All, attributes, None)?;
    Ok((mount, kind))
}

/// Read-only: what a device does is not changed by that, and who may use it cannot be.
fn device(machine: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    let mount = copy_of(&without_links(
        machine,
        OsStr::new(&format!("/dev/{name}")),
    )?)?;
    let attributes = MountAttrFlags::MOUNT_ATTR_RDONLY
        | MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    set_mount_attributes(&mount, Depth::All, attributes, None)?;
    Ok(mount)
}

fn copy_of(source: &OwnedFd) -> Result<OwnedFd, Errno> {
    open_tree(
        source,
        "",
        OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC
            | OpenTreeFlags::AT_EMPTY_PATH
            | OpenTreeFlags::AT_RECURSIVE,
    )
}

fn attach(mount: &OwnedFd, at: OwnedFd) -> Result<(), Errno> {
    move_mount(
        mount,
        "",
        &at,
        "",
        MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH,
    )
}

/// A new file system in memory.
fn in_memory(options: &[(&str, &str)], attributes: MountAttrFlags) -> Result<OwnedFd, Errno> {
    file_system("tmpfs", options, attributes)
}

fn file_system(
    kind: &str,
    options: &[(&str, &str)],
    attributes: MountAttrFlags,
) -> Result<OwnedFd, Errno> {
    let system = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (name, value) in options {
        fsconfig_set_string(system.as_fd(), *name, *value)?;
    }
    fsconfig_create(system.as_fd())?;
    fsmount(system.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

/// What the server has for itself: a home, a folder for what is temporary, devices.
fn private(root: &OwnedFd, plan: &Plan) -> Result<(), Report> {
    let safe = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    let size = plan.limits.scratch_bytes.to_string();
    let files = BOX_SCRATCH_FILES.to_string();
    let owner = plan
        .user
        .map(|user| (user.uid.to_string(), user.gid.to_string()));
    for (at, mode) in [(HOME, "0700"), (TMP, "1777")] {
        let mut options = vec![("size", &*size), ("nr_inodes", &*files), ("mode", mode)];
        if let Some((uid, gid)) = &owner {
            options.extend([("uid", &**uid), ("gid", &**gid)]);
        }
        in_memory(&options, safe)
            .and_then(|mount| attach(&mount, place(root, OsStr::new(at), Kind::Folder)?))
            .map_err(refused_by(at))?;
    }
    let dev = || {
        let noexec = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        let mount = in_memory(
            &[("size", "64m"), ("nr_inodes", "4096"), ("mode", "0755")],
            noexec,
        )?;
        attach(&mount, place(root, OsStr::new("/dev"), Kind::Folder)?)?;
        let dev = without_links(root, OsStr::new("/dev"))?;
        for (name, to) in [
            ("fd", "/proc/self/fd"),
            ("stdin", "/proc/self/fd/0"),
            ("stdout", "/proc/self/fd/1"),
            ("stderr", "/proc/self/fd/2"),
            ("ptmx", "pts/ptmx"),
        ] {
            symlinkat(to, &dev, name)?;
        }
        mkdirat(&dev, "shm", Mode::from_raw_mode(0o1777))?;
        let shm = openat(
            &dev,
            "shm",
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        // Whatever the mask said.
        rustix::fs::fchmod(&shm, Mode::from_raw_mode(0o1777))?;
        let mount = file_system("devpts", &[("ptmxmode", "0666"), ("mode", "0620")], noexec)?;
        attach(&mount, place(root, OsStr::new("/dev/pts"), Kind::Folder)?)
    };
    dev().map_err(refused_by("/dev"))
}

/// The folder or file at a path of the box, made if there is none. No link is followed.
fn place(root: &OwnedFd, at: &OsStr, kind: Kind) -> Result<OwnedFd, Errno> {
    if let Ok(found) = without_links(root, at) {
        return Ok(found);
    }
    let path = Path::new(at);
    let name = path.file_name().ok_or(Errno::INVAL)?;
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("/") => place(root, parent.as_os_str(), Kind::Folder)?,
        _ => without_links(root, OsStr::new("/"))?,
    };
    match kind {
        Kind::Folder => mkdirat(&parent, name, Mode::from_raw_mode(0o755))?,
        Kind::File => {
            openat(
                &parent,
                name,
                OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC,
                Mode::from_raw_mode(0o644),
            )?;
        }
    }
    without_links(root, at)
}

/// Opens a path below a root, as a place only.
fn without_links(root: &OwnedFd, path: &OsStr) -> Result<OwnedFd, Errno> {
    let mut below: Vec<u8> = Vec::new();
    for part in Path::new(path).components() {
        match part {
            Component::RootDir => {}
            Component::Normal(name) => {
                if !below.is_empty() {
                    below.push(b'/');
                }
                below.extend(name.as_bytes());
            }
            _ => return Err(Errno::INVAL),
        }
    }
    if below.is_empty() {
        below.push(b'.');
    }
    openat2(
        root,
        OsStr::from_bytes(&below),
        OFlags::PATH | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::NO_SYMLINKS | ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS,
    )
}

fn open_folder(path: &str) -> Result<OwnedFd, Errno> {
    rustix::fs::open(
        path,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
}

fn link(root: &OwnedFd, at: &OsStr, to: &OsStr) -> Result<(), Errno> {
    let path = Path::new(at);
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Errno::INVAL);
    };
    symlinkat(to, place(root, parent.as_os_str(), Kind::Folder)?, name)
}

/// The few files by which programs find out who they are, and whom to ask for names.
fn write_accounts(root: &OwnedFd, plan: &Plan) -> io::Result<()> {
    let User { uid, gid } = plan.user.unwrap_or_else(|| User {
        uid: rustix::process::getuid().as_raw(),
        gid: rustix::process::getgid().as_raw(),
    });
    let files = [
        (
            "passwd",
            format!("server:x:{uid}:{gid}::{HOME}:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"),
        ),
        ("group", format!("server:x:{gid}:\nnogroup:x:65534:\n")),
        ("hostname", "box\n".to_owned()),
        (
            "nsswitch.conf",
            "passwd: files\ngroup: files\nhosts: files dns\n".to_owned(),
        ),
    ];
    let of_its_own = [
        (
            "hosts",
            "127.0.0.1 localhost box\n::1 localhost\n".to_owned(),
        ),
        (
            "resolv.conf",
            "nameserver 127.0.0.1\noptions timeout:2 attempts:2\n".to_owned(),
        ),
    ];
    let of_its_own = of_its_own
        .into_iter()
        // On the machine's network these are the machine's.
        .filter(|_| plan.network != Network::Machine);
    let etc = place(root, OsStr::new("/etc"), Kind::Folder)?;
    for (name, text) in files.into_iter().chain(of_its_own) {
        let file = openat(
            &etc,
            name,
            OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC,
            Mode::from_raw_mode(0o644),
        )?;
        std::fs::File::from(file).write_all(text.as_bytes())?;
    }
    Ok(())
}

/// Makes it the root, and lets go of the one before.
fn enter(root: &OwnedFd) -> Result<(), Errno> {
    rustix::process::fchdir(root)?;
    rustix::process::pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    rustix::process::chdir("/")?;
    rustix::system::sethostname(b"box")
}

/// Hides what `/proc` says of others than the box.
fn mask(root: &OwnedFd) -> Result<(), Errno> {
    let null = device(root, "null")?;
    for masked in MASKED.iter().map(OsStr::new) {
        let Ok(at) = without_links(root, masked) else {
            continue;
        };
        let mask = match rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(&at)?.st_mode) {
            rustix::fs::FileType::Directory => {
                in_memory(&[("size", "4k"), ("mode", "0555")], CLOSED)?
            }
            _ => copy_of(&null)?,
        };
        attach(&mask, at)?;
    }
    Ok(())
}

fn shown(path: &OsStr) -> std::path::Display<'_> {
    Path::new(path).display()
}
