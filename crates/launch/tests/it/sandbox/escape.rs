//! Plays every attempt of `escape.py` in a box, and compares with the table that people read.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use catalog::Network;
use portolan_launch::sandbox::{Level, LimitedBy, SandboxLauncher};
use portolan_launch::{Launcher, Link, Process};
use transport::Pipe;

use super::{am_root, as_anybody, entry, launcher, line, options, small, taken, volumes};
use crate::processes::{any_with, parent, signal, until};

const SCRIPT: &str = include_str!("escape.py");
const GUIDE: &str = include_str!("../../../../../docs/guide/isolation.md");

#[tokio::test]
async fn nothing_escapes_from_the_boxes_of_root() {
    if am_root() {
        all(Level::Namespaces).await;
    }
}

#[test]
fn nothing_escapes_from_the_boxes_of_an_ordinary_user() {
    as_anybody("sandbox::escape::of_an_ordinary_user");
}

#[tokio::test]
#[ignore = "started by nothing_escapes_from_the_boxes_of_an_ordinary_user"]
async fn of_an_ordinary_user() {
    all(Level::Namespaces).await;
}

#[test]
fn nothing_escapes_from_landlock_but_what_the_table_says() {
    as_anybody("sandbox::escape::with_landlock_alone");
}

#[tokio::test]
#[ignore = "started by nothing_escapes_from_landlock_but_what_the_table_says"]
async fn with_landlock_alone() {
    all(Level::Landlock).await;
}

#[test]
fn nothing_escapes_from_the_boxes_of_bubblewrap() {
    as_anybody("sandbox::escape::with_bubblewrap");
}

#[tokio::test]
#[ignore = "started by nothing_escapes_from_the_boxes_of_bubblewrap"]
async fn with_bubblewrap() {
    all(Level::Bubblewrap).await;
}

/// What the table says of an attempt: the cells for root, an ordinary user, bubblewrap, Landlock alone, and containers.
fn table() -> BTreeMap<String, [String; 5]> {
    let rows = GUIDE.lines().filter_map(|row| {
        let cells: Vec<_> = row.strip_prefix("| `")?.split('|').map(str::trim).collect();
        let [name, _, root, user, bubblewrap, landlock, container, ""] = &*cells else {
            return None;
        };
        let cells = [root, user, bubblewrap, landlock, container].map(|cell| (*cell).to_owned());
        Some((name.trim_matches('`').to_owned(), cells))
    });
    rows.collect()
}

/// Plays all attempts at a level.
async fn all(level: Level) {
    let mut options = options();
    options.limits = small();
    options.at_most = level;
    let launcher = SandboxLauncher::new(options);
    let probe = launcher.probe().clone();
    println!("{probe} {:?}", probe.missing);
    if probe.level != level || (level == Level::Landlock && probe.landlock < 6) {
        println!("left out: not to be had here");
        return;
    }
    let column = match (level, probe.rootful) {
        (Level::Landlock, _) => 3,
        (Level::Bubblewrap, _) => 2,
        (_, false) => 1,
        _ => 0,
    };
    let has_group = probe.limits != LimitedBy::Rlimits;
    play(Machine::new(), &launcher, column, has_group).await;
}

/// Where attempts are made.
pub(crate) trait Ground {
    /// Starts one: `escape.py` of this machine, with these arguments.
    async fn start(&self, machine: &Machine, args: &[String]) -> (Pipe, Process);

    /// The process whose sudden death must take all of a server's with it.
    fn guard(&self, server: u32) -> i32;

    /// Whether what is left ends with it.
    fn ends_with_guard(&self) -> bool;
}

impl Ground for SandboxLauncher {
    async fn start(&self, machine: &Machine, args: &[String]) -> (Pipe, Process) {
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        let mut entry = entry("/usr/bin/python3", &args);
        entry.volumes = vec![format!("{}:rw", machine.path("volume").display())];
        // Where there is a way out, it is open: what is tried is to misuse it.
        if self.probe().level > Level::Landlock {
            entry.network = Network::Hosts(machine.hosts());
        }
        let launched = match self.launch(&entry).await {
            Ok(launched) => launched,
            Err(error) => panic!("{error}"),
        };
        match (launched.link, launched.process) {
            (Link::Pipe(pipe), Some(process)) => (pipe, process),
            _ => panic!("a program has pipes and a process"),
        }
    }

