//! `cargo run --release -p portolan-benches`: what a relay costs, measured side by side in one run.
//!
//! Owns the order of a run: build, start everything, measure in turn, tell. `subjects.rs` says what is measured,
//! `load.rs` and `stdio.rs` how, `bridge.rs` what is measured between the eras, `rest.rs` what is measured without load, `table.rs` how it is told.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "results to stdout, progress to stderr"
)]

mod args;
mod bridge;
mod calls;
mod http;
mod load;
mod process;
mod rest;
mod results;
mod stdio;
mod subjects;
mod table;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::Parser;
use portolan_benches::Era;
use rustix::process::{Resource, Rlimit};

use crate::args::{Options, Part};
use crate::calls::{Load, Sample};
use crate::http::Endpoint;
use crate::process::Running;
use crate::results::{Results, Round, Row};
use crate::subjects::{BLIND, Bench, DIRECT, HttpSubject, PORTOLAN, StdioSubject};

/// Bytes of text there and back, and calls in flight.
const LOADS: [(usize, usize); 6] = [
    (100, 1),
    (100, 16),
    (100, 64),
    (64_000, 1),
    (64_000, 16),
    (64_000, 64),
];
/// What a quick server of the real world does per call; the echo server does next to nothing.
const WORK_US: u64 = 20;

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(results) => {
            print!("{}", table::render(&results));
            let wrong = results.rows().any(|row| row.errors() > 0);
            if wrong || !results.missing.is_empty() {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            }
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> io::Result<Results> {
    let folder = tempfile::Builder::new()
        .prefix("portolan-bench-")
        .tempdir()?;
    let bench = prepare(options, folder.path().into())?;
    let mut results = Results {
        machine: machine(),
        rounds: options.rounds(),
        seconds: options.length().as_secs_f64(),
        ..Results::default()
    };
    let (_echo, direct) = bench.echo(Era::Handshake, options.echo_port, options.sse)?;
    let upstream = direct.endpoint.clone();
    if options.wants(Part::Http) {
        http(&bench, direct, options, &mut results)?;
    }
    if options.wants(Part::Stdio) {
        results.stdio = stdio(&bench, options, 0, &LOADS, &mut results.missing)?;
        results.stdio_busy = stdio(&bench, options, WORK_US, &[(100, 16)], &mut results.missing)?;
    }
    if options.wants(Part::Bridge) {
        results.bridge = bridge::measure(&bench, &upstream, options)?;
    }
    rest(&bench, &upstream, options, &mut results)?;
    if let Some(path) = &options.json {
        fs::write(path, serde_json::to_string_pretty(&results)? + "\n")?;
    }
    Ok(results)
}

/// Builds what is measured, and raises the limit of open files for the thousand connections.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo builds what is measured, so that it is never stale"
)]
fn prepare(options: &Options, folder: PathBuf) -> io::Result<Bench> {
    if cfg!(debug_assertions) {
        eprintln!("warning: a debug build measures nothing; use cargo run --release");
    }
    let own = std::env::current_exe()?;
    let beside = own.parent().unwrap_or(&own).to_owned();
    let mut packages = vec!["-p", "portolan-benches", "--bins"];
    if options.gateway.is_none() {
        packages.extend(["-p", "portolan"]);
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .arg("build")
        .args(packages);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    if !build.status()?.success() {
        return Err(io::Error::other("what is to be measured does not build"));
    }
    let limit = rustix::process::getrlimit(Resource::Nofile);
    rustix::process::setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            ..limit
        },
    )?;
    Ok(Bench {
        gateway: options
            .gateway
            .clone()
            .unwrap_or_else(|| beside.join("portolan")),
        echo: beside.join("portolan-echo"),
        blind: beside.join("portolan-blind"),
        token: format!("bench-{:032x}", u128::from(std::process::id()) << 64),
        folder,
    })
}

fn http(
    bench: &Bench,
    direct: HttpSubject,
    options: &Options,
    results: &mut Results,
) -> io::Result<()> {
    let upstream = direct.endpoint.clone();
    let config = bench.config_with_url(&upstream)?;
    let mut started = vec![
        ("nginx", bench.nginx(&upstream)),
        (
            PORTOLAN,
            bench
                .portolan(&config, "http")
                .and_then(HttpSubject::listening),
        ),
    ];
    started.extend(options.peers.iter().map(|peer| {
        (
            peer.as_str(),
            bench.peer(peer, &upstream).and_then(HttpSubject::listening),
        )
    }));
    let mut subjects = vec![direct];
    for (name, subject) in started {
        match subject {
            Ok(subject) => subjects.push(subject),
            Err(error) => results.missing.push(format!("{name}: {error}")),
        }
    }
    let names: Vec<String> = subjects
        .iter()
        .map(|subject| subject.name.clone())
        .collect();
    results.http = sweep(&names, options, &LOADS, |index, load| {
        let subject = &subjects[index];
        let cpu = || subject.process.as_ref().map(|process| process.cpu(true));
        let before = cpu();
        let sample = load::over_http(Era::Handshake, &subject.endpoint, load)?;
        Ok((sample, before.zip(cpu())))
    });
    Ok(())
}

