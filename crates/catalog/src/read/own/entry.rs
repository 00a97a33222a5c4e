//! One server of our own form. Owns its keys and how it starts; next: `parts.rs`, what else it says.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::package;
use super::parts::{config, network, oauth, resources, secrets, tags, tools};
use super::shots::shots;
use crate::document::{Document, Key, Node};
use crate::fields::Fields;
use crate::limits::{
    CALL_TIMEOUT_S_MAX, CALLS_AT_ONCE_MAX, IDLE_TIMEOUT_S_MAX, START_TIMEOUT_S_MAX,
};
use crate::reader::launch::{check_header, check_variable, is_http};
use crate::reader::share;
use crate::{
    About, Entry, Launch, Problem, Registry, RemoteKind, ServerName, USER_CONFIG, suggest,
};

/// The keys of a server.
pub const KEYS: &[&str] = &[
    "title",
    "description",
    "tags",
    "version",
    "image",
    "one_shot",
    "package",
    "sha256",
    "user_config",
    "command",
    "url",
    "transport",
    "unavailable",
    "runtime",
    "runtime_args",
    "args",
    "env",
    "headers",
    "cwd",
    "user",
    "extra_hosts",
    "read_only",
    "volumes",
    "network",
    "resources",
    "secrets",
    "config",
    "oauth",
    "tools",
    "share",
    "idle_timeout_s",
    "start_timeout_s",
    "call_timeout_s",
    "calls_at_once",
    "icon",
    "repository",
    "website",
    "requirement",
];

pub(in crate::read) fn read(
    doc: &Document<'_>,
    name: ServerName,
    key: &Key,
    node: &Node,
) -> (Option<Entry>, Vec<Problem>) {
    let Some(pairs) = node.table() else {
        let message = format!("server `{name}` must be a table, found {}", node.kind());
        let hint = "write {image: …}, {package: …}, {command: …} or {url: …}";
        return (None, vec![doc.error(node.start, message).hint(hint)]);
    };
    let mut fields = Fields::new(doc, format!("server `{name}`: "), pairs, None, false);
    let f = &mut fields;
    let secrets = secrets(f, &name);
    let launch = launch(f, name.as_str(), key.start);
    let about = About {
        tags: tags(f),
        version: plain(f, "version"),
        config: config(f),
        secrets,
        oauth: oauth(f, true),
        tools: tools(f),
        icon: plain(f, "icon"),
        repository: plain(f, "repository"),
        website: plain(f, "website"),
        requirement: plain(f, "requirement"),
    };
    let entry = Entry {
        share: share(f),
        idle_timeout_s: f.seconds(&["idle_timeout_s"], 0, IDLE_TIMEOUT_S_MAX),
        start_timeout_s: f.seconds(&["start_timeout_s"], 1, START_TIMEOUT_S_MAX),
        call_timeout_s: f.seconds(&["call_timeout_s"], 1, CALL_TIMEOUT_S_MAX),
        calls_at_once: f.whole("calls_at_once", CALLS_AT_ONCE_MAX),
        title: plain(f, "title"),
        description: plain(f, "description"),
        source: doc.source.to_owned(),
        is_template: true,
        volumes: f.templates(&["volumes"], name.as_str()),
        network: network(f, name.as_str()),
        resources: resources(f),
        about: Arc::new(about),
        ..Entry::new(
            name,
            launch.clone().unwrap_or(Launch::Unavailable {
                what: String::new(),
                why: String::new(),
            }),
        )
    };
    if launch.is_some() {
        unknown(f);
        undeclared(f, &entry, key.start);
    }
    let is_bad = launch.is_none() || fields.problems.iter().any(Problem::is_error);
    ((!is_bad).then_some(entry), fields.problems)
}

