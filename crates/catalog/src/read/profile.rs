//! Profiles out of texts: our own form (`profile:` and `servers:`) and what Docker exports. Owns how they are told apart, and
//! whose word counts: what a file notes of itself does in the person's own folder only. Next: `profile/docker.rs`.

mod docker;
#[cfg(test)]
mod tests;

pub(super) use docker::servers as docker_servers;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde_json::Value as Json;

use super::docker_artifact::own_part;
use super::document;
use super::own::read_entry;
use crate::document::{Document, Key, Node};
use crate::fields::Fields;
use crate::limits::PROFILE_SERVERS_MAX;
use crate::reader::Servers;
use crate::{Layer, Origin, Problem, Profile, ProfileServer, suggest};

const FILE_KEYS: &[&str] = &["profile", "title", "description", "servers"];
const SERVER_KEYS: &[&str] = &[
    "origin",
    "config",
    "secrets",
    "tools",
    "exclude_tools",
    "entry",
];
/// What a reference to a secret begins with.
const REFERENCES: &[&str] = &["store:", "file:", "env:", "cred:", "cmd:"];

/// Reads a profile. `name` is what it is called unless it names itself, `source` stands in messages. With [`Origin::Own`] the
/// text is the person's own file, which may note where each entry came from; any other origin is that of every entry, and what the
/// text says of secrets becomes a part of them, to be approved with the rest. An `Err` means that nothing of it could be read;
/// what is wrong with single servers stands among the profile's problems.
pub fn read_profile(
    text: &str,
    name: &str,
    source: &str,
    origin: &Origin,
) -> Result<Profile, Problem> {
    let doc = document(text, source)?;
    let mut profile = if doc.root.get("profile").is_some() {
        own(&doc)?
    } else if docker::is_one(&doc.root) {
        let known = docker::read(&doc)?;
        match own_part(&doc).filter(|own| own.root.get("profile").is_some()) {
            Some(ours) => own(&ours)?,
            None => known,
        }
    } else {
        return Err(doc
            .error(doc.root.start, "this is no profile")
            .hint("a profile has `profile:` and `servers:`, or is one that Docker exported"));
    };
    if profile.name.is_empty() {
        profile.name = name.to_owned();
    }
    for server in &mut profile.servers {
        server.entry.layer = Layer::Flag;
        if *origin != Origin::Own {
            foreign(server, origin);
        }
    }
    Ok(profile)
}

/// Somebody else's text: it says nothing of where it comes from, and what it takes secrets from is asked about.
fn foreign(server: &mut ProfileServer, origin: &Origin) {
    server.entry.origin = origin.clone();
    let references = std::mem::take(&mut server.secrets);
    let about = Arc::make_mut(&mut server.entry.about);
    for spec in &mut about.secrets {
        if let Some(reference) = references.get(&spec.name) {
            spec.from = Some(reference.clone());
        }
    }
}

fn own(doc: &Document<'_>) -> Result<Profile, Problem> {
    let Some(pairs) = doc.root.table() else {
        return Err(doc.error(doc.root.start, "a profile must be a table"));
    };
    let mut fields = Fields::new(doc, String::new(), pairs, None, false);
    let mut text = |name: &str| fields.text(&[name]).map(|(text, _)| text);
    let (name, title, description) = (text("profile"), text("title"), text("description"));
    let mut reading = Reading::of(PROFILE_SERVERS_MAX);
    if let Some((_, table)) = fields.get(&["servers"]) {
        match table.table() {
            Some(pairs) => reading.table(doc, pairs),
            None => {
                let message = format!(
                    "`servers` must be a table of names and servers, found {}",
                    table.kind()
                );
                fields.error(table.start, message, "write servers: {name: {entry: …}}");
            }
        }
    }
    for key in fields.unread() {
        let message = format!("`{}` is no key of a profile and is ignored", key.name);
        fields.warning(key.start, message, among(&key.name, FILE_KEYS));
    }
    let mut problems = fields.problems;
    let (servers, more) = reading.finish(doc);
    problems.extend(more);
    Ok(Profile {
        name: name.unwrap_or_default(),
        title,
        description,
        servers,
        problems,
    })
}

fn among(name: &str, known: &[&'static str]) -> String {
    match suggest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are: {}", known.join(", ")),
    }
}

/// The servers of a profile, whatever its form: their names are checked, and of two with one name the later is used.
struct Reading {
    most: usize,
    servers: Servers,
    chosen: BTreeMap<String, ProfileServer>,
}

impl Reading {
    /// Of at most so many.
    fn of(most: usize) -> Self {
        Self {
            most,
            servers: Servers::default(),
            chosen: BTreeMap::new(),
        }
    }

