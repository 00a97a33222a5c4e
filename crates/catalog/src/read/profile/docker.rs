//! A profile that Docker exported (version 1): `id`, `name`, and a list of servers, each with a snapshot of its catalog entry.
//! Its secrets are names in Docker's own store, which stand under the same names in ours.

use serde_json::Value as Json;

use super::super::docker::read_entry;
use super::Reading;
use crate::document::{Document, Key, Node, Value};
use crate::fields::Fields;
use crate::limits::PROFILE_SERVERS_MAX;
use crate::reader::launch::is_http;
use crate::{Entry, Launch, Origin, Problem, Profile, ProfileServer, ServerName};

/// Whether a file looks like one.
pub(super) fn is_one(root: &Node) -> bool {
    let is_list = root
        .get("servers")
        .is_some_and(|node| node.list().is_some());
    is_list && root.get("id").is_some()
}

pub(super) fn read(doc: &Document<'_>) -> Result<Profile, Problem> {
    let pairs = doc.root.table().unwrap_or_default();
    let mut fields = Fields::new(doc, String::new(), pairs, None, false);
    if let Some((_, node)) = fields.get(&["version"])
        && !matches!(&node.value, Value::Number(text) if text == "1")
    {
        return Err(doc
            .error(node.start, "only version 1 of Docker's profiles is known")
            .hint("export it with a Docker of that version"));
    }
    let (id, name) = (fields.text(&["id"]), fields.text(&["name"]));
    let (servers, problems) = servers(doc, PROFILE_SERVERS_MAX);
    let id = id.map(|(id, _)| id).unwrap_or_default();
    Ok(Profile {
        title: name.map(|(name, _)| name).filter(|name| *name != id),
        name: id,
        description: None,
        servers,
        problems,
    })
}

/// The servers of a list, at most so many.
pub(in crate::read) fn servers(
    doc: &Document<'_>,
    most: usize,
) -> (Vec<ProfileServer>, Vec<Problem>) {
    let pairs = doc.root.table().unwrap_or_default();
    let mut fields = Fields::new(doc, String::new(), pairs, None, false);
    let mut reading = Reading::of(most);
    for item in fields
        .items(&["servers"], "a list of servers")
        .unwrap_or_default()
    {
        if reading.is_full(doc, item.start) {
            break;
        }
        let (chosen, problems) = server(doc, &mut reading, item);
        reading.note(problems);
        if let Some(chosen) = chosen {
            reading.add(doc, chosen, item.start);
        }
    }
    let mut problems = fields.problems;
    let (servers, more) = reading.finish(doc);
    problems.extend(more);
    (servers, problems)
}

fn server(
    doc: &Document<'_>,
    reading: &mut Reading,
    item: &Node,
) -> (Option<ProfileServer>, Vec<Problem>) {
    let Some(pairs) = item.table() else {
        let message = format!("each server must be a table, found {}", item.kind());
        return (None, vec![doc.error(item.start, message)]);
    };
    let mut fields = Fields::new(doc, String::new(), pairs, None, false);
    let snapshot = item.get("snapshot").and_then(|node| node.get("server"));
    let (entry, mut problems) = match snapshot {
        Some(node) => {
            let named = node.get("name");
            let key = Key {
                name: named.and_then(Node::as_str).unwrap_or_default().to_owned(),
                start: named.map_or(node.start, |node| node.start),
            };
            let taken = std::collections::HashSet::new();
            match reading.servers.name(doc, &key, &taken) {
                Some(name) => read_entry(doc, name, &key, node, Vec::new()),
                None => return (None, Vec::new()),
            }
        }
        None => (bare(doc, &mut fields, item), Vec::new()),
    };
    let Some(mut entry) = entry else {
        problems.append(&mut fields.problems);
        return (None, problems);
    };
    entry.origin = Origin::File(doc.source.into());
    fields.about = format!("server `{}`: ", entry.name);
    let config = fields.get(&["config"]).map(|(_, node)| node.to_json());
    let chosen = ProfileServer {
        config: match config {
            Some(Json::Object(config)) => config,
            _ => serde_json::Map::new(),
        },
        tools: fields.texts(&["tools"]),
        at: doc.position(item.start),
        ..ProfileServer::new(entry)
    };
    let is_bad = fields.problems.iter().any(Problem::is_error);
    problems.append(&mut fields.problems);
    ((!is_bad).then_some(chosen), problems)
}

/// One without a snapshot: an image or an address says enough to start it, a registry has to be asked.
fn bare(doc: &Document<'_>, fields: &mut Fields<'_>, item: &Node) -> Option<Entry> {
    let text = |name: &str| item.get(name).and_then(Node::as_str);
    if let Some(image) = text("image") {
        let name = ServerName::of_image(image)?;
        let launch = Launch::Container {
            image: image.to_owned(),
            command: Vec::new(),
            env: Vec::new(),
            user: None,
            extra_hosts: Vec::new(),
            is_writable: false,
        };
        return Some(source(doc, Entry::new(name, launch)));
    }
    if let Some(url) = text("endpoint").filter(|url| is_http(url)) {
        let host = url.split("://").nth(1)?.split(['/', ':', '?']).next()?;
        return Some(source(doc, Entry::remote(ServerName::repaired(host)?, url)));
    }
    let from = text("source").unwrap_or("nowhere");
    fields.error(
        item.start,
        format!("a server has no snapshot of its entry, which is at {from}"),
        "export the profile again, or add the server by name",
    );
    None
}

fn source(doc: &Document<'_>, entry: Entry) -> Entry {
    Entry {
        source: doc.source.to_owned(),
        is_template: true,
        ..entry
    }
}
