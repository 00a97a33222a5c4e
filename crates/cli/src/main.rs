//! The portolan command. Read `command.rs` for what it can do, `error.rs` for how it fails, and `ui.rs` for
//! how it speaks.

mod admin;
mod arguments;
mod choice;
mod cli;
mod command;
mod content;
mod demo_server;
mod engine;
mod entry;
mod error;
mod format;
mod limits;
mod local;
mod log;
mod running;
mod surroundings;
mod tool;
mod ui;

use std::process::ExitCode;

fn main() -> ExitCode {
    entry::main()
}
