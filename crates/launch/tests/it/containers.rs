//! Containers of a real engine: what they can do, and above all what they cannot. Started by `tests/containers/run`, with
//! the engine in `DOCKER_HOST` and an image with Python in `PORTOLAN_TEST_IMAGE`.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog::{Entry, Launch, ServerName};
use portolan_launch::container::{
    ContainerLauncher, ContainerOptions, Places, Pull, Registry, Which,
};
use portolan_launch::sandbox::BoxLimits;
use portolan_launch::{Launcher, Link, Options, Process, ProcessLauncher};
use transport::Pipe;

use crate::sandbox::escape::{Ground, Machine, play};
use crate::sandbox::small;

struct Alone;

impl Registry for Alone {
    fn name(&self) -> String {
        format!("/tests/{}", std::process::id())
    }

    fn id(&self) -> io::Result<String> {
        Ok("1-test".to_owned())
    }

    fn is_alive(&self, _: &str) -> bool {
        true
    }
}

fn said(name: &str) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "the script that starts the engine says where it is"
    )]
    std::env::var(name).unwrap()
}

fn launcher(folder: PathBuf, limits: BoxLimits) -> ContainerLauncher {
    let options = ContainerOptions {
        which: Which::Docker,
        places: Places {
            docker_host: Some(said("DOCKER_HOST")),
            ..Places::default()
        },
        limits,
        pull: Pull::Missing,
        signers: portolan_launch::Signers::default(),
        on_progress: Arc::new(|_| {}),
        folder,
        own_folders: Vec::new(),
        cwd: None,
        registry: Arc::new(Alone),
    };
    ContainerLauncher::new(options, Arc::new(ProcessLauncher::new(Options::default())))
}

fn entry(args: &[String], volumes: Vec<String>) -> Entry {
    let launch = Launch::Container {
        image: said("PORTOLAN_TEST_IMAGE"),
        command: args.to_vec(),
        env: vec![("TMPDIR".to_owned(), "/tmp".to_owned())],
        user: None,
        extra_hosts: Vec::new(),
        is_writable: false,
    };
    let mut entry = Entry::new(ServerName::new("test").unwrap(), launch);
    entry.volumes = volumes;
    entry
}

async fn start(launcher: &ContainerLauncher, entry: &Entry) -> (Pipe, Process) {
    let launched = launcher
        .launch(entry)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    match (launched.link, launched.process) {
        (Link::Pipe(pipe), Some(process)) => (pipe, process),
        _ => panic!("a container has a pipe and a process"),
    }
}

impl Ground for ContainerLauncher {
    async fn start(&self, machine: &Machine, args: &[String]) -> (Pipe, Process) {
        let args: Vec<_> = ["/usr/bin/python3".to_owned()]
            .into_iter()
            .chain(args.iter().cloned())
            .collect();
        let volume = |name: &str, how| format!("{}:{how}", machine.path(name).display());
        let volumes = vec![volume("volume", "rw"), volume("escape.py", "ro")];
        start(self, &entry(&args, volumes)).await
    }

    /// The first process of the container.
    fn guard(&self, server: u32) -> i32 {
        i32::try_from(server).unwrap()
    }

    fn ends_with_guard(&self) -> bool {
        true
    }
}

#[tokio::test]
#[ignore = "needs a container engine: tests/containers/run"]
async fn nothing_escapes_from_a_container() {
    let machine = Machine::new();
    // An ordinary user's folder, in which the server is that user.
    std::os::unix::fs::chown(machine.path("volume"), Some(65_532), Some(65_532)).unwrap();
    let launcher = launcher(machine.path("cache"), small());
    play(machine, &launcher, 4, true).await;
}

/// What a start costs is said; `tests/containers/measure.py` compares it.
#[tokio::test]
#[ignore = "needs a container engine: tests/containers/run"]
async fn containers_start_and_end_without_a_trace() {
    let dir = tempfile::tempdir().unwrap();
    let launcher = launcher(dir.path().join("cache"), BoxLimits::default());
    let echo = entry(&["/bin/cat".to_owned()], Vec::new());
    let mut times = Vec::new();
    for _ in 0..10 {
        let began = Instant::now();
        let (mut pipe, process) = start(&launcher, &echo).await;
        pipe.sink.send(b"{}").unwrap();
        assert_eq!(&*pipe.source.recv().await.unwrap().unwrap(), b"{}");
        times.push(began.elapsed());
        assert!(process.stop(Duration::from_secs(20)).await.is_success());
    }
    times.sort_unstable();
    println!(
        "start to the first answer: median {:?}, least {:?}",
        times[5], times[0]
    );
}