fn stdio(
    bench: &Bench,
    options: &Options,
    work_us: u64,
    loads: &[(usize, usize)],
    missing: &mut Vec<String>,
) -> io::Result<Vec<Row>> {
    let config = bench.config_with_commands(1, work_us)?;
    let own = bench.portolan_stdio(&config, &format!("stdio-{work_us}"))?;
    let mut subjects: Vec<_> = [
        (DIRECT, bench.echo_command(work_us)),
        (BLIND, bench.blind_command(work_us)),
        (PORTOLAN, own),
    ]
    .map(|(name, command)| StdioSubject {
        name: name.into(),
        command,
    })
    .into();
    for peer in options.stdio_peers.iter().filter(|_| work_us == 0) {
        subjects.push(bench.stdio_peer(peer)?);
    }
    let mut peers = Vec::new();
    for StdioSubject { name, command } in subjects {
        match stdio::Peer::start(&command) {
            Ok(peer) => peers.push((name, peer)),
            Err(error) => missing.push(format!("{name} over stdio: {error}")),
        }
    }
    let names: Vec<String> = peers.iter().map(|(name, _)| name.clone()).collect();
    Ok(sweep(&names, options, loads, |index, load| {
        let (name, peer) = &mut peers[index];
        let cpu = |process: &Running| (name != DIRECT).then(|| process.cpu(false));
        let before = cpu(&peer.process);
        let sample = peer.load(load)?;
        Ok((sample, before.zip(cpu(&peer.process))))
    }))
}

fn rest(
    bench: &Bench,
    upstream: &Endpoint,
    options: &Options,
    results: &mut Results,
) -> io::Result<()> {
    let config = bench.config_with_url(upstream)?;
    let own = || bench.portolan(&config, "memory");
    let commands = options
        .peers
        .iter()
        .filter(|peer| !peer.contains("=http://"));
    let peers: Vec<_> = commands
        .map(|peer| move || bench.peer(peer, upstream))
        .collect();
    if options.wants(Part::Start) {
        eprintln!("start times");
        rest::own_starts(bench, options, results)?;
        for spawn in &peers {
            match rest::start(spawn, options) {
                Ok(start) => results.start.push(start),
                Err(error) => results.missing.push(format!("start time: {error}")),
            }
        }
    }
    if options.wants(Part::Memory) {
        eprintln!("memory");
        rest::memory(&own, options, results);
        for spawn in &peers {
            rest::memory(spawn, options, results);
        }
    }
    Ok(())
}

type Measured = io::Result<(Sample, Option<(process::Cpu, process::Cpu)>)>;

/// Every load, and within it every round, and within that every subject: neighbours in time are compared.
fn sweep(
    names: &[String],
    options: &Options,
    loads: &[(usize, usize)],
    mut measure: impl FnMut(usize, Load) -> Measured,
) -> Vec<Row> {
    let mut rows = Vec::new();
    for &(payload, in_flight) in loads {
        let load = Load {
            in_flight,
            payload,
            warm_up: options.warm_up(),
            length: options.length(),
        };
        let mut rounds = vec![Vec::new(); names.len()];
        for round in 0..options.rounds() {
            for turn in 0..names.len() {
                let index = (turn + round) % names.len();
                eprint!(
                    "\r\x1b[K{payload} B, {in_flight} in flight, round {}: {}",
                    round + 1,
                    names[index]
                );
                let measured = measure(index, load);
                rounds[index].push(measured.map_or_else(
                    |error| {
                        eprintln!("\n{}: {error}", names[index]);
                        Round {
                            errors: 1,
                            ..Round::default()
                        }
                    },
                    |(sample, cpu)| Round::new(sample, cpu),
                ));
            }
        }
        rows.extend(names.iter().zip(rounds).map(|(subject, rounds)| Row {
            subject: subject.clone(),
            payload_bytes: payload,
            in_flight,
            rounds,
        }));
    }
    eprintln!();
    rows
}

/// The machine in a few words, for whoever reads the table later.
fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let models: Vec<&str> = cpus
        .lines()
        .filter(|line| line.starts_with("model name"))
        .filter_map(|line| line.split(": ").nth(1))
        .collect();
    format!(
        "{} × {}",
        models.len(),
        models.first().unwrap_or(&"unknown CPU")
    )
}
