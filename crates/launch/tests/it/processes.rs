//! Real children that behave, misbehave, fork and hide. Most of it holds with a guard and without one.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::task::Poll;
use std::time::Duration;

use catalog::{Entry, Launch, RemoteKind, ServerName};
#[cfg(target_os = "linux")]
use portolan_launch::{
    ExitReason, LaunchError, Launched, Launcher, Link, Options, Process, ProcessLauncher,
};
use rustix::process::{Pid, Signal, kill_process};
use transport::Pipe;

const NEVER: Duration = Duration::from_secs(30);

/// A launcher without a guard, and one with it.
fn launchers() -> [ProcessLauncher; 2] {
    [None, Some(guard())].map(launcher)
}

fn guarded() -> ProcessLauncher {
    launcher(Some(guard()))
}

fn guard() -> PathBuf {
    env!("CARGO_BIN_EXE_portolan-guard").into()
}

fn launcher(guard: Option<PathBuf>) -> ProcessLauncher {
    let mut environment: Vec<(OsString, OsString)> = Options::inherited().environment;
    environment.push(("OPENAI_API_KEY".into(), "secret".into()));
    ProcessLauncher::new(Options { guard, environment })
}

fn entry(command: &str, args: &[&str]) -> Entry {
    let mut entry = Entry::command(
        ServerName::new("test").unwrap(),
        command,
        args.iter().copied(),
    );
    entry.source = "servers.json".to_owned();
    entry
}

async fn start(launcher: &ProcessLauncher, entry: &Entry) -> (Pipe, Process) {
    match launcher.launch(entry).await {
        Ok(Launched {
            link: Link::Pipe(pipe),
            process: Some(process),
        }) => (pipe, process),
        Ok(_) => panic!("a program has pipes and a process"),
        Err(error) => panic!("{error}"),
    }
}

async fn shell(launcher: &ProcessLauncher, script: &str) -> (Pipe, Process) {
    start(launcher, &entry("sh", &["-c", script])).await
}

async fn failure(launcher: &ProcessLauncher, entry: &Entry) -> String {
    match launcher.launch(entry).await {
        Ok(_) => panic!("it started"),
        Err(error) => error.to_string(),
    }
}

async fn line(pipe: &mut Pipe) -> String {
    let line = tokio::time::timeout(NEVER, pipe.source.recv())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    String::from_utf8(line.to_vec()).unwrap()
}

async fn pid(pipe: &mut Pipe) -> u32 {
    line(pipe).await.trim().parse().unwrap()
}

/// Whether it runs; what only waits to be reaped does not.
pub(crate) fn runs(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(") ").unwrap().1.starts_with(['Z', 'X']))
}

/// The letter by which the system says what a process does; `T`: it is stopped.
pub(crate) fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// What a process of one thread has started, at this moment.
pub(crate) fn tree(pid: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap_or_default();
    children
        .split_whitespace()
        .map(|c| c.parse().unwrap())
        .collect()
}

pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let ask = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(
        tokio::time::timeout(NEVER, ask).await.is_ok(),
        "never came: {what}"
    );
}

// --- the ordinary course ---

