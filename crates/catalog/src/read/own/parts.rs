//! What a server of our own form says beside how it starts: what it needs, offers and may reach.

use super::entry::plain;
use crate::document::{Node, Value};
use crate::fields::Fields;
use crate::reader::launch::check_variable;
use crate::{KnownTool, Network, OAuth, Resources, SecretSpec, ServerName, schema, suggest};

pub(super) fn tags(fields: &mut Fields<'_>) -> Vec<String> {
    let mut tags = fields.texts(&["tags"]).unwrap_or_default();
    for tag in &mut tags {
        *tag = tag.trim().to_lowercase();
    }
    tags.retain(|tag| !tag.is_empty());
    tags
}

pub(super) fn secrets(fields: &mut Fields<'_>, server: &ServerName) -> Vec<SecretSpec> {
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

pub(super) fn config(fields: &mut Fields<'_>) -> Option<serde_json::Value> {
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

const OAUTH_KEYS: [&str; 7] = [
    "client_id",
    "client_secret",
    "issuer",
    "scopes",
    "flow",
    "provider",
    "secret",
];

/// `own`: the form is ours; files of applications hold more than concerns us.
pub(crate) fn oauth(fields: &mut Fields<'_>, own: bool) -> Option<OAuth> {
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
                client_id: inner.text(&["client_id", "clientId"]).map(|(text, _)| text),
                client_secret: plain(&mut inner, "client_secret"),
                issuer: plain(&mut inner, "issuer"),
                is_client_flow: flow(&mut inner),
            };
            for key in inner.unread() {
                let hint = match suggest(&key.name, OAUTH_KEYS) {
                    Some(known) => format!("did you mean `{known}`?"),
                    None if own => format!("there are: {}", OAUTH_KEYS.join(", ")),
                    None => continue,
                };
                let message = format!("`{}` is no key of `oauth` and is ignored", key.name);
                inner.warning(key.start, message, hint);
            }
            fields.problems.append(&mut inner.problems);
            Some(oauth)
        }
        _ => {
            fields.wrong(
                key,
                node,
                "true, or a table such as {client_id: …, scopes: […]}",
            );
            None
        }
    }
}

/// Whether `flow` says that the client signs in for itself.
fn flow(fields: &mut Fields<'_>) -> bool {
    let flow = fields.text(&["flow"]);
    match flow.as_ref().map(|(text, start)| (text.as_str(), *start)) {
        Some(("client_credentials", _)) => true,
        Some(("person", _)) | None => false,
        Some((_, start)) => {
            let message = "`oauth.flow` is neither person nor client_credentials";
            let problem = fields.doc.error(start, message);
            fields.problems.push(problem);
            false
        }
    }
}

/// `{name: what it does}`, or a list with schemas.
pub(super) fn tools(fields: &mut Fields<'_>) -> Vec<KnownTool> {
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

pub(super) fn network(fields: &mut Fields<'_>, server: &str) -> Network {
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

pub(super) fn resources(fields: &mut Fields<'_>) -> Resources {
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
        memory: number("memory", "a size such as 512m or 2g", &|text| {
            crate::size_in_bytes(text).map(|bytes| bytes as f64)
        })
        .map(|bytes| bytes as u64),
        cpus: number("cpus", "a number such as 0.5", &|text| text.parse().ok()).map(|n| n as f32),
        pids: number("pids", "a whole number", &|text| {
            text.parse::<u32>().ok().map(f64::from)
        })
        .map(|n| n as u32),
    };
    fields.problems.append(&mut inner.problems);
    resources
}
