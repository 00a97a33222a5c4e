//! How boxed servers start, end, and fail to start.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use portolan_launch::sandbox::{Declared, Level, SandboxLauncher};
use portolan_launch::{ExitReason, Launcher};
use rustix::process::{Pid, Signal, kill_process};

use super::{
    NEVER, am_root, as_anybody, entry, has_namespaces, launcher, line, options, shell, start, taken,
};
use crate::processes::{any_with, state, tree, until};

#[tokio::test]
async fn boxes_of_root_end_as_they_should() {
    if am_root() {
        everything().await;
    }
}

#[test]
fn boxes_of_an_ordinary_user_end_as_they_should() {
    as_anybody("sandbox::ways::of_an_ordinary_user");
}

#[tokio::test]
#[ignore = "started by boxes_of_an_ordinary_user_end_as_they_should"]
async fn of_an_ordinary_user() {
    everything().await;
}

async fn everything() {
    let launcher = launcher();
    if !has_namespaces(&launcher) {
        return;
    }
    ends_are_told(&launcher).await;
    the_stubborn_are_ended(&launcher).await;
    what_is_frozen_goes_on(&launcher).await;
    what_is_frozen_stays_so(&launcher).await;
    all_together_have_their_limit().await;
    dropping_ends(&launcher).await;
    a_launch_that_nobody_waits_for(&launcher).await;
    many_at_once(&launcher).await;
    failures_are_told(&launcher).await;
    nothing_without_a_word(&launcher).await;
    a_listener_is_handed_out(&launcher).await;
    a_killed_gateway().await;
}

async fn ends_are_told(launcher: &SandboxLauncher) {
    let none = Declared::default();
    let (mut pipe, process) = start(launcher, &entry("cat", &[]), &none).await;
    pipe.sink.send(b"{\"id\":1}").unwrap();
    assert_eq!(line(&mut pipe).await.unwrap(), "{\"id\":1}");
    let comm = fs::read_to_string(format!("/proc/{}/comm", process.pid())).unwrap();
    assert_eq!(comm, "cat\n");
    assert_eq!(process.stop(NEVER).await, ExitReason::Code(0));

    let (_pipe, process) = start(launcher, &shell("echo word >&2; exit 3"), &none).await;
    assert_eq!(process.exited().await, ExitReason::Code(3));
    assert_eq!(process.stderr_tail(1), ["word"]);
    let (_pipe, process) = start(launcher, &shell("kill -SEGV $$"), &none).await;
    assert_eq!(process.exited().await, ExitReason::Signal(11));
}

async fn what_is_frozen_goes_on(launcher: &SandboxLauncher) {
    let none = Declared::default();
    // Its child has left its group.
    let script = "setsid sleep 1000.2 & echo $!; while read -r line; do echo \"$line\"; done";
    let (mut pipe, process) = start(launcher, &shell(script), &none).await;
    line(&mut pipe).await.unwrap();
    let child = tree(process.pid());
    let all = || [process.pid()].into_iter().chain(child.iter().copied());
    process.freeze();
    until("all stopped", || all().all(|pid| state(pid) == Some('T'))).await;
    pipe.sink.send(b"later").unwrap();
    process.thaw();
    assert_eq!(line(&mut pipe).await.unwrap(), "later");
    until("all going on", || all().all(|pid| state(pid) != Some('T'))).await;
    process.freeze();
    until("stopped again", || state(process.pid()) == Some('T')).await;
    // Who is frozen can leave by itself all the same, and be ended.
    assert_eq!(process.stop(NEVER).await, ExitReason::Code(0));
    let waits = shell("echo ready; exec sleep 1000.3");
    let (mut pipe, process) = start(launcher, &waits, &none).await;
    line(&mut pipe).await.unwrap();
    process.freeze();
    until("stopped", || state(process.pid()) == Some('T')).await;
    let pid = process.pid();
    drop(process);
    until("its end", || state(pid).is_none_or(|state| state == 'Z')).await;
}

/// From its first moment on, whatever it is doing, and whoever else would have it go on.
async fn what_is_frozen_stays_so(launcher: &SandboxLauncher) {
    let none = Declared::default();
    for _ in 0..20 {
        let (_pipe, process) = start(launcher, &shell("exec sleep 1000.4"), &none).await;
        process.freeze();
        until("stopped", || state(process.pid()) == Some('T')).await;
        let pid = Pid::from_raw(process.pid().cast_signed()).unwrap();
        kill_process(pid, Signal::CONT).unwrap();
        until("stopped again", || state(process.pid()) == Some('T')).await;
    }
}