    fn guard(&self, server: u32) -> i32 {
        let above = |pid: i32| parent(pid.unsigned_abs());
        match self.probe().level {
            Level::Namespaces => above(parent(server)),
            Level::Bubblewrap => above(above(parent(server))),
            _ => parent(server),
        }
    }

    fn ends_with_guard(&self) -> bool {
        self.probe().level >= Level::Bubblewrap
    }
}

/// Plays all attempts, and compares with a column of the table.
pub(crate) async fn play(machine: Machine, ground: &impl Ground, column: usize, has_group: bool) {
    let script = machine.path("escape.py");
    fs::write(&script, SCRIPT).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o644)).unwrap();
    let table = table();
    let names: Vec<_> = SCRIPT
        .split("@attempt\ndef ")
        .skip(1)
        .map(|rest| rest.split('(').next().unwrap().replace('_', "-"))
        .collect();
    assert!(names.len() >= 30);
    assert_eq!(
        table.keys().collect::<std::collections::BTreeSet<_>>(),
        names.iter().collect(),
        "the table has other attempts"
    );
    let mut wrong = Vec::new();
    for name in &names {
        let (held, how) = machine.attempt(ground, name).await;
        let cell = &*table[name][column];
        let expected = match cell {
            "held" => true,
            "open" => false,
            // It depends on the engine's version.
            "by engine" => held,
            "by group" => has_group,
            other => panic!("{name}: \"{other}\" is no word of the table"),
        };
        println!("{} {name}: {how}", if held { "held" } else { "OPEN" });
        if held != expected {
            wrong.push(format!("{name} should be \"{cell}\": {how}"));
        }
    }
    machine.has_not_changed().await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Things of the machine that attempts are after.
