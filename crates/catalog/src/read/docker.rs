//! Docker's catalogs, versions 2 and 3 (`registry: {name: entry}`), and the folders of its registry (`server.yaml` and
//! `tools.json`), which say the same in other places. Owns where each thing stands. Keys that are not needed are passed
//! over, as their own tool does. Next: `docker/entry.rs`.

mod entry;
mod secrets;
mod shots;

pub(super) use entry::read as read_entry;

use crate::document::{Document, Key, Node};
use crate::reader::Servers;
use crate::{Catalog, KnownTool, Origin, Problem};

pub(super) fn read_catalog(doc: &Document<'_>) -> Result<Catalog, Problem> {
    let text = |key: &str| doc.root.get(key).and_then(Node::as_str).map(str::to_owned);
    let registry = doc.root.get("registry").unwrap_or(&doc.root);
    let Some(pairs) = registry.table() else {
        let message = format!(
            "`registry` must be a table of names and servers, found {}",
            registry.kind()
        );
        return Err(doc
            .error(registry.start, message)
            .hint("is this a catalog of Docker's?"));
    };
    let mut servers = Servers::default();
    let taken = pairs.iter().map(|(key, _)| key.name.as_str()).collect();
    for (key, node) in pairs {
        if servers.is_full(doc, key.start) {
            break;
        }
        if let Some(name) = servers.name(doc, key, &taken) {
            let (entry, problems) = entry::read(doc, name, key, node, Vec::new());
            problems
                .into_iter()
                .for_each(|problem| servers.note(problem));
            if let Some(entry) = entry {
                servers.add(doc, entry, key.start);
            }
        }
    }
    let (entries, problems) = servers.finish(doc);
    Ok(Catalog {
        name: text("name").unwrap_or_default(),
        title: text("displayName"),
        entries,
        problems,
        ..Catalog::default()
    })
}

/// One `server.yaml`.
pub(super) fn read_one(doc: &Document<'_>) -> Catalog {
    one(doc, Vec::new())
}

fn one(doc: &Document<'_>, tools: Vec<KnownTool>) -> Catalog {
    let mut servers = Servers::default();
    let name = doc.root.get("name");
    let key = Key {
        name: name.map(text_of).unwrap_or_default(),
        start: name.map_or(doc.root.start, |node| node.start),
    };
    if let Some(name) = servers.name(doc, &key, &std::collections::HashSet::new()) {
        let (entry, problems) = entry::read(doc, name, &key, &doc.root, tools);
        problems
            .into_iter()
            .for_each(|problem| servers.note(problem));
        if let Some(entry) = entry {
            servers.add(doc, entry, key.start);
        }
    }
    let (entries, problems) = servers.finish(doc);
    Catalog {
        entries,
        problems,
        ..Catalog::default()
    }
}

/// One folder of Docker's registry: its `server.yaml` and, where there is one, its `tools.json`. A broken list of tools
/// costs the list, not the server.
pub fn read_docker_server(
    yaml: &str,
    tools: Option<(&str, &str)>,
    source: &str,
    origin: &Origin,
) -> Result<Catalog, Problem> {
    let doc = Document::yaml(yaml, source)?;
    let mut problem = None;
    let known = tools.and_then(|(text, source)| {
        match Document::json(text, source) {
            Ok(doc) if doc.root.list().is_some() => {
                return Some(super::docker_tools::read(&doc.root));
            }
            Ok(doc) => {
                let message = format!("the tools must be a list, found {}", doc.root.kind());
                let told = doc.warning(doc.root.start, message);
                problem = Some(told.hint("the server is read without them"));
            }
            Err(error) => {
                problem = Some(Problem {
                    level: crate::Level::Warning,
                    ..error.hint("the server is read without its tools")
                });
            }
        }
        None
    });
    let mut catalog = one(&doc, known.unwrap_or_default());
    catalog.problems.extend(problem);
    catalog.give(origin);
    Ok(catalog)
}

fn text_of(node: &Node) -> String {
    match &node.value {
        crate::document::Value::String(text) | crate::document::Value::Number(text) => text.clone(),
        _ => String::new(),
    }
}
