//! `portolan-blind COMMAND…`: copies bytes between its own stdio and a child's, and understands none of them.
//!
//! The least that any gateway over stdio can cost: two threads, one read and one write per batch.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, ExitCode, Stdio};
use std::thread;

const BUFFER_BYTES: usize = 64 * 1024;

#[expect(
    clippy::disallowed_methods,
    reason = "nothing of Portolan may stand in the relay it is measured against"
)]
fn main() -> io::Result<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        return Ok(ExitCode::from(2));
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let towards: OwnedFd = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?.into();
    let back: OwnedFd = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?.into();
    let (own_in, own_out) = (
        io::stdin().as_fd().try_clone_to_owned()?,
        io::stdout().as_fd().try_clone_to_owned()?,
    );
    thread::spawn(move || copy(&own_in, towards));
    copy(&back, own_out)?;
    child.wait()?;
    Ok(ExitCode::SUCCESS)
}

fn copy(from: &OwnedFd, to: OwnedFd) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = rustix::io::read(from, &mut buffer)?;
        if count == 0 {
            return Ok(()); // and `to` closes, which tells the other side
        }
        let mut rest = &buffer[..count];
        while !rest.is_empty() {
            rest = &rest[rustix::io::write(&to, rest)?..];
        }
    }
}
