//! Confinement by the Linux kernel.

use std::io;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr,
    RulesetCreated, RulesetStatus, Scope,
};
use rustix::process::{DumpableBehavior, Resource, Rlimit, setrlimit};
use rustix::thread::UnshareFlags;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};

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
    apply_filter(&program()?).map_err(io::Error::other)
}

fn program() -> io::Result<BpfProgram> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(io::Error::other)?;
    let rules = ALLOWED
        .iter()
        .map(|(name, number)| Ok((*number, conditions(name)?)))
        .collect::<Result<_, seccompiler::BackendError>>();
    let filter = SeccompFilter::new(
        rules.map_err(io::Error::other)?,
        SeccompAction::KillProcess,
        SeccompAction::Allow,
        arch,
    );
    let program = filter.and_then(BpfProgram::try_from);
    program.map_err(io::Error::other)
}

/// Memory is for data: the engine makes no code, and whoever takes it over must not either.
fn conditions(name: &str) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    if !matches!(name, "mmap" | "mprotect") {
        return Ok(Vec::new());
    }
    let (protection, is_data) = (2, SeccompCmpOp::MaskedEq(PROT_EXEC));
    let condition = SeccompCondition::new(protection, SeccompCmpArgLen::Dword, is_data, 0)?;
    Ok(vec![SeccompRule::new(vec![condition])?])
}

/// The same on every architecture of Linux.
const PROT_EXEC: u64 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel makes of the program for a call: it interprets it just so.
    fn verdict(program: &BpfProgram, arch: u32, number: i64, arguments: [u64; 6]) -> u32 {
        let mut data = Vec::new();
        data.extend_from_slice(&u32::try_from(number).unwrap().to_le_bytes());
        data.extend_from_slice(&arch.to_le_bytes());
        data.extend_from_slice(&[0; 8]);
        for argument in arguments {
            data.extend_from_slice(&argument.to_le_bytes());
        }
        let (mut at, mut value) = (0, 0);
        loop {
            let step = &program[at];
            let mut jump = |is: bool| at += usize::from(if is { step.jt } else { step.jf });
            match step.code {
                0x20 => {
                    let from = step.k as usize;
                    value = u32::from_le_bytes(data[from..from + 4].try_into().unwrap());
                }
                0x05 => at += step.k as usize,
                0x15 => jump(value == step.k),
                0x25 => jump(value > step.k),
                0x35 => jump(value >= step.k),
                0x54 => value &= step.k,
                0x06 => return step.k,
                code => panic!("{code:#x}"),
            }
            at += 1;
        }
    }

    const KILL: u32 = 0x8000_0000;
    const ALLOW: u32 = 0x7fff_0000;

    #[cfg(target_arch = "x86_64")]
    const OWN: u32 = 0xc000_003e;
    #[cfg(target_arch = "aarch64")]
    const OWN: u32 = 0xc000_00b7;

    #[test]
    fn what_is_not_on_the_list_ends_the_process() {
        let program = program().unwrap();
        for number in 0..600 {
            let is_allowed = ALLOWED.iter().any(|(_, allowed)| *allowed == number);
            let expected = if is_allowed { ALLOW } else { KILL };
            assert_eq!(verdict(&program, OWN, number, [0; 6]), expected, "{number}");
            // The numbers of another architecture mean something else.
            assert_eq!(verdict(&program, 0x4000_0003, number, [0; 6]), KILL);
        }
    }

    #[test]
    fn no_memory_becomes_code() {
        let program = program().unwrap();
        for number in [NUMBERS.mmap, NUMBERS.mprotect] {
            for (protection, expected) in [(0, ALLOW), (3, ALLOW), (4, KILL), (5, KILL), (7, KILL)]
            {
                let said = verdict(&program, OWN, number, [0, 4096, protection, 0, 0, 0]);
                assert_eq!(said, expected, "{number} {protection}");
            }
        }
    }
}
