//! Runs a program to its end for what it prints: how `cmd:` references to secrets are followed, and interceptors asked.
//!
//! Both are written by the person whose gateway this is, and their programs act as that person (`op`, `vault`, `pass`): they see
//! all of our environment, other than a server. Refuses to wait for ever or to read without end, and
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

/// Runs programs for what they print. As [`Runner`] it blocks, and may not be called where a runtime runs.
#[derive(Debug, Clone)]
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
            base: None,
        })
    }

    /// Runs a program as [`Runner::run`] does, with something on its stdin; what it does not read of that is nothing wrong.
    /// Also gives the last lines of its stderr. To be called where a runtime runs; dropped, it leaves nothing running.
    ///
    /// # Errors
    /// See [`RunError`].
    pub async fn ask(
        &self,
        words: &[String],
        input: Vec<u8>,
        deadline: Duration,
        bytes_max: usize,
    ) -> Result<(Vec<u8>, Vec<String>), RunError> {
        let spec = self.spec(words).map_err(RunError::Start)?;
        let (stdin, ours) = io::pipe().map_err(RunError::Start)?;
        let ours = OwnedFd::from(ours);
        rustix::io::ioctl_fionbio(&ours, true).map_err(|e| RunError::Start(e.into()))?;
        let ours = register(ours, Interest::WRITABLE).map_err(RunError::Start)?;
        let captured = self.capture(spec, stdin.into(), bytes_max);
        let fed = async {
            feed(ours, &input).await;
            Ok(())
        };
        let asked = async { tokio::try_join!(captured, fed) };
        match tokio::time::timeout(deadline, asked).await {
            Ok(asked) => asked.map(|((output, tail), ())| {
                let lines = tail.last(CAPTURE_ERROR_LINES);
                (output.to_vec(), lines)
            }),
            Err(_) => Err(RunError::Deadline(deadline)),
        }
    }

    async fn capture(
        &self,
        spec: Spec,
        stdin: OwnedFd,
        bytes_max: usize,
    ) -> Result<(Zeroizing<Vec<u8>>, Arc<Tail>), RunError> {
        let (our_stdout, stdout) = io::pipe().map_err(RunError::Start)?;
        let (our_stderr, stderr) = io::pipe().map_err(RunError::Start)?;
        let our_stdout = listen(our_stdout.into()).map_err(RunError::Start)?;
        let our_stderr = listen(our_stderr.into()).map_err(RunError::Start)?;

        let fds = [stdin, stdout.into(), stderr.into()];
        let guard = self.options.guard.clone();
        // Starting blocks for as long as it takes; what was started for nobody ends at once.
        let spawned =
            tokio::task::spawn_blocking(move || spawn::spawn(&spec, fds, guard.as_deref()));
        let spawned = spawned
            .await
            .map_err(|error| RunError::Start(io::Error::other(error)))?;
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
            return Ok((output, tail));
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
            let stdin = File::open("/dev/null").map_err(RunError::Start)?;
            tokio::time::timeout(deadline, self.capture(spec, stdin.into(), bytes_max))
                .await
                .unwrap_or(Err(RunError::Deadline(deadline)))
                .map(|(output, _)| output)
        })
    }
}

fn listen(pipe: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    rustix::io::ioctl_fionbio(&pipe, true)?;
    register(pipe, Interest::READABLE)
}

/// Writes all of it, unless nobody reads on.
async fn feed(fd: AsyncFd<OwnedFd>, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let Ok(mut ready) = fd.writable().await else {
            return;
        };
        match rustix::io::write(fd.get_ref(), bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::AGAIN) => ready.clear_ready(),
            Err(Errno::INTR) => {}
            Err(_) => return,
        }
    }
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
