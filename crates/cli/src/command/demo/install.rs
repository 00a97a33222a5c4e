//! Installers that the demo runs: programs that end by themselves. Owns their time limit, and that nothing
//! of them is left when the demo is interrupted.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::limits::{INSTALL_TIMEOUT, PROBE_TIMEOUT};

/// Whether this program can be run.
pub(super) async fn is_there(program: &str) -> bool {
    finish(program, &["--version"], PROBE_TIMEOUT).await.is_ok()
}

/// Runs a program to its end. The error is one line for people.
pub(super) async fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    finish(program, arguments, INSTALL_TIMEOUT).await
}

/// A program from PyPI in a virtual environment of its own, kept in our cache; the path of the program.
pub(super) async fn venv(package: &str, version: &str) -> Result<PathBuf, String> {
    let dirs = config::Dirs::from_env(&config::Env::process()).map_err(|e| e.to_string())?;
    let folder = dirs.cache.join("demo").join(package);
    let program = folder.join("bin").join(package);
    // Written last: a folder without it was left half made.
    let done = folder.join("installed");
    if std::fs::read_to_string(&done).is_ok_and(|there| there == version) && program.exists() {
        return Ok(program);
    }
    let text = |path: &PathBuf| path.display().to_string();
    run("python3", &["-m", "venv", "--clear", &text(&folder)]).await?;
    let requirement = format!("{package}=={version}");
    let pip = text(&folder.join("bin").join("pip"));
    run(
        &pip,
        &[
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--retries",
            "1",
            &requirement,
        ],
    )
    .await?;
    std::fs::write(&done, version).map_err(|e| format!("{}: {e}", done.display()))?;
    Ok(program)
}

async fn finish(
    program: &str,
    arguments: &[&str],
    limit: std::time::Duration,
) -> Result<(), String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "an installer that ends by itself is no server; `launch` starts those"
    )]
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let child = command.spawn().map_err(|e| format!("{program}: {e}"))?;
    let mut group = Group::of(child);
    let Some(child) = group.child.take() else {
        return Ok(());
    };
    let ended = tokio::time::timeout(limit, child.wait_with_output()).await;
    let output = match ended {
        Ok(output) => output.map_err(|e| format!("{program}: {e}"))?,
        Err(_) => return Err(format!("{program} took longer than {} s", limit.as_secs())),
    };
    // It has ended and was waited for: its number may belong to somebody else from now on.
    group.id = None;
    if output.status.success() {
        return Ok(());
    }
    let words = [&output.stdout[..], b"\n", &output.stderr[..]].concat();
    let why = reason(&String::from_utf8_lossy(&words));
    let name = Path::new(program).file_name().unwrap_or_default();
    Err(format!("{}: {why}", name.display()))
}

/// What installers say where there is no network, each in its own words.
const NO_NETWORK: [&str; 7] = [
    "EAI_AGAIN",
    "ENOTFOUND",
    "ECONNREFUSED",
    "ETIMEDOUT",
    "Failed to establish a new connection",
    "dns error",
    "client error (Connect)",
];

/// What is known to go wrong, else the line that tells most: the first that speaks of an error, or the last one.
fn reason(words: &str) -> String {
    if NO_NETWORK.iter().any(|sign| words.contains(sign)) {
        return "the network cannot be reached".into();
    }
    if words.contains("ensurepip") {
        return "it cannot make virtual environments (on Debian: apt install python3-venv)".into();
    }
    let has = |line: &str, word: &str| line.to_lowercase().contains(word);
    let lines = || {
        words
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !has(line, "warn"))
    };
    let telling = lines().find(|line| has(line, "error"));
    telling
        .or_else(|| lines().next_back())
        .unwrap_or("it does not say why")
        .to_owned()
}

/// A child and all that it started; dropping it ends them.
struct Group {
    child: Option<Child>,
    id: Option<rustix::process::Pid>,
}

impl Group {
    fn of(child: Child) -> Self {
        let id = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(rustix::process::Pid::from_raw);
        Self {
            child: Some(child),
            id,
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::reason;

    #[test]
    fn installers_are_understood() {
        let npm = "npm error code EAI_AGAIN\nnpm error errno EAI_AGAIN\n";
        assert_eq!(reason(npm), "the network cannot be reached");
        let python = "The virtual environment was not created successfully because ensurepip is not\navailable.\nFailing command: x\n";
        assert!(reason(python).contains("apt install python3-venv"));
        assert_eq!(reason("npm warn old error\nERROR: no\nmore\n"), "ERROR: no");
        assert_eq!(reason(""), "it does not say why");
    }
}
