//! Workers that are copies of one process, as those of the shipped program are. The process is this program, and must have
//! one thread: so the checks run here one after the other, and not as tests of a harness.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed unwrap is a failed test, and without a harness we say what was tried"
)]
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use launch::OwnProcess;
use launch::nursery::{self, Nursery};
use portolan_codemode::worker::Ready;
use portolan_codemode::worker::confine::allowed_calls;
use portolan_codemode::{CodeMode, FailureKind, Limits, Process};
use serde_json::Value;

#[path = "scripts/world.rs"]
#[expect(dead_code, reason = "the other tests use the rest")]
mod world;

use world::{Worker, World, run_in};

/// By which this program is a worker.
const WORKER: &str = "__worker";

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(WORKER) {
        return nursery::main(Ready::new, Ready::run);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        copies_have_no_script_in_common().await;
        println!("copies have no script in common ... ok");
        a_waiting_worker_is_small_and_confined().await;
        println!("a waiting worker is small and confined ... ok");
        with_a_script_a_copy_makes_no_call_outside_of_the_list().await;
        println!("with a script a copy makes no call outside of the list ... ok");
        a_crash_is_told_of_and_the_next_script_runs().await;
        println!("a crash is told of and the next script runs ... ok");
    });
    ExitCode::SUCCESS
}

type Pids = Arc<Mutex<Vec<u32>>>;

/// Code mode over copies, and the ids of these.
fn mode(nursery: Nursery, warm: usize) -> (CodeMode, Pids) {
    let pids = Pids::default();
    let started = pids.clone();
    let start = move |channel: OwnedFd| -> io::Result<Box<dyn Process>> {
        let process: OwnProcess = nursery.copy(&channel)?;
        started.lock().unwrap().push(process.pid());
        Ok(Box::new(Worker(process)))
    };
    (
        CodeMode::new(Arc::new(start), Limits::default(), warm),
        pids,
    )
}

fn own() -> Nursery {
    Nursery::new("/proc/self/exe", &[WORKER])
}

async fn gives(mode: &CodeMode, script: &str) -> Value {
    let outcome = run_in(mode, &World::default(), script).await;
    assert!(outcome.ok, "{}", outcome.text());
    serde_json::from_str(outcome.result.get()).unwrap()
}

async fn copies_have_no_script_in_common() {
    let (mode, _) = mode(own(), 0);
    let script = "globalThis.seen = (globalThis.seen ?? 0) + 1; \
                  return [seen, Math.random(), await text.number()]";
    let (one, two) = (gives(&mode, script).await, gives(&mode, script).await);
    assert_eq!((&one[0], &two[0]), (&1.into(), &1.into()));
    assert_eq!((&one[2], &two[2]), (&42.into(), &42.into()));
    assert_ne!(one[1], two[1], "random numbers are each copy's own");
    let many = gives(&mode, "return Array.from({ length: 1000 }, Math.random)").await;
    let many: Vec<f64> = serde_json::from_value(many).unwrap();
    assert!(many.iter().all(|number| (0.0..1.0).contains(number)));
    let mean = many.iter().sum::<f64>() / 1000.0;
    assert!((0.4..0.6).contains(&mean), "{mean}");
}

/// What is kept of memory for one worker, at most.
const PRIVATE_KB_MAX: usize = 500;

