//! The rules of a configuration as the pipeline asks them ([`Rules`]), and what they know of servers and tools.

use std::collections::BTreeSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::digest::{SHA256, digest};
use catalog::{Entry, Launch, Origin, Registry, RemoteKind, shown_url};
use policy::{Facts, Hints, Outlook, Policy, Remember, ServerFacts, full_image};
use wire::Object;

use crate::phase::{Decider, Decision, Denial, Question};

/// Rules that can be replaced while the gateway runs. Tell [`Gateway::rules_changed`] then.
///
/// [`Gateway::rules_changed`]: crate::front::Gateway::rules_changed
pub struct Rules(ArcSwap<Marked>);

struct Marked {
    policy: Policy,
    /// One for each rule.
    marks: Vec<Box<str>>,
}

impl Rules {
    /// These rules.
    pub fn new(policy: Policy) -> Self {
        Self(ArcSwap::from_pointee(Marked::new(policy)))
    }

    /// Other rules from now on.
    pub fn replace(&self, policy: Policy) {
        self.0.store(Arc::new(Marked::new(policy)));
    }
}

impl Marked {
    fn new(policy: Policy) -> Self {
        let marks = policy.rules().map(mark).collect();
        Self { policy, marks }
    }
}

/// What an answer that a person gave to a rule is kept under: it changes when the rule says something else.
pub fn mark(rule: &policy::Rule) -> Box<str> {
    let rule = policy::Rule {
        source: policy::Source::default(),
        ..rule.clone()
    };
    let sum = digest(&SHA256, format!("{rule:?}").as_bytes());
    let hex: String = sum.as_ref()[..12]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    hex.into()
}

impl Decider for Rules {
    fn is_needed(&self) -> bool {
        !self.0.load().policy.is_empty()
    }

    fn wants_hints(&self) -> bool {
        self.0.load().policy.reads_annotations()
    }

    fn decide(&self, facts: &Facts<'_>) -> Decision {
        let marked = self.0.load();
        let ruling = marked.policy.decide(facts);
        match ruling.decision {
            policy::Decision::Allow => match ruling.rule {
                Some(rule) => Decision::AllowedBy(rule.name.as_str().into()),
                None => Decision::Allow,
            },
            policy::Decision::Deny => Decision::Deny(denial(ruling.rule, ruling.failed.as_deref())),
            policy::Decision::Ask(remember) => Decision::Ask(Question {
                rule: ruling.rule.map_or("default", |rule| &rule.name).into(),
                reason: ruling.rule.and_then(|rule| rule.reason.clone()),
                // What only the default asks about has no rule that could change.
                remember: match ruling.rule {
                    Some(_) => remember,
                    None => Remember::Workspace,
                },
                mark: ruling
                    .at
                    .map_or_else(|| "default".into(), |at| marked.marks[at].clone()),
            }),
        }
    }

    fn closed(&self, facts: &Facts<'_>) -> Option<Denial> {
        match self.0.load().policy.outlook(facts) {
            Outlook::Open => None,
            Outlook::Closed(rule) => Some(denial(rule, None)),
        }
    }
}

fn denial(rule: Option<&policy::Rule>, failed: Option<&str>) -> Denial {
    let Some(rule) = rule else {
        return Denial {
            rule: None,
            reason: "no rule allows it".to_owned(),
        };
    };
    let mut reason = match &rule.reason {
        Some(reason) => format!("{reason} (rule {:?})", rule.name),
        None => format!("rule {:?} forbids it", rule.name),
    };
    if let Some(why) = failed {
        reason.push_str(&format!(
            "; it applies because its condition cannot be told: {why}"
        ));
    }
    Denial {
        rule: Some(rule.name.as_str().into()),
        reason,
    }
}

/// What rules know of the server of an entry.
pub fn server_facts(entry: &Entry) -> ServerFacts {
    let source = match &entry.launch {
        Launch::Command { command, .. } => command.clone(),
        Launch::Remote { url, .. } => shown_url(url),
        Launch::Container { image, .. } => full_image(image),
        Launch::Package {
            registry,
            identifier,
            version,
            ..
        } => {
            let registry = match registry {
                Registry::Npm => "npm",
                Registry::Pypi => "pypi",
                Registry::Mcpb => "mcpb",
            };
            match version {
                Some(version) => format!("{registry}:{identifier}@{version}"),
                None => format!("{registry}:{identifier}"),
            }
        }
        Launch::OneShot { shots, .. } => {
            let images: BTreeSet<_> = shots.iter().map(|shot| full_image(&shot.image)).collect();
            images.into_iter().collect::<Vec<_>>().join(" ")
        }
        Launch::Unavailable { what, .. } => what.clone(),
    };
    let transport = match &entry.launch {
        Launch::Remote {
            kind: RemoteKind::Sse,
            ..
        } => "sse",
        Launch::Remote { .. } => "streamable",
        _ => "stdio",
    };
    ServerFacts {
        name: entry.name.as_str().to_owned(),
        kind: entry.kind().to_owned(),
        source,
        catalog: match &entry.origin {
            origin @ (Origin::Own | Origin::Builtin) => origin.trust().to_owned(),
            other => other.from().to_owned(),
        },
        transport: transport.to_owned(),
    }
}

/// What a tool's definition says of it.
pub(crate) fn hints(definition: &str) -> Hints {
    let mut hints = Hints::default();
    let annotations = Object::parse(definition)
        .ok()
        .and_then(|tool| tool.object("annotations").ok()?);
    if let Some(annotations) = annotations {
        for name in Hints::NAMES {
            if let Ok(Some(value)) = annotations.bool(name) {
                hints.set(name, value);
            }
        }
    }
    hints
}

#[cfg(test)]
mod tests {
    use catalog::ServerName;

    use super::*;

    #[test]
    fn a_mark_is_that_of_what_a_rule_says() {
        let rule = policy::Rule {
            name: "a".into(),
            ..policy::Rule::default()
        };
        let moved = policy::Rule {
            source: policy::Source {
                line: 7,
                ..policy::Source::default()
            },
            ..rule.clone()
        };
        assert_eq!(mark(&rule), mark(&moved));
        let other = policy::Rule {
            tool: vec!["x".into()],
            ..rule.clone()
        };
        assert_ne!(mark(&rule), mark(&other));
    }

    #[test]
    fn what_a_tool_says_is_read_with_the_defaults_of_the_protocol() {
        assert_eq!(hints("{}"), Hints::default());
        let said = hints(
            r#"{"annotations":{"readOnlyHint":true,"destructiveHint":"no","idempotentHint":null}}"#,
        );
        assert!(said.read_only && said.destructive && !said.idempotent);
    }

    #[test]
    fn a_server_is_known_by_what_is_started_or_reached() {
        let name = || ServerName::new("x").unwrap();
        let remote = server_facts(&Entry::remote(name(), "https://u:p@h.example/mcp?key=1"));
        assert!(!remote.source.contains("p@") && remote.source.contains("h.example/mcp"));
        assert_eq!(
            (&*remote.kind, &*remote.transport, &*remote.catalog),
            ("remote", "streamable", "own")
        );
        let command = server_facts(&Entry::command(name(), "npx", ["-y", "thing"]));
        assert_eq!((&*command.source, &*command.transport), ("npx", "stdio"));
    }
}
