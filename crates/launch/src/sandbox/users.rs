//! Namespaces of users, made only to say that the owner of some file on disk is the server's user in a box.
//!
//! Mounting a folder that way ("idmapped") needs such a namespace. It costs a process to make one, so they are kept:
//! there are as many as there are owners of shared folders, which is one or two.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use super::plan::User;
use super::syscalls::{Apart, unshare};
use super::warden::map_users;
use crate::guard::control;
use crate::limits::BOX_OWNERS_MAX;

const READY: &[u8] = b"ready";

/// The namespaces made so far.
#[derive(Debug, Default)]
pub(super) struct Owners(Mutex<BTreeMap<(u32, u32), Arc<OwnedFd>>>);

impl Owners {
    /// The namespace in which an owner on disk is that user. `program` is our own one. Blocks for the first of each.
    pub(super) fn seen_as(
        &self,
        owner: User,
        user: User,
        program: &Path,
    ) -> io::Result<Arc<OwnedFd>> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (owner.uid, owner.gid);
        if let Some(fd) = made.get(&key) {
            return Ok(fd.clone());
        }
        if made.len() >= BOX_OWNERS_MAX {
            // Any can be made again.
            made.clear();
        }
        let fd = Arc::new(make(owner, user, program)?);
        made.insert(key, fd.clone());
        Ok(fd)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a namespace begins with a process"
)]
fn make(owner: User, user: User, program: &Path) -> io::Result<OwnedFd> {
    let (ours, theirs) = control::pair()?;
    let mut child = Command::new(program)
        .args(["__guard", "--hold"])
        .arg0("portolan")
        .env_clear()
        .stdin(theirs)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let made = (|| {
        match control::take_in_time(&ours)? {
            Some((text, _)) if text == READY => {}
            _ => return Err(io::Error::other("no namespace of users")),
        }
        let process = format!("/proc/{}", child.id());
        map_users(&process, owner, user)?;
        Ok(File::open(format!("{process}/ns/user"))?.into())
    })();
    drop(ours);
    if made.is_err() {
        let _ = child.kill();
    }
    child.wait()?;
    made
}

/// The hidden command `__guard --hold`.
pub(crate) fn hold() -> ExitCode {
    let control = rustix::stdio::stdin();
    if unshare(Apart::Users).is_err() {
        return ExitCode::FAILURE;
    }
    match control::pass(control, READY, &[]).and_then(|()| control::take(control)) {
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
