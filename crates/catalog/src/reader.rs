//! Makes entries of a table of servers, from JSON and TOML alike. Owns which keys an entry has, under the names that the
//! AI applications give them. Refuses one server, never the others. Next: `mcp_servers` (whole files), `entry`.

use std::path::PathBuf;

use crate::document::{Document, Key, Node, Value};
use crate::expand::Lookup;
use crate::fields::Fields;
use crate::limits::{
    CALL_TIMEOUT_S_MAX, ENTRIES_MAX, IDLE_TIMEOUT_S_MAX, PROBLEMS_MAX, START_TIMEOUT_S_MAX,
};
use crate::{Entry, Launch, Layer, Problem, RemoteKind, ServerName, Share, suggest};

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
    "url",
    "headers",
    "tools",
    "exclude_tools",
    "share",
    "disabled",
    "idle_timeout_s",
    "start_timeout_s",
    "call_timeout_s",
    "title",
    "description",
];

/// What `type` may say in our own form.
pub const TYPES: &[&str] = &["stdio", "http", "sse"];
/// What `share` may say.
pub const SHARES: &[&str] = &["workspace", "caller", "all"];

/// Keys of entries that wait for a later version: whoever writes one relies on it, so silence would be wrong.
const LATER: &[&str] = &["volumes", "allow_hosts", "network", "envFile"];

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
    problems: Vec<Problem>,
}

impl Servers {
    pub(crate) fn read(&mut self, doc: &Document<'_>, table: &Node, reading: &Reading<'_>) {
        let Some(pairs) = table.table() else {
            let message = format!(
                "the servers must be a table of names and entries, found {}",
                table.kind()
            );
            self.problems.push(
                doc.error(table.start, message)
                    .hint("write {\"name\": {\"command\": …}}"),
            );
            return;
        };
        for (key, node) in pairs {
            if self.found.len() == ENTRIES_MAX {
                self.problems.push(doc.error(
                    key.start,
                    format!("more than {ENTRIES_MAX} servers; the rest is left out"),
                ));
                return;
            }
            self.entry(doc, key, node, reading);
        }
    }

    fn entry(&mut self, doc: &Document<'_>, key: &Key, node: &Node, reading: &Reading<'_>) {
        let Some(name) = self.name(doc, key) else {
            return;
        };
        let Some(pairs) = node.table() else {
            let message = format!("server `{name}` must be a table, found {}", node.kind());
            self.problems.push(
                doc.error(node.start, message)
                    .hint("write {\"command\": …} or {\"url\": …}"),
            );
            return;
        };
        let about = format!("server `{name}`: ");
        let (entry, mut problems) = read_entry(doc, about, name, key.start, pairs, reading);
        self.problems.append(&mut problems);
        let Some(entry) = entry else { return };
        if let Some((former, start)) = self
            .found
            .iter_mut()
            .find(|(other, _)| other.name == entry.name)
        {
            let (first, second) = (doc.position(*start), doc.position(key.start));
            let message = format!(
                "server `{}` is defined twice, at {}:{} and at {}:{}; the later one is used",
                entry.name, first.0, first.1, second.0, second.1
            );
            self.problems.push(
                doc.error(key.start, message)
                    .hint("rename or remove one of them"),
            );
            *former = entry;
            *start = key.start;
        } else {
            self.found.push((entry, key.start));
        }
    }

    fn name(&mut self, doc: &Document<'_>, key: &Key) -> Option<ServerName> {
        let error = match ServerName::new(&key.name) {
            Ok(name) => return Some(name),
            Err(error) => error,
        };
        let repaired = ServerName::repaired(&key.name);
        self.problems.push(match &repaired {
            Some(name) => doc
                .warning(
                    key.start,
                    format!("server `{}` is called `{name}` here: {error}", key.name),
                )
                .hint(format!("rename it to `{name}`")),
            None => doc
                .error(key.start, format!("server `{}`: {error}", key.name))
                .hint("rename it"),
        });
        repaired
    }

