//! What a change of the files means for a gateway that runs. Owns two promises: a mistake never takes away what
//! works, and whoever made the change is told what came of it. Settings are not taken up: most of them shape
//! what is long open.

use std::path::PathBuf;
use std::sync::Arc;

use catalog::{Entry, Problem};
use config::{Loaded, Settings};
use gateway::front::{Gateway, Reloaded};
use serde_json::json;

use crate::choice::Choice;
use crate::limits::WATCH_PROBLEMS_MAX;
use crate::load::{meant, place, read, server_of, stops};
use crate::log::{Log, Notice};
use crate::surroundings::Surroundings;
use crate::ui::agreeing;

const TARGET: &str = "config";

/// How to read everything again, and what came of it last time.
pub(in super::super) struct Reloading {
    here: Surroundings,
    choice: Choice,
    flags: Vec<(String, String)>,
    log: Arc<Log>,
    rules: Arc<gateway::Rules>,
    /// Those that the gateway runs with.
    settings: Settings,
    /// Changed settings that were told.
    told: Vec<String>,
    last: Loaded,
}

impl Reloading {
    /// After a first reading.
    pub(in super::super) fn new(
        here: Surroundings,
        choice: Choice,
        (flags, first): (Vec<(String, String)>, Loaded),
        log: Arc<Log>,
        rules: Arc<gateway::Rules>,
    ) -> Self {
        Self {
            here,
            choice,
            flags,
            log,
            rules,
            settings: first.settings.clone(),
            told: Vec::new(),
            last: first,
        }
    }

    /// The files that say something, or would if they were there.
    pub(super) fn files(&self) -> &[PathBuf] {
        &self.last.files
    }

    /// Reads everything again; what is right takes effect.
    pub(super) fn reload(&mut self, gateway: &Gateway) {
        let mut loaded = read(&self.here, &self.choice, &self.flags);
        if loaded.problems.iter().any(stops) {
            let stopping = loaded.problems.iter().filter(|p| stops(p));
            for problem in stopping.take(WATCH_PROBLEMS_MAX) {
                self.log.notice(told(problem, "; what runs stays as it is"));
            }
            self.last.files = loaded.files;
            return;
        }
        let entries = meant(loaded.entries, &self.choice);
        loaded.entries = keeping(&self.last.entries, entries.clone(), &loaded.problems);
        let is_new = |problem: &&Problem| !self.last.problems.iter().any(|old| same(old, problem));
        let new = loaded.problems.iter().filter(is_new);
        for problem in new.take(WATCH_PROBLEMS_MAX) {
            let has = |all: &[Entry]| {
                all.iter()
                    .any(|e| server_of(problem) == Some(e.name.as_str()))
            };
            let effect = match (has(&entries), has(&loaded.entries)) {
                _ if !problem.is_error() => "",
                (true, _) => "",
                (false, true) => "; it stays what it was",
                (false, false) => "; the server is left out",
            };
            self.log.notice(told(problem, effect));
        }
        if loaded.policy != self.last.policy {
            self.rules.replace(loaded.policy.clone());
            gateway.rules_changed();
            self.log.notice(other_rules(loaded.policy.rules().len()));
        }
        let reloaded = gateway.reload(loaded.entries.clone());
        if !reloaded.is_empty() {
            self.log.notice(changes(&reloaded));
        }
        let waiting = differing(&self.settings, &loaded.settings);
        if waiting != self.told && !waiting.is_empty() {
            self.log.notice(restart(&waiting));
        }
        self.told = waiting;
        self.last = loaded;
    }
}

fn other_rules(count: usize) -> Notice {
    Notice {
        is_warning: false,
        target: TARGET,
        message: format!(
            "the rules have changed; there {} {count}",
            agreeing(count, "is", "are")
        ),
        hint: None,
        members: vec![("rules", json!(count))],
    }
}

/// The new entries, and the former ones of servers that are described wrongly now.
fn keeping(old: &[Entry], mut new: Vec<Entry>, problems: &[Problem]) -> Vec<Entry> {
    let is_broken = |entry: &Entry| {
        let mut broken = problems.iter().filter(|p| p.is_error());
        broken.any(|p| server_of(p) == Some(entry.name.as_str()))
    };
    for (at, entry) in old.iter().enumerate() {
        if is_broken(entry) && new.iter().all(|e| e.name != entry.name) {
            new.insert(at.min(new.len()), entry.clone());
        }
    }
    new
}

/// The lines may have moved: it is the same problem nevertheless.
fn same(a: &Problem, b: &Problem) -> bool {
    (a.level, &a.source, &a.message) == (b.level, &b.source, &b.message)
}

fn told(problem: &Problem, effect: &str) -> Notice {
    Notice {
        is_warning: true,
        target: TARGET,
        message: format!("{}{effect}", place(problem)),
        hint: problem.hint.clone(),
        members: vec![
            ("source", json!(problem.source)),
            ("line", json!(problem.line)),
            ("column", json!(problem.column)),
        ],
    }
}

fn changes(reloaded: &Reloaded) -> Notice {
    let lists = [
        ("added", &reloaded.added),
        ("changed", &reloaded.changed),
        ("removed", &reloaded.removed),
    ];
    let words: Vec<String> = lists
        .iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(what, names)| format!("{what} {}", names.join(", ")))
        .collect();
    Notice {
        target: TARGET,
        message: format!("servers: {}", words.join("; ")),
        members: lists.map(|(what, names)| (what, json!(names))).to_vec(),
        ..Notice::default()
    }
}

fn restart(names: &[String]) -> Notice {
    Notice {
        is_warning: true,
        target: TARGET,
        message: format!(
            "changed settings take effect after a restart: {}",
            names.join(", ")
        ),
        members: vec![("settings", json!(names))],
        ..Notice::default()
    }
}

/// Names of settings that have other values.
fn differing(running: &Settings, read: &Settings) -> Vec<String> {
    let pairs = running.shown().zip(read.shown());
    pairs
        .filter(|((_, running, _), (_, read, _))| running != read)
        .map(|((key, _, _), _)| key.name.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use catalog::ServerName;

    use super::*;

    fn entry(name: &str, command: &str) -> Entry {
        Entry::command(ServerName::new(name).unwrap(), command, [""; 0])
    }

    #[test]
    fn a_server_that_is_described_wrongly_stays_what_it_was() {
        let old = [entry("a", "1"), entry("b", "1"), entry("c", "1")];
        let new = vec![entry("a", "2"), entry("d", "1")];
        let problem = |name: &str| Problem::error("f", format!("server `{name}` is odd"));
        let problems = [
            problem("b"),
            problem("a"),
            problem("e"),
            Problem::warning("f", "server `c` is odd"),
        ];
        assert_eq!(
            keeping(&old, new, &problems),
            [entry("a", "2"), entry("b", "1"), entry("d", "1")]
        );
    }

    #[test]
    fn changes_are_one_line() {
        let reloaded = Reloaded {
            added: vec!["a".into(), "b".into()],
            changed: Vec::new(),
            removed: vec!["c".into()],
        };
        let notice = changes(&reloaded);
        assert_eq!(notice.message, "servers: added a, b; removed c");
        assert_eq!(
            notice.members,
            [
                ("added", json!(["a", "b"])),
                ("changed", json!([])),
                ("removed", json!(["c"]))
            ]
        );
    }

    #[test]
    fn settings_that_differ_are_named() {
        let mut other = Settings::default();
        (other.port, other.log_calls) = (7, false);
        let names = differing(&Settings::default(), &other);
        assert_eq!(names, ["port", "log_calls"]);
    }
}
