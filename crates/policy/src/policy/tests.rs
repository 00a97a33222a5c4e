//! Which rule decides, what can come of what is not asked yet, and that both agree.

use proptest::prelude::*;

use super::*;
use crate::facts::{Era, Hints, ServerFacts};
use crate::rule::Remember;

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|one| (*one).to_owned()).collect()
}

fn rule(name: &str, decision: Decision) -> Rule {
    Rule {
        name: name.into(),
        decision,
        ..Rule::default()
    }
}

fn github() -> ServerFacts {
    ServerFacts {
        name: "github".into(),
        kind: "remote".into(),
        source: "https://api.github.example/mcp".into(),
        catalog: "built-in".into(),
        transport: "streamable".into(),
    }
}

fn facts<'a>(server: &'a ServerFacts, asked: Asked<'a>) -> Facts<'a> {
    Facts {
        caller: "local",
        scopes: None,
        client: Some("claude/1"),
        server,
        asked,
        era: Era::Handshake,
        now_s: Some(0),
    }
}

fn call<'a>(name: &'a str, arguments: &'a str) -> Asked<'a> {
    Asked::Tool {
        name,
        hints: Hints::default(),
        arguments: Some(arguments),
    }
}

fn listed(name: &str) -> Asked<'_> {
    Asked::Tool {
        name,
        hints: Hints::default(),
        arguments: None,
    }
}

fn policy(default: Decision, rules: Vec<Rule>) -> Policy {
    Policy::new(default, rules).unwrap()
}

#[test]
fn the_first_rule_that_applies_decides() {
    let policy = policy(
        Decision::Allow,
        vec![
            Rule {
                tool: texts(&["get_*"]),
                ..rule("reads", Decision::Allow)
            },
            Rule {
                server: texts(&["git*"]),
                ..rule("rest", Decision::Deny)
            },
            Rule {
                tool: texts(&["x"]),
                ..rule("late", Decision::Ask(Remember::Once))
            },
        ],
    );
    let server = github();
    let decided = |tool: &str| {
        let ruling = policy.decide(&facts(&server, call(tool, "{}")));
        (ruling.decision, ruling.rule.map(|rule| rule.name.clone()))
    };
    assert_eq!(decided("get_me"), (Decision::Allow, Some("reads".into())));
    assert_eq!(decided("x"), (Decision::Deny, Some("rest".into())));
    let other = ServerFacts {
        name: "time".into(),
        ..github()
    };
    let ruling = policy.decide(&facts(&other, call("y", "{}")));
    assert_eq!((ruling.decision, ruling.rule), (Decision::Allow, None));
    let (_, steps) = policy.explain(&facts(&server, call("x", "{}")));
    let verdicts: Vec<_> = steps.into_iter().map(|step| step.verdict).collect();
    assert_eq!(verdicts, [Verdict::Not("tool"), Verdict::Applies]);
}

#[test]
fn each_part_must_fit() {
    let server = github();
    let hints = Hints {
        read_only: true,
        ..Hints::default()
    };
    let asked = Asked::Tool {
        name: "get_me",
        hints,
        arguments: Some("{}"),
    };
    let facts = facts(&server, asked);
    let applies = |rule: Rule| {
        let policy = policy(Decision::Allow, vec![rule]);
        policy.decide(&facts).rule.is_some()
    };
    let base = || rule("r", Decision::Deny);
    for (is_fit, rule) in [
        (
            true,
            Rule {
                caller: texts(&["LOCAL"]),
                ..base()
            },
        ),
        (
            false,
            Rule {
                caller: texts(&["ci"]),
                ..base()
            },
        ),
        (
            true,
            Rule {
                client: texts(&["claude"]),
                ..base()
            },
        ),
        (
            true,
            Rule {
                client: texts(&["claude/1"]),
                ..base()
            },
        ),
        (
            false,
            Rule {
                client: texts(&["claude/2"]),
                ..base()
            },
        ),
        (
            true,
            Rule {
                catalog: texts(&["built-in"]),
                ..base()
            },
        ),
        (
            false,
            Rule {
                catalog: texts(&["own"]),
                ..base()
            },
        ),
        (
            true,
            Rule {
                server: texts(&["a", "git???"]),
                ..base()
            },
        ),
        (
            true,
            Rule {
                server_type: texts(&["remote"]),
                ..base()
            },
        ),
        (
            false,
            Rule {
                server_type: texts(&["container"]),
                ..base()
            },
        ),
        (
            true,
            Rule {
                server_source: texts(&["https://*.github.example/*"]),
                ..base()
            },
        ),
        (
            false,
            Rule {
                server_source: texts(&["http://*"]),
                ..base()
            },
        ),
        (
            true,
            Rule {
                transport: texts(&["sse", "streamable"]),
                ..base()
            },
        ),
        (
            false,
            Rule {
                transport: texts(&["sse"]),
                ..base()
            },
        ),
        (
            true,
            Rule {
                annotations: vec![("readOnlyHint".into(), true)],
                ..base()
            },
        ),
        (
            false,
            Rule {
                annotations: vec![("destructiveHint".into(), false)],
                ..base()
            },
        ),
        (
            true,
            Rule {
                era: Some(Era::Handshake),
                ..base()
            },
        ),
        (
            false,
            Rule {
                era: Some(Era::Stateless),
                ..base()
            },
        ),
        (
            true,
            Rule {
                when: Some("tool == \"get_me\"".into()),
                ..base()
            },
        ),
        (
            false,
            Rule {
                when: Some("false".into()),
                ..base()
            },
        ),
        (
            false,
            Rule {
                prompt: texts(&["*"]),
                ..base()
            },
        ),
        (
            false,
            Rule {
                actions: Some(texts(&["load", "prompt"])),
                ..base()
            },
        ),
        (
            true,
            Rule {
                actions: Some(texts(&["call"])),
                ..base()
            },
        ),
    ] {
        assert_eq!(applies(rule.clone()), is_fit, "{rule:?}");
    }
}