    pub(crate) fn finish(mut self, doc: &Document<'_>) -> (Vec<Entry>, Vec<Problem>) {
        if self.problems.len() > PROBLEMS_MAX {
            let more = self.problems.len() - PROBLEMS_MAX;
            self.problems.truncate(PROBLEMS_MAX);
            self.problems.push(Problem::warning(
                doc.source,
                format!("and {more} more problems in this file"),
            ));
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
    // A disabled entry is not started: what its variables hold does not matter.
    let off = pairs
        .iter()
        .any(|(key, node)| match (key.name.as_str(), &node.value) {
            ("disabled", Value::Bool(off)) => *off,
            ("enabled", Value::Bool(on)) => !on,
            _ => false,
        });
    let mut fields = Fields::new(doc, about, pairs, reading.lookup.filter(|_| !off));
    let launch = launch(&mut fields, start);
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
        call_timeout_s: fields.seconds(
            &["call_timeout_s", "tool_timeout_sec"],
            1,
            CALL_TIMEOUT_S_MAX,
        ),
        title: fields.text(&["title"]).map(|(text, _)| text),
        description: fields.text(&["description"]).map(|(text, _)| text),
        source: doc.source.to_owned(),
        layer: reading.layer,
        // The rest cannot be known before the launch is.
        ..Entry::command(name, "", [""; 0])
    };
    fields.bool(&["disabled"]);
    fields.bool(&["enabled"]);
    unknown(&mut fields, reading.own);
    let failed = fields.problems.iter().any(Problem::is_error);
    let entry = launch.filter(|_| !failed).map(|launch| {
        entry.launch = launch;
        entry
    });
    (entry, fields.problems)
}

fn unknown(fields: &mut Fields<'_>, own: bool) {
    let unread: Vec<&Key> = fields.unread().collect();
    for key in unread {
        let name = &key.name;
        if LATER.contains(&name.as_str()) {
            let message = format!("`{name}` has no effect in this version");
            fields.warning(key.start, message, "do not rely on it yet");
        } else if let Some(known) = suggest(name, KEYS.iter().copied()) {
            let message = format!("`{name}` is no key of a server and is ignored");
            fields.warning(key.start, message, format!("did you mean `{known}`?"));
        } else if own {
            let message = format!("`{name}` is no key of a server and is ignored");
            fields.warning(
                key.start,
                message,
                format!("there are: {}", KEYS.join(", ")),
            );
        }
    }
}

/// What `type` says, in all the ways it is written.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Command,
    Remote(RemoteKind),
}

fn kind(fields: &mut Fields<'_>) -> Result<Option<Kind>, ()> {
    let Some((text, at)) = fields.text(&["type", "transport"]) else {
        return Ok(None);
    };
    let plain = text.to_ascii_lowercase().replace(['-', '_'], "");
    match plain.as_str() {
        "stdio" | "local" | "command" => Ok(Some(Kind::Command)),
        "http" | "streamablehttp" | "streamable" | "streaming" => {
            Ok(Some(Kind::Remote(RemoteKind::Streamable)))
        }
        "sse" => Ok(Some(Kind::Remote(RemoteKind::Sse))),
        "remote" => Ok(Some(Kind::Remote(RemoteKind::Auto))),
        _ => {
            let hint = match suggest(&text, TYPES.iter().copied()) {
                Some(known) => format!("did you mean \"{known}\"?"),
                None => "there are: \"stdio\", \"http\" and \"sse\"".to_owned(),
            };
            fields.error(at, format!("`type` cannot be \"{text}\""), hint);
            Err(())
        }
    }
}

fn launch(fields: &mut Fields<'_>, start: usize) -> Option<Launch> {
    let kind = kind(fields);
    // Gemini CLI: `httpUrl` is streamable HTTP and wins over `url`.
    let streamable = fields.get(&["httpUrl"]);
    let url = fields.get(&["url", "serverUrl", "uri"]);
    let command = fields.get(&["command", "cmd"]);
    let (kind, url) = match (kind.ok()?, streamable, url) {
        (None, Some(found), _) => (Some(Kind::Remote(RemoteKind::Streamable)), Some(found)),
        (kind, found, other) => (kind, found.or(other)),
    };
    match (kind, command, url) {
        (None | Some(Kind::Command), Some(found), None)
        | (Some(Kind::Command), Some(found), Some(_)) => {
            if let Some((key, _)) = url {
                fields.warning(
                    key.start,
                    format!("`{}` is ignored: this server is a command", key.name),
                    "remove it",
                );
            }
            self::command(fields, found)
        }
        (None, None, Some(found)) => remote(fields, found, RemoteKind::Auto),
        (Some(Kind::Remote(kind)), _, Some(found)) => {
            if let Some((key, _)) = command {
                fields.warning(
                    key.start,
                    format!("`{}` is ignored: this server is remote", key.name),
                    "remove it",
                );
            }
            remote(fields, found, kind)
        }
        (None, Some((key, _)), Some(_)) => {
            let message = "there is both a command and a URL";
            fields.error(
                key.start,
                message,
                "remove one of them, or say which by `type`",
            );
            None
        }
        (kind, _, None) => {
            missing(fields, start, kind);
            None
        }
        (Some(Kind::Command), None, Some((key, _))) => {
            let message = format!(
                "`type` says that this is a command, but there is only `{}`",
                key.name
            );
            fields.error(
                key.start,
                message,
                "write `type` = \"http\" or \"sse\", or leave it out",
            );
            None
        }
    }
}

