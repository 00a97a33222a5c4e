//! The rules of all files, as one policy: section `[policy]` of `config.toml`, and Docker's JSON. Owns their order and how they
//! are written; what they mean is `policy`'s. Refuses half of them: a rule that cannot be read is an error of the whole
//! configuration, for left out it would be a hole.
//!
//! The machine's rules come first, then those of a project (which can only narrow), of files named by a flag, and the
//! person's own. Of several defaults the strictest counts.

pub(crate) mod rule;

use std::path::{Path, PathBuf};

use catalog::document::{Document, Node, Value};
use catalog::{Layer, Problem, suggest};
use policy::{BuildError, Decision, Policy, Remember, Rule};

use crate::load::read;
use rule::Places;

/// What stands in `[policy]`.
const KEYS: [&str; 3] = ["default", "files", "rules"];

/// Rules as they are read, file by file.
#[derive(Default)]
pub(crate) struct Written {
    rules: Vec<(Layer, Rule, Places)>,
    default: Option<Decision>,
    /// Files that they were read from beside the configuration itself.
    pub(crate) files: Vec<PathBuf>,
    pub(crate) problems: Vec<Problem>,
}

impl Written {
    /// Reads a section `policy`. `folder`: where the names of files begin.
    pub(crate) fn section(
        &mut self,
        doc: &Document<'_>,
        node: &Node,
        layer: Layer,
        folder: Option<&Path>,
    ) {
        let Some(pairs) = node.table() else {
            let message = format!("`policy` must be a table, found {}", node.kind());
            let problem = doc.error(node.start, message);
            return self
                .problems
                .push(problem.hint("write [policy] and [[policy.rules]]"));
        };
        for (key, node) in pairs {
            match key.name.as_str() {
                "default" => self.default_of(doc, node),
                "files" => self.files(doc, node, layer, folder),
                "rules" => self.rules(doc, node, layer),
                name => {
                    let hint = match suggest(name, KEYS) {
                        Some(known) => format!("did you mean `{known}`?"),
                        None => format!("there are: {}", KEYS.join(", ")),
                    };
                    let message = format!("`{name}` means nothing in [policy]");
                    self.problems.push(doc.error(key.start, message).hint(hint));
                }
            }
        }
    }

    /// Reads a file of Docker's rules.
    pub(crate) fn docker(&mut self, text: &str, source: &str, layer: Layer) {
        match policy::read_docker(text, source) {
            Ok(read) => {
                self.stricter(read.default);
                let rules = read.rules.into_iter();
                self.rules
                    .extend(rules.map(|rule| (layer, rule, Places::default())));
            }
            Err(error) => {
                let problem = Problem::error(source, error.message).at((error.line, error.column));
                self.problems
                    .push(problem.hint("see docs/guide/policy.md for what Docker's rules can say"));
            }
        }
    }

    /// One policy of everything; what is wrong with it is among the problems, and then it is empty.
    pub(crate) fn finish(mut self) -> (Policy, Vec<Problem>, Vec<PathBuf>) {
        self.rules.sort_by_key(|(layer, ..)| match layer {
            Layer::System => 0,
            Layer::Project => 1,
            Layer::Flag | Layer::Environment => 2,
            Layer::User | Layer::Default => 3,
        });
        let (mut rules, mut places) = (Vec::new(), Vec::new());
        for (_, rule, place) in self.rules {
            rules.push(rule);
            places.push(place);
        }
        let sources: Vec<_> = rules.iter().map(|rule| rule.source.clone()).collect();
        let mut problems = self.problems;
        let policy = match Policy::new(self.default.unwrap_or(Decision::Allow), rules) {
            Ok(policy) => {
                for (at, text) in policy.warnings() {
                    let source = &sources[*at];
                    let problem = Problem::warning(&source.file, text);
                    problems.push(problem.at((source.line, source.column)));
                }
                policy
            }
            Err(errors) => {
                problems.extend(errors.into_iter().map(|error| {
                    let at = error.rule.map(|at| (&sources[at], &places[at]));
                    mistake(error, at)
                }));
                Policy::default()
            }
        };
        (policy, problems, self.files)
    }

    fn stricter(&mut self, decision: Decision) {
        let rank = |decision: &Decision| match decision {
            Decision::Allow => 0,
            Decision::Ask(_) => 1,
            Decision::Deny => 2,
        };
        if self
            .default
            .as_ref()
            .is_none_or(|known| rank(known) < rank(&decision))
        {
            self.default = Some(decision);
        }
    }

    fn default_of(&mut self, doc: &Document<'_>, node: &Node) {
        match node.as_str() {
            Some("allow") => self.stricter(Decision::Allow),
            Some("ask") => self.stricter(Decision::Ask(Remember::Always)),
            Some("deny") => self.stricter(Decision::Deny),
            _ => {
                let problem = doc.error(node.start, "`default` must be one of: allow, ask, deny");
                self.problems
                    .push(problem.hint("it counts where no rule applies"));
            }
        }
    }

    fn files(&mut self, doc: &Document<'_>, node: &Node, layer: Layer, folder: Option<&Path>) {
        if layer == Layer::Project {
            let problem = doc.error(node.start, "`files` is not taken from a project's file");
            return self
                .problems
                .push(problem.hint("write the rules themselves there"));
        }
        let names = node
            .list()
            .map(|items| items.iter().map(Node::as_str).collect());
        let Some(Some(names)): Option<Option<Vec<&str>>> = names else {
            let problem = doc.error(node.start, "`files` must be a list of names of files");
            return self
                .problems
                .push(problem.hint("for example [\"docker-policy.json\"]"));
        };
        for name in names {
            let file = folder.map_or_else(|| PathBuf::from(name), |folder| folder.join(name));
            match read(&file) {
                Ok(text) => self.docker(&text, &file.display().to_string(), layer),
                Err((problem, _)) => self.problems.push(problem),
            }
            self.files.push(file);
        }
    }

    fn rules(&mut self, doc: &Document<'_>, node: &Node, layer: Layer) {
        let Value::List(items) = &node.value else {
            let message = format!(
                "`policy.rules` must be a list of tables, found {}",
                node.kind()
            );
            let problem = doc.error(node.start, message);
            return self.problems.push(problem.hint("write [[policy.rules]]"));
        };
        for (at, node) in items.iter().enumerate() {
            match rule::read(doc, node, at + 1) {
                Ok((rule, _)) if layer == Layer::Project && rule.decision == Decision::Allow => {
                    let message = format!(
                        "the rule {:?} is left out: a project's rules can only narrow what is allowed",
                        rule.name
                    );
                    self.problems.push(
                        doc.warning(node.start, message)
                            .hint("to allow something, write it into your own config.toml"),
                    );
                }
                Ok((rule, places)) => self.rules.push((layer, rule, places)),
                Err(mut problems) => self.problems.append(&mut problems),
            }
        }
    }
}

fn mistake(error: BuildError, at: Option<(&policy::Source, &Places)>) -> Problem {
    let Some((source, places)) = at else {
        return Problem::error("[policy]", error.message);
    };
    let place = places.of(error.part, (error.line, error.column));
    let within = match (place, error.line) {
        (Some(place), _) if place.is_exact => String::new(),
        (_, 0) => String::new(),
        (_, line) => format!(" (at {line}:{} of it)", error.column),
    };
    let at = place.map_or((source.line, source.column), |place| place.at);
    let problem = Problem::error(&source.file, format!("{}{within}", error.message)).at(at);
    match error.hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

#[cfg(test)]
mod tests;
