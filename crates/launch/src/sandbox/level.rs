//! How well servers are kept apart here, and what is missing for better.

use std::fmt;

use serde::{Deserialize, Serialize};

/// From the best to none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// Nothing: a server can do what we can.
    None,
    /// Landlock and a filter of system calls: our files are closed, and so is the network. Other processes and the rest
    /// of the machine can be seen, not touched.
    Landlock,
    /// As the next, by the program `bwrap`, where that may do what we may not.
    Bubblewrap,
    /// Own namespaces of users, files, processes, network, names and control groups, a filter of system calls, Landlock.
    Namespaces,
}

impl Level {
    /// Whether there is a namespace of processes, and so a first process of ours in it.
    pub(super) fn has_init(self) -> bool {
        self >= Self::Bubblewrap
    }

    /// The word for settings and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Landlock => "landlock",
            Self::Bubblewrap => "bubblewrap",
            Self::Namespaces => "namespaces",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What was found out by making a box and looking at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The level that servers run at.
    pub level: Level,
    /// Whether boxes are made by root, and servers are another user.
    pub rootful: bool,
    /// What holds memory, processes and processor time.
    pub limits: LimitedBy,
    /// The version of Landlock's interface; 0: the kernel has none.
    pub landlock: u32,
    /// What is missing for more, one sentence each: what, why, and what to do.
    pub missing: Vec<String>,
}

/// What holds the limits of a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LimitedBy {
    /// A control group, version 2.
    CgroupV2,
    /// Control groups, version 1.
    CgroupV1,
    /// Limits of each process, for there is no control group that we may write: a server with many processes has them
    /// many times, and none holds processor time.
    Rlimits,
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = match (self.level, self.rootful) {
            (Level::Namespaces, true) => ", made by root",
            (Level::Namespaces, false) => ", made by an ordinary user",
            _ => "",
        };
        let limits = match (self.level, self.limits) {
            (Level::None, _) => "no limits",
            (_, LimitedBy::CgroupV2) => "limits by cgroup v2",
            (_, LimitedBy::CgroupV1) => "limits by cgroup v1",
            (_, LimitedBy::Rlimits) => "limits for each process",
        };
        write!(f, "{}{who}, {limits}", self.level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn better_is_greater_and_reports_read_well() {
        assert!(Level::Namespaces > Level::Bubblewrap && Level::Landlock > Level::None);
        let mut probe = Probe {
            level: Level::Namespaces,
            rootful: true,
            limits: LimitedBy::CgroupV1,
            landlock: 7,
            missing: Vec::new(),
        };
        assert_eq!(
            probe.to_string(),
            "namespaces, made by root, limits by cgroup v1"
        );
        probe.level = Level::None;
        assert_eq!(probe.to_string(), "none, no limits");
    }
}
