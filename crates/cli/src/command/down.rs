//! `portolan down`: ends the gateway that all share, and waits for its end.

use config::Dirs;
use serde::Serialize;
use tokio::time::Instant;

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
    block_on(ended(&here.dirs, &gateway.id, gateway.pid))?;
    let stopped = Stopped {
        gateway: Some(gateway.id),
    };
    ui.value(&stopped, |ui| {
        let name = stopped.gateway.clone().unwrap_or_default();
        ui.data(&Line::new().put(Label::Name, name).text(" is stopped"));
    })
}

/// Waits for the end of a gateway that was told to end.
async fn ended(dirs: &Dirs, id: &str, pid: u32) -> Result<(), Failure> {
    let begun = Instant::now();
    while config::running::is_held(dirs, id) {
        if begun.elapsed() > DOWN_WAIT {
            let message = format!(
                "process {pid} has not ended within {} s",
                DOWN_WAIT.as_secs()
            );
            return Err(Failure::new(Kind::Timeout, message).hint(format!("kill -9 {pid}")));
        }
        tokio::time::sleep(DOWN_LOOK).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_that_does_not_end_in_time_is_said_to_be_alive() {
        let home = tempfile::tempdir().unwrap();
        let dirs = Dirs::under(home.path());
        let held = config::running::hold(&dirs, "7-a".to_owned()).unwrap();
        let begun = Instant::now();
        let late = ended(&dirs, "7-a", 7).await.unwrap_err();
        let took = begun.elapsed();
        assert!(took > DOWN_WAIT && took < 2 * DOWN_WAIT, "{took:?}");
        assert_eq!((late.kind(), late.kind().code()), (Kind::Timeout, 7));
        assert_eq!(late.message(), "process 7 has not ended within 20 s");
        assert_eq!(late.hints(), ["kill -9 7"]);
        drop(held);
        assert!(ended(&dirs, "7-a", 7).await.is_ok());
    }
}
