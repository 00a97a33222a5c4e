//! Our own form of a catalog, `schemas/catalog.schema.json` in code. Owns its keys. What an entry says that nobody knows is
//! told, for whoever wrote it relies on it. Next: `own/entry.rs`, one server.

mod entry;
mod parts;
mod shots;

pub use entry::KEYS;
pub(super) use entry::read as read_entry;
pub(crate) use parts::oauth;

use super::Problem;
use crate::document::Document;
use crate::fields::Fields;
use crate::reader::Servers;
use crate::{Catalog, Origin};

/// Keys of the file itself; `origin` and `approved` are written by an import.
const FILE_KEYS: &[&str] = &["catalog", "title", "servers", "origin", "approved"];

pub(super) fn read(doc: &Document<'_>) -> Result<Catalog, Problem> {
    let Some(pairs) = doc.root.table() else {
        return Err(doc.error(doc.root.start, "a catalog must be a table"));
    };
    let mut fields = Fields::new(doc, String::new(), pairs, None, false);
    let name = fields
        .text(&["catalog"])
        .map(|(name, _)| name)
        .unwrap_or_default();
    let title = fields.text(&["title"]).map(|(title, _)| title);
    let origin = fields.get(&["origin"]).and_then(|(_, node)| {
        Origin::parse(node.get("kind")?.as_str()?, node.get("from")?.as_str()?)
    });
    let approved = fields.get(&["approved"]).map(|(_, node)| node);
    let mut servers = Servers::default();
    if let Some((_, table)) = fields.get(&["servers"]) {
        match table.table() {
            Some(pairs) => {
                let taken = pairs.iter().map(|(key, _)| key.name.as_str()).collect();
                for (key, node) in pairs {
                    if servers.is_full(doc, key.start) {
                        break;
                    }
                    let Some(server) = servers.name(doc, key, &taken) else {
                        continue;
                    };
                    let (entry, problems) = entry::read(doc, server, key, node);
                    problems
                        .into_iter()
                        .for_each(|problem| servers.note(problem));
                    if let Some(entry) = entry {
                        servers.add(doc, entry, key.start);
                    }
                }
            }
            None => {
                let message = format!(
                    "`servers` must be a table of names and servers, found {}",
                    table.kind()
                );
                fields.error(table.start, message, "write servers: {name: {image: …}}");
            }
        }
    }
    for key in fields.unread() {
        let hint = match crate::suggest(&key.name, FILE_KEYS.iter().copied()) {
            Some(known) => format!("did you mean `{known}`?"),
            None => "servers stand below `servers:`".to_owned(),
        };
        fields.warning(
            key.start,
            format!("`{}` is no key of a catalog and is ignored", key.name),
            hint,
        );
    }
    let mut problems = fields.problems;
    let (mut entries, more) = servers.finish(doc);
    problems.extend(more);
    for entry in &mut entries {
        let mark = approved.and_then(|marks| marks.get(entry.name.as_str())?.as_str());
        entry.is_approved = mark.is_some_and(|mark| mark == entry.mark());
    }
    Ok(Catalog {
        name,
        title,
        origin: origin.unwrap_or_default(),
        entries,
        problems,
    })
}
