//! The official registry's `server.json` (schema 2025-12-11 and those before it) and the pages of its API. Owns which of
//! the ways to a server is taken and how it is named. Next: `server_json/package.rs` and `server_json/input.rs`.

mod input;
mod package;

use std::collections::HashMap;
use std::sync::Arc;

use input::Inputs;

use crate::document::{Document, Key, Node, Value};
use crate::fields::Fields;
use crate::reader::Servers;
use crate::{About, Catalog, Entry, Launch, Problem, ServerName};

pub(super) fn read(doc: &Document<'_>) -> Catalog {
    let items: Vec<&Node> = match &doc.root.value {
        Value::List(items) => items.iter().collect(),
        _ => match doc.root.get("servers").and_then(Node::list) {
            Some(items) => items.iter().collect(),
            None => vec![&doc.root],
        },
    };
    let wanted: Vec<(&Node, &Node)> = items
        .into_iter()
        .map(|item| (item, item.get("server").unwrap_or(item)))
        .filter(|(item, server)| is_current(item, server))
        .collect();
    let names = names(wanted.iter().map(|(_, server)| *server));
    let mut servers = Servers::default();
    for (_, server) in wanted {
        if servers.is_full(doc, server.start) {
            break;
        }
        let written = server.get("name");
        let full = written.and_then(Node::as_str).unwrap_or_default();
        let key = Key {
            name: names.get(full).cloned().unwrap_or_else(|| full.to_owned()),
            start: written.map_or(server.start, |node| node.start),
        };
        let Some(name) = servers.name(doc, &key, &std::collections::HashSet::new()) else {
            continue;
        };
        let (entry, problems) = entry(doc, name, full, key.start, server);
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

/// A page lists every version: those that are superseded or deleted are not offered.
fn is_current(item: &Node, server: &Node) -> bool {
    let official = [item, server].into_iter().find_map(|node| {
        node.get("_meta")?
            .get("io.modelcontextprotocol.registry/official")
    });
    let Some(official) = official else {
        return true;
    };
    let is_latest = official.get("isLatest").map(|node| &node.value) != Some(&Value::Bool(false));
    let status = official.get("status").or_else(|| server.get("status"));
    is_latest && status.and_then(Node::as_str) != Some("deleted")
}

/// `io.github.acme/weather` is called `weather`, unless that says nothing or stands for another one as well: then the
/// publisher is put before it.
fn names<'n>(servers: impl Iterator<Item = &'n Node>) -> HashMap<String, String> {
    let full: Vec<&str> = servers
        .filter_map(|server| server.get("name")?.as_str())
        .collect();
    let short = |name: &str| {
        let last = name.rsplit('/').next().unwrap_or(name);
        ServerName::repaired(last)
            .map(|name| name.to_string())
            .unwrap_or_default()
    };
    let mut counts: HashMap<String, usize> = HashMap::new();
    for name in &full {
        *counts.entry(short(name)).or_default() += 1;
    }
    let says_nothing = |name: &str| {
        matches!(
            name.to_ascii_lowercase().as_str(),
            "" | "mcp" | "server" | "mcp-server" | "mcpserver" | "mcp_server"
        )
    };
    let called = |name: &str| {
        let last = short(name);
        if counts.get(&last) == Some(&1) && !says_nothing(&last) {
            return last;
        }
        let space = name.rsplit_once('/').map_or("", |(space, _)| space);
        let owner = space.rsplit('.').next().unwrap_or_default();
        match owner.is_empty() {
            true => last,
            false => format!("{owner}-{last}"),
        }
    };
    full.iter()
        .map(|name| ((*name).to_owned(), called(name)))
        .collect()
}

fn entry(
    doc: &Document<'_>,
    name: ServerName,
    full: &str,
    start: usize,
    node: &Node,
) -> (Option<Entry>, Vec<Problem>) {
    let about = format!("server `{name}`: ");
    let Some(pairs) = node.table() else {
        let message = format!("{about}it must be an object, found {}", node.kind());
        return (
            None,
            vec![
                doc.error(node.start, message)
                    .hint("is this a server.json?"),
            ],
        );
    };
    let mut fields = Fields::new(doc, about, pairs, None, false);
    let mut inputs = Inputs::new(name.as_str());
    let mut made = Made::default();
    let launch = ways(node, &mut fields, &mut inputs, &mut made, start);
    let text = |key: &str| {
        let text = node.get(key)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let (config, secrets) = inputs.finish();
    let icon = node
        .get("icons")
        .and_then(Node::list)
        .and_then(<[Node]>::first);
    let about = About {
        tags: Vec::new(),
        version: text("version"),
        config,
        secrets,
        // A remote server without a credential in its headers is signed in to, if at all.
        oauth: None,
        tools: Vec::new(),
        icon: icon
            .and_then(|icon| icon.get("src")?.as_str())
            .map(str::to_owned),
        repository: node
            .get("repository")
            .and_then(|r| r.get("url")?.as_str())
            .map(str::to_owned),
        website: text("websiteUrl"),
        requirement: None,
    };
    let Some(launch) = launch.filter(|_| !fields.problems.iter().any(Problem::is_error)) else {
        return (None, fields.problems);
    };
    let entry = Entry {
        title: text("title").or_else(|| Some(full.to_owned()).filter(|full| !full.is_empty())),
        description: text("description"),
        source: doc.source.to_owned(),
        is_template: true,
        volumes: made.volumes,
        network: made.network,
        about: Arc::new(about),
        ..Entry::new(name, launch)
    };
    (Some(entry), fields.problems)
}

/// What a package says beside how it starts.
#[derive(Default)]
struct Made {
    volumes: Vec<String>,
    network: crate::Network,
}

/// The first remote of a transport that is current, else any remote; else the first package that can be run: images, then
/// PyPI, npm and bundles.
fn ways(
    node: &Node,
    fields: &mut Fields<'_>,
    inputs: &mut Inputs,
    made: &mut Made,
    start: usize,
) -> Option<Launch> {
    let list = |key: &str| node.get(key).and_then(Node::list).unwrap_or_default();
    let kind = |remote: &Node| {
        remote
            .get("type")
            .and_then(Node::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let remotes = list("remotes");
    let remote = remotes
        .iter()
        .find(|remote| kind(remote) == "streamable-http")
        .or(remotes.first());
    if let Some(remote) = remote {
        return package::remote(remote, fields, inputs);
    }
    let packages = list("packages");
    let rank = |node: &Node| {
        let kind = node
            .get("registryType")
            .or_else(|| node.get("registry_type"))
            .or_else(|| node.get("registry_name"));
        let is_stdio = node
            .get("transport")
            .and_then(|transport| transport.get("type")?.as_str())
            .is_none_or(|kind| kind == "stdio");
        let order = match kind.and_then(Node::as_str) {
            Some("oci" | "docker") => 0,
            Some("pypi") => 1,
            Some("npm") => 2,
            Some("mcpb") => 3,
            _ => 4,
        };
        (!is_stdio, order)
    };
    match packages.iter().min_by_key(|node| rank(node)) {
        Some(package) => package::read(package, fields, inputs, made),
        None => {
            let message = "there are neither `remotes` nor `packages`";
            fields.error(
                start,
                message,
                "such an entry says only that the server exists",
            );
            None
        }
    }
}