pub(crate) struct Machine {
    dir: tempfile::TempDir,
    child: Child,
    loopback: TcpListener,
    /// What a listed name leads to, and must not.
    inner: TcpListener,
    _abstract: UnixListener,
    _file: UnixListener,
    mark: String,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let dir = super::open_folder();
        for folder in ["home", "volume"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        // Nothing but the box keeps anybody from reading it.
        let secret = dir.path().join("secret");
        fs::write(&secret, "secret").unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
        #[expect(clippy::disallowed_methods, reason = "a process to be left alone")]
        let child = Command::new("sleep")
            .arg("1000")
            .env("OPENAI_API_KEY", "not-for-servers")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mark = format!("{}-{}", std::process::id(), child.id());
        let address = SocketAddr::from_abstract_name(&mark).unwrap();
        Self {
            _abstract: UnixListener::bind_addr(&address).unwrap(),
            _file: UnixListener::bind(dir.path().join("socket")).unwrap(),
            loopback: TcpListener::bind("127.0.0.1:0").unwrap(),
            inner: TcpListener::bind("127.0.0.1:0").unwrap(),
            dir,
            child,
            mark,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn inner_port(&self) -> u16 {
        self.inner.local_addr().unwrap().port()
    }

    /// A name that DNS, which is not ours, says to lead into this machine; and one that leads nowhere.
    fn hosts(&self) -> Vec<String> {
        vec![
            format!("localhost:{}", self.inner_port()),
            "listed.test:80".to_owned(),
            "other.test:443".to_owned(),
        ]
    }

    /// Whether it was held, and what was said.
    async fn attempt(&self, ground: &impl Ground, name: &str) -> (bool, String) {
        let path = |name: &str| format!("@{}", self.path(name).display());
        let args = [
            self.path("escape.py").display().to_string(),
            name.to_owned(),
            path("secret"),
            path("home"),
            path("volume"),
            format!("@{}", self.child.id()),
            format!("@{}", self.loopback.local_addr().unwrap().port()),
            format!("@{}", self.mark),
            path("socket"),
            format!("@{}", self.mark),
            format!("@{}", self.inner_port()),
        ];
        let (mut pipe, process) = ground.start(self, &args).await;
        let daemon = format!("sleep-{}", self.mark);
        let mut last = String::new();
        while let Some(line) = line(&mut pipe).await {
            match &*line {
                "spinning" => {
                    let share = share_of(process.pid());
                    process.stop(super::NEVER).await;
                    let held = share == Some(small().cpu_millis);
                    return (held, format!("{share:?} thousandths of a processor"));
                }
                "running" => {
                    until("the daemon", || any_with(&daemon)).await;
                    let guard = ground.guard(process.pid());
                    signal(guard, rustix::process::Signal::KILL);
                    let reason = process.exited().await;
                    if ground.ends_with_guard() {
                        until("the end of the daemon", || !any_with(&daemon)).await;
                    }
                    let held = !any_with(&daemon);
                    end_all_with(&daemon);
                    return (held, format!("the server {reason}"));
                }
                _ => last = line,
            }
        }
        let reason = process.exited().await;
        if name.starts_with("outlive") {
            until("the end of the daemon", || !any_with(&daemon)).await;
        }
        let stderr = process.stderr_tail(3).join(" / ");
        match last.split_once(": ") {
            Some(("held", how)) => (true, how.to_owned()),
            Some(("OPEN", what)) => (false, what.to_owned()),
            // Who uses up memory does not live to tell.
            None if name.starts_with("use-up-memory") => {
                let killed = ["SIGKILL", "137", "used more memory"]
                    .iter()
                    .any(|how| reason.to_string().contains(how));
                (killed, reason.to_string())
            }
            _ => panic!("{name}: {last} {reason} {stderr}"),
        }
    }

    async fn has_not_changed(mut self) {
        assert_eq!(self.child.try_wait().unwrap(), None, "a process was hit");
        assert_eq!(fs::read(self.path("secret")).unwrap(), b"secret");
        assert_eq!(fs::read_dir(self.path("volume")).unwrap().count(), 0);
        for listener in [&self.loopback, &self.inner] {
            listener.set_nonblocking(true).unwrap();
            assert!(listener.accept().is_err(), "somebody came");
        }
        let null = fs::metadata("/dev/null").unwrap().permissions().mode();
        assert_eq!(null & 0o777, 0o666);
        assert_eq!(fs::read_to_string(self.path("escape.py")).unwrap(), SCRIPT);
        until("the end of everything", || {
            !any_with(&self.path("escape.py").display().to_string())
        })
        .await;
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the group of a process gives it of the processors, in thousandths of one.
fn share_of(pid: u32) -> Option<u32> {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let number =
        |path: String| -> Option<f64> { fs::read_to_string(path).ok()?.trim().parse().ok() };
    groups.lines().find_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        if controllers.is_empty() {
            let max = fs::read_to_string(format!("/sys/fs/cgroup{path}/cpu.max")).ok()?;
            let (quota, period) = max.trim().split_once(' ')?;
            return Some(
                (quota.parse::<f64>().ok()? / period.parse::<f64>().ok()? * 1000.0) as u32,
            );
        }
        let is_cpu = controllers.split(',').any(|controller| controller == "cpu");
        let folder = is_cpu.then(|| format!("/sys/fs/cgroup/cpu{path}"))?;
        let quota = number(format!("{folder}/cpu.cfs_quota_us"))?;
        let period = number(format!("{folder}/cpu.cfs_period_us"))?;
        (quota > 0.0).then_some((quota / period * 1000.0) as u32)
    })
}

fn end_all_with(argument: &str) {
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let arguments = fs::read(process.path().join("cmdline")).unwrap_or_default();
        if arguments
            .split(|byte| *byte == 0)
            .any(|given| given == argument.as_bytes())
        {
            let pid = process.file_name().to_str().unwrap().parse().unwrap();
            signal(pid, rustix::process::Signal::KILL);
        }
    }
}

#[tokio::test]
async fn a_link_laid_in_one_life_is_not_followed_in_the_next() {
    let launcher = launcher();
    let dir = super::open_folder();
    let path = |name: &str| dir.path().canonicalize().unwrap().join(name);
    fs::create_dir_all(path("own/sub")).unwrap();
    fs::create_dir(path("keys")).unwrap();
    let declared = volumes(&[(&path("own"), true), (&path("own/sub"), false)]);
    let lay = format!(
        "mv {0}/sub {0}/gone && ln -s {1} {0}/sub",
        path("own").display(),
        path("keys").display()
    );
    // While it is mounted it cannot be moved, so the first life has it alone.
    let first = volumes(&[(&path("own"), true)]);
    assert_eq!(
        super::said(&launcher, &super::shell(&lay), &first).await,
        [""; 0]
    );
    assert!(path("own/sub").is_symlink());
    let Err(error) = launcher
        .launch_declared(&super::shell("true"), &declared)
        .await
        .map(taken)
    else {
        panic!("it started");
    };
    let error = error.to_string();
    assert!(
        error.contains("leads by") && error.ends_with("in servers.json"),
        "{error}"
    );
}
