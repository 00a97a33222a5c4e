//! The portolan command. Read `command.rs` for what it can do, `error.rs` for how it fails, and `ui.rs` for
//! how it speaks.

mod admin;
mod applications;
mod arguments;
mod artifacts;
mod browser;
mod callers;
mod catalogs;
mod choice;
mod cli;
mod command;
#[cfg(target_os = "linux")]
mod containers;
mod content;
mod crash;
mod demo_server;
mod enabled;
mod engine;
mod entry;
mod error;
mod format;
mod grants;
mod images;
mod interceptors;
mod launchers;
mod limits;
mod load;
mod local;
mod log;
mod own_catalogs;
mod passphrase;
mod person;
mod plugin;
mod profiles;
mod programs;
mod prompt;
#[cfg(target_os = "linux")]
mod pulls;
mod query;
mod queue;
mod records;
mod running;
#[cfg(target_os = "linux")]
mod scripts;
mod server_config;
mod server_uri;
mod shared;
mod sign_ins;
mod surroundings;
mod switches;
mod templates;
mod tool;
mod ui;

use std::process::ExitCode;

fn main() -> ExitCode {
    // The process that stands between us and a server: there is one per server, so it stays small.
    #[cfg(target_os = "linux")]
    {
        let mut words = std::env::args_os().skip(1);
        let first = words.next();
        if first.as_ref().is_some_and(|word| word == "__guard") {
            return launch::guard::main(words);
        }
        // The process of which those are copies that scripts run in.
        if first.is_some_and(|word| word == scripts::WORKER) {
            return scripts::worker();
        }
    }
    entry::main()
}
