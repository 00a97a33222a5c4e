//! Processes of a run, found by a mark in their environment: who runs, for which server, and what the gateway holds.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// The variable by which everything that a run has started is found; its value is the folder of the run.
pub(super) const MARK: &str = "PORTOLAN_TEST_CHAOS";
/// The variable with the name of the server that a process is.
pub(super) const SERVER: &str = "PORTOLAN_TEST_SERVER";

/// A process of the run.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) pid: u32,
    /// The server that it is or belongs to; none for the gateway and its guards.
    pub(super) server: Option<String>,
    pub(super) command: String,
}

/// Everything alive that bears the mark.
pub(super) fn marked(home: &Path) -> Vec<Process> {
    let mark = format!("{MARK}={}", home.display());
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter_map(|pid| process(pid, &mark))
        .collect()
}

fn process(pid: u32, mark: &str) -> Option<Process> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let mut variables = environment.split(|byte| *byte == 0);
    variables.find(|variable| *variable == mark.as_bytes())?;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let state = stat.rsplit_once(") ")?.1.chars().next()?;
    if matches!(state, 'Z' | 'X') {
        return None;
    }
    let server = environment.split(|byte| *byte == 0).find_map(|variable| {
        let value = variable
            .strip_prefix(SERVER.as_bytes())?
            .strip_prefix(b"=")?;
        Some(String::from_utf8_lossy(value).into_owned())
    });
    let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let command = String::from_utf8_lossy(&command).replace('\0', " ");
    Some(Process {
        pid,
        server,
        command,
    })
}

/// Signals a process, which may be gone already.
pub(super) fn kill(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// Open file descriptors of a process.
pub(super) fn descriptors(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

/// Resident memory of a process in kB.
pub(super) fn memory_kb(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
