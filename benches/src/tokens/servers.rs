//! The servers of the token bench and the tools that they list, of the sizes that real ones have.
//!
//! Names come from the built-in catalog, or from a corpus that is given; the schemas are made here, from a list of parameters
//! that tools of this kind have, the same every time.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use catalog::{About, Entry, KnownTool, ServerName};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::tasks::Mock;
use crate::world::in_memory;

/// One of them.
pub(crate) struct Server {
    pub(crate) entry: Entry,
    /// Their definitions.
    pub(crate) tools: Vec<Value>,
    /// What answers; without it, every call comes to the same.
    pub(crate) mock: Option<Arc<Mock>>,
}

impl Server {
    /// One whose answers are data.
    pub(crate) fn of_mock(mock: Mock) -> Result<Self, Box<dyn Error>> {
        let tools = mock.definitions();
        let known = tools.iter().map(|tool| KnownTool {
            name: tool["name"].as_str().unwrap_or_default().into(),
            description: tool["description"].as_str().unwrap_or_default().into(),
            input_schema: None,
        });
        let about = About {
            tools: known.collect(),
            ..About::default()
        };
        let mut entry = Entry::command(ServerName::new(&mock.name)?, &mock.name, [""; 0]);
        entry.description = Some(mock.description.clone());
        entry.about = Arc::new(about);
        Ok(Self {
            entry,
            tools,
            mock: Some(Arc::new(mock)),
        })
    }
}

/// Parameters: name, type, what it is.
const PARAMETERS: &[(&str, &str, &str)] = &[
    (
        "query",
        "string",
        "What to search for; words that must occur are joined by AND, phrases stand in quotes",
    ),
    (
        "id",
        "string",
        "Identifier as returned by the search or list tools of this server",
    ),
    (
        "limit",
        "integer",
        "The most results to return, from 1 to 100",
    ),
    (
        "cursor",
        "string",
        "Where the next page begins, as returned with the page before",
    ),
    (
        "project",
        "string",
        "Key of the project or workspace; the default one is used where it is left out",
    ),
    (
        "title",
        "string",
        "Short name for people, one line of plain text",
    ),
    (
        "body",
        "string",
        "The content, as Markdown; links and lists are kept",
    ),
    (
        "labels",
        "array",
        "Labels that it shall have; others are taken away",
    ),
    (
        "since",
        "string",
        "Only what has changed since this time, in the form of RFC 3339",
    ),
    (
        "order",
        "string",
        "What the results are sorted by: created, updated or relevance",
    ),
    (
        "fields",
        "array",
        "Names of the fields that the answer shall hold; all of them if left out",
    ),
    (
        "dry_run",
        "boolean",
        "Whether to say only what would be done, without doing it",
    ),
    (
        "assignee",
        "string",
        "User name of the person in charge of it",
    ),
    (
        "format",
        "string",
        "The form of the answer: json, markdown or text",
    ),
];

/// Our own: seventy of the built-in catalog, in an order that has nothing to do with what they are.
pub(crate) fn own() -> Vec<Server> {
    let mut entries: Vec<&Entry> = catalog::builtin().entries.iter().collect();
    entries.sort_by_key(|entry| (hash(entry.name.as_str()), entry.name.clone()));
    entries.truncate(70);
    let servers = entries.into_iter().map(|entry| {
        let mut tools: Vec<(String, String)> = entry
            .about
            .tools
            .iter()
            .map(|tool| (tool.name.to_string(), String::new()))
            .collect();
        if tools.is_empty() {
            tools = invented(entry);
        }
        for (name, about) in &mut tools {
            if about.is_empty() {
                *about = description(name, entry);
            }
        }
        server(entry.clone(), tools)
    });
    servers.collect()
}

