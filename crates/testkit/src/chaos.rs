//! Ten thousand calls over servers of which most misbehave, and all of which are killed now and then: what must stay
//! true of the gateway all the while.
//!
//! Quiet phases, in which the others are frozen and the sound servers are called alone, take turns with rounds, in which
//! they are called in the same way while everything else goes on beside: so both see the same machine. [`fleet`] says who takes part, [`load`] how they are called, [`client`]
//! what counts as one answer, [`verdict`] what must be true in the end.

mod client;
mod dice;
mod fleet;
mod kills;
mod load;
mod processes;
mod table;
mod verdict;

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

use self::client::{Client, Connection};
use self::dice::Dice;
use self::fleet::{Gateway, Programs, SOUND, Server};
use self::load::{Load, Tally};
use self::verdict::Verdict;

/// Clients of the handshake era; beside them there is one of the stateless era.
const SESSIONS: usize = 3;
/// How long the gateway may take for its end.
const ENDS_WITHIN: Duration = Duration::from_secs(30);
/// How long what it had open may take to be closed once all servers are stopped: idle connections are kept for a while.
const CLOSES_WITHIN: Duration = Duration::from_secs(90);
/// How long a process may take to be gone after its gateway.
const GONE_WITHIN: Duration = Duration::from_secs(10);
/// Between two looks at what is expected to become true.
const LOOK: Duration = Duration::from_millis(50);

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whence all chance comes.
    pub seed: u64,
    /// Rounds of 1,000 calls.
    pub rounds: usize,
    /// The gateway's binary.
    pub gateway: PathBuf,
    /// The folder with the programs of this crate.
    pub programs: PathBuf,
    /// Where the gateway's log is kept.
    pub log: PathBuf,
}

/// One row of the table.
struct Round {
    tally: Tally,
    took: Duration,
    kills: usize,
    processes: usize,
    descriptors: usize,
    memory_kb: u64,
}

/// What a run has found.
#[derive(Debug)]
pub struct Report {
    /// For people.
    pub text: String,
    /// For programs.
    pub json: Value,
    /// What is not as it must be.
    pub wrong: Vec<String>,
}

/// Plays one run.
///
/// # Errors
///
/// When it cannot be played; what it finds is in the report.
pub async fn run(options: &Options, tell: impl Fn(&str)) -> io::Result<Report> {
    let home = tempfile::tempdir()?;
    let programs = Programs {
        home: home.path().to_owned(),
        gateway: options.gateway.clone(),
        fixture: options.programs.join("portolan-fixture"),
        misbehaving: options.programs.join("portolan-misbehaving"),
    };
    let outcome = tokio::select! {
        outcome = play(options, &programs, &tell) => outcome,
        () = asked_to_end() => Err(io::ErrorKind::Interrupted.into()),
    };
    // However it went: nothing of it is left, and why is known.
    for process in processes::marked(&programs.home) {
        processes::kill(process.pid, Signal::KILL);
    }
    if let Some(folder) = options.log.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // Without a log there was no gateway.
    let _ = std::fs::copy(home.path().join("gateway.log"), &options.log);
    outcome
}

/// Ready once somebody wants no more of it.
async fn asked_to_end() {
    let signals = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ];
    let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = signals.map(signal) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}

