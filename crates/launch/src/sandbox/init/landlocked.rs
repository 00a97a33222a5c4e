//! Landlock: what files may be used for, held by the kernel for this process and all that it starts, whatever its
//! namespaces. A second layer in a box; at the level of that name, the first one.

use std::io;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetStatus, Scope,
};

use crate::sandbox::plan::{HOME, Item, Plan, TMP};

/// The newest interface that is made use of.
const NEWEST: ABI = ABI::V6;

/// Files of the machine that a server without namespaces may read: what its own, and those of `/proc` that tell nothing
/// of others.
const READABLE: &[&str] = &[
    "/dev/random",
    "/dev/urandom",
    "/etc/group",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/kernel",
    "/proc/version",
];

/// In namespaces: everything there is may be read; written only where the box is private or an entry says so. A kernel
/// without Landlock leaves it at the namespaces.
pub(super) fn inside(plan: &Plan) -> io::Result<()> {
    let mut rules = Rules::new(CompatLevel::BestEffort)?;
    rules.add("/", AccessFs::from_read(NEWEST));
    for folder in [HOME, TMP, "/dev"] {
        rules.add(folder, AccessFs::from_all(NEWEST));
    }
    writable(plan, &mut rules);
    rules.enforce().map(|_| ())
}

/// Without namespaces: only what the box would hold. There is no less than that.
pub(super) fn outside(plan: &Plan, scratch: Option<&Path>) -> io::Result<()> {
    let mut rules = Rules::new(CompatLevel::BestEffort)?;
    for item in &plan.items {
        match item {
            Item::Share { from, .. } => rules.add(from, AccessFs::from_read(NEWEST)),
            Item::Link { .. } => {}
        }
    }
    writable(plan, &mut rules);
    for path in READABLE {
        rules.add(path, AccessFs::from_read(NEWEST));
    }
    for path in ["/dev/null", "/dev/zero", "/dev/full"] {
        rules.add(path, AccessFs::from_all(NEWEST));
    }
    if let Some(scratch) = scratch {
        rules.add(scratch, AccessFs::from_all(NEWEST));
    }
    match rules.enforce()? {
        RulesetStatus::NotEnforced => Err(rustix::io::Errno::NOSYS.into()),
        _ => Ok(()),
    }
}

fn writable(plan: &Plan, rules: &mut Rules) {
    for item in &plan.items {
        if let Item::Share {
            at, writable: true, ..
        } = item
        {
            rules.add(at, AccessFs::from_all(NEWEST));
        }
    }
}

/// The version of the interface that the kernel has, as far as it matters here; 0: none.
pub(in crate::sandbox) fn version() -> u32 {
    let has = |abi: ABI| {
        let rules = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(abi));
        let rules = match abi {
            ABI::V6 => {
                rules.and_then(|rules| rules.scope(Scope::AbstractUnixSocket | Scope::Signal))
            }
            _ => rules,
        };
        rules.and_then(Ruleset::create).is_ok()
    };
    [ABI::V6, ABI::V5, ABI::V3, ABI::V2, ABI::V1]
        .into_iter()
        .zip([6, 5, 3, 2, 1])
        .find_map(|(abi, number)| has(abi).then_some(number))
        .unwrap_or_default()
}

struct Rules(Option<RulesetCreated>);

impl Rules {
    fn new(level: CompatLevel) -> io::Result<Self> {
        let created = Ruleset::default()
            .set_compatibility(level)
            .handle_access(AccessFs::from_all(NEWEST))
            .and_then(|rules| rules.scope(Scope::AbstractUnixSocket | Scope::Signal))
            .and_then(Ruleset::create);
        created
            .map(|rules| Self(Some(rules)))
            .map_err(io::Error::other)
    }

    /// What is not there needs no rule.
    fn add(&mut self, path: impl AsRef<Path>, access: BitFlags<AccessFs>) {
        let Ok(fd) = PathFd::new(path.as_ref()) else {
            return;
        };
        let access = match path.as_ref().is_dir() {
            true => access,
            false => access & AccessFs::from_file(NEWEST),
        };
        self.0 = self
            .0
            .take()
            .and_then(|rules| rules.add_rule(PathBeneath::new(fd, access)).ok());
    }

    fn enforce(self) -> io::Result<RulesetStatus> {
        let rules = self.0.ok_or(io::ErrorKind::InvalidInput)?;
        let status = rules.restrict_self().map_err(io::Error::other)?;
        Ok(status.ruleset)
    }
}
