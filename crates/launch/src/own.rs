//! Processes of our own program: the workers of code mode.
//!
//! Owns their start, with one channel and nothing else of ours, and their end: none outlives its handle. They end by
//! themselves when their channel closes, so that no guard is needed for the case that we are killed. Where many are
//! needed, they are copies of one that is ready: read `nursery`.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};

#[cfg(target_os = "linux")]
use crate::nursery::Copy;

/// A process of our own program. Dropping it kills it.
#[derive(Debug)]
pub struct OwnProcess {
    how: How,
    ended: bool,
}

#[derive(Debug)]
enum How {
    Started(Child),
    #[cfg(target_os = "linux")]
    Copied(Copy),
}

impl OwnProcess {
    /// Starts `program` with these arguments, `channel` as its standard input, an empty environment, and nowhere to
    /// print. Blocks for the time that takes.
    ///
    /// # Errors
    /// If it cannot be started.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where children are started"
    )]
    pub fn start(program: &Path, args: &[&str], channel: OwnedFd) -> io::Result<Self> {
        let child = Command::new(program)
            .args(args)
            .env_clear()
            .current_dir("/")
            .stdin(channel)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A ^C in our terminal is ours.
            .process_group(0)
            .spawn()?;
        Ok(Self {
            how: How::Started(child),
            ended: false,
        })
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn copied(copy: Copy) -> Self {
        Self {
            how: How::Copied(copy),
            ended: false,
        }
    }

    /// The id of the process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        match &self.how {
            How::Started(child) => child.id(),
            #[cfg(target_os = "linux")]
            How::Copied(copy) => copy.pid(),
        }
    }

    /// Kills it if it still runs, and gives the signal that ended it, if one did. Blocks until it is gone, which a
    /// killed process is at once.
    pub fn end(&mut self) -> Option<i32> {
        self.ended = true;
        match &mut self.how {
            How::Started(child) => {
                // It may be about to end by itself, and how it does is worth knowing.
                if let Ok(Some(status)) = child.try_wait() {
                    return status.signal();
                }
                let _ = child.kill();
                child.wait().ok()?.signal()
            }
            #[cfg(target_os = "linux")]
            How::Copied(copy) => copy.end(),
        }
    }
}

impl Drop for OwnProcess {
    fn drop(&mut self) {
        if !self.ended {
            self.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    fn start(script: &str) -> (UnixStream, OwnProcess) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let process =
            OwnProcess::start(Path::new("/bin/sh"), &["-c", script], theirs.into()).unwrap();
        (ours, process)
    }

    #[test]
    fn it_has_its_channel_and_an_empty_environment() {
        let (mut ours, _process) = start("read -r line; echo \"$line $HOME\" >&0");
        ours.write_all(b"hello\n").unwrap();
        let mut said = String::new();
        ours.read_to_string(&mut said).unwrap();
        assert_eq!(said, "hello \n");
    }

    #[test]
    fn it_is_gone_when_its_handle_is() {
        let (mut ours, process) = start("while :; do :; done");
        drop(process);
        assert_eq!(
            ours.read(&mut [0]).unwrap(),
            0,
            "nobody holds the other end"
        );
    }

    #[test]
    fn the_signal_that_ended_it_is_known() {
        let (_ours, mut process) = start("while :; do :; done");
        assert_eq!(process.end(), Some(9));
        let (mut ours, mut process) = start("exec 0>&-; kill -TERM $$");
        let _ = ours.read(&mut [0]);
        // It is gone, or about to be.
        let pid = process.pid();
        while !std::fs::read_to_string(format!("/proc/{pid}/stat"))
            .unwrap()
            .contains(") Z ")
        {
            std::thread::yield_now();
        }
        assert_eq!(process.end(), Some(15));
    }

    #[test]
    fn what_is_not_there_is_not_started() {
        let (_ours, theirs) = UnixStream::pair().unwrap();
        assert!(OwnProcess::start(Path::new("/nowhere"), &[], theirs.into()).is_err());
    }
}
