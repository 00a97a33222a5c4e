//! The box by somebody else's hand: `bwrap`, where that program may make namespaces and ours may not, as with AppArmor's
//! profiles on Ubuntu.
//!
//! It builds the root and the namespaces; our own first process in there does the rest as ever. What it is told is paths:
//! the server's arguments and environment still come over the socket.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use rustix::process::Pid;

use super::plan::{HOME, Item, Network, Plan, TMP};

/// Where our own program is in the box.
const SELF: &str = "/.portolan";

/// Starts it, with our first process as the first in its namespace.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where a box is started by another program"
)]
pub(super) fn spawn(theirs: OwnedFd, plan: &Plan) -> io::Result<Pid> {
    use std::os::unix::process::CommandExt;

    let own = std::env::current_exe()?;
    let child = Command::new("bwrap")
        .args(arguments(plan, own.as_os_str()))
        // Its own search for itself, and nothing for the box.
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .stdin(theirs)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    Ok(Pid::from_child(&child))
}

fn arguments(plan: &Plan, own: &OsStr) -> Vec<OsString> {
    let scratch = plan.limits.scratch_bytes.to_string();
    let mut line: Vec<OsString> = Vec::new();
    let mut add = |words: &[&OsStr]| line.extend(words.iter().map(|word| (*word).to_owned()));
    let text = OsStr::new;
    add(&[
        text("--unshare-all"),
        text("--die-with-parent"),
        text("--as-pid-1"),
    ]);
    if plan.network == Network::Machine {
        add(&[text("--share-net")]);
    }
    add(&[text("--clearenv"), text("--hostname"), text("box")]);
    add(&[text("--proc"), text("/proc"), text("--dev"), text("/dev")]);
    for folder in [HOME, TMP, "/dev/shm"] {
        add(&[
            text("--size"),
            text(&scratch),
            text("--tmpfs"),
            text(folder),
        ]);
    }
    for item in &plan.items {
        match item {
            Item::Share {
                at, from, writable, ..
            } => {
                let how = if *writable { "--bind" } else { "--ro-bind" };
                add(&[text(how), from, at]);
            }
            Item::Link { at, to } => add(&[text("--symlink"), to, at]),
        }
    }
    for file in ["/etc/passwd", "/etc/group"] {
        add(&[text("--ro-bind-try"), text(file), text(file)]);
    }
    add(&[text("--ro-bind"), own, text(SELF)]);
    add(&[text("--remount-ro"), text("/"), text("--chdir"), text("/")]);
    add(&[text("--"), text(SELF), text("__guard"), text("--init")]);
    line
}

#[cfg(test)]
mod tests {
    use super::super::{BoxLimits, Level};
    use super::*;

    #[test]
    fn everything_is_told_but_the_command() {
        let plan = Plan {
            level: Level::Bubblewrap,
            command: None,
            items: vec![
                Item::Share {
                    at: "/a".into(),
                    from: "/b".into(),
                    writable: true,
                    users: None,
                },
                Item::Link {
                    at: "/c".into(),
                    to: "d".into(),
                },
            ],
            user: None,
            limits: BoxLimits::default(),
            network: Network::Own(None),
        };
        let line = arguments(&plan, OsStr::new("/own")).join(OsStr::new(" "));
        let line = line.to_str().unwrap();
        assert!(line.contains("--bind /b /a --symlink d /c"), "{line}");
        assert!(
            line.ends_with(
                "--ro-bind /own /.portolan --remount-ro / --chdir / -- /.portolan __guard --init"
            ),
            "{line}"
        );
    }
}
