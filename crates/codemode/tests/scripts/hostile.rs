//! Scripts that mean harm, or do it by mistake: eight at a time, each ends with the right error and in time, and the gateway
//! goes on as it was.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use launch::OwnProcess;
use portolan_codemode::{CodeMode, FailureKind, Limits, Outcome, Process};

use super::hostile_list::{Ends, SCRIPTS};
use super::world::{Worker, World, run_in, worker_program};

use Ends::{Badly, Either, Well};

const AT_A_TIME: usize = 8;
/// The time of scripts that would take for ever, and of those that take none if the machine has time for them.
const SHORT: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(20);
/// What may come on top.
const OVER: Duration = Duration::from_millis(100);
/// What may be left behind by all of them: what is learnt and kept has limits, and an allocator its habits.
const GROWTH_MAX: usize = 4 << 20;

/// Code mode with this time for scripts, and the ids of its workers.
struct Mode {
    mode: CodeMode,
    wall: Duration,
    pids: Arc<Mutex<Vec<u32>>>,
}

impl Mode {
    fn new(wall: Duration) -> Self {
        let pids: Arc<Mutex<Vec<u32>>> = Arc::default();
        let started = pids.clone();
        let start = move |channel: OwnedFd| -> io::Result<Box<dyn Process>> {
            let process = OwnProcess::start(worker_program(), &[], channel)?;
            started.lock().unwrap().push(process.pid());
            Ok(Box::new(Worker(process)))
        };
        let limits = Limits {
            wall,
            ..Limits::default()
        };
        Self {
            mode: CodeMode::new(Arc::new(start), limits, AT_A_TIME),
            wall,
            pids,
        }
    }

    /// Until so many workers wait that have given up everything.
    async fn ready(&self) {
        self.mode.warm();
        loop {
            let confined = self.pids.lock().unwrap().clone();
            let confined = confined.iter().filter(|pid| {
                std::fs::read_to_string(format!("/proc/{pid}/status"))
                    .is_ok_and(|status| status.contains("Seccomp:\t2"))
            });
            if confined.count() >= AT_A_TIME {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn play(&self, world: &World, script: &str) -> (Outcome, Duration) {
        let began = Instant::now();
        let outcome = run_in(&self.mode, world, script).await;
        (outcome, began.elapsed().saturating_sub(self.wall))
    }
}

fn verdict(script: &str, ends: &Ends, outcome: &Outcome, late: Duration) -> Option<String> {
    let text = outcome.text();
    let kind = outcome.error.as_ref().map(|error| error.kind);
    let fits = match (ends, kind) {
        (Well(result), None) => outcome.result.get() == *result,
        (Badly(expected, part), Some(kind)) => kind == *expected && text.contains(part),
        (Either(kinds), Some(kind)) => kinds.contains(&kind),
        // The fast machine that gets through it.
        (Either(_), None) => true,
        _ => false,
    };
    let short = text.len() < 45_000;
    (!fits || late > OVER || !short).then(|| {
        let shown: String = text.chars().take(400).collect();
        format!("{script}\n  ended {late:?} late: {kind:?} {shown}")
    })
}

fn takes_its_time(ends: &Ends) -> bool {
    match ends {
        Well(_) => false,
        Badly(kind, _) => *kind == FailureKind::Time,
        Either(kinds) => kinds.contains(&FailureKind::Time),
    }
}

/// Plays all of them, and says of each what is wrong.
async fn play_all(short: &Mode, long: &Mode, world: &World) -> Vec<String> {
    let mut wrong = Vec::new();
    for some in SCRIPTS.chunks(AT_A_TIME) {
        short.ready().await;
        long.ready().await;
        let runs = some.iter().map(|(script, ends)| {
            let mode = if takes_its_time(ends) { short } else { long };
            mode.play(world, script)
        });
        let mut runs = std::pin::pin!(futures_util::future::join_all(runs));
        // This machine does other things too: by how much any timer was late is not the fault of scripts.
        let mut busy = Duration::ZERO;
        let ended = loop {
            let until = Instant::now() + Duration::from_millis(10);
            tokio::select! {
                biased;
                ended = &mut runs => break ended,
                () = tokio::time::sleep_until(until.into()) => busy = busy.max(until.elapsed()),
            }
        };
        for ((script, ends), (outcome, late)) in some.iter().zip(ended) {
            wrong.extend(verdict(script, ends, &outcome, late.saturating_sub(busy)));
        }
    }
    wrong
}

#[tokio::test]
async fn eight_at_a_time_are_contained_and_leave_nothing() {
    let (short, long) = (Mode::new(SHORT), Mode::new(LONG));
    let world = World::default();
    assert!(SCRIPTS.len() >= 60);
    let mut sizes = Vec::new();
    for _ in 0..2 {
        let wrong = play_all(&short, &long, &world).await;
        let (count, all) = (wrong.len(), SCRIPTS.len());
        assert!(wrong.is_empty(), "{count} of {all}:\n{}", wrong.join("\n"));
        world.began.lock().unwrap().clear();
        sizes.push(own_memory());
    }
    assert!(sizes[1] < sizes[0] + GROWTH_MAX, "it grows: {sizes:?}");
    // A healthy script runs as ever.
    assert_eq!(super::world::result("return await text.number()").await, 42);
}

/// Resident memory of this process, in bytes.
fn own_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<usize>()
        .unwrap()
        << 10
}