/// A text; numbers are taken as they were written.
pub(super) fn plain(fields: &mut Fields<'_>, name: &str) -> Option<String> {
    let (_, node) = fields.get(&[name])?;
    let text = fields.value(&format!("`{name}`"), node)?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn launch(fields: &mut Fields<'_>, server: &str, start: usize) -> Option<Launch> {
    let given: Vec<(&str, &Key)> = [
        "image",
        "one_shot",
        "package",
        "command",
        "url",
        "unavailable",
    ]
    .into_iter()
    .filter_map(|name| Some((name, fields.get(&[name])?.0)))
    .collect();
    let which = match given.as_slice() {
        [(one, _)] => *one,
        [] => {
            let wanted: &[&'static str] = &["image", "package", "command", "url"];
            let (at, hint) = match fields.misspelt(wanted) {
                Some((key, known)) => (
                    key.start,
                    format!("did you mean `{known}` instead of `{}`?", key.name),
                ),
                None => (start, "add one of them".to_owned()),
            };
            fields.error(
                at,
                "there is none of `image`, `package`, `command` and `url`",
                hint,
            );
            return None;
        }
        [(first, _), (second, key), ..] => {
            let message = format!("there is both `{first}` and `{second}`");
            fields.error(
                key.start,
                message,
                "a server starts in one way: remove one of them",
            );
            return None;
        }
    };
    let (_, node) = fields.get(&[which])?;
    let what = format!("`{which}`");
    match which {
        "image" => {
            let image = fields.value(&what, node)?;
            if image.is_empty() || image.contains(char::is_whitespace) || image.starts_with('-') {
                fields.error(
                    node.start,
                    "`image` is no name of an image",
                    "write registry/name:tag",
                );
                return None;
            }
            let user = fields.get(&["user"]);
            Some(Launch::Container {
                image,
                command: fields.templates(&["args"], server),
                env: fields.template_pairs(&["env"], server, check_variable),
                user: user.and_then(|(_, node)| fields.template("`user`", node, server)),
                extra_hosts: fields.templates(&["extra_hosts"], server),
                is_writable: !fields.bool(&["read_only"]).unwrap_or(true),
            })
        }
        "one_shot" => {
            let shots = shots(fields)?;
            Some(Launch::OneShot {
                shots,
                env: fields.template_pairs(&["env"], server, check_variable),
            })
        }
        "package" => {
            let text = fields.value(&what, node)?;
            let Some(written) = package::parse(&text) else {
                let hint = "write npm:NAME@VERSION, pypi:NAME@VERSION or mcpb:URL";
                fields.error(node.start, format!("`package` cannot be \"{text}\""), hint);
                return None;
            };
            let is_bundle = written.registry == Registry::Mcpb;
            let mut env = fields.template_pairs(&["env"], server, check_variable);
            if is_bundle {
                let given = fields.template_pairs(&["user_config"], server, |_, _| None);
                env.extend(
                    given
                        .into_iter()
                        .map(|(key, value)| (format!("{USER_CONFIG}{key}"), value)),
                );
            }
            Some(Launch::Package {
                registry: written.registry,
                identifier: written.identifier,
                version: written.version,
                sha256: plain(fields, "sha256"),
                runtime: plain(fields, "runtime"),
                runtime_args: fields.templates(&["runtime_args"], server),
                args: fields.templates(&["args"], server),
                env,
            })
        }
        "command" => {
            let command = fields.template(&what, node, server)?;
            Some(Launch::Command {
                command,
                args: fields.templates(&["args"], server),
                env: fields.template_pairs(&["env"], server, check_variable),
                cwd: plain(fields, "cwd").map(PathBuf::from),
            })
        }
        "url" => {
            let url = fields.template(&what, node, server)?;
            if !is_http(&url) && !url.starts_with("{{") {
                fields.error(
                    node.start,
                    "`url` must be an http:// or https:// address",
                    "write it out",
                );
            }
            Some(Launch::Remote {
                url,
                headers: fields.template_pairs(&["headers"], server, check_header),
                kind: transport(fields),
            })
        }
        _ => Some(Launch::Unavailable {
            what: plain(fields, "title").unwrap_or_else(|| server.to_owned()),
            why: fields.value(&what, node)?,
        }),
    }
}

fn transport(fields: &mut Fields<'_>) -> RemoteKind {
    let Some((text, at)) = fields.text(&["transport"]) else {
        return RemoteKind::Auto;
    };
    match text.as_str() {
        "http" => RemoteKind::Streamable,
        "sse" => RemoteKind::Sse,
        "auto" => RemoteKind::Auto,
        _ => {
            let message = format!("`transport` cannot be \"{text}\"");
            fields.error(at, message, "there are: http, sse and auto");
            RemoteKind::Auto
        }
    }
}

fn unknown(fields: &mut Fields<'_>) {
    for key in fields.unread() {
        let name = key.name.as_str();
        let (message, hint) = if KEYS.contains(&name) {
            (
                "has no effect on a server that starts this way",
                "remove it".to_owned(),
            )
        } else {
            let hint = match suggest(name, KEYS.iter().copied()) {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!("there are: {}", KEYS.join(", ")),
            };
            ("is no key of a server and is ignored", hint)
        };
        fields.warning(key.start, format!("`{name}` {message}"), hint);
    }
}

/// A template whose key nobody can set.
fn undeclared(fields: &mut Fields<'_>, entry: &Entry, start: usize) {
    let mut keys: Vec<String> = Vec::new();
    for (_, text) in entry.places() {
        if let Ok(template) = entry.template(text) {
            keys.extend(template.keys().map(str::to_owned));
        }
    }
    keys.sort_unstable();
    keys.dedup();
    for key in keys.iter().filter(|key| entry.schema_of(key).is_none()) {
        let message = format!("`{{{{{key}}}}}` is used, but `config` has no `{key}`");
        fields.error(
            start,
            message,
            format!("add it: config: {{{key}: {{type: string}}}}"),
        );
    }
}
