//! One rule, ready to be asked: what is wrong with it was found when it was made.

use super::{BuildError, Part, Ruling, Verdict};
use crate::condition::{Condition, Reads, Scope};
use crate::facts::{Asked, Facts, Hints, ServerFacts};
use crate::glob;
use crate::limits::{PATTERNS_MAX, TEXT_CHARS_MAX};
use crate::rule::{Actions, Decision, Rule};

/// See the module.
pub(crate) struct Compiled {
    at: usize,
    pub(crate) rule: Rule,
    pub(crate) actions: Actions,
    pub(crate) condition: Option<Condition>,
}

/// Whether a rule applies, where not everything is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    Yes,
    No,
    Maybe,
}

/// The kinds of servers: ours, and the two of containers that Docker tells apart.
const TYPES: [&str; 7] = [
    "command",
    "container",
    "image",
    "package",
    "registry",
    "remote",
    "unavailable",
];
const TRANSPORTS: [&str; 3] = ["sse", "stdio", "streamable"];

impl Compiled {
    pub(super) fn new(at: usize, rule: Rule) -> Result<Self, Vec<BuildError>> {
        let mut errors = Errors {
            at,
            all: Vec::new(),
        };
        for (part, patterns) in lists(&rule) {
            errors.patterns(part, patterns);
        }
        errors.words("server_type", &rule.server_type, &TYPES);
        errors.words("transport", &rule.transport, &TRANSPORTS);
        let names: Vec<String> = rule
            .annotations
            .iter()
            .map(|(name, _)| name.clone())
            .collect();
        errors.words("annotations", &names, &Hints::NAMES);
        for (part, text) in [("name", Some(&rule.name)), ("reason", rule.reason.as_ref())] {
            if text.is_some_and(|text| text.chars().count() > TEXT_CHARS_MAX) {
                errors.add(
                    part,
                    format!("`{part}` is longer than {TEXT_CHARS_MAX} characters"),
                );
            }
        }
        let condition = rule.when.as_deref().map(Condition::compile).transpose();
        let condition = condition.unwrap_or_else(|mistake| {
            errors.all.push(BuildError {
                rule: Some(at),
                part: "when",
                message: mistake.message,
                hint: mistake.hint,
                line: mistake.line,
                column: mistake.column,
            });
            None
        });
        let actions = errors.actions(&rule, condition.as_ref().map(|c| &c.reads));
        match errors.all.is_empty() {
            true => Ok(Self {
                at,
                rule,
                actions,
                condition,
            }),
            false => Err(errors.all),
        }
    }

    pub(super) fn ruling(&self, failed: Option<String>) -> Ruling<'_> {
        Ruling {
            decision: self.rule.decision,
            rule: Some(&self.rule),
            at: Some(self.at),
            failed,
        }
    }

    /// How it fits, where everything is known.
    pub(super) fn verdict(&self, facts: &Facts<'_>, scope: &Scope<'_>) -> Verdict {
        if !self.actions.has(Actions::of(&facts.asked)) {
            return Verdict::Not("action");
        }
        if let Err(part) = self.names_fit(facts) {
            return Verdict::Not(part);
        }
        if !self.client_fits(facts.client.unwrap_or_default()) {
            return Verdict::Not("client");
        }
        match self.condition.as_ref().map(|one| one.holds(scope)) {
            None | Some(Ok(true)) => Verdict::Applies,
            Some(Ok(false)) => Verdict::Not("when"),
            Some(Err(why)) => Verdict::Failed(why),
        }
    }

    /// How it fits, where some facts are not known.
    pub(super) fn fit(&self, facts: &Facts<'_>, scope: &Scope<'_>) -> Fit {
        if !self.actions.has(Actions::of(&facts.asked)) || self.names_fit(facts).is_err() {
            return Fit::No;
        }
        match facts.client {
            None if !self.rule.client.is_empty() => return Fit::Maybe,
            Some(client) if !self.client_fits(client) => return Fit::No,
            _ => {}
        }
        let Some(condition) = &self.condition else {
            return Fit::Yes;
        };
        let reads = &condition.reads;
        if !reads.arguments.is_none()
            || (reads.client && facts.client.is_none())
            || (reads.time && facts.now_s.is_none())
            || (reads.scopes && facts.scopes.is_none())
        {
            return Fit::Maybe;
        }
        match condition.holds(scope) {
            Ok(true) => Fit::Yes,
            Err(_) if self.rule.decision != Decision::Allow => Fit::Yes,
            Ok(false) | Err(_) => Fit::No,
        }
    }

    /// Whether it may allow something of a server, though it is not about loading it.
    pub(super) fn lets_in(&self, facts: &Facts<'_>) -> bool {
        !self.rule.is_strict
            && self.rule.decision != Decision::Deny
            && !self.actions.has(Actions::LOAD)
            && self.server_fits(facts).is_ok()
    }

    fn client_fits(&self, client: &str) -> bool {
        let name = client.split_once('/').map_or(client, |(name, _)| name);
        let patterns = &self.rule.client;
        patterns.is_empty() || any(patterns, client) || any(patterns, name)
    }

    /// Who asks, and about which server.
    fn server_fits(&self, facts: &Facts<'_>) -> Result<(), Part> {
        let (rule, server) = (&self.rule, facts.server);
        for (part, patterns, text) in [
            ("caller", &rule.caller, facts.caller),
            ("server", &rule.server, &server.name),
            ("catalog", &rule.catalog, &server.catalog),
        ] {
            if !patterns.is_empty() && !any(patterns, text) {
                return Err(part);
            }
        }
        if !self.source_fits(server) {
            return Err("source");
        }
        let is_one_of = |words: &[String], word: &str| words.iter().any(|one| one == word);
        if !rule.server_type.is_empty()
            && !is_one_of(&rule.server_type, &server.kind)
            && !server
                .docker_type()
                .is_some_and(|kind| is_one_of(&rule.server_type, kind))
        {
            return Err("server_type");
        }
        if !rule.transport.is_empty() && !is_one_of(&rule.transport, &server.transport) {
            return Err("transport");
        }
        match rule.era {
            Some(era) if era != facts.era => Err("era"),
            _ => Ok(()),
        }
    }

    /// Whoever runs several images is allowed something for all of them, and denied it for any.
    fn source_fits(&self, server: &ServerFacts) -> bool {
        let patterns = &self.rule.server_source;
        let mut sources = server.sources();
        let fits = |source: &str| any(patterns, source);
        patterns.is_empty()
            || match self.rule.decision {
                Decision::Allow => sources.all(fits),
                _ => sources.any(fits),
            }
    }

    /// Everything but client and condition.
    fn names_fit(&self, facts: &Facts<'_>) -> Result<(), Part> {
        self.server_fits(facts)?;
        let rule = &self.rule;
        let (part, patterns, name) = match facts.asked {
            Asked::Tool { name, hints, .. } => {
                let named = hints.named();
                let says =
                    |(name, value): &(String, bool)| named.contains(&(name.as_str(), *value));
                if !rule.annotations.iter().all(says) {
                    return Err("annotations");
                }
                ("tool", &rule.tool, name)
            }
            Asked::Prompt(name) => ("prompt", &rule.prompt, name),
            Asked::Resource(uri) => ("resource", &rule.resource, uri),
            Asked::Load | Asked::Other => return Ok(()),
        };
        match patterns.is_empty() || any(patterns, name) {
            true => Ok(()),
            false => Err(part),
        }
    }
}

