//! One server of Docker's, from either form.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::super::docker_tools;
use super::secrets::{braced, secrets};
use super::shots::declare_folders;
use crate::document::{Document, Key, Node, Value};
use crate::fields::Fields;
use crate::reader::launch::{check_header, check_variable, is_http};
use crate::{
    About, Entry, KnownTool, Launch, Network, OAuth, Problem, RemoteKind, SecretSpec, ServerName,
    schema,
};

pub(in crate::read) fn read(
    doc: &Document<'_>,
    name: ServerName,
    key: &Key,
    node: &Node,
    tools: Vec<KnownTool>,
) -> (Option<Entry>, Vec<Problem>) {
    let about = format!("server `{name}`: ");
    let Some(pairs) = node.table() else {
        let message = format!("{about}it must be a table, found {}", node.kind());
        return (
            None,
            vec![
                doc.error(node.start, message)
                    .hint("is this a catalog of Docker's?"),
            ],
        );
    };
    let mut fields = Fields::new(doc, about, pairs, None, false);
    let mut reader = Reader {
        node,
        server: &key.name,
        secrets: secrets(node),
        fields: &mut fields,
    };
    let mut volumes = reader.texts(
        &[&["volumes"], &["run", "volumes"], &["config", "volumes"]],
        "volumes",
    );
    let mut config = reader.config();
    let launch = match reader.text(&[&["type"]]).as_deref() {
        Some("poci") => reader.shots(key.start).map(|shots| {
            volumes.extend(shots.volumes);
            if shots.names_folders {
                declare_folders(&mut config);
            }
            shots.launch
        }),
        _ => reader.launch(key.start),
    };
    let network = reader.network();
    let listed = if tools.is_empty() {
        reader.tools()
    } else {
        tools
    };
    let about = About {
        tags: reader.tags(),
        version: None,
        config,
        oauth: reader.oauth(),
        tools: listed,
        icon: reader.text(&[&["icon"], &["about", "icon"]]),
        repository: reader.text(&[
            &["upstream"],
            &["source", "upstream"],
            &["source", "project"],
        ]),
        website: None,
        requirement: reader
            .text(&[&["requirement"]])
            .map(|what| format!("needs {what}")),
        secrets: std::mem::take(&mut reader.secrets),
    };
    let title = reader.text(&[&["title"], &["about", "title"]]);
    let description = reader.text(&[&["description"], &["about", "description"]]);
    let is_bad = launch.is_none() || fields.problems.iter().any(Problem::is_error);
    let Some(launch) = launch.filter(|_| !is_bad) else {
        return (None, fields.problems);
    };
    let mut entry = Entry {
        title,
        description,
        source: doc.source.to_owned(),
        is_template: true,
        volumes,
        network,
        about: Arc::new(about),
        ..Entry::new(name, launch)
    };
    declare(&mut entry);
    (Some(entry), fields.problems)
}

/// Templates use keys that the schema forgets; without them nobody could set what they stand for.
fn declare(entry: &mut Entry) {
    let mut keys: Vec<String> = Vec::new();
    for (_, text) in entry.places() {
        if let Ok(template) = entry.template(text) {
            keys.extend(template.keys().map(str::to_owned));
        }
    }
    keys.retain(|key| entry.schema_of(key).is_none());
    if keys.is_empty() {
        return;
    }
    let about = Arc::make_mut(&mut entry.about);
    let config = about
        .config
        .get_or_insert_with(|| json!({"type": "object"}));
    for key in keys {
        schema::ensure(config, &key);
    }
}

