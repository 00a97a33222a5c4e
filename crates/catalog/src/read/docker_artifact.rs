//! Documents that Docker keeps in registries: a profile (version 1), as its export is one, and a catalog: a title and a list of
//! servers, each with a snapshot of its entry. Owns how they are told from others. One of ours holds our own form too, which
//! says more. The counterpart of `write/docker.rs`.

use super::own;
use super::profile::docker_servers;
use crate::document::{Document, Node};
use crate::limits::ENTRIES_MAX;
use crate::write::OWN;
use crate::{Catalog, KnownTool, Problem};

/// The part of a document that is in our own form, if it has one.
pub(super) fn own_part<'t>(doc: &Document<'t>) -> Option<Document<'t>> {
    let node = doc.root.get(OWN)?;
    Some(Document::new(doc.text, doc.source, node.clone()))
}

/// Whether it is a catalog: of a profile, the export has an id.
pub(super) fn is_catalog(root: &Node) -> bool {
    let servers = root.get("servers").and_then(Node::list);
    let looks_like = |node: &Node| {
        let is_there = |key: &str| node.get(key).is_some();
        let kind = node.get("type").and_then(Node::as_str);
        is_there("snapshot")
            || (matches!(kind, Some("image" | "registry" | "remote"))
                && ["image", "source", "endpoint"].into_iter().any(is_there))
    };
    let is_ours = root
        .get(OWN)
        .is_some_and(|own| own.get("catalog").is_some());
    root.get("id").is_none()
        && root.get("title").is_some()
        && servers.is_some_and(|servers| servers.first().map_or(is_ours, looks_like))
}

pub(super) fn read(doc: &Document<'_>) -> Result<Catalog, Problem> {
    if let Some(own) = own_part(doc).filter(|own| own.root.get("catalog").is_some()) {
        return own::read(&own);
    }
    let (servers, problems) = docker_servers(doc, ENTRIES_MAX);
    let entries = servers.into_iter().map(|server| {
        let mut entry = server.entry;
        // A list of tools says which there are, where nothing else does.
        if entry.about.tools.is_empty() {
            let tools = server.tools.into_iter().flatten().map(|name| KnownTool {
                name: name.into(),
                description: "".into(),
                input_schema: None,
            });
            std::sync::Arc::make_mut(&mut entry.about).tools = tools.collect();
        }
        entry
    });
    let title = doc.root.get("title").and_then(Node::as_str);
    Ok(Catalog {
        title: title.map(str::to_owned),
        entries: entries.collect(),
        problems,
        ..Catalog::default()
    })
}
