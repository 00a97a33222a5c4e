//! One rule of a file: a table with one key for each part. Owns the names of the keys ([`KEYS`]). The tree is the same for TOML,
//! YAML and JSON, so a profile can carry rules too.

use std::collections::HashMap;

use catalog::document::{Document, Key, Node, Value};
use catalog::{Problem, suggest};
use policy::{Decision, Era, Remember, Rule, Source};

/// Every key of a rule.
pub(crate) const KEYS: [&str; 19] = [
    "name",
    "action",
    "caller",
    "client",
    "catalog",
    "server",
    "server_type",
    "source",
    "transport",
    "tool",
    "prompt",
    "resource",
    "annotations",
    "profile",
    "era",
    "when",
    "decision",
    "reason",
    "remember",
];

/// Where the parts of a rule stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    parts: HashMap<String, (usize, usize)>,
    /// Whether the condition stands there as it is, so that a place in it is one in the file.
    is_when_literal: bool,
}

/// A place in a file.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) at: (usize, usize),
    /// Whether it is the very place, not only where its part begins.
    pub(super) is_exact: bool,
}

impl Places {
    /// Of a part; `within`: line and column in it.
    pub(super) fn of(&self, part: &str, within: (usize, usize)) -> Option<Place> {
        let (line, column) = *self.parts.get(part)?;
        let is_exact = part == "when" && self.is_when_literal && within.0 == 1;
        let column = if is_exact { column + within.1 } else { column };
        Some(Place {
            at: (line, column),
            is_exact,
        })
    }
}

/// Reads a rule; `number` is its name if it has none.
pub(super) fn read(
    doc: &Document<'_>,
    node: &Node,
    number: usize,
) -> Result<(Rule, Places), Vec<Problem>> {
    let Some(pairs) = node.table() else {
        let problem = doc.error(
            node.start,
            format!("a rule must be a table, found {}", node.kind()),
        );
        return Err(vec![problem.hint("write [[policy.rules]]")]);
    };
    let mut reading = Reading {
        doc,
        problems: Vec::new(),
    };
    let (line, column) = pairs.first().map_or_else(
        || doc.position(node.start),
        |(key, _)| doc.position(key.start),
    );
    let mut rule = Rule {
        name: format!("rule {number}"),
        source: Source {
            file: doc.source.to_owned(),
            line,
            column,
        },
        ..Rule::default()
    };
    let (mut places, mut decision, mut remember) = (Places::default(), None, None);
    for (at, (key, node)) in pairs.iter().enumerate() {
        if pairs[..at]
            .iter()
            .any(|(before, _)| before.name == key.name)
        {
            reading.wrong(
                key.start,
                format!("`{}` stands there twice", key.name),
                "keep one of them",
            );
        }
        places
            .parts
            .insert(key.name.clone(), doc.position(node.start));
        match key.name.as_str() {
            "name" => rule.name = reading.text(key, node).unwrap_or(rule.name),
            "action" => rule.actions = Some(reading.texts(key, node)),
            "caller" => rule.caller = reading.texts(key, node),
            "client" => rule.client = reading.texts(key, node),
            "catalog" => rule.catalog = reading.texts(key, node),
            "server" => rule.server = reading.texts(key, node),
            "server_type" => rule.server_type = reading.texts(key, node),
            "source" => rule.server_source = reading.texts(key, node),
            "transport" => rule.transport = reading.texts(key, node),
            "tool" => rule.tool = reading.texts(key, node),
            "prompt" => rule.prompt = reading.texts(key, node),
            "resource" => rule.resource = reading.texts(key, node),
            "annotations" => rule.annotations = reading.flags(key, node),
            "profile" => rule.profile = reading.texts(key, node),
            "era" => {
                rule.era = reading.word(
                    key,
                    node,
                    &[("handshake", Era::Handshake), ("stateless", Era::Stateless)],
                );
            }
            "when" => {
                rule.when = reading.text(key, node);
                places.is_when_literal = rule.when.as_ref().is_some_and(|text| {
                    doc.text
                        .get(node.start + 1..)
                        .is_some_and(|rest| rest.starts_with(text.as_str()))
                });
            }
            "decision" => {
                let words = [
                    ("allow", Decision::Allow),
                    ("deny", Decision::Deny),
                    ("ask", Decision::Ask(Remember::Always)),
                ];
                decision = reading.word(key, node, &words);
            }
            "reason" => rule.reason = reading.text(key, node),
            "remember" => {
                let words = [Remember::Once, Remember::Workspace, Remember::Always]
                    .map(|one| (one.as_str(), one));
                remember = reading.word(key, node, &words).map(|one| (key, one));
            }
            name => {
                let hint = match suggest(name, KEYS) {
                    Some(known) => format!("did you mean `{known}`?"),
                    None => format!("there are: {}", KEYS.join(", ")),
                };
                reading.wrong(
                    key.start,
                    format!("`{name}` means nothing in a rule"),
                    &hint,
                );
            }
        }
    }
    match (decision, remember) {
        (Some(Decision::Ask(_)), Some((_, remember))) => rule.decision = Decision::Ask(remember),
        (Some(_), Some((key, _))) => {
            reading.wrong(
                key.start,
                "`remember` is for rules that ask".to_owned(),
                "leave it out, or decision = \"ask\"",
            );
        }
        (Some(decision), None) => rule.decision = decision,
        (None, _) if pairs.iter().any(|(key, _)| key.name == "decision") => {}
        (None, _) => {
            let start = pairs.first().map_or(node.start, |(key, _)| key.start);
            reading.wrong(
                start,
                "the rule has no `decision`".to_owned(),
                "one of: allow, deny, ask",
            );
        }
    }
    match reading.problems.is_empty() {
        true => Ok((rule, places)),
        false => Err(reading.problems),
    }
}

