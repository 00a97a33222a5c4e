//! Requests, and what they should find.

use std::error::Error;
use std::fs;
use std::path::Path;

use search::{Document, Tool};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The kinds of requests that are not in English.
const LANGUAGES: &[&str] = &["zh", "ja", "ko", "es", "de", "fr", "ru", "pt"];

/// One folder.
pub(crate) struct Set {
    pub name: String,
    pub documents: Vec<Document>,
    pub requests: Vec<Request>,
}

/// One line of `queries.dev.jsonl`.
#[derive(Debug, Deserialize)]
pub(crate) struct Request {
    pub id: String,
    pub query: String,
    /// Every document that is right.
    pub relevant: Vec<String>,
    /// What is needed: of each, one of several documents.
    pub need: Vec<Vec<String>>,
    #[serde(default)]
    pub kind: Option<String>,
}

impl Request {
    /// Whether its kind is none of other languages.
    pub(crate) fn is_english(&self) -> bool {
        !self
            .kind
            .as_deref()
            .is_some_and(|kind| LANGUAGES.contains(&kind))
    }
}

impl Set {
    /// Whether some requests are not in English.
    pub(crate) fn has_languages(&self) -> bool {
        self.requests.iter().any(|request| !request.is_english())
    }
}

/// One line of `corpus.jsonl`.
#[derive(Debug, Deserialize)]
struct Line {
    id: String,
    name: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    tools: Vec<ToolLine>,
}

#[derive(Debug, Deserialize)]
struct ToolLine {
    name: String,
    #[serde(default)]
    description: String,
}

/// Every set in a folder, by name.
pub(crate) fn read(folder: &Path) -> Result<Vec<Set>, Box<dyn Error>> {
    let mut sets = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry?.path();
        let requests = path.join("queries.dev.jsonl");
        if requests.is_file() {
            sets.push(Set {
                name: path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
                documents: corpus(&path.join("corpus.jsonl"))?,
                requests: lines(&requests)?,
            });
        }
    }
    if sets.is_empty() {
        return Err(format!(
            "{}: no folder in it has a queries.dev.jsonl",
            folder.display()
        )
        .into());
    }
    sets.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(sets)
}

/// The documents of a corpus.
pub(crate) fn corpus(path: &Path) -> Result<Vec<Document>, Box<dyn Error>> {
    let documents = lines::<Line>(path)?.into_iter().map(|line| Document {
        // Where documents are tools, their id names the server too.
        title: if line.id == line.name {
            line.title
        } else {
            format!("{} {}", line.name, line.title)
        },
        name: line.id,
        description: line.description,
        tags: line
            .tags
            .into_iter()
            .chain([line.category])
            .filter(|tag| !tag.is_empty())
            .collect(),
        kind: line.kind,
        facts: Vec::new(),
        tools: line
            .tools
            .into_iter()
            .map(|tool| Tool {
                name: tool.name,
                description: tool.description,
            })
            .collect(),
    });
    Ok(documents.collect())
}

fn lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, Box<dyn Error>> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let lines = text.lines().zip(1..).map(|(line, number)| {
        serde_json::from_str(line)
            .map_err(|error| format!("{}, line {number}: {error}", path.display()).into())
    });
    lines.collect()
}

/// Which half of the requests this one is in: one to choose weights by, one to look at.
pub(crate) fn half(id: &str) -> char {
    // FNV-1a, 64 bits.
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    if hash.count_ones().is_multiple_of(2) {
        'A'
    } else {
        'B'
    }
}
