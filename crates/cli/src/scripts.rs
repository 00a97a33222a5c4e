//! What runs the scripts of agents: workers that are copies of one process of our own program, none before the first
//! script. Read `codemode` for what they do, `launch::nursery` for how they are made.

use std::io;
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use codemode::worker::Ready;
use codemode::{CodeMode, Limits, Process, Start};
use config::Settings;
use gateway::scripts::Engine;
use launch::OwnProcess;
use launch::nursery::{self, Nursery};

use crate::limits::WARM_WORKERS;

/// The hidden command of a worker.
pub(crate) const WORKER: &str = "__script";

/// An engine with the limits that the person has set.
pub(crate) fn engine(settings: &Settings) -> Arc<dyn Engine> {
    let limits = limits(settings);
    // It leads to us even after an upgrade has replaced our file.
    let workers = Nursery::new("/proc/self/exe", &[WORKER]);
    Arc::new(CodeMode::new(Arc::new(Own(workers)), limits, WARM_WORKERS))
}

/// The hidden command.
pub(crate) fn worker() -> ExitCode {
    nursery::main(Ready::new, Ready::run)
}

fn limits(settings: &Settings) -> Limits {
    Limits {
        memory_bytes: settings.script_memory_bytes_max,
        wall: Duration::from_secs(settings.script_time_s),
        calls: settings.script_calls_max,
        in_flight: settings.script_inflight_max,
        value_bytes: settings.script_value_bytes_max,
        log_bytes: settings.script_log_bytes_max,
        result_bytes: settings.script_result_bytes_max,
    }
}

/// Starts workers.
struct Own(Nursery);

impl Start for Own {
    fn start(&self, channel: OwnedFd) -> io::Result<Box<dyn Process>> {
        Ok(Box::new(Worker(self.0.copy(&channel)?)))
    }
}

struct Worker(OwnProcess);

impl Process for Worker {
    fn end(&mut self) -> Option<i32> {
        self.0.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_settings_the_limits_are_those_of_code_mode() {
        assert_eq!(limits(&Settings::default()), Limits::default());
    }
}
