//! Children of the benchmark: started, weighed, and ended with it.
//!
//! CPU time and memory come from /proc. A child stays in our process group, so whatever ends the benchmark from
//! outside ends it too.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long a child may take to end after SIGTERM.
const END_WAIT: Duration = Duration::from_secs(5);

/// A started process, ended when dropped.
pub(crate) struct Running {
    child: Child,
    name: String,
}

/// Time on a CPU, in microseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cpu {
    pub user_us: f64,
    pub system_us: f64,
}

impl Running {
    /// Starts a command line whose output nobody reads; what it says on stderr goes to a file.
    pub(crate) fn start(
        command: &[String],
        environment: &[(&str, &str)],
        errors: &Path,
    ) -> io::Result<Self> {
        let mut builder = builder(command, environment)?;
        builder
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(errors)?);
        Self::spawn(builder, command)
    }

    /// Starts a command line to speak with.
    pub(crate) fn with_stdio(
        command: &[String],
        environment: &[(&str, &str)],
    ) -> io::Result<(Self, ChildStdin, ChildStdout)> {
        let mut builder = builder(command, environment)?;
        builder
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut running = Self::spawn(builder, command)?;
        match (running.child.stdin.take(), running.child.stdout.take()) {
            (Some(input), Some(output)) => Ok((running, input, output)),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn spawn(mut builder: Command, command: &[String]) -> io::Result<Self> {
        let name = command.join(" ");
        let child = builder
            .spawn()
            .map_err(|error| io::Error::other(format!("{name} does not start: {error}")))?;
        Ok(Self { child, name })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Fails if the process has ended already.
    pub(crate) fn check(&mut self) -> io::Result<()> {
        match self.child.try_wait()? {
            Some(status) => Err(io::Error::other(format!(
                "{} ended early: {status}",
                self.name
            ))),
            None => Ok(()),
        }
    }

    /// CPU time so far, of this process, or with those it started.
    pub(crate) fn cpu(&self, with_children: bool) -> Cpu {
        let pids = if with_children {
            tree(self.pid())
        } else {
            vec![self.pid()]
        };
        pids.into_iter()
            .filter_map(cpu)
            .fold(Cpu::default(), |sum, one| Cpu {
                user_us: sum.user_us + one.user_us,
                system_us: sum.system_us + one.system_us,
            })
    }

    /// Resident memory in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line
            .and_then(|line| line.split_whitespace().next())
            .and_then(|text| text.parse::<u64>().ok());
        kilobytes.unwrap_or(0) * 1024
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let family = tree(self.pid());
        signal(&family, Signal::TERM);
        let deadline = Instant::now() + END_WAIT;
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            pause(Duration::from_millis(5));
        }
        signal(&family, Signal::KILL);
        let _ = self.child.wait();
    }
}

/// Waits on this thread.
#[expect(
    clippy::disallowed_methods,
    reason = "the benchmark has nothing else to do on this thread"
)]
pub(crate) fn pause(length: Duration) {
    std::thread::sleep(length);
}

#[expect(
    clippy::disallowed_methods,
    reason = "the benchmark starts what it measures, without help from any of it"
)]
fn builder(command: &[String], environment: &[(&str, &str)]) -> io::Result<Command> {
    let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut builder = Command::new(program);
    builder.args(arguments).envs(environment.iter().copied());
    Ok(builder)
}

fn signal(pids: &[u32], signal: Signal) {
    for pid in pids
        .iter()
        .filter_map(|pid| Pid::from_raw(i32::try_from(*pid).ok()?))
    {
        // It may be gone already.
        let _ = kill_process(pid, signal);
    }
}

/// A process and all that descend from it.
fn tree(root: u32) -> Vec<u32> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        if let Some(parent) = stat(pid).and_then(|fields| fields.get(1)?.parse::<u32>().ok()) {
            parents.push((pid, parent));
        }
    }
    let mut family = vec![root];
    let mut index = 0;
    while let Some(parent) = family.get(index).copied() {
        family.extend(
            parents
                .iter()
                .filter(|(_, of)| *of == parent)
                .map(|(pid, _)| *pid),
        );
        index += 1;
    }
    family
}

fn cpu(pid: u32) -> Option<Cpu> {
    let fields = stat(pid)?;
    let tick_us = 1e6 / rustix::param::clock_ticks_per_second() as f64;
    let time = |index: usize| Some(fields.get(index)?.parse::<f64>().ok()? * tick_us);
    Some(Cpu {
        user_us: time(11)?,
        system_us: time(12)?,
    })
}

/// The fields of /proc/PID/stat after the name, which may hold anything.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    Some(fields.split_whitespace().map(Into::into).collect())
}
