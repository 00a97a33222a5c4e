//! The guard alone, for tests: the shipped program has it as a hidden command.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|command| command == "__guard") {
        return guard(args);
    }
    ExitCode::from(2)
}

#[cfg(target_os = "linux")]
fn guard(args: impl Iterator<Item = std::ffi::OsString>) -> ExitCode {
    portolan_launch::guard::main(args)
}

#[cfg(not(target_os = "linux"))]
fn guard(_: impl Iterator<Item = std::ffi::OsString>) -> ExitCode {
    ExitCode::from(2)
}
