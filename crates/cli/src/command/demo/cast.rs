//! Which servers play: the reference server from npm where Node is, the time server from PyPI where Python
//! is, and our own where neither works. Owns what is called of each.

use std::path::Path;
use std::time::Instant;

use catalog::{Entry, Launch, Registry, ServerName};
use launch::{Launcher, PackageLauncher};

use super::stage::Stage;
use crate::error::{Failure, Kind};

const EVERYTHING: &str = "@modelcontextprotocol/server-everything";
const EVERYTHING_VERSION: &str = "2026.8.31";
const TIME: &str = "mcp-server-time";
const TIME_VERSION: &str = "2026.10.19";

/// A server and its scenes.
pub(super) struct Actor {
    pub(super) entry: Entry,
    pub(super) scenes: Vec<Scene>,
}

/// One call.
pub(super) struct Scene {
    pub(super) tool: &'static str,
    pub(super) arguments: &'static str,
    pub(super) reports_progress: bool,
}

const fn scene(tool: &'static str, arguments: &'static str) -> Scene {
    Scene {
        tool,
        arguments,
        reports_progress: false,
    }
}

/// The real servers that can be installed here.
pub(super) async fn real(stage: &Stage<'_>, launcher: &PackageLauncher) -> Vec<Actor> {
    stage.wait("npm and PyPI are asked for servers");
    let (npm, pypi) = tokio::join!(
        installed(stage, launcher, from_npm()),
        installed(stage, launcher, from_pypi())
    );
    stage.wait("");
    npm.into_iter().chain(pypi).collect()
}

/// The actor, once what it needs is there.
async fn installed(
    stage: &Stage<'_>,
    launcher: &PackageLauncher,
    actor: Result<Actor, String>,
) -> Option<Actor> {
    let begun = Instant::now();
    let ready = async {
        let actor = actor?;
        if let Some(why) = launcher.refuses(&actor.entry) {
            return Err(why);
        }
        let prepared = launcher.prepare(&actor.entry, &|_| ()).await;
        prepared.map_err(|error| error.to_string())?;
        Ok(actor)
    };
    match ready.await {
        Ok(actor) => {
            stage.step("install", &shown(&actor.entry), begun);
            Some(actor)
        }
        Err(why) => {
            stage.skip("install", &why);
            None
        }
    }
}

fn shown(entry: &Entry) -> String {
    match &entry.launch {
        Launch::Package {
            registry,
            identifier,
            version,
            ..
        } => format!(
            "{}: {identifier} {}",
            registry.as_str(),
            version.as_deref().unwrap_or_default()
        ),
        _ => entry.name.to_string(),
    }
}

fn from_npm() -> Result<Actor, String> {
    Ok(Actor {
        entry: package("everything", Registry::Npm, EVERYTHING, EVERYTHING_VERSION)?,
        scenes: vec![
            scene("echo", r#"{"message":"ahoy"}"#),
            scene("get-sum", r#"{"a":2,"b":40}"#),
            Scene {
                reports_progress: true,
                ..scene(
                    "trigger-long-running-operation",
                    r#"{"duration":1,"steps":4}"#,
                )
            },
        ],
    })
}

fn from_pypi() -> Result<Actor, String> {
    Ok(Actor {
        entry: package("time", Registry::Pypi, TIME, TIME_VERSION)?,
        scenes: vec![
            scene("get_current_time", r#"{"timezone":"Europe/Lisbon"}"#),
            scene(
                "convert_time",
                r#"{"source_timezone":"Europe/Lisbon","time":"12:00","target_timezone":"Asia/Tokyo"}"#,
            ),
        ],
    })
}

/// Our own, which needs nothing.
pub(super) fn own() -> Result<Actor, Failure> {
    let program = std::env::current_exe().map_err(|e| {
        Failure::new(Kind::Failed, "the path of this program is unknown").because(&e)
    })?;
    let program = Path::new(&program).display().to_string();
    let entry =
        entry("demo", &program, &["__demo-server"]).map_err(|e| Failure::new(Kind::Internal, e))?;
    Ok(Actor {
        entry,
        scenes: vec![
            scene("echo", r#"{"message":"ahoy"}"#),
            scene("get-sum", r#"{"a":2,"b":40}"#),
            Scene {
                reports_progress: true,
                ..scene("count-up", r#"{"steps":4}"#)
            },
        ],
    })
}

fn package(
    name: &str,
    registry: Registry,
    identifier: &str,
    version: &str,
) -> Result<Entry, String> {
    let mut entry = entry(name, "", &[])?;
    entry.launch = Launch::Package {
        registry,
        identifier: identifier.to_owned(),
        version: Some(version.to_owned()),
        sha256: None,
        runtime: None,
        runtime_args: Vec::new(),
        args: Vec::new(),
        env: Vec::new(),
    };
    Ok(entry)
}

fn entry(name: &str, command: &str, arguments: &[&str]) -> Result<Entry, String> {
    let name = ServerName::new(name).map_err(|e| e.to_string())?;
    let mut entry = Entry::command(name, command, arguments.iter().copied());
    entry.source = "demo".into();
    Ok(entry)
}