/// A path of keys.
type Path<'a> = &'a [&'a str];

pub(super) struct Reader<'r, 'a> {
    node: &'r Node,
    /// The name as the file has it, with which keys in templates begin.
    server: &'r str,
    secrets: Vec<SecretSpec>,
    pub(super) fields: &'r mut Fields<'a>,
}

pub(super) fn at<'n>(node: &'n Node, path: Path<'_>) -> Option<&'n Node> {
    let found = path.iter().try_fold(node, |node, key| node.get(key))?;
    (found.value != Value::Null).then_some(found)
}

impl Reader<'_, '_> {
    pub(super) fn find(&self, paths: &[Path<'_>]) -> Option<&Node> {
        paths.iter().find_map(|path| at(self.node, path))
    }

    fn text(&self, paths: &[Path<'_>]) -> Option<String> {
        let text = self.find(paths)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn launch(&mut self, start: usize) -> Option<Launch> {
        if let Some(url) = self.find(&[&["remote", "url"], &["sseEndpoint"]]) {
            let url = url.clone();
            return self.remote(&url);
        }
        let Some(image) = self.find(&[&["image"]]).cloned() else {
            let message = "there is neither `image` nor `remote`";
            self.fields
                .error(start, message, "add one of them, or leave the server out");
            return None;
        };
        let name = self.image(&image)?;
        let user = self.find(&[&["user"], &["run", "user"]]).cloned();
        Some(Launch::Container {
            image: name,
            command: self.texts(&[&["command"], &["run", "command"]], "command"),
            env: self.env(),
            user: user.and_then(|user| self.template("`user`", &user)),
            extra_hosts: self.texts(&[&["extraHosts"], &["run", "extraHosts"]], "extraHosts"),
            is_writable: false,
        })
    }

    pub(super) fn image(&mut self, image: &Node) -> Option<String> {
        let name = self.fields.value("`image`", image)?;
        if name.is_empty() || name.starts_with('-') || name.contains(char::is_whitespace) {
            self.fields.error(
                image.start,
                "`image` is no name of an image",
                "write registry/name:tag",
            );
            return None;
        }
        Some(name)
    }

    fn remote(&mut self, url: &Node) -> Option<Launch> {
        let text = self.template("`url`", url)?;
        if !is_http(&text) && !text.starts_with("{{") {
            self.fields.error(
                url.start,
                "`url` must be an http:// or https:// address",
                "write it out",
            );
        }
        let transport = self.text(&[&["remote", "transport_type"], &["remote", "transport"]]);
        let kind = match transport.as_deref() {
            Some("sse") => RemoteKind::Sse,
            None if at(self.node, &["sseEndpoint"]).is_some() => RemoteKind::Sse,
            Some("streamable-http" | "http" | "streaming") => RemoteKind::Streamable,
            _ => RemoteKind::Auto,
        };
        let headers = self.find(&[&["remote", "headers"]]).cloned();
        let mut out = Vec::new();
        for (key, value) in headers.iter().filter_map(Node::table).flatten() {
            if let Some(text) = self.template(&format!("header `{}`", key.name), value) {
                match check_header(&key.name, &text) {
                    Some(wrong) => {
                        let message = format!("header `{}` {wrong}", key.name);
                        self.fields.error(key.start, message, "check its spelling");
                    }
                    None => out.push((key.name.clone(), text)),
                }
            }
        }
        Some(Launch::Remote {
            url: text,
            headers: out,
            kind,
        })
    }

    /// A template; `$NAME` of an own secret becomes `${NAME}`.
    fn template(&mut self, what: &str, node: &Node) -> Option<String> {
        let text = self.fields.template(what, node, self.server)?;
        let secrets = self.secrets.iter().map(|secret| secret.env.as_str());
        Some(secrets.fold(text, |text, name| braced(&text, name)))
    }

    fn texts(&mut self, paths: &[Path<'_>], name: &str) -> Vec<String> {
        let Some(node) = self.find(paths).cloned() else {
            return Vec::new();
        };
        let items = match &node.value {
            Value::List(items) => items.clone(),
            _ => vec![node],
        };
        let what = format!("each of `{name}`");
        let texts: Vec<_> = items
            .iter()
            .map(|item| self.template(&what, item))
            .collect();
        texts.into_iter().flatten().collect()
    }

    /// `[{name, value}]` or `{name: value}`, in three places.
    pub(super) fn env(&mut self) -> Vec<(String, String)> {
        let places: [Path<'_>; 3] = [&["env"], &["run", "env"], &["config", "env"]];
        let found: Vec<Node> = places
            .iter()
            .filter_map(|path| at(self.node, path).cloned())
            .collect();
        let mut pairs: Vec<(String, Node)> = Vec::new();
        for node in &found {
            match &node.value {
                Value::Table(table) => {
                    pairs.extend(
                        table
                            .iter()
                            .map(|(key, node)| (key.name.clone(), node.clone())),
                    );
                }
                Value::List(items) => pairs.extend(items.iter().filter_map(|item| {
                    let name = item.get("name").or_else(|| item.get("env"))?.as_str()?;
                    Some((
                        name.to_owned(),
                        item.get("value").or_else(|| item.get("default"))?.clone(),
                    ))
                })),
                _ => {}
            }
        }
        let mut out: Vec<(String, String)> = Vec::new();
        for (name, node) in pairs.iter().filter(|(_, node)| node.value != Value::Null) {
            if check_variable(name, "").is_some() {
                self.fields.error(
                    node.start,
                    format!("`{name}` cannot be the name of a variable"),
                    "check its spelling",
                );
            } else if let Some(text) = self.template(&format!("variable `{name}`"), node) {
                out.retain(|(known, _)| known != name);
                out.push((name.clone(), text));
            }
        }
        out
    }

    fn network(&mut self) -> Network {
        let is_off = self.find(&[&["disableNetwork"], &["run", "disableNetwork"]]);
        if is_off.is_some_and(|node| node.value == Value::Bool(true)) {
            return Network::None;
        }
        let hosts = self.texts(&[&["allowHosts"], &["run", "allowHosts"]], "allowHosts");
        match hosts.is_empty() {
            true => Network::Unsaid,
            false => Network::Hosts(hosts),
        }
    }

    fn tags(&self) -> Vec<String> {
        let words = |paths: &[Path<'_>]| -> Vec<String> {
            match self.find(paths) {
                Some(node) => match node.list() {
                    Some(items) => items
                        .iter()
                        .filter_map(|item| item.as_str().map(str::to_owned))
                        .collect(),
                    None => node.as_str().map(str::to_owned).into_iter().collect(),
                },
                None => Vec::new(),
            }
        };
        let mut tags = words(&[&["meta", "category"], &["metadata", "category"]]);
        tags.extend(words(&[&["meta", "tags"], &["metadata", "tags"]]));
        let mut out: Vec<String> = Vec::new();
        for tag in tags {
            let tag = tag.trim().to_lowercase();
            if !tag.is_empty() && !out.contains(&tag) {
                out.push(tag);
            }
        }
        out
    }

    fn tools(&self) -> Vec<KnownTool> {
        self.find(&[&["tools"]])
            .map(docker_tools::read)
            .unwrap_or_default()
    }

    /// One schema below `config.parameters`, or a list of them: one for each part of the configuration.
    fn config(&mut self) -> Option<Json> {
        let node = self.find(&[&["config", "parameters"]]).or_else(|| {
            let config = self.find(&[&["config"]])?;
            (config.list().is_some() || config.get("properties").is_some()).then_some(config)
        })?;
        let start = node.start;
        let mut merged = match node.to_json() {
            Json::Array(parts) => parts.into_iter().fold(json!({"type": "object"}), join),
            whole => join(json!({"type": "object"}), whole),
        };
        if merged.get("properties").is_none() {
            merged.get("required")?;
        }
        let (schema, told) = schema::repaired(std::mem::take(&mut merged));
        if let Some(what) = told {
            let message = format!("the schema of its configuration is no proper one, {what}");
            self.fields
                .warning(start, message, "its keys are taken without their types");
        }
        Some(schema)
    }

    fn oauth(&self) -> Option<OAuth> {
        let node = self.find(&[&["oauth"]])?;
        let first = match node.get("providers").unwrap_or(node) {
            list if list.list().is_some() => list.list()?.first()?,
            one => one,
        };
        let text = |key: &str| first.get(key).and_then(Node::as_str).map(str::to_owned);
        let scopes = node.get("scopes").and_then(Node::list).unwrap_or_default();
        Some(OAuth {
            provider: text("provider"),
            secret: text("secret"),
            scopes: scopes
                .iter()
                .filter_map(|scope| scope.as_str().map(str::to_owned))
                .collect(),
            ..OAuth::default()
        })
    }
}

/// Of a part of the configuration what a schema consists of; its name, title and the like are left behind.
fn join(mut whole: Json, part: Json) -> Json {
    let (Json::Object(whole_map), Json::Object(part)) = (&mut whole, part) else {
        return whole;
    };
    for (key, value) in part {
        match (key.as_str(), value) {
            ("properties", Json::Object(more)) => {
                if let Json::Object(known) =
                    whole_map.entry("properties").or_insert_with(|| json!({}))
                {
                    known.extend(more);
                }
            }
            ("required", Json::Array(more)) => {
                if let Json::Array(known) = whole_map.entry("required").or_insert_with(|| json!([]))
                {
                    known.extend(more);
                }
            }
            ("anyOf" | "oneOf" | "allOf" | "additionalProperties", value) => {
                whole_map.insert(key, value);
            }
            _ => {}
        }
    }
    whole
}
