//! Kills servers at random while something else goes on, and starts again those that the gateway cannot; or freezes them.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rustix::process::Signal;

use super::dice::Dice;
use super::fleet::{Programs, Server};
use super::processes;

/// Which servers were killed in a run, and when.
pub(super) type Killed = Arc<Mutex<Vec<(String, Instant)>>>;

/// Does `what`, and kills meanwhile; what came of it, and how many were killed.
pub(super) async fn during<T>(
    fleet: &mut [Server],
    programs: &Programs,
    dice: &mut Dice,
    killed: &Killed,
    what: impl Future<Output = T>,
) -> io::Result<(T, usize)> {
    let count = || killed.lock().map_or(0, |killed| killed.len());
    let before = count();
    let mut what = pin!(what);
    loop {
        let pause = dice.millis(200, 1200);
        if let Ok(done) = tokio::time::timeout(pause, &mut what).await {
            return Ok((done, count() - before));
        }
        let victims: Vec<processes::Process> = processes::marked(&programs.home)
            .into_iter()
            .filter(|process| is_server(&process.command))
            .filter(|process| {
                fleet
                    .iter()
                    .any(|server| process.server.as_ref() == Some(&server.name))
            })
            .collect();
        let Some(victim) = dice.choose(&victims) else {
            continue;
        };
        let Some(name) = &victim.server else { continue };
        if let Ok(mut killed) = killed.lock() {
            killed.push((name.clone(), Instant::now()));
        }
        processes::kill(victim.pid, Signal::KILL);
        if let Some(server) = fleet
            .iter_mut()
            .find(|server| server.is_http && server.name == *name)
        {
            server.end().await?;
            server.listen(programs).await?;
        }
    }
}

/// Does `what` while every server that misbehaves stands still.
pub(super) async fn frozen<T>(programs: &Programs, what: impl Future<Output = T>) -> T {
    let others: Vec<u32> = processes::marked(&programs.home)
        .into_iter()
        .filter(|process| process.command.contains("portolan-misbehaving "))
        .map(|process| process.pid)
        .collect();
    for pid in &others {
        processes::kill(*pid, Signal::STOP);
    }
    let done = what.await;
    for pid in &others {
        processes::kill(*pid, Signal::CONT);
    }
    done
}

/// Whether this is a server itself, and not its guard, nor what it left behind.
fn is_server(command: &str) -> bool {
    let is_ours = ["portolan-fixture --", "portolan-misbehaving "];
    let is_other = [crate::misbehaving::LEFT_BEHIND, "guard"];
    is_ours.iter().any(|word| command.contains(word))
        && !is_other.iter().any(|word| command.contains(word))
}
