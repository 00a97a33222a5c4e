//! Makes entries of a table of servers, from JSON and TOML alike. Owns which keys an entry has, under the names that the
//! AI applications give them. Refuses one server, never the others. Next: `reader/launch.rs` (what starts or reaches a
//! server), `mcp_servers` (whole files).

use std::collections::{HashMap, HashSet};

use crate::document::{Document, Key, Node, Value};
use crate::expand::Lookup;
use crate::fields::Fields;
use crate::limits::{
    CALL_TIMEOUT_S_MAX, CALLS_AT_ONCE_MAX, ENTRIES_MAX, IDLE_TIMEOUT_S_MAX, NAME_CHARS_MAX,
    PROBLEMS_MAX, START_TIMEOUT_S_MAX,
};
use crate::read::oauth;
use crate::{About, Entry, Launch, Layer, Problem, ServerName, Share, suggest};

pub(crate) mod launch;
#[cfg(test)]
mod tests;

/// How a file is to be read.
#[derive(Clone, Copy, Default)]
pub struct Reading<'a> {
    /// Which kind of file it is; goes into every entry.
    pub layer: Layer,
    /// What `${VAR}` stands for; `None` leaves it as it is.
    pub lookup: Option<&'a Lookup<'a>>,
    /// Whether the file is of our own form, so that a key we do not know is a mistake.
    pub own: bool,
}

/// The keys of an entry in our own form.
pub const KEYS: &[&str] = &[
    "type",
    "command",
    "args",
    "env",
    "cwd",
    "image",
    "user",
    "read_only",
    "mcpb",
    "sha256",
    "user_config",
    "volumes",
    "network",
    "url",
    "headers",
    "tools",
    "exclude_tools",
    "share",
    "disabled",
    "idle_timeout_s",
    "start_timeout_s",
    "call_timeout_s",
    "calls_at_once",
    "title",
    "description",
    "oauth",
];

/// Further keys, as some of the applications call them.
const OLDER_KEYS: &[&str] = &[
    "enabled",
    "transport",
    "httpUrl",
    "serverUrl",
    "workingDirectory",
    "environment",
    "allow_hosts",
];

/// What `type` may say in our own form.
pub const TYPES: &[&str] = &["stdio", "http", "sse"];
/// What `share` may say.
pub const SHARES: &[&str] = &["workspace", "caller", "all"];

/// Keys of entries that wait for a later version: whoever writes one relies on it, so silence would be wrong.
const LATER: &[&str] = &["envFile"];

/// Reads a table of servers, `name = entry`. What cannot be read is left out and stands among the problems.
pub fn read_servers(
    doc: &Document<'_>,
    table: &Node,
    reading: &Reading<'_>,
) -> (Vec<Entry>, Vec<Problem>) {
    let mut servers = Servers::default();
    servers.read(doc, table, reading);
    servers.finish(doc)
}

/// The servers of one file, collected from all the tables that name some.
#[derive(Default)]
pub(crate) struct Servers {
    found: Vec<(Entry, usize)>,
    places: HashMap<ServerName, usize>,
    problems: Vec<Problem>,
    /// Problems beyond those that are reported.
    more: usize,
}

impl Servers {
    pub(crate) fn read(&mut self, doc: &Document<'_>, table: &Node, reading: &Reading<'_>) {
        let Some(pairs) = table.table() else {
            let message = format!(
                "the servers must be a table of names and entries, found {}",
                table.kind()
            );
            return self.note(
                doc.error(table.start, message)
                    .hint("write {\"name\": {\"command\": …}}"),
            );
        };
        let taken = pairs.iter().map(|(key, _)| key.name.as_str()).collect();
        for (key, node) in pairs {
            if self.is_full(doc, key.start) {
                return;
            }
            if let Some(entry) = self.entry(doc, key, node, &taken, reading) {
                self.add(doc, entry, key.start);
            }
        }
    }