#[tokio::test]
async fn a_frozen_server_does_nothing_until_it_is_thawed() {
    for launcher in launchers() {
        let (mut pipe, process) = shell(
            &launcher,
            "sleep 1000.4 & echo $!; while read -r l; do echo $l; done",
        )
        .await;
        let child = pid(&mut pipe).await;
        process.freeze();
        until("both stopped", || {
            state(process.pid()) == Some('T') && state(child) == Some('T')
        })
        .await;
        pipe.sink.send(b"later").unwrap();
        process.thaw();
        assert_eq!(line(&mut pipe).await, "later");
        process.freeze();
        until("stopped again", || state(process.pid()) == Some('T')).await;
        // Its input closes, and it has its time to leave.
        assert_eq!(process.stop(NEVER).await, ExitReason::Code(0));
        until("its child's end", || !runs(child)).await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn who_has_left_the_group_is_frozen_too() {
    let (mut pipe, process) = shell(&guarded(), "setsid sh -c 'echo $$; exec sleep 1000.5'").await;
    let child = pid(&mut pipe).await;
    process.freeze();
    until("it stopped", || state(child) == Some('T')).await;
    // And stays so, whoever else would have the server go on.
    let server = Pid::from_raw(process.pid().cast_signed()).unwrap();
    kill_process(server, Signal::CONT).unwrap();
    until("stopped again", || state(process.pid()) == Some('T')).await;
    drop(process);
    until("its end", || !runs(child)).await;
}

#[tokio::test]
async fn a_server_is_spoken_to_and_leaves_when_its_stdin_closes() {
    for launcher in launchers() {
        let (mut pipe, process) = start(&launcher, &entry("cat", &[])).await;
        pipe.sink.send(b"{\"id\":1}").unwrap();
        assert_eq!(line(&mut pipe).await, "{\"id\":1}");
        assert!(
            fs::read_to_string(format!("/proc/{}/comm", process.pid()))
                .unwrap()
                .starts_with("cat")
        );
        assert_eq!(process.exit_reason(), None);
        let elsewhere = tokio::spawn(process.exited());
        assert_eq!(process.stop(NEVER).await, ExitReason::Code(0));
        assert_eq!(process.exited().await, ExitReason::Code(0));
        assert_eq!(elsewhere.await.unwrap(), ExitReason::Code(0));
        assert!(pipe.source.recv().await.is_none());
        assert!(!runs(process.pid()));
    }
}

#[tokio::test]
async fn the_reason_of_an_exit_and_the_last_words_are_known() {
    for launcher in launchers() {
        let (_pipe, process) = shell(
            &launcher,
            "echo one >&2; echo two >&2; printf three >&2; exit 3",
        )
        .await;
        assert_eq!(process.exited().await, ExitReason::Code(3));
        assert_eq!(process.stderr_tail(2), ["two", "three"]);
        let (_pipe, process) = shell(&launcher, "kill -SEGV $$").await;
        assert_eq!(process.exited().await.to_string(), "was ended by SIGSEGV");
    }
}

#[tokio::test]
async fn a_server_sees_its_own_environment_and_folder_and_nothing_else_of_ours() {
    let dir = tempfile::tempdir().unwrap();
    // As many as any child of ours has.
    const LIST: &str = "import os; print(sorted(os.listdir('/proc/self/fd')))";
    #[expect(clippy::disallowed_methods, reason = "a child to compare with")]
    let inherited = Command::new("python3")
        .args(["-c", LIST])
        .output()
        .unwrap()
        .stdout;
    let inherited = String::from_utf8(inherited).unwrap();
    for launcher in launchers() {
        let mut entry = entry(
            "sh",
            &[
                "-c",
                &format!("pwd -P; env; python3 -c \"{LIST}\"; echo end"),
            ],
        );
        let Launch::Command { env, cwd, .. } = &mut entry.launch else {
            unreachable!()
        };
        env.push(("OWN".to_owned(), "yes".to_owned()));
        *cwd = Some(dir.path().to_owned());
        let (mut pipe, process) = start(&launcher, &entry).await;
        let mut lines = Vec::new();
        while lines.last().is_none_or(|last| last != "end") {
            lines.push(line(&mut pipe).await);
        }
        assert_eq!(Path::new(&lines[0]), dir.path().canonicalize().unwrap());
        assert!(lines.iter().any(|line| line == "OWN=yes"));
        assert!(lines.iter().any(|line| line.starts_with("PATH=")));
        assert!(
            !lines
                .iter()
                .any(|line| line.contains("OPENAI_API_KEY") || line.contains("CARGO")),
            "{lines:?}"
        );
        assert_eq!(lines[lines.len() - 2].trim(), inherited.trim());
        assert_eq!(process.exited().await, ExitReason::Code(0));
    }
}

// --- those that do not want to leave ---

#[tokio::test]
async fn only_the_server_itself_is_started_with_its_environment() {
    let mut entry = entry("sh", &["-c", "echo $TOKEN; read end"]);
    if let Launch::Command { env, .. } = &mut entry.launch {
        env.push(("TOKEN".into(), "s3cr3t-of-this-server".into()));
    }
    let (mut pipe, process) = start(&guarded(), &entry).await;
    assert_eq!(line(&mut pipe).await.trim(), "s3cr3t-of-this-server");
    let guard = parent(process.pid());
    assert_eq!(fs::read(format!("/proc/{guard}/environ")).unwrap(), b"");
    process.stop(NEVER).await;
}

#[tokio::test]
async fn a_server_that_ignores_its_stdin_is_asked() {
    for launcher in launchers() {
        let script = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.02; done";
        let (mut pipe, process) = shell(&launcher, script).await;
        line(&mut pipe).await;
        assert_eq!(
            process.stop(Duration::from_millis(1)).await,
            ExitReason::Code(7)
        );
    }
}

#[tokio::test]
async fn a_server_that_ignores_everything_is_killed_with_what_it_started() {
    for launcher in launchers() {
        let script = "trap '' TERM; sleep 1000 & echo $!; while :; do sleep 0.1; done";
        let (mut pipe, process) = shell(&launcher, script).await;
        let child = pid(&mut pipe).await;
        assert!(runs(child));
        assert_eq!(
            process.stop(Duration::from_millis(1)).await,
            ExitReason::Signal(9)
        );
        until("the end of its child", || !runs(child)).await;
    }
}

#[tokio::test]
async fn what_a_server_leaves_behind_in_its_group_ends_with_it() {
    for launcher in launchers() {
        let (mut pipe, process) =
            shell(&launcher, "trap '' TERM; sleep 1000 & echo $!; exit 0").await;
        let child = pid(&mut pipe).await;
        assert_eq!(process.exited().await, ExitReason::Code(0));
        until("the end of its child", || !runs(child)).await;
        assert!(pipe.source.recv().await.is_none());
    }
}

#[tokio::test]
async fn dropping_the_handle_kills() {
    for launcher in launchers() {
        let (mut pipe, process) =
            shell(&launcher, "trap '' TERM; sleep 1000 & echo $!; cat; wait").await;
        let (server, child) = (process.pid(), pid(&mut pipe).await);
        assert!(runs(server) && runs(child));
        let exited = process.exited();
        drop(process);
        assert_eq!(exited.await, ExitReason::Signal(9));
        until("the end of both", || !runs(server) && !runs(child)).await;
    }
}

#[tokio::test]
async fn a_launch_that_nobody_waits_for_any_more_leaves_nothing() {
    for (n, launcher) in launchers().iter().enumerate() {
        let mark = format!("1000.0{n}{}", std::process::id());
        let entry = entry("sleep", &[&mark]);
        let mut launch = launcher.launch(&entry);
        std::future::poll_fn(|cx| Poll::Ready(launch.as_mut().poll(cx).is_ready())).await;
        until("the server", || any_with(&mark)).await;
        drop(launch);
        until("its end", || !any_with(&mark)).await;
    }
}

/// Whether a process has this among its arguments.
pub(crate) fn any_with(argument: &str) -> bool {
    fs::read_dir("/proc").unwrap().any(|process| {
        let arguments = fs::read(process.unwrap().path().join("cmdline")).unwrap_or_default();
        arguments
            .split(|byte| *byte == 0)
            .any(|given| given == argument.as_bytes())
    })
}

#[tokio::test]
async fn a_server_that_closes_its_stdout_is_still_there_to_be_stopped() {
    for launcher in launchers() {
        let (mut pipe, process) = shell(&launcher, "exec >&-; exec sleep 1000").await;
        assert!(pipe.source.recv().await.is_none());
        assert_eq!(process.exit_reason(), None);
        assert_eq!(
            process.stop(Duration::from_millis(1)).await,
            ExitReason::Signal(15)
        );
    }
}

#[tokio::test]
async fn a_flood_of_complaints_drowns_nobody() {
    for launcher in launchers() {
        let (mut pipe, process) = shell(&launcher, "yes flood >&2 & exec cat").await;
        until("the flood", || process.stderr_tail(usize::MAX).len() >= 200).await;
        for n in 0..100 {
            pipe.sink.send(n.to_string().as_bytes()).unwrap();
            assert_eq!(line(&mut pipe).await, n.to_string());
        }
        assert_eq!(process.stderr_tail(2)[0], "flood");
        assert_eq!(process.stop(NEVER).await, ExitReason::Code(0));
    }
}

// --- what only a guard can do ---

/// Starts a process that has left the group, the session and its parents, and says its id.
const DAEMON: &str = "import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.write(1, b'%d\\n' % os.getpid())
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        time.sleep(1000)
    os._exit(0)
os.wait()
sys.stdin.read()
";

#[tokio::test]
async fn a_daemon_ends_with_the_server_that_started_it() {
    let (mut pipe, process) = start(&guarded(), &entry("python3", &["-c", DAEMON])).await;
    let daemon = pid(&mut pipe).await;
    assert!(runs(daemon));
    assert_eq!(process.stop(NEVER).await, ExitReason::Code(0));
    assert!(!runs(daemon));

    let (mut pipe, process) = start(&guarded(), &entry("python3", &["-c", DAEMON])).await;
    let daemon = pid(&mut pipe).await;
    drop(process);
    until("the end of the daemon", || !runs(daemon)).await;
}

#[tokio::test]
async fn nothing_outlives_a_gateway_that_is_killed() {
    #[expect(clippy::disallowed_methods, reason = "a gateway to kill")]
    let mut gateway = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "processes::gateway_to_kill",
            "--ignored",
            "--nocapture",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(gateway.stdout.take().unwrap()).lines();
    let pids = lines
        .find_map(|line| Some(line.unwrap().split_once("pids: ")?.1.to_owned()))
        .unwrap();
    let pids: Vec<u32> = pids.split(' ').map(|pid| pid.parse().unwrap()).collect();
    assert!(pids.iter().all(|pid| runs(*pid)), "{pids:?}");
    gateway.kill().unwrap();
    gateway.wait().unwrap();
    until("the end of all", || !pids.iter().any(|pid| runs(*pid))).await;
}

/// Runs three servers until it is killed: one that would leave, one that ignores everything, one with a daemon.
#[tokio::test]
#[ignore = "started by nothing_outlives_a_gateway_that_is_killed"]
async fn gateway_to_kill() {
    let launcher = guarded();
    let (_pipe, cat) = start(&launcher, &entry("cat", &[])).await;
    let (mut stubborn_pipe, stubborn) = shell(
        &launcher,
        "trap '' TERM; sleep 1000 & echo $!; wait; sleep 1000",
    )
    .await;
    let (mut python_pipe, python) = start(&launcher, &entry("python3", &["-c", DAEMON])).await;
    let (child, daemon) = (pid(&mut stubborn_pipe).await, pid(&mut python_pipe).await);
    println!(
        "pids: {} {} {child} {} {daemon}",
        cat.pid(),
        stubborn.pid(),
        python.pid()
    );
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()))
        .await
        .unwrap()
        .unwrap();
}

