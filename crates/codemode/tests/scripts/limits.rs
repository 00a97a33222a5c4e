//! Each limit has its own error, and a worker that breaks the rules harms only its script.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portolan_codemode::protocol::{Confinement, FromWorker, frame};
use portolan_codemode::{CodeMode, FailureKind, Limits, Outcome, Process};

use super::world::{World, mode, run_in, run_with};

#[tokio::test]
async fn each_has_its_own_error() {
    let small = Limits {
        memory_bytes: 8 << 20,
        wall: Duration::from_millis(300),
        calls: 3,
        in_flight: 1,
        value_bytes: 1_000,
        log_bytes: 100,
        result_bytes: 500,
    };
    for (script, kind, part) in [
        (
            "const a = []; while (true) a.push('x'.repeat(1000) + a.length)",
            FailureKind::Memory,
            "more memory than the 8 MiB",
        ),
        (
            "while (true) {}",
            FailureKind::Time,
            "longer than the 0.3 s",
        ),
        (
            "for (let i = 0; i < 4; i++) await text.plain()",
            FailureKind::Limit,
            "may make 3 calls",
        ),
        (
            "await echo.echo({a: 'x'.repeat(1000)})",
            FailureKind::Thrown,
            "the argument is larger than 1000 bytes",
        ),
        (
            "await text.large({bytes: 1500})",
            FailureKind::Limit,
            "the result has 1502 bytes, and a value may have 1000",
        ),
        (
            "return 'x'.repeat(1000)",
            FailureKind::Result,
            "result is larger than 1000 bytes",
        ),
    ] {
        let outcome = run_with(small.clone(), script).await;
        let error = outcome.error.as_ref().unwrap();
        assert_eq!(error.kind, kind, "{script}: {}", outcome.text());
        assert!(error.message.contains(part), "{script}: {}", outcome.text());
    }
    let logs = run_with(
        small.clone(),
        "for (let i = 0; i < 50; i++) console.log('a line of text')",
    )
    .await
    .logs;
    assert_eq!(
        logs.last().unwrap(),
        "note: the log is full (100 bytes or 1000 lines): the rest is left out"
    );
    assert!(logs.len() < 12, "{logs:?}");
    let kept = run_with(small.clone(), "return 'x'.repeat(600)").await;
    assert_eq!(kept.kept.unwrap().bytes, 602);
    let world = World::default();
    let outcome = run_in(
        &mode(small),
        &world,
        "await Promise.all([1, 2, 3].map(n => echo.slow({ms: 5, n})))",
    )
    .await;
    assert!(
        outcome.ok && world.most_at_once.load(Ordering::SeqCst) == 1,
        "{}",
        outcome.text()
    );
}

#[tokio::test]
async fn many_short_lines_are_too_many() {
    let outcome = super::world::run("for (let i = 0; i < 2000; i++) console.log('')").await;
    assert_eq!(outcome.logs.len(), 1_001);
}

#[tokio::test]
async fn a_script_that_is_too_long_is_not_run() {
    let outcome = super::world::run(&" ".repeat(300 << 10)).await;
    assert_eq!(outcome.error.unwrap().kind, FailureKind::Syntax);
}

#[tokio::test]
async fn calls_that_were_cut_off_say_so() {
    let limits = Limits {
        wall: Duration::from_millis(200),
        in_flight: 1,
        ..Limits::default()
    };
    let world = World::default();
    let outcome = run_in(
        &mode(limits),
        &world,
        "await Promise.all([bad.never(), text.plain()])",
    )
    .await;
    let errors: Vec<_> = outcome
        .calls
        .iter()
        .map(|call| call.error.as_deref().unwrap_or_default())
        .collect();
    assert_eq!(
        errors,
        [
            "cancelled: the script ended first; it may have taken effect",
            "never started: the script ended first"
        ]
    );
    assert_eq!(world.cancelled.load(Ordering::SeqCst), 1);
}

/// No process, only somebody at the other end of the channel.
struct Nobody;

impl Process for Nobody {
    fn end(&mut self) -> Option<i32> {
        None
    }
}

/// What a gateway makes of a worker that says this after it has got its script.
async fn after(says: Vec<u8>) -> Outcome {
    let start = move |channel: OwnedFd| -> std::io::Result<Box<dyn Process>> {
        let says = says.clone();
        let mut stream = UnixStream::from(channel);
        std::thread::spawn(move || {
            let ready = FromWorker::Ready(Confinement {
                seccomp: true,
                ..Confinement::default()
            });
            let mut bytes = [0; 4096];
            // What it is told: its limits, then the script.
            let _ = stream.read(&mut bytes);
            let _ = stream.write_all(&frame(&ready));
            let _ = stream.read(&mut bytes);
            let _ = stream.write_all(&says);
            let _ = stream.read(&mut bytes);
        });
        Ok(Box::new(Nobody))
    };
    run_in(
        &CodeMode::new(Arc::new(start), Limits::default(), 0),
        &World::default(),
        "return 1",
    )
    .await
}