async fn a_waiting_worker_is_small_and_confined() {
    let (mode, pids) = mode(own(), 2);
    mode.warm();
    while mode.waiting() < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let pids = pids.lock().unwrap().clone();
    for pid in pids {
        let read = |name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap();
        while !read("status").contains("Seccomp:\t2") {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(read("status").contains("NoNewPrivs:\t1"));
        let limits = read("limits");
        for (name, limit) in [("Max processes", "0"), ("Max open files", "3")] {
            let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
            assert_eq!(line[name.len()..].split_whitespace().next(), Some(limit));
        }
        let open: BTreeSet<String> = std::fs::read_dir(format!("/proc/{pid}/fd"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(open, ["0", "1", "2"].map(String::from).into());
        let smaps = read("smaps");
        let private = private_kb(&smaps);
        assert!(private <= PRIVATE_KB_MAX, "{private} kB\n{smaps}");
    }
}

/// Of memory that no file stands behind: a program that was just built is not all on the disk yet.
fn private_kb(smaps: &str) -> usize {
    let mut is_text = false;
    let mut kb = 0;
    for line in smaps.lines() {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some("Private_Dirty:"), Some(count)) if !is_text => {
                kb += count.parse::<usize>().unwrap();
            }
            (Some(range), Some(rights)) if range.contains('-') => is_text = rights == "r-xp",
            _ => {}
        }
    }
    kb
}

const SCRIPT: &str = "
    const all = await Promise.all(Array.from({ length: 12 }, (_, n) => echo.slow({ ms: 5, n })));
    try { await bad.fails() } catch (e) { console.error(e) }
    const big = []; for (let i = 0; i < 2e5; i++) big.push({ i });
    const text = JSON.stringify(big);
    big.length = 0;
    await sleep(5);
    return { n: all.length, length: text.length, random: Math.random() < 1, date: String(new Date(2024, 1, 1)) };
";

async fn with_a_script_a_copy_makes_no_call_outside_of_the_list() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let own = std::env::current_exe().unwrap();
    let own = own.to_str().unwrap();
    let file = trace.to_str().unwrap();
    let nursery = Nursery::new("/usr/bin/env", &["strace", "-f", "-o", file, own, WORKER]);
    let (mode, pids) = mode(nursery, 0);
    gives(&mode, SCRIPT).await;
    let pid = *pids.lock().unwrap().last().unwrap();
    let text = loop {
        let text = std::fs::read_to_string(&trace).unwrap();
        if text.lines().any(|line| is_end(line, pid)) {
            break text;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    let mut calls = text.lines().filter_map(|line| {
        let (own, call) = line.split_once(' ')?;
        (own == pid.to_string()).then(|| call.trim_start())
    });
    let is_filter =
        |call: &str| call.starts_with("seccomp(") || call.starts_with("prctl(PR_SET_SECCOMP");
    assert!(calls.any(is_filter), "the copy sets its filter:\n{text}");
    let made: BTreeSet<&str> = calls
        .filter(|call| !call.starts_with(['+', '-', '<']))
        .filter_map(|call| call.split_once('(').map(|(name, _)| name))
        .collect();
    let allowed: BTreeSet<&str> = allowed_calls().into_iter().collect();
    assert!(made.contains("read") && made.contains("write"), "{made:?}");
    assert!(made.is_subset(&allowed), "beyond the list: {made:?}");
}

fn is_end(line: &str, pid: u32) -> bool {
    line.starts_with(&format!("{pid} ")) && line.contains("+++ ")
}

async fn a_crash_is_told_of_and_the_next_script_runs() {
    let (mode, pids) = mode(own(), 0);
    let world = World::default();
    let run = run_in(&mode, &world, "await echo.echo({}); await sleep(60000)");
    let crash = async {
        while world.count("echo.echo") == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let pid = pids.lock().unwrap()[0];
        kill(pid);
    };
    let (outcome, ()) = tokio::join!(run, crash);
    let error = outcome.error.as_ref().unwrap();
    assert_eq!(error.kind, FailureKind::Worker);
    assert!(error.message.contains("signal 4"), "{}", error.message);
    assert_eq!(outcome.calls.len(), 1);
    assert_eq!(gives(&mode, "return await text.number()").await, 42);
}

#[expect(clippy::disallowed_methods, reason = "somebody else ends it")]
fn kill(pid: u32) {
    let done = std::process::Command::new("kill")
        .args(["-ILL", &pid.to_string()])
        .status();
    assert!(done.unwrap().success());
}