#[test]
fn a_profile_has_rules_of_its_own() {
    let server = github();
    let rules = vec![
        Rule {
            profile: texts(&["work*"]),
            ..rule("at work", Decision::Deny)
        },
        Rule {
            server: texts(&["github"]),
            ..rule("always", Decision::Ask(Remember::Once))
        },
    ];
    let all = policy(Decision::Allow, rules);
    let decided = |profile| {
        let policy = all.of_profile(profile);
        let ruling = policy.decide(&facts(&server, call("x", "{}")));
        ruling.rule.map(|rule| rule.name.clone())
    };
    assert_eq!(decided(Some("work-1")).as_deref(), Some("at work"));
    assert_eq!(decided(Some("home")).as_deref(), Some("always"));
    assert_eq!(decided(None).as_deref(), Some("always"));
    let wrong = Rule {
        profile: texts(&[""]),
        ..rule("w", Decision::Deny)
    };
    assert_eq!(
        Policy::new(Decision::Allow, vec![wrong]).unwrap_err()[0].part,
        "profile"
    );
}

#[test]
fn what_cannot_be_told_counts_against_the_call() {
    let server = github();
    let when = Some("arguments.path == \"/x\"".to_owned());
    let of = |decision| {
        let rule = Rule {
            when: when.clone(),
            ..rule("r", decision)
        };
        let default = match decision {
            Decision::Allow => Decision::Deny,
            _ => Decision::Allow,
        };
        let policy = policy(default, vec![rule]);
        let ruling = policy.decide(&facts(&server, call("x", "{}")));
        (ruling.decision, ruling.failed.is_some())
    };
    assert_eq!(of(Decision::Deny), (Decision::Deny, true));
    assert_eq!(
        of(Decision::Ask(Remember::Once)),
        (Decision::Ask(Remember::Once), true)
    );
    assert_eq!(of(Decision::Allow), (Decision::Deny, false));
}

#[test]
fn a_tool_is_closed_only_if_nothing_else_can_come_of_it() {
    let server = github();
    let is_closed = |default, rules| {
        matches!(
            policy(default, rules).outlook(&Facts {
                client: None,
                now_s: None,
                ..facts(&server, listed("delete_x"))
            }),
            Outlook::Closed(_)
        )
    };
    let deny = |when: Option<&str>| Rule {
        tool: texts(&["delete_*"]),
        when: when.map(str::to_owned),
        ..rule("d", Decision::Deny)
    };
    assert!(is_closed(Decision::Allow, vec![deny(None)]));
    assert!(is_closed(
        Decision::Allow,
        vec![deny(Some("server.name == \"github\""))]
    ));
    for when in [
        "arguments.force == true",
        "time.hour < 8",
        "client == \"x\"",
        "false",
    ] {
        assert!(
            !is_closed(Decision::Allow, vec![deny(Some(when))]),
            "{when}"
        );
        assert!(is_closed(Decision::Deny, vec![deny(Some(when))]), "{when}");
    }
    let of_client = Rule {
        client: texts(&["x"]),
        ..deny(None)
    };
    assert!(!is_closed(Decision::Allow, vec![of_client]));
    let ask = Rule {
        tool: texts(&["*"]),
        ..rule("a", Decision::Ask(Remember::Once))
    };
    assert!(!is_closed(Decision::Deny, vec![ask.clone(), deny(None)]));
    assert!(is_closed(Decision::Allow, vec![deny(None), ask]));
}

