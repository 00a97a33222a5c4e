//! The runtimes that servers are written for: found by our `PATH`, and what version.

use std::time::Duration;

use catalog::{Entry, Launch, Registry};
use launch::Launcher as _;
use secrets::Runner as _;

use super::finding::Finding;
use super::scene::{Scene, on_path};
use crate::launchers::{self, own_program};
use crate::limits::{VERSION_BYTES_MAX, VERSION_WAIT};

const CHECK: &str = "runtimes";

/// A runtime, and which servers need it.
struct Runtime {
    /// By these names it is found; the first that is there counts.
    programs: &'static [&'static str],
    needs: fn(&Entry) -> bool,
    mend: &'static str,
}

const RUNTIMES: [Runtime; 4] = [
    Runtime {
        programs: &["node"],
        needs: |entry| is_of(entry, Registry::Npm) || is_command(entry, &["node", "npx", "npm"]),
        mend: "install Node.js 20 or newer",
    },
    Runtime {
        programs: &["npx"],
        needs: |entry| is_of(entry, Registry::Npm) || is_command(entry, &["npx"]),
        mend: "install npm, which comes with Node.js",
    },
    Runtime {
        programs: &["uv"],
        needs: |entry| is_command(entry, &["uv", "uvx"]),
        mend: "install uv, from docs.astral.sh/uv",
    },
    Runtime {
        programs: &["python3", "python"],
        needs: |entry| {
            is_of(entry, Registry::Pypi) || is_command(entry, &["python3", "python", "uvx"])
        },
        mend: "install Python 3.10 or newer",
    },
];

pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let environment = launch::Options::inherited().environment;
    let runner = launch::ProgramRunner::new(launch::Options {
        environment,
        guard: own_program(),
    });
    let launcher = launchers::to_ask(&scene.here, &scene.loaded.settings).ok();
    // In a box `uvx` means a package, which is installed without uv as well.
    let is_package = |entry: &Entry| {
        is_command(entry, &["uvx"])
            && launcher
                .as_ref()
                .is_some_and(|launcher| launcher.is_boxed(entry))
    };
    RUNTIMES
        .iter()
        .map(|runtime| look(scene, runtime, &is_package, &runner))
        .collect()
}

fn look(
    scene: &Scene,
    runtime: &Runtime,
    is_package: &dyn Fn(&Entry) -> bool,
    runner: &launch::ProgramRunner,
) -> Finding {
    let env = &scene.here.env;
    let name = runtime.programs[0];
    let needing: Vec<&str> = scene
        .entries
        .iter()
        .filter(|entry| (runtime.needs)(entry) && !(name == "uv" && is_package(entry)))
        .map(|entry| entry.name.as_str())
        .collect();
    match runtime
        .programs
        .iter()
        .find_map(|program| on_path(env, program))
    {
        None if needing.is_empty() => {
            Finding::note(CHECK, format!("{name} is not here, and nothing needs it"))
        }
        None => Finding::warning(
            CHECK,
            format!("{name} is not here; needed by {}", needing.join(", ")),
        )
        .mend(runtime.mend),
        Some(path) => {
            let words = [path.display().to_string(), "--version".to_owned()];
            match version(runner, &words, VERSION_WAIT) {
                Ok(version) => {
                    Finding::good(CHECK, format!("{name} {version}, {}", path.display()))
                }
                Err(why) => Finding::warning(
                    CHECK,
                    format!("{} does not tell its version: {why}", path.display()),
                )
                .mend(runtime.mend),
            }
        }
    }
}

fn version(
    runner: &launch::ProgramRunner,
    words: &[String],
    wait: Duration,
) -> Result<String, String> {
    let said = runner
        .run(words, wait, VERSION_BYTES_MAX)
        .map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&said);
    // `v22.1.0`, `uv 0.5.1 (…)`, `Python 3.11.2`.
    let number = |word: &&str| {
        word.trim_start_matches('v')
            .starts_with(|c: char| c.is_ascii_digit())
    };
    let found = said.split_whitespace().find(number);
    found
        .map(|word| word.trim_start_matches('v').to_owned())
        .ok_or_else(|| "it says something else".to_owned())
}

fn is_of(entry: &Entry, wanted: Registry) -> bool {
    matches!(&entry.launch, Launch::Package { registry, .. } if *registry == wanted)
}

fn is_command(entry: &Entry, programs: &[&str]) -> bool {
    matches!(&entry.launch, Launch::Command { command, .. } if programs.contains(&command.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(script: &str, wait: Duration) -> Result<String, String> {
        let runner = launch::ProgramRunner::new(launch::Options::inherited());
        let words = ["/bin/sh", "-c", script].map(str::to_owned);
        version(&runner, &words, wait)
    }

    #[test]
    fn one_that_does_not_tell_its_version_in_time_is_not_waited_for() {
        let late = said("sleep 600", Duration::from_secs(1)).unwrap_err();
        assert!(late.contains("1 s"), "{late}");
        for (script, version) in [
            ("echo v22.1.0", Ok("22.1.0")),
            ("echo 'Python 3.11.2'", Ok("3.11.2")),
            ("echo soon", Err("it says something else")),
        ] {
            let told = said(script, VERSION_WAIT);
            assert_eq!(told.as_deref().map_err(String::as_str), version, "{script}");
        }
    }
}
