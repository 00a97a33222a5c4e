//! `cargo run -p portolan-benches --bin token-bench`: what tools cost in a model's context, and what dynamic tools save.
//!
//! Owns the order of a run and how it is told. `world.rs` is a gateway in this process with servers in memory, `servers.rs`
//! what these offer, `session.rs` the conversations that are counted, `count.rs` the vocabulary, `golden.rs` the requests over
//! the built-in catalog, `tasks.rs` twelve tasks with and without scripts. No model, no clock, no network: the same program prints the same numbers.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "results to stdout, errors to stderr"
)]

mod count;
mod golden;
mod servers;
mod session;
mod table;
mod tasks;
#[cfg(test)]
mod tests;
mod world;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Counts the tokens of menus, replies and whole conversations, with the servers' tools listed and with dynamic tools.
#[derive(Debug, Parser)]
#[command(name = "token-bench", version)]
struct Options {
    /// Servers from this corpus (a line of JSON each: name, description, tools) in place of our own
    #[arg(long, value_name = "CORPUS")]
    corpus: Option<PathBuf>,
    /// Also print the requests over the built-in catalog whose answer is not first, of this half (A or B)
    #[arg(long, value_name = "HALF")]
    missed: Option<char>,
    /// Only the twelve tasks with and without scripts; fails if a script gives something else than it should, or costs more
    #[arg(long)]
    tasks: bool,
}

fn main() -> ExitCode {
    if std::env::args()
        .nth(1)
        .is_some_and(|word| word == world::WORKER)
    {
        return codemode::worker::main();
    }
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    if options.tasks {
        let (table, wrong) = world::run(tasks::play())?;
        println!("{table}");
        return match wrong.is_empty() {
            true => Ok(()),
            false => Err(wrong.join("\n").into()),
        };
    }
    let servers = match &options.corpus {
        Some(file) => servers::of_corpus(file)?,
        None => servers::own(),
    };
    world::run(async {
        let golden = golden::Golden::ask().await?;
        println!("{}", golden.quality());
        if let Some(half) = options.missed {
            println!("{}", golden.missed(half));
        }
        println!("{}", golden.sizes());
        println!("{}", table::tables(&servers).await?);
        println!("{}", tasks::play().await?.0);
        Ok(())
    })
}