/// By their control group, and where there is none, by being looked at.
async fn all_together_have_their_limit() {
    let mut options = options();
    options.limits.all_memory_bytes = 160 << 20;
    let launcher = SandboxLauncher::new(options);
    let fills = "import sys, time; kept = b'x' * (100 << 20); print('has it', flush=True); time.sleep(1000)";
    let python = entry("/usr/bin/python3", &["-c", fills]);
    let none = Declared::default();
    // Each alone is far from its own limit.
    let (mut pipe, first) = start(&launcher, &python, &none).await;
    assert_eq!(line(&mut pipe).await.unwrap(), "has it");
    let (_second_pipe, second) = start(&launcher, &python, &none).await;
    let killed = tokio::select! {
        reason = first.exited() => reason,
        reason = second.exited() => reason,
    };
    assert_eq!(killed, ExitReason::Memory);
    first.stop(Duration::from_millis(1)).await;
    second.stop(Duration::from_millis(1)).await;
    let groups = || {
        let of = |root: &str| fs::read_dir(root).into_iter().flatten().flatten();
        let all = of("/sys/fs/cgroup").chain(of("/sys/fs/cgroup/memory"));
        let mark = format!("portolan-all-{}", std::process::id());
        all.filter(|folder| folder.file_name() == *mark).count()
    };
    until("the end of their group", || groups() == 0).await;
}

async fn the_stubborn_are_ended(launcher: &SandboxLauncher) {
    let none = Declared::default();
    let polite = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.02; done";
    let (mut pipe, process) = start(launcher, &shell(polite), &none).await;
    line(&mut pipe).await;
    assert_eq!(
        process.stop(Duration::from_millis(1)).await,
        ExitReason::Code(7)
    );

    let mark = format!("1000.1{}", std::process::id());
    let stubborn = format!("trap '' TERM; sleep {mark} & echo ready; while :; do sleep 0.1; done");
    let (mut pipe, process) = start(launcher, &shell(&stubborn), &none).await;
    line(&mut pipe).await;
    until("its child", || any_with(&mark)).await;
    assert_eq!(
        process.stop(Duration::from_millis(1)).await,
        ExitReason::Signal(9)
    );
    until("the end of its child", || !any_with(&mark)).await;
}

async fn dropping_ends(launcher: &SandboxLauncher) {
    let mark = format!("1000.2{}", std::process::id());
    let script = format!("trap '' TERM; sleep {mark} & echo ready; cat; wait");
    let (mut pipe, process) = start(launcher, &shell(&script), &Declared::default()).await;
    line(&mut pipe).await;
    until("its child", || any_with(&mark)).await;
    let exited = process.exited();
    drop(process);
    assert_eq!(exited.await, ExitReason::Signal(9));
    until("the end of its child", || !any_with(&mark)).await;
}

async fn a_launch_that_nobody_waits_for(launcher: &SandboxLauncher) {
    let mark = format!("1000.3{}", std::process::id());
    let entry = entry("sleep", &[&mark]);
    let mut launch = launcher.launch(&entry);
    std::future::poll_fn(|cx| std::task::Poll::Ready(launch.as_mut().poll(cx).is_ready())).await;
    until("the server", || any_with(&mark)).await;
    drop(launch);
    until("its end", || !any_with(&mark)).await;
}

async fn many_at_once(launcher: &SandboxLauncher) {
    let mark = format!("1000.4{}", std::process::id());
    let entry = entry("sleep", &[&mark]);
    let mut running = Vec::new();
    for _ in 0..20 {
        running.push(start(launcher, &entry, &Declared::default()).await);
    }
    drop(running);
    until("the end of all", || !any_with(&mark)).await;
}

