//! Which system calls a boxed server may make.
//!
//! Owns the filter: what Docker allows a container without capabilities, so that whatever runs in a container runs
//! here. The calls stand in `calls`, as data; those that depend on their arguments stand here. Refused calls fail with
//! `EPERM`, newer ones than the list knows with `ENOSYS`, for which programs have another way.

mod calls;

use std::collections::BTreeMap;
use std::io;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op,
    SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

/// Whether sockets can be made that lead anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sockets {
    /// As Docker has it; there is a network of its own around the box.
    All,
    /// Pairs only, and nothing else by which processes meet by a name: nothing but this filter would hold a connection
    /// back, not even one to a service of this machine by a path.
    None,
}

/// Puts the filters in force, for this process and all that it starts. There is no way back.
pub(super) fn apply(sockets: Sockets) -> io::Result<()> {
    for program in programs(sockets).map_err(io::Error::other)? {
        seccompiler::apply_filter(&program).map_err(io::Error::other)?;
    }
    Ok(())
}

/// The filters: what is allowed, then what is answered with "no such call".
fn programs(sockets: Sockets) -> Result<[BpfProgram; 2], BackendError> {
    let arch: TargetArch = std::env::consts::ARCH.try_into()?;
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = calls::ALLOWED
        .iter()
        .chain(calls::OF_THIS_MACHINE)
        .map(|call| (*call, Vec::new()))
        .collect();
    rules.insert(libc::SYS_personality, personalities()?);
    if sockets == Sockets::None {
        // Shared with every process of the machine, where there is no namespace for it.
        for call in [
            libc::SYS_shmget,
            libc::SYS_semget,
            libc::SYS_msgget,
            libc::SYS_mq_open,
        ] {
            rules.remove(&call);
        }
    }
    let families = families(sockets)?;
    if !families.is_empty() {
        // A call without conditions would be allowed with any.
        rules.insert(libc::SYS_socket, families);
    }
    rules.insert(libc::SYS_clone, vec![no_new_namespaces()?]);
    let unknown = std::iter::once(libc::SYS_clone3)
        .chain(calls::NEWER)
        .map(|call| {
            // In the first list too: of two refusals the kernel would take the other one.
            rules.insert(call, Vec::new());
            (call, Vec::new())
        })
        .collect();
    let eperm = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let enosys = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    Ok([
        SeccompFilter::new(rules, eperm, SeccompAction::Allow, arch)?.try_into()?,
        SeccompFilter::new(unknown, SeccompAction::Allow, enosys, arch)?.try_into()?,
    ])
}

fn rule(conditions: &[(u8, Op, u64)]) -> Result<SeccompRule, BackendError> {
    let conditions = conditions
        .iter()
        .map(|(argument, op, value)| {
            SeccompCondition::new(*argument, Len::Dword, op.clone(), *value)
        })
        .collect::<Result<_, _>>()?;
    SeccompRule::new(conditions)
}

/// Linux, and what 32 bit programs and debuggers ask for.
fn personalities() -> Result<Vec<SeccompRule>, BackendError> {
    [0, 0x8, 0x20000, 0x20008, 0xffff_ffff]
        .into_iter()
        .map(|persona| rule(&[(0, Op::Eq, persona)]))
        .collect()
}

/// Ranges of address families. Left out are those that nobody uses but who looks for mistakes in the kernel, and
/// `AF_VSOCK`, which leads past every namespace to the machine's host.
fn families(sockets: Sockets) -> Result<Vec<SeccompRule>, BackendError> {
    const DOCKER: &[(u64, u64)] = &[
        (0, 11),
        (13, 18),
        (21, 22),
        (24, 24),
        (26, 33),
        (35, 36),
        (39, 39),
        (41, 45),
    ];
    match sockets {
        Sockets::All => DOCKER,
        Sockets::None => &[],
    }
    .iter()
    .map(|(first, last)| rule(&[(0, Op::Ge, *first), (0, Op::Le, *last)]))
    .collect()
}

/// Threads and processes, but in no new namespaces.
fn no_new_namespaces() -> Result<SeccompRule, BackendError> {
    const NAMESPACES: i32 = libc::CLONE_NEWNS
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUSER
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNET
        | libc::CLONE_NEWCGROUP;
    rule(&[(0, Op::MaskedEq(NAMESPACES.unsigned_abs().into()), 0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_compile_and_fit_the_kernel() {
        for sockets in [Sockets::All, Sockets::None] {
            let programs = programs(sockets).unwrap();
            assert!(
                programs
                    .iter()
                    .all(|program| (10..=4096).contains(&program.len()))
            );
        }
    }

    #[test]
    fn no_call_is_listed_that_changes_the_machine() {
        let listed =
            |call| calls::ALLOWED.contains(&call) || calls::OF_THIS_MACHINE.contains(&call);
        for call in [
            libc::SYS_mount,
            libc::SYS_umount2,
            libc::SYS_pivot_root,
            libc::SYS_chroot,
            libc::SYS_setns,
            libc::SYS_unshare,
            libc::SYS_bpf,
            libc::SYS_perf_event_open,
            libc::SYS_init_module,
            libc::SYS_finit_module,
            libc::SYS_kexec_load,
            libc::SYS_keyctl,
            libc::SYS_add_key,
            libc::SYS_request_key,
            libc::SYS_io_uring_setup,
            libc::SYS_userfaultfd,
            libc::SYS_open_by_handle_at,
            libc::SYS_reboot,
            libc::SYS_swapon,
            libc::SYS_sethostname,
            libc::SYS_settimeofday,
            libc::SYS_clone,
            libc::SYS_clone3,
        ] {
            assert!(!listed(call), "{call}");
        }
        assert!(listed(libc::SYS_read) && listed(libc::SYS_execve));
    }
}