fn any(patterns: &[String], text: &str) -> bool {
    patterns.iter().any(|pattern| glob::matches(pattern, text))
}

/// Every list of patterns of a rule.
pub(crate) fn lists(rule: &Rule) -> [(Part, &[String]); 9] {
    [
        ("caller", &rule.caller),
        ("client", &rule.client),
        ("catalog", &rule.catalog),
        ("server", &rule.server),
        ("source", &rule.server_source),
        ("tool", &rule.tool),
        ("prompt", &rule.prompt),
        ("resource", &rule.resource),
        ("profile", &rule.profile),
    ]
}

struct Errors {
    at: usize,
    all: Vec<BuildError>,
}

impl Errors {
    fn add(&mut self, part: Part, message: String) {
        self.hinted(part, message, None);
    }

    fn hinted(&mut self, part: Part, message: String, hint: Option<String>) {
        self.all.push(BuildError {
            rule: Some(self.at),
            part,
            message,
            hint,
            line: 0,
            column: 0,
        });
    }

    fn patterns(&mut self, part: Part, patterns: &[String]) {
        if patterns.len() > PATTERNS_MAX {
            self.add(
                part,
                format!("`{part}` has more than {PATTERNS_MAX} patterns"),
            );
        }
        if patterns.iter().any(String::is_empty) {
            let hint = "write \"*\" for all, or leave it out".to_owned();
            self.hinted(part, format!("`{part}` has an empty pattern"), Some(hint));
        }
        if patterns
            .iter()
            .any(|one| one.chars().count() > TEXT_CHARS_MAX)
        {
            self.add(
                part,
                format!("a pattern of `{part}` is longer than {TEXT_CHARS_MAX} characters"),
            );
        }
    }

    fn words(&mut self, part: Part, words: &[String], known: &[&str]) {
        for word in words.iter().filter(|word| !known.contains(&word.as_str())) {
            let hint = format!("there are: {}", known.join(", "));
            self.hinted(part, format!("`{part}` cannot be {word:?}"), Some(hint));
        }
    }

    /// What a rule is about: as it says, else what its parts can be about.
    fn actions(&mut self, rule: &Rule, reads: Option<&Reads>) -> Actions {
        let names_tools = !rule.tool.is_empty() || !rule.annotations.is_empty();
        let of_parts = [
            (names_tools, Actions::CALL),
            (!rule.prompt.is_empty(), Actions::PROMPT),
            (!rule.resource.is_empty(), Actions::RESOURCE),
        ];
        let named = of_parts.into_iter().filter(|(is_named, _)| *is_named);
        let named = named.map(|(_, action)| action).reduce(Actions::and);
        let Some(words) = &rule.actions else {
            let reads_calls =
                reads.is_some_and(|r| !r.arguments.is_none() || r.tool || r.annotations);
            return named.unwrap_or(if reads_calls {
                Actions::CALL
            } else {
                Actions::ALL
            });
        };
        let mut actions: Option<Actions> = None;
        for word in words {
            match Actions::parse(word) {
                Some(action) => actions = Some(actions.map_or(action, |all| all.and(action))),
                None => {
                    let hint = "there are: load, call, prompt, resource".to_owned();
                    self.hinted("action", format!("`action` cannot be {word:?}"), Some(hint));
                }
            }
        }
        let actions = actions.unwrap_or(Actions::ALL);
        for (is_named, action, part) in [
            (names_tools, Actions::CALL, "tool"),
            (!rule.prompt.is_empty(), Actions::PROMPT, "prompt"),
            (!rule.resource.is_empty(), Actions::RESOURCE, "resource"),
        ] {
            if is_named && !actions.has(action) {
                self.add(
                    part,
                    format!("the rule names a {part}, but `action` is about something else"),
                );
            }
        }
        actions
    }
}
