//! `portolan down`: ends the gateway that all share, and waits for its end.

use std::time::Instant;

use serde::Serialize;

use crate::engine::block_on;
use crate::error::{Failure, Kind};
use crate::limits::{DOWN_LOOK, DOWN_WAIT};
use crate::shared;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Stop the gateway that all applications share; those that are connected go on with gateways of their own
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

#[derive(Serialize)]
struct Stopped {
    gateway: Option<String>,
}

pub(crate) fn run(ui: &Ui, _: &Args) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let Some(gateway) = shared::running()? else {
        let stopped = Stopped { gateway: None };
        return ui.value(&stopped, |ui| {
            ui.note(&Line::new().put(Label::Dim, "No shared gateway is running."));
        });
    };
    // Its lock is held, so the number is its own.
    let pid = i32::try_from(gateway.pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let pid = pid.ok_or_else(|| Failure::new(Kind::Internal, "the gateway has no process"))?;
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).map_err(|error| {
        Failure::new(
            Kind::Failed,
            format!("process {} cannot be told to end", gateway.pid),
        )
        .because(&error)
    })?;
    let has_ended = block_on(async {
        let begun = Instant::now();
        while config::running::is_held(&here.dirs, &gateway.id) {
            if begun.elapsed() > DOWN_WAIT {
                return Ok(false);
            }
            tokio::time::sleep(DOWN_LOOK).await;
        }
        Ok(true)
    })?;
    if !has_ended {
        let message = format!(
            "process {} has not ended within {} s",
            gateway.pid,
            DOWN_WAIT.as_secs()
        );
        return Err(Failure::new(Kind::Timeout, message).hint(format!("kill -9 {}", gateway.pid)));
    }
    let stopped = Stopped {
        gateway: Some(gateway.id),
    };
    ui.value(&stopped, |ui| {
        let name = stopped.gateway.clone().unwrap_or_default();
        ui.data(&Line::new().put(Label::Name, name).text(" is stopped"));
    })
}