    fn entry(
        &mut self,
        doc: &Document<'_>,
        key: &Key,
        node: &Node,
        taken: &HashSet<&str>,
        reading: &Reading<'_>,
    ) -> Option<Entry> {
        let name = self.name(doc, key, taken)?;
        let Some(pairs) = node.table() else {
            let message = format!("server `{name}` must be a table, found {}", node.kind());
            self.note(
                doc.error(node.start, message)
                    .hint("write {\"command\": …} or {\"url\": …}"),
            );
            return None;
        };
        let about = format!("server `{name}`: ");
        let (entry, problems) = read_entry(doc, about, name, key.start, pairs, reading);
        problems.into_iter().for_each(|problem| self.note(problem));
        entry
    }

    pub(crate) fn add(&mut self, doc: &Document<'_>, entry: Entry, start: usize) {
        let Some(&at) = self.places.get(&entry.name) else {
            self.places.insert(entry.name.clone(), self.found.len());
            return self.found.push((entry, start));
        };
        // What an application does with such a file: the later one is what its reader of JSON keeps.
        let (first, second) = (doc.position(self.found[at].1), doc.position(start));
        let message = format!(
            "server `{}` is defined twice, at {}:{} and at {}:{}; the later one is used",
            entry.name, first.0, first.1, second.0, second.1
        );
        self.note(
            doc.error(start, message)
                .hint("rename or remove one of them"),
        );
        self.found[at] = (entry, start);
    }

    pub(crate) fn note(&mut self, problem: Problem) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        } else {
            self.more += 1;
        }
    }

    /// The name, or the nearest that is allowed unless another server in the table has that one for its own.
    pub(crate) fn name(
        &mut self,
        doc: &Document<'_>,
        key: &Key,
        taken: &HashSet<&str>,
    ) -> Option<ServerName> {
        let error = match ServerName::new(&key.name) {
            Ok(name) => return Some(name),
            Err(error) => error,
        };
        let shown: String = key.name.chars().take(2 * NAME_CHARS_MAX).collect();
        let message = format!("server `{shown}`");
        let repaired =
            ServerName::repaired(&key.name).filter(|name| !taken.contains(name.as_str()));
        self.note(match &repaired {
            Some(name) => doc
                .warning(
                    key.start,
                    format!("{message} is called `{name}` here: {error}"),
                )
                .hint(format!("rename it to `{name}`")),
            None => doc
                .error(key.start, format!("{message}: {error}"))
                .hint("rename it"),
        });
        repaired
    }

    /// Whether as many servers have been read as are read at all; says so when it is.
    pub(crate) fn is_full(&mut self, doc: &Document<'_>, start: usize) -> bool {
        let is_full = self.found.len() >= ENTRIES_MAX;
        if is_full {
            let message = format!(
                "there are more than {ENTRIES_MAX} servers; from here on they are left out"
            );
            self.note(doc.error(start, message).hint("is this the right file?"));
        }
        is_full
    }

    pub(crate) fn finish(mut self, doc: &Document<'_>) -> (Vec<Entry>, Vec<Problem>) {
        if self.more > 0 {
            let message = format!("and {} more problems in this file", self.more);
            self.problems.push(Problem::warning(doc.source, message));
        }
        (
            self.found.into_iter().map(|(entry, _)| entry).collect(),
            self.problems,
        )
    }
}

