//! The worker alone, for tests: the shipped program has it as a hidden command.

use std::process::ExitCode;

fn main() -> ExitCode {
    portolan_codemode::worker::main()
}
