//! `portolan-chaos`: 10,000 calls through a gateway before servers that misbehave and die.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use portolan_testkit::chaos::{self, Options};

const USAGE: &str = "usage: portolan-chaos --gateway PROGRAM --out FOLDER [--seed N] [--rounds N]";

fn main() -> ExitCode {
    match play() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("portolan-chaos: {error}"));
            ExitCode::from(2)
        }
    }
}

fn play() -> Result<bool, Box<dyn std::error::Error>> {
    let (options, out) = options(std::env::args().skip(1))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(chaos::run(&options, say))?;
    std::fs::write(out.join("results.json"), format!("{:#}\n", report.json))?;
    writeln!(std::io::stdout(), "\n{}", report.text)?;
    Ok(report.wrong.is_empty())
}

fn options(
    mut arguments: impl Iterator<Item = String>,
) -> Result<(Options, PathBuf), Box<dyn std::error::Error>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let (mut gateway, mut out) = (None, None);
    let (mut seed, mut rounds) = (u64::from(now.subsec_nanos()), 10);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or(USAGE)?;
        match argument.as_str() {
            "--gateway" => gateway = Some(PathBuf::from(value)),
            "--out" => out = Some(PathBuf::from(value)),
            "--seed" => seed = value.parse()?,
            "--rounds" => rounds = value.parse()?,
            _ => return Err(USAGE.into()),
        }
    }
    let own = std::env::current_exe()?;
    let out = out.ok_or(USAGE)?;
    let options = Options {
        seed,
        rounds,
        gateway: std::path::absolute(gateway.ok_or(USAGE)?)?,
        programs: own.parent().ok_or(USAGE)?.to_owned(),
        log: out.join("gateway.log"),
    };
    Ok((options, out))
}

fn say(text: &str) {
    // With stderr closed there is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "{text}");
}
