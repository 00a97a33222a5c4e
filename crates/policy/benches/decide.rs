//! `cargo bench -p portolan-policy`: what rules cost a call, decision by decision, with no gateway around them. The budget is 5 µs.

#![expect(clippy::print_stdout, reason = "results")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use portolan_policy::{Asked, Decision, Era, Facts, Hints, Policy, Rule, ServerFacts};

/// Rounds of which the best counts, and about how long each lasts.
const ROUNDS: usize = 40;
const ROUND: Duration = Duration::from_millis(4);

fn main() {
    let (usual, hard) = (usual(), hard());
    head("Usual: within the budget");
    for (what, rules) in [
        ("10 by name", names(10)),
        ("1,000 by name", names(1_000)),
        ("10, one reads an argument", with_conditions(10, 1, PLAIN)),
        ("10, three read arguments", with_conditions(10, 3, PLAIN)),
        ("100, ten read arguments", with_conditions(100, 10, PLAIN)),
        ("100, ten ask for a size", with_conditions(100, 10, SIZE)),
        ("100, ten of many forms", with_conditions(100, 10, FORMS)),
        ("10, three walk over a list", with_conditions(10, 3, WALK)),
        (
            "10, one that is left to the interpreter",
            with_conditions(10, 1, LEFT),
        ),
    ] {
        rows(what, rules, &usual);
    }
    head("Hard on purpose: what it costs");
    for (what, rules) in [
        ("10, three read arguments", with_conditions(10, 3, PLAIN)),
        ("10, one reads all of it", with_conditions(10, 1, WHOLE)),
    ] {
        rows(what, rules, &hard);
    }
    for (what, rules) in [
        ("100, ten walk over a list", with_conditions(100, 10, WALK)),
        (
            "100, ten that are left to the interpreter",
            with_conditions(100, 10, LEFT),
        ),
    ] {
        rows(what, rules, &usual);
    }
}

/// Conditions as most are, and others; `N` is another number in each, and none holds.
const PLAIN: &str = r#"has(arguments.path) && arguments.path.startsWith("/etc/N")"#;
const SIZE: &str = r#"has(arguments.path) && size(arguments.path) > 100N"#;
const FORMS: &str = r#"has(arguments.options.depth) ? arguments.options.depth > 10N : arguments.path in ["/", "/N"] || arguments.?force.orValue(false) && !annotations.readOnlyHint"#;
const WALK: &str = r#"arguments.to.exists(r, r.endsWith("@N.example"))"#;
const LEFT: &str = r#"arguments.to.exists_one(r, r.endsWith("@N.example"))"#;
const WHOLE: &str = r#"arguments.content.contains("rm -rf N")"#;

type Arguments = Vec<(&'static str, String)>;

fn call(content: &str) -> String {
    format!(
        r#"{{"path":"/home/me/notes.md","to":["ann@example.com","bob@example.com","eve@example.org"],"options":{{"depth":2}},"content":{content}}}"#
    )
}

/// As many bytes of a text, again and again, as files have.
fn large(text: &str) -> String {
    let content = text.repeat((64 << 10) / text.len() - 1);
    call(&format!("\"{content}\""))
}

fn usual() -> Arguments {
    vec![
        ("small", call(r#""one line""#)),
        ("64 kB of text", large("x")),
        ("64 kB of code", large(CODE)),
    ]
}

fn hard() -> Arguments {
    let (open, close) = (r#"{"a":"#.repeat(100), "}".repeat(100));
    let deep = format!("{open}1{close},").repeat(100);
    vec![
        ("64 kB of nothing but escapes", large(r#"\n\"\t\\"#)),
        (
            "64 kB of JSON within JSON within JSON",
            large(r#"{\"a\":\"say \\\"hi\\\" to them\"}"#),
        ),
        ("64 kB of other scripts", large("für die 漢字 🦀 ")),
        (
            "64 kB of other scripts, escaped",
            large(r"f\u00fcr \u6f22\u5b57 \ud83e\udd80 "),
        ),
        ("64 kB, 100 deep", call(&format!("[{deep}1]"))),
        (
            "64 kB of numbers",
            call(&format!("[{}1]", "12345,".repeat(10_900))),
        ),
    ]
}

/// What is written into files, as it stands in JSON.
const CODE: &str = r#"    let row = rows.iter().find(|row| row.name == \"total\").ok_or(Error::Missing)?;\n    // the rest is left as it is\n"#;

fn head(title: &str) {
    println!("\n{title}\n\n| rules | arguments | µs |\n| --- | --- | --: |");
}

fn rows(what: &str, rules: Vec<Rule>, arguments: &Arguments) {
    let policy = Policy::new(Decision::Allow, rules).expect("the rules are right");
    for (how, arguments) in arguments {
        let took = best(&policy, arguments).as_secs_f64() * 1e6;
        println!("| {what} | {how} | {took:.3} |");
    }
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
    let take = |decisions: u32| {
        let begun = Instant::now();
        (0..decisions).for_each(|_| once());
        begun.elapsed() / decisions
    };
    let first = take(20).as_nanos().max(1);
    let decisions = u32::try_from(ROUND.as_nanos() / first)
        .unwrap_or(u32::MAX)
        .max(20);
    (0..ROUNDS)
        .map(|_| take(decisions))
        .min()
        .unwrap_or_default()
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