    fn table(&mut self, doc: &Document<'_>, pairs: &[(Key, Node)]) {
        let taken: HashSet<&str> = pairs.iter().map(|(key, _)| key.name.as_str()).collect();
        for (key, node) in pairs {
            if self.is_full(doc, key.start) {
                return;
            }
            let Some(name) = self.servers.name(doc, key, &taken) else {
                continue;
            };
            let about = format!("server `{name}`: ");
            let Some(pairs) = node.table() else {
                let message = format!("{about}it must be a table, found {}", node.kind());
                self.servers
                    .note(doc.error(node.start, message).hint("write {entry: …}"));
                continue;
            };
            let mut fields = Fields::new(doc, about, pairs, None, false);
            let Some((at, snapshot)) = fields.get(&["entry"]) else {
                fields.error(
                    key.start,
                    "there is no `entry`, the snapshot of what it is",
                    "`portolan profile server add` writes one",
                );
                self.note(fields.problems);
                continue;
            };
            let (entry, problems) = read_entry(doc, name, at, snapshot);
            let chosen = entry.map(|entry| server(doc, &mut fields, entry, key));
            let is_bad = fields.problems.iter().any(Problem::is_error);
            self.note(problems);
            self.note(fields.problems);
            if let Some(chosen) = chosen.filter(|_| !is_bad) {
                self.add(doc, chosen, key.start);
            }
        }
    }

    fn add(&mut self, doc: &Document<'_>, chosen: ProfileServer, start: usize) {
        let entry = chosen.entry.clone();
        self.chosen.insert(entry.name.to_string(), chosen);
        self.servers.add(doc, entry, start);
    }

    fn note(&mut self, problems: Vec<Problem>) {
        problems.into_iter().for_each(|one| self.servers.note(one));
    }

    /// Whether as many servers have been read as are read at all; says so when it is.
    fn is_full(&mut self, doc: &Document<'_>, start: usize) -> bool {
        let is_full = self.chosen.len() >= self.most;
        if is_full {
            let message = format!(
                "there are more than {} servers; from here on they are left out",
                self.most
            );
            self.servers
                .note(doc.error(start, message).hint("make two of it"));
        }
        is_full
    }

    fn finish(self, doc: &Document<'_>) -> (Vec<ProfileServer>, Vec<Problem>) {
        let mut chosen = self.chosen;
        let (entries, problems) = self.servers.finish(doc);
        let servers = entries.iter();
        let servers = servers.filter_map(|entry| chosen.remove(entry.name.as_str()));
        (servers.collect(), problems)
    }
}

fn server(
    doc: &Document<'_>,
    fields: &mut Fields<'_>,
    mut entry: crate::Entry,
    key: &Key,
) -> ProfileServer {
    if let Some((_, node)) = fields.get(&["origin"]) {
        let word = |name: &str| node.get(name).and_then(Node::as_str);
        let from = word("from").unwrap_or_default();
        match word("kind").and_then(|kind| Origin::parse(kind, from)) {
            Some(origin) => entry.origin = origin,
            None => fields.error(
                node.start,
                "`origin` says nowhere that an entry can come from",
                "write {kind: …, from: …}; the kinds are own, built-in, catalog, file, url, registry and oci",
            ),
        }
    }
    let config = fields.get(&["config"]).and_then(|(key, node)| {
        let Json::Object(config) = node.to_json() else {
            fields.wrong(key, node, "a table of keys and values");
            return None;
        };
        Some(config)
    });
    let secrets = fields.values(&["secrets"], check_reference);
    let known: Vec<&str> = entry
        .about
        .secrets
        .iter()
        .map(|s| s.name.as_str())
        .collect();
    if let Some((name, _)) = secrets
        .iter()
        .find(|(name, _)| !known.contains(&name.as_str()))
    {
        let hint = match suggest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "it takes none".to_owned(),
            None => format!("it takes: {}", known.join(", ")),
        };
        let message = format!("its entry has no secret `{name}`");
        fields.error(key.start, message, hint);
    }
    let chosen = ProfileServer {
        config: config.unwrap_or_default(),
        secrets: secrets.into_iter().collect(),
        tools: fields.texts(&["tools"]),
        exclude_tools: fields.texts(&["exclude_tools"]).unwrap_or_default(),
        at: doc.position(key.start),
        entry,
    };
    for key in fields.unread() {
        let message = format!(
            "`{}` is no key of a server in a profile and is ignored",
            key.name
        );
        fields.warning(key.start, message, among(&key.name, SERVER_KEYS));
    }
    chosen
}

/// What is no reference may well be the value itself, which is never repeated.
fn check_reference(_: &str, text: &str) -> Option<&'static str> {
    let is_one = REFERENCES.iter().any(|kind| text.starts_with(kind));
    (!is_one).then_some(
        "must be a reference (store:NAME, env:NAME, file:PATH, cred:NAME or cmd:PROGRAM): values are kept by `portolan secret set`",
    )
}