pub(crate) fn parent(pid: u32) -> i32 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(") ")
        .unwrap()
        .1
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap()
}

pub(crate) fn signal(pid: i32, signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal).unwrap();
}

#[tokio::test]
async fn a_guard_that_is_asked_to_end_ends_its_server_first() {
    let script = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.02; done";
    let (mut pipe, process) = shell(&guarded(), script).await;
    line(&mut pipe).await;
    signal(parent(process.pid()), rustix::process::Signal::TERM);
    assert_eq!(process.exited().await, ExitReason::Code(7));
}

#[tokio::test]
async fn a_guard_that_is_killed_takes_the_group_along() {
    let (mut pipe, process) = shell(&guarded(), "sleep 1000 & echo $!; wait").await;
    let child = pid(&mut pipe).await;
    signal(parent(process.pid()), rustix::process::Signal::KILL);
    assert_eq!(process.exited().await, ExitReason::Unknown);
    until("the end of both", || !runs(process.pid()) && !runs(child)).await;
}

#[tokio::test]
async fn orphans_are_reaped_while_the_server_runs() {
    let script = "for n in 1 2 3; do sh -c 'sh -c \"echo \\$\\$\" &'; done; echo done; exec cat";
    let (mut pipe, process) = shell(&guarded(), script).await;
    let mut pids = Vec::new();
    loop {
        match line(&mut pipe).await.as_str() {
            "done" => break,
            pid => pids.push(pid.to_owned()),
        }
    }
    while pids.len() < 3 {
        pids.push(line(&mut pipe).await);
    }
    until("their being reaped", || {
        !pids.iter().any(|pid| Path::new("/proc").join(pid).exists())
    })
    .await;
    assert_eq!(process.stop(NEVER).await, ExitReason::Code(0));
}

