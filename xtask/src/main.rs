//! `cargo run -p portolan-xtask -- tidy`: prints what `cargo test` would only fail on. `-- dist` makes the packages of a release.
#![expect(
    clippy::print_stdout,
    reason = "a chore reports to the person who ran it"
)]

use std::process::ExitCode;

use portolan_xtask::{dist, root, tidy};

const USAGE: &str = "\
usage: cargo run -p portolan-xtask -- tidy
       cargo run -p portolan-xtask -- dist [--binary PATH] [--out DIR] [KIND…]";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    match words.next().as_deref() {
        Some("tidy") if words.len() == 0 => {
            let report = tidy::check(&root());
            print!("{report}");
            if report.failures().next().is_some() {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            }
        }
        Some("dist") => match dist::Options::parse(words) {
            Ok(options) => pack(&options),
            Err(message) => wrong(&message),
        },
        _ => wrong("nothing, or nothing that is known, was asked for"),
    }
}

fn pack(options: &dist::Options) -> ExitCode {
    match dist::run(options) {
        Ok(written) => {
            for path in written {
                println!("{}", path.display());
            }
            ExitCode::SUCCESS
        }
        Err(message) => {
            println!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn wrong(message: &str) -> ExitCode {
    println!("{message}\n{USAGE}");
    ExitCode::from(2)
}
