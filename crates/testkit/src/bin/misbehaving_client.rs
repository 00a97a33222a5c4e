//! `portolan-misbehaving-client`: a client with a habit, of a gateway over HTTP or over stdio.

use std::io::Write;
use std::process::ExitCode;

use portolan_testkit::misbehaving::clients::{self, CLIENT_HABITS, Tongue};
use serde_json::{Value, json};

const USAGE: &str = "usage: portolan-misbehaving-client (HABIT|all) (--http HOST:PORT | --stdio PROGRAM ARGUMENT...)\n       \
     portolan-misbehaving-client --list";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--list") {
        return list();
    }
    match play(&arguments) {
        Ok(told) => {
            // Whoever does not want to know does not read.
            let _ = writeln!(std::io::stdout(), "{told}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "portolan-misbehaving-client: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Plays the habit in both eras.
fn play(arguments: &[String]) -> Result<Value, Box<dyn std::error::Error>> {
    let [name, front, target @ ..] = arguments else {
        return Err(USAGE.into());
    };
    let is_http = match front.as_str() {
        "--http" => true,
        "--stdio" => false,
        _ => return Err(USAGE.into()),
    };
    let chosen: Vec<_> = CLIENT_HABITS
        .iter()
        .filter(|habit| habit.name == name || name == "all")
        .filter(|habit| {
            if is_http {
                habit.over.http()
            } else {
                habit.over.stdio()
            }
        })
        .collect();
    if chosen.is_empty() {
        return Err(format!("there is no habit {name:?} over this front; see --list").into());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut told = json!({});
    for habit in chosen {
        for is_stateless in [false, true] {
            let tongue = Tongue { is_stateless };
            let era = if is_stateless {
                "stateless"
            } else {
                "handshake"
            };
            told[habit.name][era] = if is_http {
                let address = target.first().ok_or(USAGE)?.parse()?;
                json!(runtime.block_on(clients::play_http(habit, address, tongue))?)
            } else {
                let (answered, ended) =
                    runtime.block_on(clients::play_stdio(habit, target, tongue))?;
                json!({"answered": answered, "ended": ended})
            };
        }
    }
    Ok(told)
}

fn list() -> ExitCode {
    let mut output = std::io::stdout().lock();
    for habit in CLIENT_HABITS {
        // Whoever reads only the beginning has what they want.
        let _ = writeln!(
            output,
            "{:<22} {:<5} {}",
            habit.name,
            habit.over.as_str(),
            habit.doc
        );
    }
    ExitCode::SUCCESS
}