struct Reading<'d> {
    doc: &'d Document<'d>,
    problems: Vec<Problem>,
}

impl Reading<'_> {
    fn wrong(&mut self, start: usize, message: String, hint: &str) {
        self.problems
            .push(self.doc.error(start, message).hint(hint));
    }

    fn text(&mut self, key: &Key, node: &Node) -> Option<String> {
        let text = node.as_str().map(str::to_owned);
        if text.is_none() {
            self.wrong(
                node.start,
                format!("`{}` must be a text, found {}", key.name, node.kind()),
                "write it between quotes",
            );
        }
        text
    }

    /// A text, or a list of them that is not empty.
    fn texts(&mut self, key: &Key, node: &Node) -> Vec<String> {
        let items = match &node.value {
            Value::String(_) => std::slice::from_ref(node),
            Value::List(items) if !items.is_empty() => items,
            Value::List(_) => {
                self.wrong(
                    node.start,
                    format!("`{}` is empty and would fit nothing", key.name),
                    "leave it out for all",
                );
                return Vec::new();
            }
            _ => {
                self.wrong(
                    node.start,
                    format!(
                        "`{}` must be a text or a list of texts, found {}",
                        key.name,
                        node.kind()
                    ),
                    "for example [\"get_*\"]",
                );
                return Vec::new();
            }
        };
        items
            .iter()
            .filter_map(|item| self.text(key, item))
            .collect()
    }

    fn flags(&mut self, key: &Key, node: &Node) -> Vec<(String, bool)> {
        let Some(pairs) = node.table() else {
            self.wrong(
                node.start,
                format!("`{}` must be a table, found {}", key.name, node.kind()),
                "for example { readOnlyHint = true }",
            );
            return Vec::new();
        };
        let mut flags = Vec::new();
        for (name, node) in pairs {
            match node.value {
                Value::Bool(value) => flags.push((name.name.clone(), value)),
                _ => self.wrong(
                    node.start,
                    format!("`{}` must be true or false", name.name),
                    "for example { readOnlyHint = true }",
                ),
            }
        }
        flags
    }

    fn word<T: Copy>(&mut self, key: &Key, node: &Node, words: &[(&str, T)]) -> Option<T> {
        let found = node
            .as_str()
            .and_then(|text| words.iter().find(|(word, _)| *word == text));
        if found.is_none() {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.wrong(
                node.start,
                format!("`{}` must be one of: {}", key.name, names.join(", ")),
                "the words are written in lower case",
            );
        }
        found.map(|(_, value)| *value)
    }
}
