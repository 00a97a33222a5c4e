//! `cargo run --release -p portolan-benches --bin search-quality -- FOLDER`: what the search finds, and how fast.
//!
//! Owns the order of a run and how it is told. `sets.rs` reads the requests and what they should find, `measures.rs` says how
//! good an answer is, `speed.rs` enlarges a corpus and takes times. Needs nothing of the gateway.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "results to stdout, errors to stderr"
)]

mod measures;
mod sets;
mod speed;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use search::Index;

use crate::measures::{Measures, measure};
use crate::sets::{Set, half};

/// Measures what the search finds for requests whose answers are known, and how fast it is.
#[derive(Debug, Parser)]
#[command(name = "search-quality", version)]
struct Options {
    /// Folder with one folder a set, each with corpus.jsonl and queries.dev.jsonl
    folder: PathBuf,
    /// Also measure times over this corpus, enlarged to 2,000 servers and 20,000 tools
    #[arg(long, value_name = "CORPUS")]
    speed: Option<PathBuf>,
    /// Also print each request whose answers are not all among the first five
    #[arg(long)]
    missed: bool,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    if cfg!(debug_assertions) {
        eprintln!("warning: times of a debug build mean nothing; use cargo run --release");
    }
    let sets = sets::read(&options.folder)?;
    println!(
        "| set | requests | number | R@1 | R@5 | R@10 | MRR | nDCG@10 | p50 ms |\n\
         | --- | --- | --: | --: | --: | --: | --: | --: | --: |"
    );
    for set in &sets {
        quality(set, options.missed);
    }
    if let Some(corpus) = &options.speed {
        let requests: Vec<&str> = sets
            .iter()
            .flat_map(|set| &set.requests)
            .map(|request| request.query.as_str())
            .collect();
        println!("\n{}", speed::measure(sets::corpus(corpus)?, &requests)?);
    }
    Ok(())
}

/// One row for all requests of a set, one for each half of them, one for each kind.
fn quality(set: &Set, missed: bool) {
    let index = Index::build(set.documents.iter().cloned());
    let mut rows: BTreeMap<(u8, String), Measures> = BTreeMap::new();
    for request in &set.requests {
        let started = Instant::now();
        let found = index.search(&request.query, 10, |_| true);
        let took = started.elapsed();
        let names: Vec<&str> = found.hits.iter().map(|hit| hit.name.as_str()).collect();
        let measured = measure(request, &names);
        if missed && measured.recall[1] < 1.0 {
            println!(
                "missed: {:?}: wanted {:?}, found {names:?}",
                request.query, request.need
            );
        }
        let mut groups = vec![
            (0, "all".to_owned()),
            (2, format!("half {}", half(&request.id))),
        ];
        if let Some(kind) = &request.kind {
            groups.push((3, kind.clone()));
            if set.has_languages() && request.is_english() {
                groups.push((1, "without other languages".to_owned()));
                groups.push((
                    2,
                    format!("half {} without other languages", half(&request.id)),
                ));
            }
        }
        for group in groups {
            rows.entry(group).or_default().add(&measured, took);
        }
    }
    for ((_, group), mut measures) in rows {
        println!("| {} | {group} | {}", set.name, measures.row());
    }
}
