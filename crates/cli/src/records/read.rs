//! The record, read: one line as facts, which lines somebody wants, and files from their end.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use wire::method;

use crate::limits::RECORD_LINE_MAX;

/// One line. Members that a later version adds are left out here, and stand in what programs get.
#[derive(Debug, Deserialize)]
pub(crate) struct Entry {
    #[serde(deserialize_with = "time")]
    pub(crate) at: Timestamp,
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) gateway: String,
    pub(crate) call: Option<u64>,
    pub(crate) parent: Option<u64>,
    #[serde(default)]
    pub(crate) caller: String,
    pub(crate) client: Option<String>,
    #[serde(default)]
    pub(crate) method: String,
    pub(crate) server: Option<String>,
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) decision: String,
    pub(crate) rule: Option<String>,
    #[serde(default)]
    pub(crate) outcome: String,
    #[serde(default)]
    pub(crate) ms: f64,
    #[serde(default)]
    pub(crate) bytes_in: u64,
    #[serde(default)]
    pub(crate) bytes_out: u64,
    pub(crate) digest: Option<String>,
    pub(crate) trace: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) arguments: Option<Box<RawValue>>,
    pub(crate) arguments_cut: Option<String>,
    /// The line as it stands in the file.
    #[serde(skip)]
    pub(crate) line: String,
}

fn time<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(serde::de::Error::custom)
}

impl Entry {
    /// Reads a line; none where it is not one of ours.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let entry: Self = serde_json::from_str(line).ok()?;
        Some(Self {
            line: line.to_owned(),
            ..entry
        })
    }

    /// Whether it ended as it should.
    pub(crate) fn is_ok(&self) -> bool {
        self.outcome == "ok"
    }

    /// Whether something was asked for, and not only who is there and what there is.
    fn is_call(&self) -> bool {
        let is_talk = matches!(
            self.method.as_str(),
            method::INITIALIZE | "server/discover" | "logging/setLevel" | "subscriptions/listen"
        );
        self.kind == "call" && !is_talk && !self.method.ends_with("/list")
    }
}

/// Which lines somebody wants.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) server: Option<String>,
    pub(crate) tool: Option<String>,
    pub(crate) caller: Option<String>,
    pub(crate) status: Option<Status>,
    pub(crate) since: Option<Timestamp>,
    /// Handshakes, lists and starts too.
    pub(crate) all: bool,
}

/// How calls ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Ok,
    Failed,
    Denied,
    Asked,
    /// A word or number that the outcome is.
    Outcome(String),
}

impl Wanted {
    /// Whether this is one of them.
    pub(crate) fn includes(&self, entry: &Entry) -> bool {
        let fits = |pattern: &Option<String>, text: &str| {
            pattern
                .as_ref()
                .is_none_or(|pattern| policy::glob(pattern, text))
        };
        (self.all || entry.is_call())
            && fits(&self.server, entry.server.as_deref().unwrap_or_default())
            && fits(&self.tool, entry.name.as_deref().unwrap_or_default())
            && fits(&self.caller, &entry.caller)
            && self.since.is_none_or(|since| entry.at >= since)
            && self.status.as_ref().is_none_or(|status| match status {
                Status::Ok => entry.is_ok(),
                Status::Failed => !entry.is_ok(),
                Status::Denied => entry.decision == "deny",
                Status::Asked => entry.decision == "ask",
                Status::Outcome(outcome) => entry.outcome == *outcome,
            })
    }

    /// Whether nothing older can be one of them. Lines of several processes are a little out of order.
    pub(crate) fn is_before(&self, entry: &Entry) -> bool {
        self.since
            .is_some_and(|since| entry.at.as_second() + 60 < since.as_second())
    }
}

/// The lines of a file from its end on. One that is longer than any of ours ends it.
pub(crate) fn backwards(file: File) -> io::Result<Backwards> {
    let left = file.metadata()?.len();
    Ok(Backwards {
        file,
        left,
        held: Vec::new(),
    })
}

/// See [`backwards`].
pub(crate) struct Backwards {
    file: File,
    /// What was not read yet.
    left: u64,
    /// What was read and not given.
    held: Vec<u8>,
}

/// What is read at a time.
const CHUNK: u64 = 64 << 10;

impl Iterator for Backwards {
    type Item = io::Result<String>;

    fn next(&mut self) -> Option<io::Result<String>> {
        loop {
            if self.held.last() == Some(&b'\n') {
                self.held.pop();
            }
            if let Some(at) = self.held.iter().rposition(|byte| *byte == b'\n') {
                let line = self.held.split_off(at + 1);
                return Some(Ok(String::from_utf8_lossy(&line).into_owned()));
            }
            if self.left == 0 {
                let line = std::mem::take(&mut self.held);
                let line = String::from_utf8_lossy(&line).into_owned();
                return (!line.is_empty()).then_some(Ok(line));
            }
            if self.held.len() > RECORD_LINE_MAX {
                return None;
            }
            if let Err(error) = self.read() {
                self.left = 0;
                self.held.clear();
                return Some(Err(error));
            }
        }
    }
}

impl Backwards {
    fn read(&mut self) -> io::Result<()> {
        let size = self.left.min(CHUNK);
        self.left -= size;
        self.file.seek(SeekFrom::Start(self.left))?;
        let mut chunk = vec![0; size as usize];
        self.file.read_exact(&mut chunk)?;
        chunk.append(&mut self.held);
        self.held = chunk;
        Ok(())
    }
}