fn read_entry(
    doc: &Document<'_>,
    about: String,
    name: ServerName,
    start: usize,
    pairs: &[(Key, Node)],
    reading: &Reading<'_>,
) -> (Option<Entry>, Vec<Problem>) {
    // A disabled entry is not started, unless a person says so for once: its variables are filled in where they can be.
    let off = pairs
        .iter()
        .any(|(key, node)| match (key.name.as_str(), &node.value) {
            ("disabled", Value::Bool(off)) => *off,
            ("enabled", Value::Bool(on)) => !on,
            _ => false,
        });
    let mut fields = Fields::new(doc, about, pairs, reading.lookup, off);
    let launch = launch::read(&mut fields, start);
    let mut entry = Entry {
        tools: fields.texts(&["tools", "enabled_tools", "enabledTools", "includeTools"]),
        exclude_tools: fields
            .texts(&[
                "exclude_tools",
                "excludeTools",
                "disabled_tools",
                "disabledTools",
            ])
            .unwrap_or_default(),
        share: share(&mut fields),
        disabled: off,
        idle_timeout_s: fields.seconds(&["idle_timeout_s"], 0, IDLE_TIMEOUT_S_MAX),
        start_timeout_s: fields.seconds(
            &["start_timeout_s", "startup_timeout_sec"],
            1,
            START_TIMEOUT_S_MAX,
        ),
        calls_at_once: fields.whole("calls_at_once", CALLS_AT_ONCE_MAX),
        call_timeout_s: fields.seconds(
            &["call_timeout_s", "tool_timeout_sec"],
            1,
            CALL_TIMEOUT_S_MAX,
        ),
        title: fields.text(&["title"]).map(|(text, _)| text),
        description: fields.text(&["description"]).map(|(text, _)| text),
        volumes: launch::volumes(&mut fields, launch.as_ref()),
        network: launch::network(&mut fields, launch.as_ref()),
        source: doc.source.to_owned(),
        layer: reading.layer,
        // The rest cannot be known before the launch is.
        ..Entry::command(name, "", [""; 0])
    };
    fields.bool(&["disabled"]);
    fields.bool(&["enabled"]);
    if let Some(oauth) = oauth(&mut fields, reading.own) {
        entry.about = std::sync::Arc::new(About {
            oauth: Some(oauth),
            ..About::default()
        });
    }
    unknown(&mut fields, launch.as_ref(), reading.own);
    let failed = fields.problems.iter().any(Problem::is_error);
    let entry = launch.filter(|_| !failed).map(|launch| {
        entry.launch = launch;
        entry
    });
    (entry, fields.problems)
}

/// Says what a key means that nobody read. Files of other applications hold much that concerns only them.
fn unknown(fields: &mut Fields<'_>, launch: Option<&Launch>, own: bool) {
    let of_kind = match launch {
        Some(Launch::Command { .. }) => "has no effect on a command",
        Some(Launch::Remote { .. }) => "has no effect on a remote server",
        Some(Launch::Container { .. }) => "has no effect on a container",
        Some(_) => "has no effect on this server",
        None => return, // what is wrong with it was said, and some keys were not come to
    };
    for key in fields.unread() {
        let name = key.name.as_str();
        let known = || KEYS.iter().chain(OLDER_KEYS).copied();
        // Whoever wrote it relies on it, whatever the form of the file.
        let (message, hint) = if LATER.contains(&name) {
            (
                "has no effect in this version",
                "do not rely on it yet".to_owned(),
            )
        } else if known().any(|known| known == name) {
            if !own {
                continue;
            }
            (of_kind, "remove it".to_owned())
        } else if let Some(known) = suggest(name, known()) {
            (
                "is no key of a server and is ignored",
                format!("did you mean `{known}`?"),
            )
        } else if own {
            (
                "is no key of a server and is ignored",
                format!("there are: {}", KEYS.join(", ")),
            )
        } else {
            continue;
        };
        fields.warning(key.start, format!("`{name}` {message}"), hint);
    }
}

pub(crate) fn share(fields: &mut Fields<'_>) -> Option<Share> {
    let (text, at) = fields.text(&["share"])?;
    match text.as_str() {
        "workspace" => Some(Share::Workspace),
        "caller" => Some(Share::Caller),
        "all" => Some(Share::All),
        _ => {
            let message = format!("`share` cannot be \"{text}\"");
            fields.error(
                at,
                message,
                "there are: \"workspace\", \"caller\" and \"all\"",
            );
            None
        }
    }
}
