//! Rules of files: how they are written, in which order they count, and that none is lost silently.

use policy::{Asked, Decision, Facts, Hints, ServerFacts};

use super::*;
use crate::{Env, Loaded, load_text};

fn loaded(text: &str) -> Loaded {
    load_text(text, "config.toml", &Env::default())
}

fn problems(text: &str) -> Vec<(String, usize, usize)> {
    let problems = loaded(text).problems.into_iter();
    problems.map(|p| (p.message, p.line, p.column)).collect()
}

fn decided(policy: &Policy, tool: &str) -> (Decision, Option<String>) {
    let server = ServerFacts {
        name: "github".into(),
        kind: "remote".into(),
        ..ServerFacts::default()
    };
    let facts = Facts {
        caller: "local",
        scopes: None,
        client: None,
        server: &server,
        asked: Asked::Tool {
            name: tool,
            hints: Hints::default(),
            arguments: Some("{}"),
        },
        era: policy::Era::Handshake,
        now_s: None,
    };
    let ruling = policy.decide(&facts);
    (ruling.decision, ruling.rule.map(|rule| rule.name.clone()))
}

#[test]
fn every_part_can_be_written() {
    let loaded = loaded(
        r#"
[policy]
default = "deny"

[[policy.rules]]
name = "everything"
action = ["call"]
caller = ["local"]
client = "*"
catalog = "*"
server = ["git*"]
server_type = "remote"
source = "*"
transport = ["stdio", "sse", "streamable"]
tool = "get_*"
annotations = { readOnlyHint = true, destructiveHint = false }
era = "handshake"
when = 'arguments.path == "x"'
decision = "ask"
reason = "because"
remember = "workspace"

[[policy.rules]]
tool = ["b"]
decision = "allow"
"#,
    );
    assert_eq!(loaded.problems, []);
    let rules: Vec<_> = loaded.policy.rules().collect();
    assert_eq!(rules[0].decision, Decision::Ask(Remember::Workspace));
    assert_eq!((rules[0].source.line, rules[0].annotations.len()), (6, 2));
    assert_eq!(rules[1].name, "rule 2");
    assert_eq!(
        decided(&loaded.policy, "b"),
        (Decision::Allow, Some("rule 2".into()))
    );
    assert_eq!(decided(&loaded.policy, "c"), (Decision::Deny, None));
}

#[test]
fn what_is_wrong_has_a_place_and_stops_everything() {
    for (text, message, at) in [
        ("policy = 1", "`policy` must be a table", (1, 10)),
        (
            "[policy]\ndefalt = \"deny\"",
            "`defalt` means nothing",
            (2, 1),
        ),
        (
            "[policy]\ndefault = \"no\"",
            "`default` must be one of",
            (2, 11),
        ),
        ("[policy]\nrules = 1", "must be a list", (2, 9)),
        ("[[policy.rules]]\ntool = \"x\"", "no `decision`", (2, 1)),
        (
            "[[policy.rules]]\ndecision = \"block\"",
            "`decision` must be one of",
            (2, 12),
        ),
        (
            "[[policy.rules]]\ndecision = \"deny\"\ntools = \"x\"",
            "`tools` means nothing",
            (3, 1),
        ),
        (
            "[[policy.rules]]\ndecision = \"deny\"\ntool = []",
            "`tool` is empty",
            (3, 8),
        ),
        (
            "[[policy.rules]]\ndecision = \"deny\"\ntool = [1]",
            "`tool` must be a text",
            (3, 9),
        ),
        (
            "[[policy.rules]]\ndecision = \"deny\"\nremember = \"once\"",
            "for rules that ask",
            (3, 1),
        ),
        (
            "[[policy.rules]]\ndecision = \"deny\"\nwhen = 'true && foo'",
            "there is no `foo`",
            (3, 17),
        ),
        (
            "[[policy.rules]]\ndecision = \"deny\"\nwhen = \"a\\u0020== 1\"",
            "there is no `a` (at 1:1 of it)",
            (3, 8),
        ),
        (
            "[[policy.rules]]\ndecision = \"deny\"\nserver_type = \"docker\"",
            "`server_type` cannot be",
            (3, 15),
        ),
        (
            "[policy]\nfiles = [\"/nowhere/x.json\"]",
            "cannot read the file",
            (0, 0),
        ),
        ("[policy]\nfiles = \"x\"", "must be a list of names", (2, 9)),
    ] {
        let loaded = loaded(text);
        let problem = loaded
            .problems
            .iter()
            .find(|problem| problem.is_error())
            .unwrap_or_else(|| panic!("{text}: {:?}", loaded.problems));
        assert!(problem.message.contains(message), "{text}: {problem}");
        assert_eq!((problem.line, problem.column), at, "{text}: {problem}");
        assert!(loaded.policy.is_empty() || text.contains("files"), "{text}");
    }
}

#[test]
fn a_rule_that_never_applies_is_a_warning() {
    let text = "[[policy.rules]]\ndecision = \"deny\"\n[[policy.rules]]\ntool = \"x\"\ndecision = \"allow\"";
    let loaded = loaded(text);
    assert!(!loaded.has_errors());
    assert!(problems(text)[0].0.contains("can never apply"));
    assert_eq!(problems(text)[0].1, 4);
}

#[test]
fn dockers_rules_are_recognised_and_the_strictest_default_counts() {
    let mut written = Written::default();
    written.docker(
        r#"{"default":"deny","rules":[{"action":"invoke","tools":["get_*"],"allow":true}]}"#,
        "docker.json",
        Layer::Flag,
    );
    written.stricter(Decision::Allow);
    let (policy, problems, _) = written.finish();
    assert_eq!(problems, []);
    assert_eq!(decided(&policy, "get_me").0, Decision::Allow);
    assert_eq!(decided(&policy, "x").0, Decision::Deny);
    // As --config reads it.
    let loaded = loaded(r#"{"version":1,"default":"deny","rules":[]}"#);
    assert_eq!(
        (loaded.problems.len(), loaded.policy.default_decision()),
        (0, Decision::Deny)
    );
    let broken = self::loaded(r#"{"default":"deny","rules":[{"x":1}]}"#);
    assert!(broken.has_errors());
}

#[test]
fn files_come_in_their_order_and_a_project_can_only_narrow() {
    let read = |written: &mut Written, text: &str, layer| {
        let doc = crate::toml_file::read(text, "f.toml").unwrap();
        let (_, node) = doc
            .root
            .table()
            .unwrap()
            .iter()
            .find(|(key, _)| key.name == "policy")
            .unwrap();
        written.section(&doc, node, layer, None);
    };
    let rule = |name: &str, decision: &str| {
        format!("[[policy.rules]]\nname = \"{name}\"\ndecision = \"{decision}\"\n")
    };
    let mut written = Written::default();
    read(&mut written, &rule("user", "allow"), Layer::User);
    read(&mut written, &rule("flag", "allow"), Layer::Flag);
    read(
        &mut written,
        &(rule("project allows", "allow") + &rule("project asks", "ask")),
        Layer::Project,
    );
    read(&mut written, &rule("system", "deny"), Layer::System);
    let (policy, problems, _) = written.finish();
    let names: Vec<_> = policy.rules().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["system", "project asks", "flag", "user"]);
    assert!(
        problems[0].message.contains("can only narrow"),
        "{problems:?}"
    );
}