fn missing(fields: &mut Fields<'_>, start: usize, kind: Option<Kind>) {
    let (message, wanted): (_, &[&str]) = match kind {
        None => ("there is neither `command` nor `url`", &["command", "url"]),
        Some(Kind::Command) => ("there is no `command`", &["command"]),
        Some(Kind::Remote(_)) => ("there is no `url`", &["url"]),
    };
    match fields.misspelt(wanted) {
        Some((key, known)) => fields.error(
            key.start,
            message,
            format!("did you mean `{known}` instead of `{}`?", key.name),
        ),
        None => fields.error(start, message, format!("add `{}`", wanted[0])),
    }
}

fn command(fields: &mut Fields<'_>, (key, node): (&Key, &Node)) -> Option<Launch> {
    let mut args = Vec::new();
    // OpenCode writes the program and its arguments as one list.
    let program = match &node.value {
        Value::List(items) if !items.is_empty() => {
            args.extend(
                items[1..]
                    .iter()
                    .map(|item| fields.value("each part of `command`", item)),
            );
            &items[0]
        }
        _ => node,
    };
    let what = format!("`{}`", key.name);
    let command = fields.value(&what, program);
    if command
        .as_deref()
        .is_some_and(|command| command.trim().is_empty())
    {
        fields.error(program.start, format!("{what} is empty"), "name a program");
        return None;
    }
    let command = command.map(|command| fields.home(command));
    match fields.get(&["args"]) {
        Some((
            _,
            Node {
                value: Value::List(items),
                ..
            },
        )) => {
            args.extend(
                items
                    .iter()
                    .map(|item| fields.value("each of `args`", item)),
            );
        }
        Some((key, node)) => {
            let message = format!(
                "`{}` must be a list of texts, found {}",
                key.name,
                node.kind()
            );
            fields.error(node.start, message, "write [\"one\", \"two\"]");
        }
        None => {
            if let Some(line) = command
                .as_deref()
                .filter(|line| args.is_empty() && is_command_line(line))
            {
                let words: Vec<_> = line
                    .split_whitespace()
                    .map(|word| format!("{word:?}"))
                    .collect();
                let hint = format!(
                    "write command {} and args [{}]",
                    words[0],
                    words[1..].join(", ")
                );
                fields.warning(
                    node.start,
                    format!(
                        "{what} looks like a whole command line, but is the name of one program"
                    ),
                    hint,
                );
            }
        }
    }
    let env = fields.values(&["env", "environment", "envs"], |name| {
        !name.is_empty() && !name.contains(['=', '\0'])
    });
    let cwd = fields
        .get(&["cwd", "workingDirectory", "working_directory"])
        .map(|(key, node)| fields.value(&format!("`{}`", key.name), node));
    Some(Launch::Command {
        command: command?,
        args: args.into_iter().collect::<Option<_>>()?,
        env: env.unwrap_or_default(),
        cwd: cwd.flatten().map(|cwd| PathBuf::from(fields.home(cwd))),
    })
}

/// Two words or more without a path: nobody calls a program so.
fn is_command_line(command: &str) -> bool {
    command.split_whitespace().nth(1).is_some() && !command.contains(['/', '\\'])
}

fn remote(fields: &mut Fields<'_>, (key, node): (&Key, &Node), kind: RemoteKind) -> Option<Launch> {
    let url = fields.value(&format!("`{}`", key.name), node);
    if let Some(url) = &url
        && !is_http(url)
    {
        let message = format!("`{}` must be an http:// or https:// address", key.name);
        fields.error(
            node.start,
            message,
            "write it out, such as https://example.com/mcp",
        );
        return None;
    }
    let headers = fields.values(&["headers", "http_headers"], |name| {
        !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
    });
    let headers = headers.unwrap_or_default();
    if let Some((name, _)) = headers
        .iter()
        .find(|(_, value)| value.contains(|c: char| c.is_control() && c != '\t'))
    {
        let message = format!(
            "the value of header `{name}` contains a control character, such as a line break"
        );
        fields.error(node.start, message, "remove it");
    }
    Some(Launch::Remote {
        url: url?,
        headers,
        kind,
    })
}

fn is_http(url: &str) -> bool {
    let rest = ["http://", "https://"].iter().find_map(|scheme| {
        let head = url.get(..scheme.len())?;
        head.eq_ignore_ascii_case(scheme)
            .then(|| &url[scheme.len()..])
    });
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#']))
        && !url.contains(|c: char| c.is_whitespace() || c.is_control())
}

fn share(fields: &mut Fields<'_>) -> Option<Share> {
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

#[cfg(test)]
mod tests;
