//! Who belongs to the server: everybody whose parent we are, since we adopt what loses its own.

use std::fs;

use rustix::process::{Pid, getpid};

/// Our children at this moment. What they started follows once they have ended.
pub(super) fn children() -> Vec<Pid> {
    children_of(getpid())
}

/// The children of a process with one thread.
pub(crate) fn children_of(of: Pid) -> Vec<Pid> {
    let parent = of.as_raw_nonzero();
    match fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")) {
        Ok(children) => children
            .split_whitespace()
            .filter_map(|child| Pid::from_raw(child.parse().ok()?))
            .collect(),
        // A kernel that does not keep that list.
        Err(_) => among_all(of),
    }
}

/// Everybody below us at this moment.
pub(super) fn descendants() -> Vec<Pid> {
    let all = parents();
    let mut found = vec![getpid()];
    let mut looked_at = 0;
    while let Some(&parent) = found.get(looked_at) {
        let children = all.iter().filter(|(_, of)| *of == parent);
        found.extend(children.map(|(child, _)| *child));
        looked_at += 1;
    }
    found.into_iter().skip(1).collect()
}

fn among_all(wanted: Pid) -> Vec<Pid> {
    let children = parents().into_iter().filter(|(_, of)| *of == wanted);
    children.map(|(child, _)| child).collect()
}

/// Every process of the machine, with its parent.
pub(crate) fn parents() -> Vec<(Pid, Pid)> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .filter_map(|process| {
            let process = process.ok()?;
            let pid = process.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(process.path().join("stat")).ok()?;
            // `pid (name) state parent …`, where the name may contain anything.
            let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?;
            Some((Pid::from_raw(pid)?, Pid::from_raw(parent.parse().ok()?)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_child_is_found_either_way() {
        #[expect(clippy::disallowed_methods, reason = "a child to look for")]
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = Pid::from_child(&child);
        assert!(among_all(getpid()).contains(&pid));
        assert!(descendants().contains(&pid));
        // Started by a thread of this test, so not among those of the main thread; still no error.
        let _ = children();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