#[test]
fn a_server_is_closed_only_if_nothing_of_it_is_allowed() {
    let server = github();
    let is_closed = |default, rules| {
        matches!(
            policy(default, rules).outlook(&facts(&server, Asked::Load)),
            Outlook::Closed(_)
        )
    };
    let allow = Rule {
        tool: texts(&["get_*"]),
        ..rule("a", Decision::Allow)
    };
    let deny = Rule {
        server: texts(&["github"]),
        ..rule("d", Decision::Deny)
    };
    assert!(!is_closed(Decision::Deny, vec![allow.clone()]));
    assert!(!is_closed(
        Decision::Allow,
        vec![allow.clone(), deny.clone()]
    ));
    assert!(is_closed(Decision::Allow, vec![deny, allow.clone()]));
    let elsewhere = Rule {
        server: texts(&["time"]),
        ..allow.clone()
    };
    assert!(is_closed(Decision::Deny, vec![elsewhere]));
    // Docker wants it said.
    assert!(is_closed(
        Decision::Deny,
        vec![Rule {
            is_strict: true,
            ..allow
        }]
    ));
    assert!(is_closed(Decision::Deny, vec![]) && !is_closed(Decision::Allow, vec![]));
}

#[test]
fn what_a_token_is_good_for_counts_with_the_call_alone() {
    let server = github();
    let admins = Rule {
        tool: texts(&["delete_*"]),
        when: Some("!(\"admin\" in scopes)".into()),
        ..rule("admins delete", Decision::Deny)
    };
    let policy = policy(Decision::Allow, vec![admins]);
    let decided = |scopes| {
        let asked = facts(&server, call("delete_repo", "{}"));
        policy.decide(&Facts { scopes, ..asked }).decision
    };
    assert_eq!(decided(Some("read admin")), Decision::Allow);
    assert_eq!(decided(Some("read administration")), Decision::Deny);
    assert_eq!(decided(None), Decision::Deny);
    // A better token may come with the next request.
    let listed = facts(&server, listed("delete_repo"));
    assert_eq!(policy.outlook(&listed), Outlook::Open);
}

#[test]
fn what_is_wrong_is_told_all_at_once() {
    let errors = Policy::new(
        Decision::Allow,
        vec![
            Rule {
                server_type: texts(&["docker"]),
                when: Some("tol".into()),
                ..rule("a", Decision::Deny)
            },
            rule("fine", Decision::Deny),
            Rule {
                server: texts(&[""]),
                annotations: vec![("readonly".into(), true)],
                ..rule("b", Decision::Deny)
            },
            Rule {
                tool: texts(&["x"]),
                actions: Some(texts(&["load", "run"])),
                ..rule("c", Decision::Deny)
            },
        ],
    )
    .unwrap_err();
    let told: Vec<_> = errors.iter().map(|e| (e.rule, e.part)).collect();
    assert_eq!(
        told,
        [
            (Some(0), "server_type"),
            (Some(0), "when"),
            (Some(2), "server"),
            (Some(2), "annotations"),
            (Some(3), "action"),
            (Some(3), "tool"),
        ]
    );
    assert_eq!(errors[1].hint.as_deref(), Some("did you mean `tool`?"));
    let many = vec![rule("r", Decision::Deny); RULES_MAX + 1];
    assert!(
        Policy::new(Decision::Allow, many).unwrap_err()[0]
            .message
            .contains("more than 1000")
    );
    let long = Rule {
        server: vec!["x".repeat(600)],
        tool: vec!["x".into(); 300],
        ..rule("l", Decision::Deny)
    };
    assert_eq!(
        Policy::new(Decision::Allow, vec![long]).unwrap_err().len(),
        2
    );
}

