//! Programs that are run for what they print, with a guard and without one.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use portolan_launch::{Options, ProgramRunner};
use secrets::{RunError, Runner as _};

const NEVER: Duration = Duration::from_secs(30);
const BYTES_MAX: usize = 1_000;

fn runners() -> [ProgramRunner; 2] {
    let guard: PathBuf = env!("CARGO_BIN_EXE_portolan-guard").into();
    [None, Some(guard)].map(|guard| {
        let mut environment = Options::inherited().environment;
        environment.push(("VAULT_TOKEN".into(), "of-the-person".into()));
        ProgramRunner::new(Options { guard, environment })
    })
}

fn run(runner: &ProgramRunner, words: &[&str], deadline: Duration) -> Result<String, RunError> {
    let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
    let output = runner.run(&words, deadline, BYTES_MAX)?;
    Ok(String::from_utf8(output.to_vec()).unwrap())
}

fn sh(runner: &ProgramRunner, script: &str) -> Result<String, RunError> {
    run(runner, &["sh", "-c", script], NEVER)
}

#[test]
fn what_a_program_prints_is_what_it_tells() {
    for runner in runners() {
        let said = sh(&runner, "printf '%s\\n' \"$VAULT_TOKEN\"; echo chatter >&2");
        assert_eq!(said.unwrap(), "of-the-person\n");
        let said = run(&runner, &["printf", "%s", "a b"], NEVER);
        assert_eq!(said.unwrap(), "a b", "no shell splits words");
        assert_eq!(sh(&runner, "cat").unwrap(), "", "nothing is on stdin");
        let most = sh(&runner, "head -c 1000 /dev/zero | tr '\\0' x").unwrap();
        assert_eq!(most.len(), BYTES_MAX);
    }
}

#[test]
fn one_that_fails_is_told_with_its_last_words() {
    for runner in runners() {
        let error = sh(
            &runner,
            "echo out; printf 'not \\033[1msigned in\\n' >&2; exit 3",
        );
        let error = error.unwrap_err().to_string();
        assert_eq!(error, "it failed (exited with code 3): not signed in");
        let error = run(&runner, &["no-such-program"], NEVER).unwrap_err();
        assert!(
            error.to_string().contains("in no folder of PATH"),
            "{error}"
        );
        let error = run(&runner, &["/etc/passwd"], NEVER).unwrap_err();
        assert!(error.to_string().contains("not an executable"), "{error}");
        assert!(matches!(run(&runner, &[], NEVER), Err(RunError::Start(_))));
    }
}

#[test]
fn one_that_floods_is_ended() {
    for runner in runners() {
        let error = sh(&runner, "yes").unwrap_err();
        assert!(matches!(error, RunError::TooMuch(BYTES_MAX)), "{error}");
        assert_eq!(
            sh(&runner, "yes chatter | head -c 3000000 >&2; echo x").unwrap(),
            "x\n"
        );
    }
}

#[test]
fn one_that_hangs_is_ended_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    for runner in runners() {
        fs::remove_file(&pids).ok();
        let script = format!("sleep 600 & echo $$ $! > {}; wait", pids.display());
        // Long enough for the shell to write them, however slow the machine is; else it is tried again.
        let mut deadline = Duration::from_millis(200);
        let written = loop {
            let error = run(&runner, &["sh", "-c", &script], deadline).unwrap_err();
            assert!(matches!(error, RunError::Deadline(_)), "{error}");
            match fs::read_to_string(&pids) {
                Ok(written) if written.ends_with('\n') => break written,
                _ => deadline *= 2,
            }
        };
        let begun = Instant::now();
        while written
            .split_whitespace()
            .any(|pid| crate::processes::runs(pid.parse().unwrap()))
        {
            assert!(begun.elapsed() < NEVER, "something is left: {written}");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

#[test]
fn one_that_leaves_something_behind_is_not_waited_for() {
    for runner in runners() {
        // What stays behind would hold stdout open for ten minutes.
        assert_eq!(sh(&runner, "sleep 600 & echo told").unwrap(), "told\n");
    }
}
