//! The fixture over stdio, word for word: every transcript is a conversation that must go exactly as written.
//!
//! `> ` is a line sent, `< ` a line that must come next, `# ` a comment, `$ ` the arguments of the fixture. Lines that
//! come are compared as JSON, so that only their meaning counts; those that follow one another may come in any order,
//! because nothing says whether a notification overtakes an answer.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};

use serde_json::Value;

#[test]
fn handshake() {
    play(include_str!("transcripts/handshake.txt"));
}

#[test]
fn stateless() {
    play(include_str!("transcripts/stateless.txt"));
}

#[test]
fn eras_can_be_refused() {
    play(include_str!("transcripts/handshake-only.txt"));
    play(include_str!("transcripts/stateless-only.txt"));
}

#[test]
fn questions() {
    play(include_str!("transcripts/questions.txt"));
}

#[test]
fn lists_come_in_pages() {
    play(include_str!("transcripts/pages.txt"));
}

fn play(transcript: &str) {
    let arguments = transcript
        .lines()
        .find_map(|line| line.strip_prefix("$ "))
        .unwrap_or_default();
    let mut child = Ended(start(arguments));
    let mut input = child.0.stdin.take().unwrap();
    let mut output = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let mut lines = transcript.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(sent) = line.strip_prefix("> ") {
            writeln!(input, "{sent}").unwrap();
        }
        let mut expected: Vec<Value> = Vec::new();
        while let Some(line) = lines.next_if(|line| line.starts_with("< ")) {
            expected.push(serde_json::from_str(&line[2..]).unwrap());
        }
        while !expected.is_empty() {
            let came = output
                .next()
                .unwrap_or_else(|| panic!("after {line}: nothing came"))
                .unwrap();
            let came: Value = serde_json::from_str(&came).unwrap();
            let place = expected.iter().position(|expected| *expected == came);
            let place =
                place.unwrap_or_else(|| panic!("after {line}: came {came}, not {expected:?}"));
            expected.remove(place);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "what is tested is the program, from outside"
)]
fn start(arguments: &str) -> Child {
    std::process::Command::new(env!("CARGO_BIN_EXE_portolan-fixture"))
        .arg("--stdio")
        .args(arguments.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// A child that does not outlive its test, however that ends.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
