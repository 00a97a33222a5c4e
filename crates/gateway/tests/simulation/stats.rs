//! What came to pass over many seeds: a simulation in which nothing happens would find nothing.

use std::collections::BTreeMap;
use std::fmt;

use wire::Era;

/// An era of clients before a kind of servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cell {
    client: &'static str,
    server: &'static str,
}

impl Cell {
    pub(crate) fn of(client: Era, server: &str) -> Self {
        let known = ["handshake", "stateless", "dual"];
        Self {
            client: match client {
                Era::Handshake => "handshake",
                Era::Stateless => "stateless",
            },
            server: known.into_iter().find(|one| *one == server).unwrap_or("?"),
        }
    }
}

/// Counts.
#[derive(Clone, Default)]
pub(crate) struct Stats {
    answered: BTreeMap<Cell, usize>,
    pub(crate) requests: usize,
    pub(crate) errors: usize,
    pub(crate) progress: usize,
    pub(crate) logs: usize,
    pub(crate) questions: usize,
    pub(crate) withdrawn: usize,
    pub(crate) rounds: usize,
    pub(crate) changes: usize,
    pub(crate) updates: usize,
}

impl Stats {
    pub(crate) fn answered(&mut self, cell: Cell) {
        *self.answered.entry(cell).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (cell, count) in &other.answered {
            *self.answered.entry(*cell).or_default() += count;
        }
        for (mine, theirs) in self.counts_mut().into_iter().zip(other.counts()) {
            *mine += theirs.1;
        }
    }

    /// The kinds of things that never happened.
    pub(crate) fn missing(&self, is_bridged: bool) -> Vec<String> {
        let mut missing: Vec<String> = self
            .counts()
            .into_iter()
            .filter(|(_, count)| *count == 0)
            .map(|(name, _)| name.to_owned())
            .collect();
        for (client, own) in [(Era::Handshake, "handshake"), (Era::Stateless, "stateless")] {
            for server in ["handshake", "stateless", "dual"] {
                let works = is_bridged || server == own || server == "dual";
                if works && !self.answered.contains_key(&Cell::of(client, server)) {
                    missing.push(format!("{own} client before {server} server"));
                }
            }
        }
        missing
    }

    fn counts(&self) -> [(&'static str, usize); 9] {
        [
            ("requests", self.requests),
            ("errors", self.errors),
            ("progress", self.progress),
            ("logs", self.logs),
            ("questions", self.questions),
            ("withdrawn", self.withdrawn),
            ("rounds", self.rounds),
            ("changes", self.changes),
            ("updates", self.updates),
        ]
    }

    fn counts_mut(&mut self) -> [&mut usize; 9] {
        [
            &mut self.requests,
            &mut self.errors,
            &mut self.progress,
            &mut self.logs,
            &mut self.questions,
            &mut self.withdrawn,
            &mut self.rounds,
            &mut self.changes,
            &mut self.updates,
        ]
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, count) in self.counts() {
            write!(f, "{count} {name}, ")?;
        }
        for (cell, count) in &self.answered {
            write!(
                f,
                "{} client before {} server {count}, ",
                cell.client, cell.server
            )?;
        }
        write!(f, "all as it must be")
    }
}