// --- what cannot be started ---

#[tokio::test]
async fn failures_say_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("script");
    // Written by another process: while this one has it open for writing, a child of another test might too.
    #[expect(clippy::disallowed_methods, reason = "writes a file")]
    let writer = Command::new("sh")
        .args(["-c", "echo '#!/no/such/interpreter' >\"$0\""])
        .arg(&script)
        .status();
    assert!(writer.unwrap().success());
    let script = script.to_str().unwrap();
    for launcher in launchers() {
        assert_eq!(
            failure(&launcher, &entry("no-such-program", &[])).await,
            "command \"no-such-program\" not found in PATH; install it or give the full path in servers.json"
        );
        assert_eq!(
            failure(&launcher, &entry("/no/such/program", &[])).await,
            "command \"/no/such/program\" does not exist; install it or mend the path in servers.json"
        );
        assert_eq!(
            failure(&launcher, &entry("sh -c true", &[])).await,
            "command \"sh -c true\" has arguments in it: write `sh` as `command` and the other words as `args` in servers.json"
        );
        set_mode(script, 0o644);
        assert_eq!(
            failure(&launcher, &entry(script, &[])).await,
            format!(
                "command \"{script}\" is not an executable file; `chmod +x` it or name another one in servers.json"
            )
        );
        set_mode(script, 0o755);
        let message = failure(&launcher, &entry(script, &[])).await;
        assert!(
            message.starts_with(&format!("\"{script}\" could not be started: No such file")),
            "{message}"
        );
        assert!(
            message.ends_with("its first line asks for \"/no/such/interpreter\", which is missing"),
            "{message}"
        );

        let mut homeless = entry("cat", &[]);
        let Launch::Command { cwd, .. } = &mut homeless.launch else {
            unreachable!()
        };
        *cwd = Some("/no/such/folder".into());
        assert_eq!(
            failure(&launcher, &homeless).await,
            "working folder \"/no/such/folder\" does not exist or cannot be entered; create it or mend `cwd` in servers.json"
        );
    }
}

