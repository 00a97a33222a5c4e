//! What a box is made of, told by the gateway to those who make it: the guard and the first process inside.
//!
//! It travels in memory that only they can open: no environment, and nothing of the command, is in any argument list
//! but the server's own.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, memfd_create};
use serde::{Deserialize, Serialize};

use super::{BoxLimits, Level};

/// Everything about one box. Paths are text of the system, not of people: `OsString` survives the way as it is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(super) level: Level,
    /// Absent in a box that is made only to see whether it can be.
    pub(super) command: Option<Command>,
    pub(super) items: Vec<Item>,
    /// Who the server is outside, where it is not us.
    pub(super) user: Option<User>,
    pub(super) limits: BoxLimits,
    pub(super) network: Network,
}

/// What of the network is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Network {
    /// Its own, a loopback, with these doors, which are handed out.
    Own(Option<Doors>),
    /// The machine's.
    Machine,
}

/// The doors of a box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Doors {
    /// The port of the proxy.
    pub(super) proxy: u16,
    /// Ports that lead to hosts, on every address.
    pub(super) forwards: Vec<u16>,
}

/// What is started.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Command {
    pub(super) program: OsString,
    pub(super) args: Vec<String>,
    pub(super) env: Vec<(OsString, OsString)>,
    /// Where; the private home if it says nothing.
    pub(super) cwd: Option<OsString>,
}

/// Something in the box, at an absolute path without links.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Item {
    /// A file or folder of the machine.
    Share {
        at: OsString,
        from: OsString,
        writable: bool,
        /// Which of the passed user namespaces says who its owner is inside.
        users: Option<usize>,
    },
    /// A symbolic link.
    Link { at: OsString, to: OsString },
}

/// An unprivileged user of the machine, who owns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Plan {
    /// In memory, to be passed on.
    pub(super) fn write(&self) -> io::Result<OwnedFd> {
        let mut file = File::from(memfd_create("plan", MemfdFlags::CLOEXEC)?);
        file.write_all(&serde_json::to_vec(self)?)?;
        Ok(file.into())
    }

    /// From the beginning, wherever whoever had it before has read to.
    pub(super) fn read(fd: &OwnedFd) -> io::Result<Self> {
        let mut file = File::from(fd.try_clone()?);
        file.rewind()?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        Ok(serde_json::from_slice(&text)?)
    }
}

/// What the private folders are inside.
pub(super) const HOME: &str = "/home/server";
pub(super) const TMP: &str = "/tmp";

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn a_plan_arrives_as_it_was_whatever_its_names() {
        let odd = OsString::from_vec(b"/a \xff\n".to_vec());
        let plan = Plan {
            level: Level::Namespaces,
            command: Some(Command {
                program: odd.clone(),
                args: vec!["\u{0}1".into()],
                env: vec![("A".into(), odd.clone())],
                cwd: None,
            }),
            items: vec![Item::Link {
                at: odd.clone(),
                to: odd,
            }],
            user: Some(User { uid: 1, gid: 2 }),
            limits: BoxLimits::default(),
            network: Network::Own(Some(Doors {
                proxy: 1,
                forwards: vec![2, 3],
            })),
        };
        let fd = plan.write().unwrap();
        for _ in 0..2 {
            assert_eq!(
                format!("{:?}", Plan::read(&fd).unwrap()),
                format!("{plan:?}")
            );
        }
    }
}
