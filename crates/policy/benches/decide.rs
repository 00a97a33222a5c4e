//! `cargo bench -p portolan-policy`: what rules cost a call, decision by decision, with no gateway around them. The budget is 5 µs.

#![expect(clippy::print_stdout, reason = "results")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use portolan_policy::{Asked, Decision, Era, Facts, Hints, Policy, Rule, ServerFacts};

/// Rounds of which the best counts, and decisions in each.
const ROUNDS: usize = 40;
const DECISIONS: u32 = 2_000;

fn main() {
    let content = |text: String| format!(r#"{{"path":"/home/me/notes.md","content":"{text}"}}"#);
    let arguments = [
        ("small", content("one line".to_owned())),
        ("64 kB of text", content("x".repeat(64 << 10))),
        (
            "64 kB of code",
            content(CODE.chars().cycle().take(64 << 10).collect()),
        ),
    ];
    println!("| rules | arguments | µs |\n| --- | --- | --: |");
    for (what, rules) in [
        ("10 by name", names(10)),
        ("100 by name", names(100)),
        ("10, one reads an argument", with_conditions(10, 1, PLAIN)),
        ("10, three read arguments", with_conditions(10, 3, PLAIN)),
        ("100, ten read arguments", with_conditions(100, 10, PLAIN)),
        (
            "10, three that the interpreter is asked",
            with_conditions(10, 3, ASKED),
        ),
        (
            "100, ten that the interpreter is asked",
            with_conditions(100, 10, ASKED),
        ),
    ] {
        let policy = Policy::new(Decision::Allow, rules).expect("the rules are right");
        for (how, arguments) in &arguments {
            row(what, how, best(&policy, arguments));
        }
    }
}

/// Conditions as most are, and others; `N` is another number in each.
const PLAIN: &str = r#"has(arguments.path) && arguments.path.startsWith("/etc/N")"#;
const ASKED: &str = r#"has(arguments.path) && size(arguments.path) > 100N"#;

/// What is written into files, as it stands in JSON.
const CODE: &str = r#"    let row = rows.iter().find(|row| row.name == \"total\").ok_or(Error::Missing)?;\n    // the rest is left as it is\n"#;

fn row(what: &str, arguments: &str, took: Duration) {
    println!("| {what} | {arguments} | {:.3} |", took.as_secs_f64() * 1e6);
}

/// The time of one decision.
fn best(policy: &Policy, arguments: &str) -> Duration {
    let server = ServerFacts {
        name: "filesystem".into(),
        kind: "command".into(),
        source: "npx".into(),
        catalog: "own".into(),
        transport: "stdio".into(),
    };
    let once = || {
        let facts = Facts {
            caller: "local",
            scopes: None,
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
        black_box(policy.decide(&facts));
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

fn with_conditions(count: usize, conditions: usize, when: &str) -> Vec<Rule> {
    let condition = |n: usize| Rule {
        name: format!("condition {n}"),
        server: vec!["file*".into()],
        tool: vec!["write_*".into()],
        when: Some(when.replace('N', &n.to_string())),
        ..Rule::default()
    };
    let mut rules = names(count - conditions);
    rules.extend((0..conditions).map(condition));
    rules
}
