//! `portolan up`: one gateway for all applications of this person, on its own. Owns how it is started and awaited, and the unit
//! by which systemd does the same.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use launch::Detached;
use serde::{Deserialize, Serialize};

use super::gateway::run::{self, Sharing};
use crate::error::{Failure, Kind};
use crate::limits::{UP_LOG_BYTES_MAX, UP_WAIT};
use crate::plugin::FILE_NAME;
use crate::shared;
use crate::surroundings::{FOLDERS_HINT, Surroundings};
use crate::ui::{Label, Line, Ui};

/// The same one that packages bring.
const UNIT: &str = include_str!("../../../../packaging/portolan.service");

/// Start the one gateway that all applications share: over stdio `gateway run` hands them on to it, over HTTP they reach it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portolan up                                  in the background, until `portolan down`
  portolan up --foreground                     here, until Ctrl-C
  portolan up --unit > ~/.config/systemd/user/portolan.service
  systemctl --user enable --now portolan")]
pub(crate) struct Args {
    /// With the servers of this profile, for clients that name none
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Stay in the foreground, as systemd wants it
    #[arg(long)]
    foreground: bool,
    /// Print a unit for `systemctl --user`, and start nothing
    #[arg(long, conflicts_with = "foreground")]
    unit: bool,
    /// Say on stdout when it serves.
    #[arg(long, hide = true, requires = "foreground")]
    awaited: bool,
}

/// What was started, or was there.
#[derive(Serialize)]
struct Started {
    gateway: String,
    url: Option<String>,
    pid: u32,
    log: Option<PathBuf>,
    /// Whether it ran already.
    was_running: bool,
}

/// What it says of itself when it serves.
#[derive(Deserialize)]
struct Ready {
    gateway: String,
    url: String,
    pid: u32,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    if args.unit {
        ui.document(&unit(args.profile.as_deref())?);
        return Ok(());
    }
    if args.foreground {
        if args.awaited {
            // Who has started us may close their terminal.
            let _leader_already = rustix::process::setsid();
        }
        let sharing = Sharing {
            is_awaited: args.awaited,
        };
        return run::shared(ui, args.profile.clone(), sharing);
    }
    let here = Surroundings::of_process()?;
    let started = match shared::running()? {
        Some(gateway) => Started {
            gateway: gateway.id,
            url: gateway.url,
            pid: gateway.pid,
            log: None,
            was_running: true,
        },
        None => start(&here, args)?,
    };
    ui.value(&started, |ui| show(ui, &started))
}

fn show(ui: &Ui, started: &Started) {
    let what = if started.was_running {
        "runs already"
    } else {
        "runs"
    };
    let line = Line::new().put(Label::Name, started.gateway.clone());
    let at = started.url.as_deref().unwrap_or_default();
    ui.data(&line.text(format!(" {what} at {at}, process {}", started.pid)));
    let log = started
        .log
        .as_ref()
        .map(|log| format!("its log: {}; ", log.display()));
    let stop = format!("{}portolan down stops it", log.unwrap_or_default());
    ui.note(&Line::new().put(Label::Dim, stop));
}

fn start(here: &Surroundings, args: &Args) -> Result<Started, Failure> {
    let failed =
        |what: &str, error: std::io::Error| Failure::new(Kind::Failed, what).because(&error);
    let path = here.dirs.shared_log();
    let mut log = open(&path).map_err(|error| {
        let what = format!("{} cannot be written", path.display());
        failed(&what, error).hint(FOLDERS_HINT)
    })?;
    let before = log.seek(SeekFrom::End(0)).unwrap_or_default();
    let program =
        std::env::current_exe().map_err(|error| failed("our own program is not found", error))?;
    // A plugin that was not linked but copied is one wherever it is started from, and takes its own words after this one.
    let as_plugin = program.file_stem().is_some_and(|name| name == FILE_NAME);
    let mut words = if as_plugin { vec!["mcp"] } else { Vec::new() };
    words.extend([
        "--format",
        "json",
        "--color",
        "never",
        "up",
        "--foreground",
        "--awaited",
    ]);
    words.extend(
        args.profile
            .iter()
            .flat_map(|profile| ["--profile", profile.as_str()]),
    );
    let home = here.env.folder(config::env::HOME);
    let folder = home
        .filter(|home| home.is_dir())
        .unwrap_or_else(|| "/".into());
    // It does not end with the command that started it.
    let parent = config::env::DOCKER_CLI_PLUGIN_SOCKET;
    let started = Detached::start(&program, &words, parent, &folder, log)
        .map_err(|error| failed("the gateway does not start", error))?;
    match awaited(started, UP_WAIT)? {
        Some(ready) => Ok(Started {
            gateway: ready.gateway,
            url: Some(ready.url),
            pid: ready.pid,
            log: Some(path),
            was_running: false,
        }),
        None => Err(why(&path, before)),
    }
}

