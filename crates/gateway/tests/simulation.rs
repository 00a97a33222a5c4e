//! A seeded simulation of the gateway: paused time, servers and clients of both eras behind links that take their time,
//! everything that may go wrong going wrong, and after each step what must be true. `simulation/game.rs` is the game,
//! `simulation/judge.rs` what must be true.
//!
//! ```text
//! cargo test -p portolan-gateway --test simulation                           a hundred seeds
//! PORTOLAN_SEEDS=10000 cargo test -p portolan-gateway --test simulation      so many
//! PORTOLAN_SEED=7 cargo test -p portolan-gateway --test simulation           this one, with all that happens
//! ```

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![expect(clippy::print_stdout, reason = "what the seeds came to is for people")]

mod simulation {
    pub(crate) mod client;
    pub(crate) mod conn;
    pub(crate) mod game;
    pub(crate) mod judge;
    pub(crate) mod log;
    pub(crate) mod mark;
    pub(crate) mod panics;
    pub(crate) mod plan;
    pub(crate) mod program;
    pub(crate) mod rng;
    pub(crate) mod servers;
    pub(crate) mod stats;
    pub(crate) mod world;
}

use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use simulation::game::{self, Failure};
use simulation::judge::BRIDGED;
use simulation::panics;
use simulation::servers::lock;
use simulation::stats::Stats;

/// Seeds where nobody says how many.
const SEEDS: u64 = 100;
/// After so many failures no more seeds are played; the first one is shown whole.
const FAILURES_MAX: usize = 20;
/// Lines of the log that a failure shows.
const LINES_SHOWN: usize = 60;

#[test]
fn all_seeds_are_clean() {
    panics::keep();
    if let Some(seed) = variable("PORTOLAN_SEED") {
        return replay(seed);
    }
    let seeds = variable("PORTOLAN_SEEDS").unwrap_or(SEEDS);
    let began = Instant::now();
    let next = AtomicU64::new(1);
    let (stats, failures) = (Mutex::new(Stats::default()), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > seeds || lock(&failures).len() >= FAILURES_MAX {
                return;
            }
            match run(seed, LINES_SHOWN) {
                Ok(one) => lock(&stats).add(&one),
                Err(failure) => lock(&failures).push((seed, failure)),
            }
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let stats = lock(&stats).clone();
    println!(
        "{seeds} seeds in {:.1} s: {stats}",
        began.elapsed().as_secs_f64()
    );
    let failures = std::mem::take(&mut *lock(&failures));
    if let [(seed, first), others @ ..] = &failures[..] {
        let mut text = report(*seed, first);
        for (seed, failure) in others {
            let _ = writeln!(
                text,
                "seed {seed} at step {}: {}",
                failure.step, failure.why[0]
            );
        }
        panic!("{text}");
    }
    // A few seeds alone need not have everything.
    if seeds >= SEEDS {
        assert_eq!(stats.missing(BRIDGED), [""; 0], "this never happened");
    }
}

/// One seed, with all that happens.
fn replay(seed: u64) {
    match run(seed, usize::MAX) {
        Ok(stats) => println!("seed {seed} is clean: {stats}"),
        Err(failure) => panic!("{}", report(seed, &failure)),
    }
}

fn run(seed: u64, lines: usize) -> Result<Stats, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(game::play(seed, lines))
}

fn report(seed: u64, failure: &Failure) -> String {
    let mut text = format!(
        "\nseed {seed} fails at step {}; PORTOLAN_SEED={seed} cargo test -p portolan-gateway --test simulation replays it\n{}",
        failure.step, failure.log
    );
    for why in &failure.why {
        let _ = writeln!(text, "  {why}");
    }
    text
}

#[expect(
    clippy::disallowed_methods,
    reason = "which seeds to play is no setting of the program"
)]
fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}")),
    )
}
