//! Confinement by the Linux kernel.

use std::io;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr,
    RulesetCreated, RulesetStatus, Scope,
};
use rustix::process::{DumpableBehavior, Resource, Rlimit, setrlimit};
use rustix::thread::UnshareFlags;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter};

use crate::limits::WORKER_NICE;
use crate::protocol::Confinement;

/// What an engine without an outside world needs: its channel, memory, and the clock.
pub(super) const ALLOWED: &[(&str, i64)] = &[
    ("read", NUMBERS.read),
    ("write", NUMBERS.write),
    ("mmap", NUMBERS.mmap),
    ("munmap", NUMBERS.munmap),
    ("mremap", NUMBERS.mremap),
    ("madvise", NUMBERS.madvise),
    ("brk", NUMBERS.brk),
    ("mprotect", NUMBERS.mprotect),
    ("clock_gettime", NUMBERS.clock_gettime),
    ("gettimeofday", NUMBERS.gettimeofday),
    ("rt_sigreturn", NUMBERS.rt_sigreturn),
    ("sigaltstack", NUMBERS.sigaltstack),
    ("ppoll", NUMBERS.ppoll),
    ("restart_syscall", NUMBERS.restart_syscall),
    ("exit", NUMBERS.exit),
    ("exit_group", NUMBERS.exit_group),
];

struct Numbers {
    read: i64,
    write: i64,
    mmap: i64,
    munmap: i64,
    mremap: i64,
    madvise: i64,
    brk: i64,
    mprotect: i64,
    clock_gettime: i64,
    gettimeofday: i64,
    rt_sigreturn: i64,
    sigaltstack: i64,
    ppoll: i64,
    restart_syscall: i64,
    exit: i64,
    exit_group: i64,
}

/// From the kernel's own tables, `arch/x86/entry/syscalls/syscall_64.tbl`.
#[cfg(target_arch = "x86_64")]
const NUMBERS: Numbers = Numbers {
    read: 0,
    write: 1,
    mmap: 9,
    mprotect: 10,
    munmap: 11,
    brk: 12,
    rt_sigreturn: 15,
    mremap: 25,
    madvise: 28,
    exit: 60,
    gettimeofday: 96,
    sigaltstack: 131,
    restart_syscall: 219,
    clock_gettime: 228,
    exit_group: 231,
    ppoll: 271,
};

/// From the kernel's own table for newer architectures, `scripts/syscall.tbl`.
#[cfg(target_arch = "aarch64")]
const NUMBERS: Numbers = Numbers {
    read: 63,
    write: 64,
    ppoll: 73,
    exit: 93,
    exit_group: 94,
    clock_gettime: 113,
    restart_syscall: 128,
    sigaltstack: 132,
    rt_sigreturn: 139,
    gettimeofday: 169,
    brk: 214,
    munmap: 215,
    mremap: 216,
    mmap: 222,
    mprotect: 226,
    madvise: 233,
};

pub(super) fn leave() -> io::Result<Confinement> {
    rustix::thread::set_no_new_privs(true)?;
    // No other process of this user may look into this one, nor is there a core file.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    // Where that is not allowed, it is as it was.
    let _ = rustix::process::nice(WORKER_NICE);
    let namespaces = unshare();
    let landlock = landlock();
    Ok(Confinement {
        seccomp: false,
        landlock,
        namespaces,
    })
}

pub(super) fn limit(address_bytes: u64, cpu_seconds: u64) -> io::Result<()> {
    for (resource, limit) in [
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nproc, 0),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
        // The channel and its two neighbours; what is waited on must lie below.
        (Resource::Nofile, 3),
        (Resource::As, address_bytes),
        (Resource::Cpu, cpu_seconds),
    ] {
        lower(resource, limit)?;
    }
    Ok(())
}

/// Only ever down: whoever may not raise a limit must not try.
fn lower(resource: Resource, limit: u64) -> io::Result<()> {
    let now = rustix::process::getrlimit(resource);
    let at_most =
        |limit: u64, bound: Option<u64>| Some(bound.map_or(limit, |bound| limit.min(bound)));
    setrlimit(
        resource,
        Rlimit {
            current: at_most(limit, now.current),
            maximum: at_most(limit, now.maximum),
        },
    )?;
    Ok(())
}

/// Namespaces of its own: no network, no other process' messages, no mounts to change.
#[expect(
    deprecated,
    reason = "unsound only where file descriptors are unshared between threads; these flags share them, and there is one thread"
)]
fn unshare() -> bool {
    let rest = UnshareFlags::NEWNET
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWNS
        | UnshareFlags::NEWCGROUP;
    rustix::thread::unshare(UnshareFlags::NEWUSER | rest).is_ok()
        || rustix::thread::unshare(rest).is_ok()
}

/// No access to any file, socket or process outside.
fn landlock() -> bool {
    let abi = ABI::V6;
    let rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(abi)))
        .and_then(|rules| rules.scope(Scope::from_all(abi)))
        .and_then(Ruleset::create)
        .and_then(RulesetCreated::restrict_self);
    rules.is_ok_and(|status| status.ruleset != RulesetStatus::NotEnforced)
}

pub(super) fn filter() -> io::Result<()> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(io::Error::other)?;
    let rules = ALLOWED
        .iter()
        .map(|(_, number)| (*number, vec![]))
        .collect();
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::KillProcess,
        SeccompAction::Allow,
        arch,
    )
    .map_err(io::Error::other)?;
    let program = BpfProgram::try_from(filter).map_err(io::Error::other)?;
    apply_filter(&program).map_err(io::Error::other)
}
