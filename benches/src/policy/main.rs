//! `cargo run --release -p portolan-benches --bin policy-cost`: what rules cost a call, decision by decision, with no gateway
//! around them.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "results to stdout, warnings to stderr"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use gateway::{AllowAll, Decider, Rules};
use policy::{Asked, Decision, Era, Facts, Hints, Policy, Rule, ServerFacts};

/// Rounds of which the best counts, and decisions in each.
const ROUNDS: usize = 40;
const DECISIONS: u32 = 2_000;

fn main() {
    if cfg!(debug_assertions) {
        eprintln!("warning: times of a debug build mean nothing; use cargo run --release");
    }
    let large = format!(
        r#"{{"path":"/home/me/notes.md","content":"{}"}}"#,
        "x".repeat(64 << 10)
    );
    let small = r#"{"path":"/home/me/notes.md","content":"one line","mode":"append"}"#;
    println!("| rules | arguments | µs |\n| --- | --- | --: |");
    let none = best(&AllowAll, small);
    row("none", "small", none);
    for (what, rules) in [
        ("10 by name", names(10)),
        ("100 by name", names(100)),
        ("10, one reads an argument", with_conditions(10, 1)),
        ("10, three read arguments", with_conditions(10, 3)),
        ("100, ten read arguments", with_conditions(100, 10)),
    ] {
        let policy = Policy::new(Decision::Allow, rules).expect("the rules are right");
        let rules = Rules::new(policy);
        row(what, "small", best(&rules, small));
        row(what, "64 kB", best(&rules, &large));
    }
}

fn row(what: &str, arguments: &str, took: Duration) {
    println!("| {what} | {arguments} | {:.3} |", took.as_secs_f64() * 1e6);
}

/// The time of one decision, by a decider that is asked as the pipeline asks it.
fn best(decider: &dyn Decider, arguments: &str) -> Duration {
    let server = ServerFacts {
        name: "filesystem".into(),
        kind: "command".into(),
        source: "npx".into(),
        catalog: "own".into(),
        transport: "stdio".into(),
    };
    let once = || {
        if !decider.is_needed() {
            return;
        }
        let facts = Facts {
            caller: "local",
            client: Some("claude/1.0"),
            server: &server,
            asked: Asked::Tool {
                name: "write_file",
                hints: Hints::default(),
                arguments: Some(black_box(arguments)),
            },
            era: Era::Handshake,
            now_s: Some(1_700_000_000),
        };
        black_box(decider.decide(&facts));
    };
    let rounds = (0..ROUNDS).map(|_| {
        let begun = Instant::now();
        (0..DECISIONS).for_each(|_| once());
        begun.elapsed() / DECISIONS
    });
    rounds.min().unwrap_or_default()
}

/// Rules of which none applies, so that all are looked at.
fn names(count: usize) -> Vec<Rule> {
    let rule = |n: usize| Rule {
        name: format!("rule {n}"),
        server: vec![format!("server-{n}"), "git*".into()],
        tool: vec!["delete_*".into(), "drop_*".into()],
        ..Rule::default()
    };
    (0..count).map(rule).collect()
}

fn with_conditions(count: usize, conditions: usize) -> Vec<Rule> {
    let condition = |n: usize| Rule {
        name: format!("condition {n}"),
        server: vec!["file*".into()],
        tool: vec!["write_*".into()],
        when: Some(format!(
            r#"has(arguments.path) && arguments.path.startsWith("/etc/{n}")"#
        )),
        ..Rule::default()
    };
    let mut rules = names(count - conditions);
    rules.extend((0..conditions).map(condition));
    rules
}
