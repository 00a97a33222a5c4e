//! One program of an installation, run to its end: npm, Python, pip or uv.
//!
//! Owns its limits of time and of disk, and what is told of it when it fails. In a box, if servers are in boxes here: it
//! sees the folder that it fills, the settings of the person for it, and the registry. Refuses to run what a package
//! brings along anywhere but in a box.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalog::{Entry, Network, Resources, ServerName};
use tokio::time::MissedTickBehavior;

use super::hosts::Sources;
use crate::limits::{
    INSTALL_BYTES_MAX, INSTALL_CHARS_TOLD, INSTALL_FILES_MAX, INSTALL_LINES_TOLD, INSTALL_LOOK,
    INSTALL_PROCESSES, STDERR_LINES_MAX,
};
use crate::{Launched, Launcher, Link, ProcessLauncher};

/// Where the programs of one installation run.
pub(super) struct Bench<'a> {
    pub(super) launcher: &'a Arc<dyn Launcher>,
    /// For what may run outside of a box, where a box has no way to the registry.
    pub(super) plain: &'a ProcessLauncher,
    /// The folder that is filled.
    pub(super) scratch: &'a Path,
    pub(super) sources: &'a Sources,
}

/// A program, and what it gets.
#[derive(Default)]
pub(super) struct Step {
    pub(super) command: String,
    pub(super) args: Vec<String>,
    pub(super) env: Vec<(String, String)>,
    /// Files and folders that it reads, beside the one that is filled.
    pub(super) volumes: Vec<PathBuf>,
    pub(super) way: Way,
}

/// What a program of an installation may reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Way {
    /// Nothing.
    #[default]
    None,
    /// The registry, and what the person has told its client; nothing of a package runs.
    Registry,
    /// The registry, and something of a package may run.
    Scripts,
}

impl Bench<'_> {
    /// Runs a program to its end; an error says why it failed.
    pub(super) async fn run(&self, step: Step) -> Result<(), String> {
        let entry = self.entry(&step)?;
        let is_boxed = self.launcher.is_boxed(&entry);
        let has_way = self.launcher.refuses(&entry).is_none() && !self.sources.is_proxied;
        let launched = match (step.way, is_boxed && !has_way) {
            (Way::Registry, true) => self.plain.launch(&entry).await,
            (Way::Scripts, true) => {
                return Err("scripts of packages run in boxes only, and here a box has no way to the registry".to_owned());
            }
            _ => self.launcher.launch(&entry).await,
        };
        self.ended(launched.map_err(|error| error.to_string())?)
            .await
    }

    fn entry(&self, step: &Step) -> Result<Entry, String> {
        let name = ServerName::new("install").map_err(|error| error.to_string())?;
        let mut entry = Entry::command(name, step.command.clone(), step.args.iter().cloned());
        let tmp = self.scratch.join("tmp");
        let mut env = step.env.clone();
        env.push(("TMPDIR".to_owned(), text(&tmp)?));
        entry.volumes = vec![format!("{}:rw", text(self.scratch)?)];
        for volume in &step.volumes {
            entry.volumes.push(text(volume)?);
        }
        entry.network = match step.way {
            Way::None => Network::None,
            Way::Registry | Way::Scripts => Network::Hosts(self.sources.hosts.clone()),
        };
        if step.way == Way::Registry {
            for (variable, file) in &self.sources.settings {
                entry.volumes.push(text(file)?);
                env.push(((*variable).to_owned(), text(file)?));
            }
        }
        entry.resources = Resources {
            pids: Some(INSTALL_PROCESSES),
            ..Resources::default()
        };
        if let catalog::Launch::Command { env: own, cwd, .. } = &mut entry.launch {
            *own = env;
            *cwd = Some(self.scratch.to_owned());
        }
        Ok(entry)
    }

    async fn ended(&self, launched: Launched) -> Result<(), String> {
        let (Link::Pipe(mut pipe), Some(process)) = (launched.link, launched.process) else {
            return Err("it is no program".to_owned());
        };
        pipe.sink.close();
        let mut exited = std::pin::pin!(process.exited());
        let mut look = tokio::time::interval(INSTALL_LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_open = true;
        let reason = loop {
            tokio::select! {
                reason = &mut exited => break reason,
                line = pipe.source.recv(), if is_open => is_open = line.is_some(),
                _ = look.tick() => self.measured().await?,
            }
        };
        self.measured().await?;
        match reason.is_success() {
            true => Ok(()),
            false => Err(told(
                &process.stderr_tail(STDERR_LINES_MAX),
                &reason.to_string(),
            )),
        }
    }

    /// An error if it has become too large.
    async fn measured(&self) -> Result<(), String> {
        let folder = self.scratch.to_owned();
        let measured = tokio::task::spawn_blocking(move || size(&folder)).await;
        let (bytes, files) = measured.map_err(|error| error.to_string())?;
        if bytes > INSTALL_BYTES_MAX {
            return Err(format!(
                "it takes more than {} GiB of disk",
                INSTALL_BYTES_MAX >> 30
            ));
        }
        if files > INSTALL_FILES_MAX {
            return Err(format!("it has more than {INSTALL_FILES_MAX} files"));
        }
        Ok(())
    }
}