async fn play(options: &Options, programs: &Programs, tell: &impl Fn(&str)) -> io::Result<Report> {
    let mut dice = Dice::new(options.seed);
    let mut fleet = programs.fleet(&mut dice);
    for server in fleet.iter_mut().filter(|server| server.is_http) {
        server.listen(programs).await?;
    }
    let mut control = programs.control();
    control.listen(programs).await?;
    let about: Vec<String> = fleet.iter().map(Server::about).collect();
    tell(&format!(
        "seed {}; servers: {}",
        options.seed,
        about.join(", ")
    ));
    let mut gateway = programs.gateway(&fleet).await?;
    let mut verdict = Verdict::default();
    let at_rest = processes::descriptors(gateway.pid);
    let clients = clients(&gateway).await?;
    let mut load = Load::new(&gateway, &control, clients.clone(), &fleet);
    look(&gateway, &clients, &mut verdict).await;

    let mut quiet = Tally::default();
    let mut rounds = Vec::new();
    for number in 1..=options.rounds {
        let alone = kills::frozen(programs, load.quiet(&mut dice)).await;
        verdict.answered(&alone);
        quiet.add(alone);
        let begun = Instant::now();
        look(&gateway, &clients, &mut verdict).await;
        let killed = load.killed.clone();
        let mut chance = dice.clone();
        let round = load.round(&mut dice);
        let (tally, kills) =
            kills::during(&mut fleet, programs, &mut chance, &killed, round).await?;
        verdict.answered(&tally);
        let round = Round {
            tally,
            took: begun.elapsed(),
            kills,
            processes: processes::marked(&programs.home).len(),
            descriptors: processes::descriptors(gateway.pid),
            memory_kb: processes::memory_kb(gateway.pid),
        };
        tell(&table::progress(number, &round));
        rounds.push(round);
    }

    verdict.steady(&rounds);
    verdict.undisturbed(&quiet, &rounds);
    let lost = load.lost(&mut dice).await;
    if !lost.is_empty() {
        verdict.wrong(format!("sound servers that do not come back: {lost:?}"));
    }
    let mut connection = Connection::new(gateway.address);
    for client in &clients {
        connection.leave(client).await?;
    }
    drop((connection, load));
    let left = empty(programs, &fleet, &gateway, at_rest).await?;
    verdict.closed(at_rest, left);
    end(&mut gateway, &mut verdict).await?;
    fleet.push(control);
    for server in &mut fleet {
        server.end().await?;
    }
    gone(programs, &mut verdict).await;
    Ok(table::report(
        options, &about, &quiet, &rounds, left, verdict,
    ))
}

async fn clients(gateway: &Gateway) -> io::Result<Vec<Client>> {
    let mut clients = vec![Client::Stateless];
    for _ in 0..SESSIONS {
        clients.push(Connection::new(gateway.address).shake_hands().await?);
    }
    Ok(clients)
}

/// Each client lists, and sees at least the tools of the sound servers.
async fn look(gateway: &Gateway, clients: &[Client], verdict: &mut Verdict) {
    let mut connection = Connection::new(gateway.address);
    for client in clients {
        match connection.tools(client).await {
            Ok(tools) => {
                let seen = |n: &usize| tools.contains(&format!("sound-{n}__echo"));
                let missing: Vec<usize> = (0..SOUND).filter(|n| !seen(n)).collect();
                // One that was killed a moment ago keeps its place in the list.
                if !missing.is_empty() {
                    verdict.wrong(format!(
                        "the list lacks the tools of sound servers {missing:?}"
                    ));
                }
            }
            Err(error) => verdict.wrong(format!("the list is not to be had: {error}")),
        }
    }
}

/// Stops every server, and waits until the gateway holds no more than it did at first; what it holds then.
async fn empty(
    programs: &Programs,
    fleet: &[Server],
    gateway: &Gateway,
    at_rest: usize,
) -> io::Result<usize> {
    for server in fleet {
        let words = ["server", "stop", &server.name].map(str::to_owned);
        let mut line = vec![programs.gateway.display().to_string()];
        line.extend(words);
        programs.command(&line, None).status().await?;
    }
    let begun = Instant::now();
    loop {
        let left = processes::descriptors(gateway.pid);
        if left <= at_rest + verdict::SPARE_DESCRIPTORS || begun.elapsed() > CLOSES_WITHIN {
            return Ok(left);
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn end(gateway: &mut Gateway, verdict: &mut Verdict) -> io::Result<()> {
    if let Some(status) = gateway.child.try_wait()? {
        verdict.wrong(format!("the gateway ended by itself: {status}"));
        return Ok(());
    }
    processes::kill(gateway.pid, Signal::TERM);
    match tokio::time::timeout(ENDS_WITHIN, gateway.child.wait()).await {
        Ok(status) => {
            let status = status?;
            if !status.success() {
                verdict.wrong(format!("the gateway ended with {status}"));
            }
        }
        Err(_) => verdict.wrong(format!("the gateway runs {ENDS_WITHIN:?} after SIGTERM")),
    }
    Ok(())
}

async fn gone(programs: &Programs, verdict: &mut Verdict) {
    let begun = Instant::now();
    loop {
        let left = processes::marked(&programs.home);
        if left.is_empty() {
            return;
        }
        if begun.elapsed() > GONE_WITHIN {
            let left: Vec<String> = left.into_iter().map(|process| process.command).collect();
            verdict.wrong(format!("left running: {left:?}"));
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}
