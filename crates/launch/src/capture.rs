//! Runs a program to its end for what it prints: how `cmd:` references to secrets are followed.
//!
//! Such a reference is written by the person whose gateway this is, and its program signs in as that person (`op`, `vault`,
//! `pass`): it sees all of our environment, other than a server. Refuses to wait for ever or to read without end, and
//! leaves nothing behind: whatever the program started ends with it.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use secrets::{RunError, Runner};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use transport::readiness::register;
use zeroize::Zeroizing;

use crate::limits::CAPTURE_ERROR_LINES;
use crate::lookup::{self, Missing};
use crate::spawn::{self, Spec};
use crate::stderr::{self, Tail};
use crate::{LaunchError, Options};

/// Runs programs for what they print. Blocks, so it may not be called where a runtime runs.
#[derive(Debug)]
pub struct ProgramRunner {
    options: Options,
}

impl ProgramRunner {
    /// One with these options. The program sees the whole environment in them.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options }
    }

    fn spec(&self, words: &[String]) -> io::Result<Spec> {
        let (command, args) = words
            .split_first()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no program is named"))?;
        let env = self.options.environment.iter().cloned().collect();
        let path = self.options.environment.iter();
        let path = path.rev().find(|(name, _)| name == "PATH");
        let program = lookup::find(command, path.map(|(_, path)| path.as_os_str()), None);
        Ok(Spec {
            program: program.map_err(missing)?,
            args: args.to_vec(),
            env,
            own: Vec::new(),
            cwd: None,
        })
    }

    async fn capture(&self, spec: Spec, bytes_max: usize) -> Result<Zeroizing<Vec<u8>>, RunError> {
        let (our_stdout, stdout) = io::pipe().map_err(RunError::Start)?;
        let (our_stderr, stderr) = io::pipe().map_err(RunError::Start)?;
        let stdin = File::open("/dev/null").map_err(RunError::Start)?;
        let our_stdout = listen(our_stdout.into()).map_err(RunError::Start)?;
        let our_stderr = listen(our_stderr.into()).map_err(RunError::Start)?;

        let fds = [stdin.into(), stdout.into(), stderr.into()];
        let spawned = spawn::spawn(&spec, fds, self.options.guard.as_deref());
        let spawned = spawned.map_err(|error| RunError::Start(reason(error)))?;
        let tail = Arc::<Tail>::default();
        // Its end closes both pipes, also in what it left behind. Whatever comes first here, dropping the rest kills it.
        let (output, reason, ()) = tokio::try_join!(
            read(our_stdout, bytes_max),
            async { Ok(spawned.ended().await) },
            async {
                stderr::read(our_stderr, tail.clone()).await;
                Ok(())
            },
        )?;
        if reason.is_success() {
            return Ok(output);
        }
        let last = tail.last(CAPTURE_ERROR_LINES);
        Err(RunError::Failed {
            status: reason.to_string(),
            stderr: last.join("\n").trim().to_owned(),
        })
    }
}

impl Runner for ProgramRunner {
    fn run(
        &self,
        words: &[String],
        deadline: Duration,
        bytes_max: usize,
    ) -> Result<Zeroizing<Vec<u8>>, RunError> {
        let spec = self.spec(words).map_err(RunError::Start)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(RunError::Start)?;
        runtime.block_on(async {
            tokio::time::timeout(deadline, self.capture(spec, bytes_max))
                .await
                .unwrap_or(Err(RunError::Deadline(deadline)))
        })
    }
}

fn listen(pipe: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    rustix::io::ioctl_fionbio(&pipe, true)?;
    register(pipe, Interest::READABLE)
}

/// All of it, unless it is too much.
async fn read(fd: AsyncFd<OwnedFd>, bytes_max: usize) -> Result<Zeroizing<Vec<u8>>, RunError> {
    // Room for all of it: a vector that grows leaves copies behind.
    let mut bytes = Zeroizing::new(vec![0; bytes_max + 1]);
    let mut filled = 0;
    loop {
        let mut ready = fd.readable().await.map_err(RunError::Start)?;
        match rustix::io::read(fd.get_ref(), &mut bytes[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(Errno::AGAIN) => ready.clear_ready(),
            Err(Errno::INTR) => {}
            Err(error) => return Err(RunError::Start(error.into())),
        }
        if filled > bytes_max {
            return Err(RunError::TooMuch(bytes_max));
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

fn missing(missing: Missing) -> io::Error {
    match missing {
        Missing::NotFound => io::Error::new(io::ErrorKind::NotFound, "it is in no folder of PATH"),
        Missing::NoFile(_) => io::Error::new(io::ErrorKind::NotFound, "there is no such file"),
        Missing::NotExecutable(path) => io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("{} is not an executable file", path.display()),
        ),
    }
}

/// What the system said, without the words for those who configure servers.
fn reason(error: LaunchError) -> io::Error {
    match error {
        LaunchError::Start { error, .. } | LaunchError::Guard { error, .. } => error,
        error => io::Error::other(error),
    }
}
