//! Finds out what is possible here, by doing it.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::thread::{CapabilitySet, capabilities};

use super::plan::{self, Plan};
use super::{BoxLimits, Level, LimitedBy, NOBODY, Probe, SandboxOptions, cgroup, contents, init};
use crate::LaunchError;
use crate::spawn::{self, Boxed};

/// Makes a box with nothing in it, at the best level first.
pub(super) fn probe(options: &SandboxOptions) -> Probe {
    let rootful = is_rootful();
    let mut probe = Probe {
        level: Level::None,
        rootful,
        limits: cgroup::available(),
        landlock: init::landlock_version(),
        missing: Vec::new(),
    };
    for level in [Level::Namespaces, Level::Bubblewrap, Level::Landlock] {
        if level > options.at_most {
            probe
                .missing
                .push(format!("{level}: left out by the settings"));
            continue;
        }
        match try_out(level, rootful, &options.program) {
            Ok(()) => {
                probe.level = level;
                break;
            }
            Err(error) => probe.missing.push(explained(level, &error)),
        }
    }
    if probe.level == Level::Bubblewrap {
        // It is there that the processes begin, before anybody could put them in a group.
        probe.limits = LimitedBy::Rlimits;
    }
    match probe.level {
        Level::Bubblewrap => probe.missing.push(
            "names: a server that is allowed hosts has the proxy alone, for nobody has the right to listen at port 53 in such a box; programs that know no proxy reach nothing".to_owned(),
        ),
        Level::Landlock => probe.missing.push(
            "hosts: there is no way out of such a box, and an entry that names hosts is refused".to_owned(),
        ),
        Level::Namespaces | Level::None => {}
    }
    if probe.level != Level::None && probe.limits == LimitedBy::Rlimits {
        probe.missing.push(
            "control groups: none that we may write, so memory and processes are limited one by one; run as a service of systemd with Delegate=yes, or as root".to_owned(),
        );
    }
    if probe.level >= Level::Bubblewrap && probe.landlock == 0 {
        probe.missing.push("landlock: this kernel has none (Linux 5.13, lsm=landlock), so there is no second layer".to_owned());
    }
    probe
}

/// Whether we have the rights of root that a box made by root takes, and not only its name.
fn is_rootful() -> bool {
    let needed = CapabilitySet::SYS_ADMIN
        | CapabilitySet::SETUID
        | CapabilitySet::SETGID
        | CapabilitySet::CHOWN
        | CapabilitySet::NET_ADMIN;
    rustix::process::geteuid().is_root()
        && capabilities(None).is_ok_and(|sets| sets.effective.contains(needed))
}

fn try_out(level: Level, rootful: bool, program: &Path) -> Result<(), LaunchError> {
    let plan = Plan {
        level,
        command: None,
        items: contents::system(),
        user: (rootful && level == Level::Namespaces).then_some(NOBODY),
        limits: BoxLimits::default(),
        network: plan::Network::Own(None),
    };
    let null = || {
        File::options()
            .read(true)
            .write(true)
            .open("/dev/null")
            .map(OwnedFd::from)
    };
    let fds = || Ok([null()?, null()?, null()?]);
    let boxed = Boxed {
        plan: plan.write().map_err(LaunchError::Pipes)?,
        users: Vec::new(),
        program: program.to_owned(),
    };
    spawn::try_box(&boxed, &fds().map_err(LaunchError::Pipes)?, program)
}

/// What is missing, why, and what to do.
fn explained(level: Level, error: &LaunchError) -> String {
    let reason = match error {
        LaunchError::NoBox {
            what,
            error: Some(error),
        } => format!("{what}: {error}"),
        other => other.to_string(),
    };
    let advice = match level {
        Level::Namespaces => namespaces_advice(),
        Level::Bubblewrap => {
            "install bubblewrap 0.7 or newer, if it may make namespaces".to_owned()
        }
        _ => "Linux 5.13 with lsm=landlock is needed".to_owned(),
    };
    format!("{level}: {reason}; {advice}")
}

/// What usually stands in the way of an ordinary user's namespaces.
fn namespaces_advice() -> String {
    let set = |name: &str, to: &str| {
        std::fs::read_to_string(Path::new("/proc/sys").join(name))
            .is_ok_and(|value| value.trim() == to)
    };
    if set("kernel/apparmor_restrict_unprivileged_userns", "1") {
        "AppArmor keeps ordinary users from it: give this program a profile with `userns,`"
            .to_owned()
    } else if set("kernel/unprivileged_userns_clone", "0") {
        "allow it with `sysctl kernel.unprivileged_userns_clone=1`".to_owned()
    } else if set("user/max_user_namespaces", "0") {
        "allow it with `sysctl user.max_user_namespaces=10000`".to_owned()
    } else {
        "Linux 5.12 is needed, and in a container the right to make namespaces".to_owned()
    }
}