fn raw(json: &str) -> Vec<u8> {
    let length = u32::try_from(json.len()).unwrap().to_le_bytes();
    [&length[..], json.as_bytes()].concat()
}

#[tokio::test]
async fn a_worker_that_breaks_the_rules_is_stopped() {
    let call = |id: u32, server: u32| {
        raw(&format!(
            r#"{{"call":{{"id":{id},"server":{server},"tool":0,"args":{{}}}}}}"#
        ))
    };
    let log = raw(&format!(
        r#"{{"log":{{"level":"log","text":"{}"}}}}"#,
        "x".repeat(10_000)
    ));
    let search = |query: &str, limit: u32| {
        raw(&format!(
            r#"{{"lookup":{{"id":1,"what":{{"search":{{"query":"{query}","limit":{limit}}}}}}}}}"#
        ))
    };
    for (says, how) in [
        (u32::MAX.to_le_bytes().to_vec(), "a frame too long"),
        (raw("{\"nonsense\": 1}"), "no message"),
        (raw("\u{0}"), "no message"),
        (
            raw(r#"{"ready":{"seccomp":true,"landlock":true,"namespaces":true}}"#),
            "ready twice",
        ),
        (call(1, 99), "a tool that is not there"),
        ([call(1, 4), call(1, 4)].concat(), "an id twice"),
        (
            (1..300).flat_map(|id| call(id, 4)).collect(),
            "more calls than there may be",
        ),
        (log.repeat(10), "more log than there may be"),
        (
            (1..300)
                .flat_map(|id| {
                    raw(&format!(
                        r#"{{"lookup":{{"id":{id},"what":{{"describe":{{"path":"x"}}}}}}}}"#
                    ))
                })
                .collect(),
            "more lookups than there may be",
        ),
        (search(&"x".repeat(5_000), 10), "a question too large"),
        (search("x", u32::MAX), "a question too large"),
    ] {
        let outcome = after(says).await;
        let error = outcome.error.unwrap();
        assert_eq!(
            (error.kind, error.message.as_str()),
            (
                FailureKind::Worker,
                format!("the worker was stopped: it said {how}").as_str()
            )
        );
    }
}

#[tokio::test]
async fn a_worker_that_does_not_come_up_is_told_of() {
    let nowhere = |_: OwnedFd| -> std::io::Result<Box<dyn Process>> {
        Err(std::io::ErrorKind::NotFound.into())
    };
    let outcome = run_in(
        &CodeMode::new(Arc::new(nowhere), Limits::default(), 2),
        &World::default(),
        "1",
    )
    .await;
    assert_eq!(
        outcome.error.unwrap().message,
        "no worker could be started for the script: entity not found"
    );
    let silent = |channel: OwnedFd| -> std::io::Result<Box<dyn Process>> {
        drop(channel);
        Ok(Box::new(Nobody))
    };
    let outcome = run_in(
        &CodeMode::new(Arc::new(silent), Limits::default(), 2),
        &World::default(),
        "1",
    )
    .await;
    assert_eq!(outcome.error.unwrap().kind, FailureKind::Worker);
}

/// A worker that the test can end.
struct Endable(Arc<Mutex<launch::OwnProcess>>);

impl Process for Endable {
    fn end(&mut self) -> Option<i32> {
        self.0.lock().unwrap().end()
    }
}

#[tokio::test]
async fn a_worker_that_was_ended_while_it_waited_is_replaced() {
    let started: Arc<Mutex<Vec<Arc<Mutex<launch::OwnProcess>>>>> = Arc::default();
    let all = started.clone();
    let start = move |channel: OwnedFd| -> std::io::Result<Box<dyn Process>> {
        let process = launch::OwnProcess::start(super::world::worker_program(), &[], channel)?;
        let process = Arc::new(Mutex::new(process));
        all.lock().unwrap().push(process.clone());
        Ok(Box::new(Endable(process)))
    };
    let mode = CodeMode::new(Arc::new(start), Limits::default(), 1);
    mode.warm();
    while mode.waiting() < 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    started.lock().unwrap()[0].lock().unwrap().end();
    let outcome = run_in(&mode, &World::default(), "return 1").await;
    assert!(outcome.ok, "{}", outcome.text());
}