pub(super) fn text(path: &Path) -> Result<String, String> {
    let text = path.to_str().filter(|text| !text.contains(':'));
    text.map(str::to_owned).ok_or_else(|| {
        format!(
            "the folder \"{}\" has a name that programs do not take; set PORTOLAN_HOME to another one",
            path.display()
        )
    })
}

/// What a folder takes of the disk, and how many files are in it. It counts no further than it may be.
fn size(folder: &Path) -> (u64, u64) {
    let (mut bytes, mut files) = (0, 0);
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(of) = file.metadata() else { continue };
            files += 1;
            bytes += of.len();
            if of.is_dir() {
                folders.push(file.path());
            }
        }
        if bytes > INSTALL_BYTES_MAX || files > INSTALL_FILES_MAX {
            break;
        }
    }
    (bytes, files)
}

/// The last words of a program that say something.
fn told(lines: &[String], reason: &str) -> String {
    const IDLE: &[&str] = &[
        "A complete log of this run",
        "npm notice",
        "[notice]",
        "npm warn",
    ];
    let mut said: Vec<&str> = Vec::new();
    for line in lines {
        let line = line.trim();
        let line = line.strip_prefix("npm error").unwrap_or(line).trim();
        if !line.is_empty() && !IDLE.iter().any(|idle| line.contains(idle)) && !said.contains(&line)
        {
            said.push(line);
        }
    }
    let last = said[said.len().saturating_sub(INSTALL_LINES_TOLD)..].join("; ");
    let last: String = last.chars().take(INSTALL_CHARS_TOLD).collect();
    match last.is_empty() {
        true => format!("its client {reason} and said nothing"),
        false => last,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_told_in_few_words() {
        let lines: Vec<String> = [
            "npm warn config x",
            "npm error code E404",
            "npm error 404 Not Found",
            "npm error",
            "npm error 404 Not Found",
            "npm error A complete log of this run can be found in: /x",
        ]
        .map(str::to_owned)
        .to_vec();
        assert_eq!(told(&lines, "exited"), "code E404; 404 Not Found");
        assert_eq!(
            told(&[], "exited with code 1"),
            "its client exited with code 1 and said nothing"
        );
        let long = vec!["x".repeat(5_000); 1];
        assert_eq!(told(&long, "").len(), INSTALL_CHARS_TOLD);
    }

    #[test]
    fn sizes_are_those_of_all_files() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("a")).unwrap();
        std::fs::write(dir.path().join("a/b"), [0; 5_000]).unwrap();
        std::os::unix::fs::symlink("/", dir.path().join("root")).unwrap();
        let (bytes, files) = size(dir.path());
        assert!((5_000..1 << 20).contains(&bytes), "{bytes}");
        assert_eq!(files, 3);
    }
}