/// Those of a corpus. Tools have no schemas there; they get those that ours have.
pub(crate) fn of_corpus(file: &Path) -> Result<Vec<Server>, Box<dyn Error>> {
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let text = fs::read_to_string(file).map_err(|error| at(&error))?;
    let mut servers = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let line: Line =
            serde_json::from_str(line).map_err(|error| at(&format!("line {number}: {error}")))?;
        let name = ServerName::new(&format!("s{number}"))?;
        let mut entry = Entry::command(name, "", [""; 0]);
        entry.title = Some(line.name);
        entry.description = Some(line.description);
        let tools = line.tools.into_iter();
        servers.push(server(
            entry,
            tools.map(|t| (t.name, t.description)).collect(),
        ));
    }
    servers.sort_by_key(|server| hash(server.entry.name.as_str()));
    Ok(servers)
}

#[derive(Deserialize)]
struct Line {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    tools: Vec<LineTool>,
}

#[derive(Deserialize)]
struct LineTool {
    name: String,
    #[serde(default)]
    description: String,
}

/// A server that is ready to be started in memory.
fn server(from: Entry, tools: Vec<(String, String)>) -> Server {
    let known = tools.iter().map(|(name, about)| KnownTool {
        name: name.as_str().into(),
        description: about.as_str().into(),
        input_schema: None,
    });
    let about = About {
        tags: from.about.tags.clone(),
        repository: from.about.repository.clone(),
        tools: known.collect(),
        ..About::default()
    };
    let entry = Entry {
        about: Arc::new(about),
        title: from.title.clone(),
        description: from.description.clone(),
        ..Entry::new(from.name.clone(), in_memory(&from))
    };
    let tools = tools.iter().map(
        |(name, about)| json!({"name": name, "description": about, "inputSchema": schema(name)}),
    );
    Server {
        entry,
        tools: tools.collect(),
        mock: None,
    }
}

/// Tools of a server of which none is known: what is done with what it is tagged by.
fn invented(entry: &Entry) -> Vec<(String, String)> {
    let doing = ["search", "get", "list", "create", "update", "delete"];
    let things = entry
        .about
        .tags
        .iter()
        .take(2)
        .map(|tag| tag.replace(' ', "_"));
    let all = things.flat_map(|thing| doing.map(|verb| (format!("{verb}_{thing}"), String::new())));
    all.take(3 + (hash(entry.name.as_str()) % 7) as usize)
        .collect()
}

fn description(tool: &str, entry: &Entry) -> String {
    let words = tool.replace(['_', '-'], " ");
    let title = entry.title.as_deref().unwrap_or(entry.name.as_str());
    let more = match hash(tool) % 3 {
        0 => {
            " Use it when the user names one thing; for several at a time see the tool that lists them."
        }
        1 => " Returns one page of results with a cursor for the next. Dates are in UTC.",
        _ => " Fails where the account lacks the right for it, and says which right that is.",
    };
    format!("{words} ({title}).{more}")
}

/// Two to six parameters, some of them required.
fn schema(tool: &str) -> Value {
    let hash = hash(tool);
    let count = 2 + (hash % 5) as usize;
    let mut properties = Map::new();
    let mut required = Vec::new();
    for number in 0..count {
        let at = (hash as usize / 7 + number * 5) % PARAMETERS.len();
        let (name, kind, about) = PARAMETERS[at];
        let mut property = json!({"type": kind, "description": about});
        if kind == "array" {
            property["items"] = json!({"type": "string"});
        }
        properties.insert(name.to_owned(), property);
        if number == 0 || hash >> number & 3 == 0 {
            required.push(name);
        }
    }
    json!({"type": "object", "properties": properties, "required": required})
}

/// Arguments that a tool would be called with.
pub(crate) fn arguments(tool: &Value) -> Value {
    let schema = &tool["inputSchema"];
    let required = schema["required"].as_array().into_iter().flatten();
    let arguments = required.filter_map(Value::as_str).map(|name| {
        let value = match schema["properties"][name]["type"].as_str() {
            Some("integer") => json!(20),
            Some("boolean") => json!(true),
            Some("array") => json!(["finance", "q1"]),
            _ => json!("quarterly figures"),
        };
        (name.to_owned(), value)
    });
    Value::Object(arguments.collect())
}

/// FNV-1a, 64 bits.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}