#[test]
fn rules_that_never_apply_are_told() {
    let warned = |rules: Vec<Rule>| {
        let policy = policy(Decision::Allow, rules);
        policy
            .warnings()
            .iter()
            .map(|(at, _)| *at)
            .collect::<Vec<_>>()
    };
    let wide = Rule {
        server: texts(&["git*"]),
        ..rule("wide", Decision::Deny)
    };
    let narrow = Rule {
        server: texts(&["github"]),
        tool: texts(&["x"]),
        ..rule("narrow", Decision::Allow)
    };
    assert_eq!(warned(vec![wide.clone(), narrow.clone()]), [1]);
    assert_eq!(warned(vec![narrow.clone(), wide.clone()]), [0usize; 0]);
    let conditional = Rule {
        when: Some("caller == \"x\"".into()),
        ..wide
    };
    assert_eq!(warned(vec![conditional, narrow]), [0usize; 0]);
    let surprising = Rule {
        when: Some("arguments.path == \"/\"".into()),
        ..rule("s", Decision::Deny)
    };
    assert_eq!(warned(vec![surprising]), [0]);
    let policy = policy(Decision::Deny, vec![rule("all", Decision::Deny)]);
    assert!(
        policy
            .warnings()
            .iter()
            .any(|(_, text)| text.contains("nothing is allowed"))
    );
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let names = || prop::collection::vec(prop::sample::select(vec!["*", "a", "b", "a*"]), 0..2);
    let decision = prop::sample::select(vec![
        Decision::Allow,
        Decision::Deny,
        Decision::Ask(Remember::Once),
    ]);
    let when = prop::sample::select(vec![
        None,
        Some("arguments.x == 1"),
        Some("time.hour > 3"),
        Some("tool == \"a\""),
        Some("has(arguments.x)"),
        Some("\"x\" in scopes"),
    ]);
    (names(), names(), names(), decision, when).prop_map(
        |(server, tool, client, decision, when)| Rule {
            server: texts(&server),
            tool: texts(&tool),
            client: texts(&client),
            when: when.map(str::to_owned),
            ..rule("r", decision)
        },
    )
}

proptest! {
    /// What is closed is denied, whatever comes; and of a server that is closed nothing is allowed.
    #[test]
    fn the_outlook_never_hides_what_would_be_allowed(
        rules in prop::collection::vec(any_rule(), 0..5),
        default in prop::sample::select(vec![Decision::Allow, Decision::Deny]),
        server in "[ab]", tool in "[ab]", client in "[ab]",
        arguments in prop::sample::select(vec!["{}", r#"{"x":1}"#, r#"{"x":2}"#, r#"{"x":1,"x":1}"#]),
        now_s in prop::sample::select(vec![0, 40_000]),
        scopes in prop::sample::select(vec![None, Some("x y"), Some("y")]),
    ) {
        let policy = policy(default, rules);
        let server = ServerFacts { name: server, ..github() };
        let asked = facts(&server, call(&tool, arguments));
        let known = Facts { client: Some(&client), now_s: Some(now_s), scopes, ..asked };
        let decided = policy.decide(&known).decision;
        let unknown = Facts { client: None, now_s: None, ..asked };
        if policy.outlook(&Facts { asked: listed(&tool), ..unknown }) != Outlook::Open {
            prop_assert_eq!(decided, Decision::Deny);
        }
        if policy.outlook(&Facts { asked: Asked::Load, ..unknown }) != Outlook::Open {
            prop_assert_eq!(decided, Decision::Deny);
        }
        let (ruling, steps) = policy.explain(&known);
        prop_assert_eq!(ruling.decision, decided);
        prop_assert!(steps.len() <= policy.rules().len());
    }

    /// Of many rules, those that are not looked at are such as do not apply.
    #[test]
    fn what_is_not_looked_at_does_not_apply(
        rules in prop::collection::vec((
            prop::collection::vec("[abAé*?]{1,3}", 0..3), prop::collection::vec("[abAé*?]{1,3}", 0..3),
        ), 0..150),
        server in "[abAé]{0,3}", tool in "[abAé]{0,3}", is_call in any::<bool>(),
    ) {
        let named = |(server, tool)| Rule { server, tool, ..rule("r", Decision::Deny) };
        let policy = policy(Decision::Allow, rules.into_iter().map(named).collect());
        let server = ServerFacts { name: server, ..github() };
        let asked = if is_call { call(&tool, "{}") } else { Asked::Prompt(&tool) };
        let facts = facts(&server, asked);
        prop_assert_eq!(policy.decide(&facts), policy.explain(&facts).0);
    }

    /// A rule that is said never to apply can be left out.
    #[test]
    fn a_rule_that_never_applies_changes_nothing(
        rules in prop::collection::vec(any_rule(), 1..5), server in "[ab]", tool in "[ab]",
        arguments in prop::sample::select(vec!["{}", r#"{"x":1}"#]),
    ) {
        let whole = policy(Decision::Allow, rules.clone());
        let never: Vec<usize> = whole.warnings().iter().filter(|(_, text)| text.contains("never apply")).map(|(at, _)| *at).collect();
        let kept = rules.into_iter().enumerate().filter(|(at, _)| !never.contains(at)).map(|(_, rule)| rule).collect();
        let less = policy(Decision::Allow, kept);
        let server = ServerFacts { name: server, ..github() };
        let asked = facts(&server, call(&tool, arguments));
        prop_assert_eq!(whole.decide(&asked).decision, less.decide(&asked).decision);
    }
}
