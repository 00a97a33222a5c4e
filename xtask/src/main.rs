//! `cargo run -p portolan-xtask -- tidy`: prints what `cargo test` would only fail on.
#![expect(
    clippy::print_stdout,
    reason = "a chore reports to the person who ran it"
)]

use std::process::ExitCode;

use portolan_xtask::{root, tidy};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("tidy"), None) => {
            let report = tidy::check(&root());
            print!("{report}");
            if report.failures().next().is_some() {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            }
        }
        _ => {
            println!("usage: cargo run -p portolan-xtask -- tidy");
            ExitCode::from(2)
        }
    }
}