/// A log that only grows by what is worth telling; what former gateways told is kept once.
fn open(path: &Path) -> std::io::Result<File> {
    if let Some(folder) = path.parent() {
        config::private_dir(folder)?;
    }
    if fs::metadata(path).is_ok_and(|meta| meta.len() > 0) {
        fs::rename(path, path.with_extension("log.1"))?;
    }
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

/// What it says when it serves; none: it has ended.
fn awaited(started: Detached, wait: Duration) -> Result<Option<Ready>, Failure> {
    let (tell, told) = sync_channel(1);
    let mut said = BufReader::new(
        started
            .said
            .try_clone()
            .map_err(|error| Failure::internal("the gateway cannot be heard", error))?,
    );
    let heard = std::thread::Builder::new()
        .name("ready".into())
        .spawn(move || {
            let mut line = String::new();
            let _ended = said.read_line(&mut line);
            // Who does not wait any more does without.
            let _late = tell.send(line);
        });
    heard.map_err(|error| Failure::internal("the gateway cannot be heard", error))?;
    match told.recv_timeout(wait) {
        Ok(line) => Ok(serde_json::from_str(&line).ok()),
        Err(_) => {
            let message = format!("the gateway did not serve within {} s", wait.as_secs());
            started.kill();
            Err(Failure::new(Kind::Timeout, message)
                .hint("portolan up --foreground shows what it waits for"))
        }
    }
}

/// Its own last words, as if it had run here.
fn why(log: &Path, before: u64) -> Failure {
    let mut text = String::new();
    if let Ok(mut file) = File::open(log) {
        let _as_far_as = file
            .seek(SeekFrom::Start(before))
            .and_then(|_| file.take(UP_LOG_BYTES_MAX).read_to_string(&mut text));
    }
    let said = text.lines().rev().find_map(Failure::of_json);
    said.unwrap_or_else(|| {
        let last: Vec<&str> = text.lines().rev().take(5).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        Failure::new(Kind::Failed, "the gateway ended before it served").hint(
            match last.is_empty() {
                true => "portolan up --foreground shows why".to_owned(),
                false => format!("its last words: {}", last.join("\n")),
            },
        )
    })
}

fn unit(profile: Option<&str>) -> Result<String, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::internal("our own program is not found", error))?;
    let profile = profile
        .map(|name| format!(" --profile {name}"))
        .unwrap_or_default();
    Ok(UNIT
        .replace("{{program}}", &quoted(&program))
        .replace("{{profile}}", &profile))
}

/// A path as systemd reads it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string().replace('%', "%%");
    match text.contains([' ', '"', '\\']) {
        true => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(script: &str) -> Detached {
        let (sh, root) = (Path::new("/bin/sh"), Path::new("/"));
        let log = tempfile::tempfile().unwrap();
        Detached::start(sh, &["-c", script], "NOTHING", root, log).unwrap()
    }

    #[test]
    fn one_that_does_not_serve_in_time_is_ended_and_said_to_be_late() {
        let started = started("exec sleep 600");
        let process = PathBuf::from(format!("/proc/{}", started.pid()));
        let late = awaited(started, Duration::from_secs(1)).err().unwrap();
        assert_eq!((late.kind(), late.kind().code()), (Kind::Timeout, 7));
        assert_eq!(late.message(), "the gateway did not serve within 1 s");
        assert_eq!(
            late.hints(),
            ["portolan up --foreground shows what it waits for"]
        );
        assert!(!process.exists());
    }

    #[test]
    fn what_it_says_in_time_counts_and_an_end_says_nothing() {
        let ready = r#"echo '{"gateway":"g","url":"http://h/mcp","pid":7}'; exec sleep 600"#;
        let served = started(ready);
        let pid = served.pid();
        let ready = awaited(served, UP_WAIT).unwrap().unwrap();
        assert_eq!((ready.gateway.as_str(), ready.pid), ("g", 7));
        let pid = rustix::process::Pid::from_raw(pid.try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        assert!(awaited(started("exit 1"), UP_WAIT).unwrap().is_none());
    }
}
