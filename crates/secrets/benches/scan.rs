//! `cargo bench -p portolan-secrets`: how long it takes to look through an answer for secrets, guesses included. The budget is a
//! millisecond for 64 kB.

#![expect(clippy::print_stdout, reason = "results")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use portolan_secrets::{Depth, scan};

/// Rounds of which the best counts.
const ROUNDS: usize = 40;

fn main() {
    println!("| looked through for secrets | bytes | µs |\n| --- | --: | --: |");
    for (what, text) in [
        ("a short answer", answer(200)),
        ("an answer of text", answer(64 << 10)),
        ("an answer of code and settings", settings(64 << 10)),
        ("an answer full of names that tell", telling(64 << 10)),
    ] {
        let took = best(text.as_bytes());
        println!(
            "| {what} | {} | {:.1} |",
            text.len(),
            took.as_secs_f64() * 1e6
        );
    }
}

/// The time of one look.
fn best(text: &[u8]) -> Duration {
    let looks = (2_000_000 / text.len().max(1)).clamp(10, 2_000) as u32;
    let rounds = (0..ROUNDS).map(|_| {
        let begun = Instant::now();
        for _ in 0..looks {
            black_box(scan(black_box(text), Depth::Guess));
        }
        begun.elapsed() / looks
    });
    rounds.min().unwrap_or_default()
}

/// Prose, as a tool answers it.
fn answer(bytes: usize) -> String {
    repeated(
        bytes,
        r#"The repository has 12 open issues; the oldest of them, 482 (opened 2026-01-07), says: \"Path names with spaces are cut\".\n"#,
    )
}

/// What stands in projects.
fn settings(bytes: usize) -> String {
    repeated(
        bytes,
        r#"export const config = { url: \"https://api.example.com/v1\", retries: 3, sha: \"9f86d081884c7d659a2feaa0c55ad015\", name: 'main' };\n"#,
    )
}

/// The worst for guesses: each of them has to be weighed.
fn telling(bytes: usize) -> String {
    repeated(
        bytes,
        r#"password: correct-horse-battery-staple, api_key=YOUR_KEY_GOES_HERE_1234, access_token: \"123e4567-e89b-12d3-a456-426614174000\"\n"#,
    )
}

fn repeated(bytes: usize, line: &str) -> String {
    let text: String = line.chars().cycle().take(bytes).collect();
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"result":{{"content":[{{"type":"text","text":"{text}"}}]}}}}"#
    )
}