async fn failures_are_told(launcher: &SandboxLauncher) {
    let dir = super::open_folder();
    let script = dir.path().join("script");
    #[expect(clippy::disallowed_methods, reason = "writes a file, see `processes`")]
    let writer = Command::new("sh")
        .args([
            "-c",
            "echo '#!/no/such/interpreter' >\"$0\"; chmod 755 \"$0\"",
        ])
        .arg(&script)
        .status();
    assert!(writer.unwrap().success());
    let failure = async |command: &str| match launcher.launch(&entry(command, &[])).await {
        Err(error) => error.to_string(),
        Ok(_) => panic!("it started"),
    };
    let message = failure(script.to_str().unwrap()).await;
    assert!(
        message.contains("could not be started: No such file"),
        "{message}"
    );
    assert!(
        message.ends_with("its first line asks for \"/no/such/interpreter\", which is missing"),
        "{message}"
    );
    let message = failure("no-such-program").await;
    assert_eq!(
        message,
        "command \"no-such-program\" not found in PATH; install it or give the full path in servers.json"
    );
}

/// Where there is no isolation, a server runs only if somebody said so, and it is said.
async fn nothing_without_a_word(launcher: &SandboxLauncher) {
    assert_eq!(launcher.probe().level, Level::Namespaces);
    let mut options = options();
    options.at_most = Level::None;
    let refusing = SandboxLauncher::new(options.clone());
    assert_eq!(refusing.probe().level, Level::None);
    let Err(error) = refusing.launch(&shell("true")).await else {
        panic!("it started");
    };
    let message = error.to_string();
    assert!(
        message.contains("namespaces: left out by the settings"),
        "{message}"
    );
    assert!(
        message.contains("say --allow-unsandboxed, or allow_unsandboxed = true"),
        "{message}"
    );
    options.allow_unsandboxed = true;
    let allowing = SandboxLauncher::new(options);
    let (_pipe, process) = start(&allowing, &shell("true"), &Declared::default()).await;
    assert_eq!(process.exited().await, ExitReason::Code(0));
    assert_eq!(
        process.stderr_tail(1),
        ["portolan: this server runs without isolation"]
    );
}

/// The way out for a proxy: it listens in the box and is answered outside of it.
async fn a_listener_is_handed_out(launcher: &SandboxLauncher) {
    let script = "import os, socket
print(os.environ['http_proxy'], os.environ['HTTPS_PROXY'])
with socket.create_connection(('127.0.0.1', 3128)) as way: way.sendall(b'hello'); print(way.recv(9).decode())
";
    let client = entry("/usr/bin/python3", &["-c", script]);
    let server = launcher
        .launch_declared(&client, &Declared::default())
        .await;
    let Ok(mut server) = server else {
        panic!("{:?}", server.err().map(|error| error.to_string()));
    };
    let listener = server.doors.take().unwrap().proxy;
    let answering = tokio::task::spawn_blocking(move || {
        let (mut way, _) = listener.accept().unwrap();
        let mut said = [0; 5];
        way.read_exact(&mut said).unwrap();
        way.write_all(b"outside").unwrap();
        said
    });
    let (mut pipe, process) = taken(server);
    assert_eq!(
        line(&mut pipe).await.unwrap(),
        "http://127.0.0.1:3128 http://127.0.0.1:3128"
    );
    assert_eq!(line(&mut pipe).await.unwrap(), "outside");
    assert_eq!(&answering.await.unwrap(), b"hello");
    assert_eq!(process.exited().await, ExitReason::Code(0));
}

async fn a_killed_gateway() {
    #[expect(clippy::disallowed_methods, reason = "a gateway to kill")]
    let mut gateway = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "sandbox::ways::gateway_to_kill",
            "--ignored",
            "--nocapture",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(gateway.stdout.take().unwrap()).lines();
    let mark = lines
        .find_map(|line| Some(line.unwrap().split_once("mark: ")?.1.to_owned()))
        .unwrap();
    until("the server", || any_with(&mark)).await;
    gateway.kill().unwrap();
    gateway.wait().unwrap();
    until("the end of all", || !any_with(&mark)).await;
}

/// Runs a boxed server that ignores everything until it is killed.
#[tokio::test]
#[ignore = "started by a_killed_gateway"]
async fn gateway_to_kill() {
    let mark = format!("1000.5{}", std::process::id());
    let script = format!("trap '' TERM; sleep {mark}; sleep {mark}");
    let (_pipe, _process) = start(&launcher(), &shell(&script), &Declared::default()).await;
    println!("mark: {mark}");
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()))
        .await
        .unwrap()
        .unwrap();
}
