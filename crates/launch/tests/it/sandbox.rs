//! Servers in boxes: what they can do, and above all what they cannot. Everything is done by root, if that is who runs
//! the tests, and by an ordinary user.

pub(crate) mod escape;
mod needs;
mod network;
mod packages;
mod servers;
mod ways;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use catalog::{Entry, Launch, ServerName};
use portolan_launch::sandbox::{
    BoxLimits, BoxedServer, Declared, Level, SandboxLauncher, SandboxOptions, Volume,
};
use portolan_launch::{Link, Process};
use transport::Pipe;

pub(crate) const NEVER: Duration = Duration::from_secs(60);

/// Our program: beside the test, where the test was copied to be run by somebody else.
fn program() -> PathBuf {
    let beside = std::env::current_exe()
        .unwrap()
        .with_file_name("portolan-guard");
    match beside.exists() {
        true => beside,
        false => env!("CARGO_BIN_EXE_portolan-guard").into(),
    }
}

fn options() -> SandboxOptions {
    SandboxOptions::inherited(program())
}

fn launcher() -> SandboxLauncher {
    SandboxLauncher::new(options())
}

/// Small, so that they are reached soon.
pub(crate) fn small() -> BoxLimits {
    BoxLimits {
        memory_bytes: 256 << 20,
        processes: 64,
        cpu_millis: 1500,
        open_files: 256,
        scratch_bytes: 32 << 20,
        all_memory_bytes: 0,
    }
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

fn shell(script: &str) -> Entry {
    entry("/bin/sh", &["-c", script])
}

fn with_cwd(mut entry: Entry, folder: &Path) -> Entry {
    if let Launch::Command { cwd, .. } = &mut entry.launch {
        *cwd = Some(folder.to_owned());
    }
    entry
}

fn with_env(mut entry: Entry, name: &str, value: &str) -> Entry {
    if let Launch::Command { env, .. } = &mut entry.launch {
        env.push((name.to_owned(), value.to_owned()));
    }
    entry
}

fn volumes(volumes: &[(&Path, bool)]) -> Declared {
    Declared {
        volumes: volumes
            .iter()
            .map(|(path, writable)| Volume {
                path: (*path).to_owned(),
                writable: *writable,
            })
            .collect(),
        ..Declared::default()
    }
}

async fn start(launcher: &SandboxLauncher, entry: &Entry, declared: &Declared) -> (Pipe, Process) {
    match launcher.launch_declared(entry, declared).await {
        Ok(server) => taken(server),
        Err(error) => panic!("{error}"),
    }
}

fn taken(server: BoxedServer) -> (Pipe, Process) {
    match (server.launched.link, server.launched.process) {
        (Link::Pipe(pipe), Some(process)) => (pipe, process),
        _ => panic!("a program has pipes and a process"),
    }
}

pub(crate) async fn line(pipe: &mut Pipe) -> Option<String> {
    let line = tokio::time::timeout(NEVER, pipe.source.recv())
        .await
        .unwrap()?;
    Some(String::from_utf8(line.unwrap().to_vec()).unwrap())
}

/// Everything that a server says until it ends.
async fn said(launcher: &SandboxLauncher, entry: &Entry, declared: &Declared) -> Vec<String> {
    let (mut pipe, process) = start(launcher, entry, declared).await;
    let mut lines = Vec::new();
    while let Some(line) = line(&mut pipe).await {
        lines.push(line);
    }
    let reason = process.exited().await;
    assert!(
        reason.is_success(),
        "{reason}: {lines:?} {:?}",
        process.stderr_tail(20)
    );
    lines
}

fn am_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A folder that anybody may look into.
pub(crate) fn open_folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

/// Where `tests/packages.py` has installed other people's servers.
fn packages() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "a folder for tests")]
    let said = std::env::var_os("PORTOLAN_TEST_CACHE");
    said.expect("PORTOLAN_TEST_CACHE; use tests/sandbox/run")
        .into()
}

/// Runs an ignored test of this program as an ordinary user: as ourselves, if that is who we are.
fn as_anybody(test: &str) {
    let dir = open_folder();
    let home = dir.path().join("home");
    fs::create_dir(&home).unwrap();
    let (uid, gid) = (60_123, 60_123);
    let this = dir.path().join("tests");
    fs::copy(std::env::current_exe().unwrap(), &this).unwrap();
    fs::copy(program(), dir.path().join("portolan-guard")).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the same test, as somebody else")]
    let mut command = match am_root() {
        true => {
            std::os::unix::fs::chown(&home, Some(uid), Some(gid)).unwrap();
            let mut command = Command::new("setpriv");
            command.args([
                &format!("--reuid={uid}"),
                &format!("--regid={gid}"),
                "--clear-groups",
            ]);
            command.arg(&this);
            command
        }
        false => Command::new(&this),
    };
    #[expect(clippy::disallowed_methods, reason = "a folder for tests")]
    let cache = std::env::var_os("PORTOLAN_TEST_CACHE");
    // Whom this machine trusts does not depend on the user.
    let trusted = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "PIP_CERT"].map(|name| {
        #[expect(clippy::disallowed_methods, reason = "a file of the machine")]
        let file = std::env::var_os(name);
        Some((name, file?))
    });
    let output = command
        .env_clear()
        .envs(cache.map(|cache| ("PORTOLAN_TEST_CACHE", cache)))
        .envs(trusted.into_iter().flatten())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .current_dir("/")
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", &home)
        .env("OPENAI_API_KEY", "not-for-servers")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    println!("{text}");
}

/// Whether boxes are what they should be here. A kernel that refuses namespaces has nothing to test.
fn has_namespaces(launcher: &SandboxLauncher) -> bool {
    let probe = launcher.probe();
    println!("{probe} {:?}", probe.missing);
    probe.level == Level::Namespaces
}