fn set_mode(path: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt;

    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_guard_that_is_none_is_told() {
    let message = failure(&launcher(Some("/bin/true".into())), &entry("cat", &[])).await;
    assert_eq!(
        message,
        "the guard \"/bin/true\" could not be started: it ended without a word: is it the right program?"
    );
    // Our own program, but with another command.
    let message = failure(&launcher(Some("/bin/cat".into())), &entry("cat", &[])).await;
    assert!(
        message.starts_with("the guard \"/bin/cat\" could not be started"),
        "{message}"
    );
    let message = failure(&launcher(Some("/no/such/guard".into())), &entry("cat", &[])).await;
    assert!(
        message.starts_with("the guard \"/no/such/guard\" could not be started: No such file"),
        "{message}"
    );
}

// --- servers elsewhere ---

#[tokio::test]
async fn a_remote_server_is_an_endpoint() {
    let launcher = launcher(None);
    let mut entry = Entry::remote(ServerName::new("test").unwrap(), "http://localhost:1/mcp");
    entry.source = "servers.json".to_owned();
    match launcher.launch(&entry).await {
        Ok(Launched {
            link: Link::Http(endpoint),
            process: None,
        }) => {
            assert_eq!(endpoint.url(), "http://localhost:1/mcp");
        }
        _ => panic!("a URL is an endpoint"),
    }
    let Launch::Remote { url, .. } = &mut entry.launch else {
        unreachable!()
    };
    *url = "mailto:nobody".to_owned();
    let message = failure(&launcher, &entry).await;
    assert!(message.ends_with("; mend it in servers.json"), "{message}");
    let Launch::Remote { kind: as_sse, .. } = &mut entry.launch else {
        unreachable!()
    };
    *as_sse = RemoteKind::Sse;
    assert!(matches!(
        launcher.launch(&entry).await,
        Err(LaunchError::Endpoint { .. })
    ));
}

#[tokio::test]
async fn what_no_launcher_can_start_says_what_to_do() {
    let launcher = launcher(None);
    let entry = |launch| Entry::new(ServerName::new("test").unwrap(), launch);
    let container = Launch::Container {
        image: "acme/x:1".to_owned(),
        command: Vec::new(),
        env: Vec::new(),
        user: None,
        extra_hosts: Vec::new(),
        is_writable: false,
    };
    let message = failure(&launcher, &entry(container)).await;
    assert!(
        message.contains("the image \"acme/x:1\" needs a container engine"),
        "{message}"
    );
    let unavailable = Launch::Unavailable {
        what: "the nuget package A.B".to_owned(),
        why: "nobody knows how".to_owned(),
    };
    let message = failure(&launcher, &entry(unavailable)).await;
    assert_eq!(
        message,
        "the nuget package A.B cannot be started: nobody knows how"
    );
    for mut template in [
        Entry::command(ServerName::new("test").unwrap(), "{{a}}", [""; 0]),
        Entry::remote(ServerName::new("test").unwrap(), "https://{{a}}/mcp"),
    ] {
        template.is_template = true;
        let message = failure(&launcher, &template).await;
        assert!(message.contains("is a template"), "{message}");
    }
}
