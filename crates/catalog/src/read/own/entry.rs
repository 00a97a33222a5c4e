//! One server of our own form.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::package;
use crate::document::{Document, Key, Node, Value};
use crate::fields::Fields;
use crate::limits::{CALL_TIMEOUT_S_MAX, IDLE_TIMEOUT_S_MAX, START_TIMEOUT_S_MAX};
use crate::reader::launch::{check_header, check_variable, is_http};
use crate::reader::share;
use crate::{
    About, Entry, KnownTool, Launch, Network, OAuth, Problem, RemoteKind, Resources, SecretSpec,
    ServerName, schema, suggest,
};

/// The keys of a server.
pub const KEYS: &[&str] = &[
    "title",
    "description",
    "tags",
    "version",
    "image",
    "package",
    "sha256",
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
    "icon",
    "repository",
    "website",
    "requirement",
];

pub(super) fn read(
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
        oauth: oauth(f),
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
fn plain(fields: &mut Fields<'_>, name: &str) -> Option<String> {
    let (_, node) = fields.get(&[name])?;
    let text = fields.value(&format!("`{name}`"), node)?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn launch(fields: &mut Fields<'_>, server: &str, start: usize) -> Option<Launch> {
    let given: Vec<(&str, &Key)> = ["image", "package", "command", "url", "unavailable"]
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
            })
        }
        "package" => {
            let text = fields.value(&what, node)?;
            let Some(written) = package::parse(&text) else {
                let hint = "write npm:NAME@VERSION, pypi:NAME@VERSION or mcpb:URL";
                fields.error(node.start, format!("`package` cannot be \"{text}\""), hint);
                return None;
            };
            Some(Launch::Package {
                registry: written.registry,
                identifier: written.identifier,
                version: written.version,
                sha256: plain(fields, "sha256"),
                runtime: plain(fields, "runtime"),
                runtime_args: fields.templates(&["runtime_args"], server),
                args: fields.templates(&["args"], server),
                env: fields.template_pairs(&["env"], server, check_variable),
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

fn tags(fields: &mut Fields<'_>) -> Vec<String> {
    let mut tags = fields.texts(&["tags"]).unwrap_or_default();
    for tag in &mut tags {
        *tag = tag.trim().to_lowercase();
    }
    tags.retain(|tag| !tag.is_empty());
    tags
}

fn secrets(fields: &mut Fields<'_>, server: &ServerName) -> Vec<SecretSpec> {
    let items = fields
        .items(&["secrets"], "a list of secrets")
        .unwrap_or_default();
    let mut out: Vec<SecretSpec> = Vec::new();
    for item in items {
        let Some(pairs) = item.table() else {
            fields.error(
                item.start,
                "each secret must be a table",
                "write {env: NAME, description: …}",
            );
            continue;
        };
        let about = format!("{}secret: ", fields.about);
        let mut inner = Fields::new(fields.doc, about, pairs, None, false);
        let env = plain(&mut inner, "env");
        if let Some(env) = env.filter(|env| check_variable(env, "").is_none()) {
            let name = plain(&mut inner, "name");
            let spec = SecretSpec {
                name: name.unwrap_or_else(|| format!("{server}.{}", env.to_ascii_lowercase())),
                description: plain(&mut inner, "description"),
                example: plain(&mut inner, "example"),
                url: plain(&mut inner, "url"),
                required: inner.bool(&["required"]).unwrap_or(true),
                from: plain(&mut inner, "from"),
                env,
            };
            if out
                .iter()
                .any(|other| other.env == spec.env || other.name == spec.name)
            {
                inner.error(
                    item.start,
                    "there are two of one name or variable",
                    "keep one of them",
                );
            } else {
                out.push(spec);
            }
        } else {
            inner.error(
                item.start,
                "it needs `env`, the variable that it is given in",
                "add env: NAME",
            );
        }
        for key in inner.unread() {
            let message = format!("`{}` is no key of a secret and is ignored", key.name);
            let hint = "there are: name, env, description, example, url, required, from";
            inner.warning(key.start, message, hint);
        }
        fields.problems.append(&mut inner.problems);
    }
    out
}

fn config(fields: &mut Fields<'_>) -> Option<serde_json::Value> {
    let (key, node) = fields.get(&["config"])?;
    if node.table().is_none() {
        fields.wrong(key, node, "a JSON Schema");
        return None;
    }
    let mut schema = node.to_json();
    // The keys alone are enough for most servers.
    if schema.get("properties").is_none() && schema.get("type").is_none() {
        schema = serde_json::json!({"type": "object", "properties": schema});
    }
    Some(schema::tidied(schema))
}

fn oauth(fields: &mut Fields<'_>) -> Option<OAuth> {
    let (key, node) = fields.get(&["oauth"])?;
    match &node.value {
        Value::Bool(true) => Some(OAuth::default()),
        Value::Bool(false) => None,
        Value::Table(pairs) => {
            let mut inner = Fields::new(fields.doc, fields.about.clone(), pairs, None, false);
            let oauth = OAuth {
                provider: plain(&mut inner, "provider"),
                secret: plain(&mut inner, "secret"),
                scopes: inner.texts(&["scopes"]).unwrap_or_default(),
            };
            fields.problems.append(&mut inner.problems);
            Some(oauth)
        }
        _ => {
            fields.wrong(key, node, "true, or a table of provider, secret and scopes");
            None
        }
    }
}

/// `{name: what it does}`, or a list with schemas.
fn tools(fields: &mut Fields<'_>) -> Vec<KnownTool> {
    let Some((key, node)) = fields.get(&["tools"]) else {
        return Vec::new();
    };
    let tool = |name: &str, description: &str, schema: Option<&Node>| KnownTool {
        name: name.into(),
        description: description.trim().into(),
        input_schema: schema.map(|schema| schema.to_json().to_string().into()),
    };
    match &node.value {
        Value::Table(pairs) => {
            let all = pairs.iter();
            all.map(|(key, node)| tool(&key.name, node.as_str().unwrap_or_default(), None))
                .collect()
        }
        Value::List(items) => items
            .iter()
            .filter_map(|item| {
                let name = item.as_str().or_else(|| item.get("name")?.as_str())?;
                let text = item
                    .get("description")
                    .and_then(Node::as_str)
                    .unwrap_or_default();
                Some(tool(name, text, item.get("input_schema")))
            })
            .collect(),
        _ => {
            fields.wrong(key, node, "a table of tools and what they do");
            Vec::new()
        }
    }
}

fn network(fields: &mut Fields<'_>, server: &str) -> Network {
    match fields.get(&["network"]).map(|(_, node)| &node.value) {
        None => Network::Unsaid,
        Some(Value::String(word)) if word == "none" => Network::None,
        Some(Value::String(word)) if word == "open" => Network::Open,
        Some(Value::List(_)) => Network::Hosts(fields.templates(&["network"], server)),
        Some(_) => {
            if let Some((key, node)) = fields.get(&["network"]) {
                fields.wrong(key, node, "none, open, or a list of hosts");
            }
            Network::Unsaid
        }
    }
}

fn resources(fields: &mut Fields<'_>) -> Resources {
    let Some((key, node)) = fields.get(&["resources"]) else {
        return Resources::default();
    };
    let Some(pairs) = node.table() else {
        fields.wrong(key, node, "a table of memory, cpus and pids");
        return Resources::default();
    };
    let mut inner = Fields::new(fields.doc, fields.about.clone(), pairs, None, false);
    let mut number = |name: &str, what: &str, read: &dyn Fn(&str) -> Option<f64>| {
        let (_, node) = inner.get(&[name])?;
        let text = inner.value(&format!("`{name}`"), node)?;
        let value = read(&text).filter(|value| *value > 0.0);
        if value.is_none() {
            inner.error(
                node.start,
                format!("`{name}` cannot be \"{text}\""),
                format!("write {what}"),
            );
        }
        value
    };
    let resources = Resources {
        memory: number("memory", "a size such as 512m or 2g", &bytes).map(|bytes| bytes as u64),
        cpus: number("cpus", "a number such as 0.5", &|text| text.parse().ok()).map(|n| n as f32),
        pids: number("pids", "a whole number", &|text| {
            text.parse::<u32>().ok().map(f64::from)
        })
        .map(|n| n as u32),
    };
    fields.problems.append(&mut inner.problems);
    resources
}

/// `512m`, `2g`, `1048576`.
fn bytes(text: &str) -> Option<f64> {
    let lower = text.to_ascii_lowercase();
    let lower = lower.trim_end_matches('b').trim_end_matches('i');
    let (digits, unit) = match lower.strip_suffix(['k', 'm', 'g']) {
        Some(digits) => (digits, lower.as_bytes()[lower.len() - 1]),
        None => (lower, b' '),
    };
    let shift = match unit {
        b'k' => 10,
        b'm' => 20,
        b'g' => 30,
        _ => 0,
    };
    digits
        .trim()
        .parse::<f64>()
        .ok()
        .filter(|n| n.is_finite())
        .map(|n| n * f64::from(1_u32 << shift))
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
