//! Which servers play: the reference server from npm where Node is, the time server from PyPI where Python
//! is, and our own where neither works. Owns what is called of each.

use std::path::Path;
use std::time::Instant;

use catalog::{Entry, ServerName};

use super::install;
use super::stage::Stage;
use crate::error::{Failure, Kind};

const EVERYTHING: &str = "@modelcontextprotocol/server-everything@2026.8.31";
/// Somebody without a network should not wait for npm to believe it.
const FEW_RETRIES: [&str; 2] = ["--fetch-retries=1", "--fetch-retry-mintimeout=500"];
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
pub(super) async fn real(stage: &Stage<'_>) -> Vec<Actor> {
    stage.wait("npm and PyPI are asked for servers");
    let (npm, pypi) = tokio::join!(from_npm(stage), from_pypi(stage));
    stage.wait("");
    let mut actors = Vec::new();
    for (name, found) in [("everything", npm), ("time", pypi)] {
        match found {
            Ok(actor) => actors.push(actor),
            Err(why) => stage.skip(name, &why),
        }
    }
    actors
}

async fn from_npm(stage: &Stage<'_>) -> Result<Actor, String> {
    if !install::is_there("npx").await {
        return Err("Node is not installed: its server is left out".into());
    }
    let begun = Instant::now();
    let fetch = ["--prefer-offline", "-y", "-p", EVERYTHING, "-c", "true"];
    install::run("npx", &[&FEW_RETRIES[..], &fetch].concat()).await?;
    stage.step("install", &format!("npm: {EVERYTHING}"), begun);
    Ok(Actor {
        entry: entry(
            "everything",
            "npx",
            &["--prefer-offline", "-y", EVERYTHING, "stdio"],
        )?,
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

async fn from_pypi(stage: &Stage<'_>) -> Result<Actor, String> {
    let begun = Instant::now();
    let package = format!("{TIME}@{TIME_VERSION}");
    let (command, arguments): (String, Vec<&str>) = if install::is_there("uvx").await {
        install::run("uvx", &[&package, "--help"]).await?;
        ("uvx".into(), vec![&package])
    } else if install::is_there("python3").await {
        let program = install::venv(TIME, TIME_VERSION).await?;
        (program.display().to_string(), Vec::new())
    } else {
        return Err("Python is not installed: its server is left out".into());
    };
    stage.step("install", &format!("PyPI: {package}"), begun);
    Ok(Actor {
        entry: entry("time", &command, &arguments)?,
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

fn entry(name: &str, command: &str, arguments: &[&str]) -> Result<Entry, String> {
    let name = ServerName::new(name).map_err(|e| e.to_string())?;
    let mut entry = Entry::command(name, command, arguments.iter().copied());
    entry.source = "demo".into();
    Ok(entry)
}
