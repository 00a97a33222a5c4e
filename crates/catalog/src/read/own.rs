//! Our own form of a catalog, `schemas/catalog.schema.json` in code. Owns its keys. What an entry says that nobody knows is
//! told, for whoever wrote it relies on it. Next: `own/entry.rs`, one server.

mod entry;
mod parts;
mod shots;

pub use entry::KEYS;
pub(super) use entry::read as read_entry;
pub(crate) use parts::oauth;

use super::Problem;
use crate::document::{Document, Node, Value};
use crate::fields::Fields;
use crate::reader::Servers;
use crate::{Catalog, Origin};

/// Keys of the file itself; `origin`, `origins` and `approved` are written by commands.
const FILE_KEYS: &[&str] = &[
    "catalog", "title", "ref", "servers", "origin", "origins", "approved",
];

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
    let reference = fields.text(&["ref"]).map(|(reference, _)| reference);
    let origin = fields.get(&["origin"]).and_then(|(_, node)| noted(node));
    let origins = fields.get(&["origins"]).map(|(_, node)| node);
    let approved = fields.get(&["approved"]).map(|(_, node)| node);
    let mut servers = Servers::default();
    if let Some((_, table)) = fields.get(&["servers"]) {
        match table.table() {
            // What is still to be written.
            None if table.value == Value::Null => {}
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
        let own = origins.and_then(|origins| noted(origins.get(entry.name.as_str())?));
        entry.origin = own.unwrap_or_default();
    }
    Ok(Catalog {
        name,
        title,
        reference,
        origin: origin.unwrap_or_default(),
        entries,
        problems,
    })
}

/// Where something came from, as commands note it. What is not foreign is nothing to note.
fn noted(node: &Node) -> Option<Origin> {
    let origin = Origin::parse(node.get("kind")?.as_str()?, node.get("from")?.as_str()?);
    origin.filter(Origin::is_foreign)
}
