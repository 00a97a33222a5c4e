//! What a worker may do: watched from outside by strace, and tried from inside.

use std::collections::BTreeSet;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use portolan_codemode::worker::confine::allowed_calls;
use portolan_codemode::{CodeMode, Limits, Process};

use super::world::{World, run_in, worker_program};

struct Traced(Child);

impl Process for Traced {
    fn end(&mut self) -> Option<i32> {
        // The worker ends by itself, and strace then writes its last lines.
        self.0.wait().ok();
        None
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        self.0.wait().ok();
    }
}

const SCRIPT: &str = "
    console.log('begin');
    const all = await Promise.all(Array.from({ length: 12 }, (_, n) => echo.slow({ ms: 5, n })));
    try { await bad.fails() } catch (e) { console.error(e) }
    const big = []; for (let i = 0; i < 2e5; i++) big.push({ i });
    const text = JSON.stringify(big);
    big.length = 0;
    await sleep(5);
    /(a+)+b/.test('a'.repeat(18));
    try { (function f() { f() })() } catch (e) {}
    const times = [new Date(2024, 1, 1), new Date('2024-01-01 10:00'), new Date(1e12)];
    console.log(times.map(String), times.map(t => t.toLocaleString()), 'a'.localeCompare('b'), (1e6).toLocaleString());
    await import('fs').catch(() => {});
    new FinalizationRegistry(() => {}).register({}, 1);
    return { n: all.length, length: text.length, now: Date.now() > 0, random: Math.random() < 1, date: new Date().getTimezoneOffset() };
";

#[tokio::test]
async fn with_a_script_it_makes_no_call_outside_of_the_list() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let file = trace.clone();
    #[expect(
        clippy::disallowed_methods,
        reason = "a worker under strace is no worker of ours"
    )]
    let start = move |channel: OwnedFd| -> std::io::Result<Box<dyn Process>> {
        let child = Command::new("strace")
            .args(["-f", "-o"])
            .arg(&file)
            .arg(worker_program())
            .stdin(channel)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Box::new(Traced(child)))
    };
    let mode = CodeMode::new(Arc::new(start), Limits::default(), 0);
    let outcome = run_in(&mode, &World::default(), SCRIPT).await;
    let error = outcome
        .error
        .as_ref()
        .map(|error| error.message.as_str())
        .unwrap_or_default();
    if error.contains("No such file") {
        panic!("this test needs strace");
    }
    assert!(outcome.ok, "{}", outcome.text());
    let text = std::fs::read_to_string(&trace).unwrap();
    let mut calls = text
        .lines()
        .map(|line| {
            line.split_once(' ')
                .map_or(line, |(_, call)| call.trim_start())
        })
        .skip_while(|call| {
            !call.starts_with("seccomp(") && !call.starts_with("prctl(PR_SET_SECCOMP")
        });
    assert!(calls.next().is_some(), "the filter was set:\n{text}");
    let made: BTreeSet<&str> = calls
        .filter(|call| !call.starts_with(['+', '-', '<']))
        .filter_map(|call| call.split_once('(').map(|(name, _)| name))
        .collect();
    let allowed: BTreeSet<&str> = allowed_calls().into_iter().collect();
    assert!(made.contains("read") && made.contains("write"), "{made:?}");
    assert!(
        made.is_subset(&allowed),
        "beyond the list: {:?}",
        made.difference(&allowed)
    );
    // The list is no wider than it must be: whatever opens, connects, starts or signals is not on it.
    for never in [
        "open", "openat", "socket", "connect", "clone", "clone3", "fork", "execve", "kill",
        "ptrace", "prctl", "ioctl", "sendmsg", "recvmsg",
    ] {
        assert!(!allowed.contains(never), "{never}");
    }
}

/// What became of a worker that tried something instead of a script, and what it printed.
#[expect(clippy::disallowed_methods, reason = "a probe is no worker")]
fn probe(what: &str) -> (Option<i32>, String) {
    use std::os::unix::process::ExitStatusExt;

    let mut child = Command::new(worker_program())
        .args(["--try", what])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    (child.wait().unwrap().signal(), said)
}

const SIGSYS: i32 = 31;

#[test]
fn the_filter_ends_whoever_tries() {
    for what in ["open", "connect", "start", "thread", "list"] {
        assert_eq!(
            probe(&format!("filtered-{what}")),
            (Some(SIGSYS), String::new()),
            "{what}"
        );
    }
}

#[test]
fn without_the_filter_the_rest_holds() {
    for what in ["open", "connect", "list", "start"] {
        let (signal, said) = probe(&format!("unfiltered-{what}"));
        assert_eq!(signal, None, "{what}: {said}");
        assert!(said.starts_with("refused"), "{what}: {said}");
    }
}

#[tokio::test]
async fn a_worker_whose_gateway_is_gone_ends() {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut process = launch::OwnProcess::start(worker_program(), &[], theirs.into()).unwrap();
    let pid = process.pid();
    drop(ours);
    // Nobody kills it: it ends because its channel has closed.
    let mut status = String::from("R");
    while !status.contains('Z') {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        status = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .next()
            .unwrap()
            .into();
    }
    assert_eq!(process.end(), None);
}
