//! Profiles and catalogs as the documents that Docker keeps in registries. Owns what of an entry those can say, and how. What they
//! cannot say goes along whole, in our own form, under a key that others pass over. The counterpart of `read/docker_artifact.rs`.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::File;
use crate::{Catalog, Entry, Launch, Network, Origin, Profile, RemoteKind};

/// The key under which our own form stands.
pub(crate) const OWN: &str = "portolan";

/// A document to be pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its text.
    pub text: String,
    /// The servers that only we can read there: Docker knows nothing of their kind.
    pub own_only: Vec<String>,
}

/// A profile as Docker's document, version 1.
pub fn profile_artifact(profile: &Profile) -> Artifact {
    let mut own_only = Vec::new();
    let mut servers = Vec::new();
    for server in &profile.servers {
        let Some(mut shown) = shown(&server.entry) else {
            own_only.push(server.entry.name.to_string());
            continue;
        };
        if !server.config.is_empty() {
            shown.insert("config".into(), Value::Object(server.config.clone()));
        }
        if !server.entry.about.secrets.is_empty() {
            shown.insert("secrets".into(), json!("default"));
        }
        if let Some(tools) = offered(server) {
            shown.insert("tools".into(), json!(tools));
        }
        servers.push(Value::Object(shown));
    }
    // Where it came from is of this home alone.
    let mut own = profile.clone();
    for server in &mut own.servers {
        server.entry.origin = Origin::Own;
    }
    let name = profile.title.as_ref().unwrap_or(&profile.name);
    artifact(
        &ProfileDocument {
            version: 1,
            id: &profile.name,
            name,
            servers,
            secrets: json!({"default": {"provider": "docker-desktop-store"}}),
            portolan: &own,
        },
        own_only,
    )
}

#[derive(Serialize)]
struct ProfileDocument<'a> {
    version: u32,
    id: &'a str,
    name: &'a str,
    servers: Vec<Value>,
    secrets: Value,
    /// In the order of the profile, which decides about names.
    portolan: &'a Profile,
}

#[derive(Serialize)]
struct CatalogDocument<'a> {
    title: &'a str,
    servers: Vec<Value>,
    portolan: File<'a>,
}

fn artifact(document: &impl Serialize, own_only: Vec<String>) -> Artifact {
    // What JSON cannot hold is in no entry: their values came from such texts.
    Artifact {
        text: serde_json::to_string(document).unwrap_or_default(),
        own_only,
    }
}

/// A catalog as Docker's document.
pub fn catalog_artifact(catalog: &Catalog) -> Artifact {
    let mut own_only = Vec::new();
    let mut servers = Vec::new();
    for entry in &catalog.entries {
        match shown(entry) {
            Some(shown) => servers.push(Value::Object(shown)),
            None => own_only.push(entry.name.to_string()),
        }
    }
    let entries = catalog.entries.iter().map(|entry| Entry {
        origin: Origin::Own,
        ..entry.clone()
    });
    let own = Catalog {
        origin: Origin::Own,
        reference: None,
        entries: entries.collect(),
        ..catalog.clone()
    };
    let own = File {
        catalog: &own,
        approved: &[],
    };
    artifact(
        &CatalogDocument {
            title: catalog.title.as_ref().unwrap_or(&catalog.name),
            servers,
            portolan: own,
        },
        own_only,
    )
}

/// The tools that Docker would offer as we do; `None`: all. It has a list and no patterns, so what cannot be told is not offered.
fn offered(server: &crate::ProfileServer) -> Option<Vec<String>> {
    if server.tools.is_none() && server.exclude_tools.is_empty() {
        return None;
    }
    let known = server
        .entry
        .about
        .tools
        .iter()
        .map(|tool| tool.name.to_string());
    let listed = server.tools.iter().flatten().cloned();
    let mut names: Vec<String> = known
        .chain(listed.filter(|name| !name.contains('*')))
        .collect();
    names.retain(|name| server.offers(name));
    names.sort_unstable();
    names.dedup();
    Some(names)
}

/// A server of the list, with a snapshot of its entry.
fn shown(entry: &Entry) -> Option<Map<String, Value>> {
    let mut out = Map::new();
    let mut server = Map::new();
    server.insert("name".into(), json!(entry.name.as_str()));
    let text = |text: &str| json!(keyed(text, entry.name.as_str()));
    let texts = |texts: &[String]| Value::Array(texts.iter().map(|one| text(one)).collect());
    match &entry.launch {
        Launch::Container {
            image,
            command,
            env,
            user,
            extra_hosts,
            ..
        } => {
            out.insert("type".into(), json!("image"));
            out.insert("image".into(), json!(image));
            server.insert("type".into(), json!("server"));
            server.insert("image".into(), json!(image));
            some(&mut server, "command", texts(command));
            let env = env.iter();
            let env = env.map(|(name, value)| json!({"name": name, "value": text(value)}));
            some(&mut server, "env", Value::Array(env.collect()));
            some(
                &mut server,
                "user",
                user.as_deref().map_or(Value::Null, text),
            );
            some(&mut server, "extraHosts", texts(extra_hosts));
        }
        Launch::Remote { url, headers, kind } => {
            out.insert("type".into(), json!("remote"));
            out.insert("endpoint".into(), text(url));
            server.insert("type".into(), json!("remote"));
            let transport = match kind {
                RemoteKind::Sse => "sse",
                RemoteKind::Streamable | RemoteKind::Auto => "streamable-http",
            };
            let headers: Map<String, Value> = headers
                .iter()
                .map(|(name, value)| (name.clone(), text(value)))
                .collect();
            let mut remote = json!({"url": text(url), "transport_type": transport});
            if let Value::Object(remote) = &mut remote {
                some(remote, "headers", Value::Object(headers));
            }
            server.insert("remote".into(), remote);
        }
        _ => return None,
    }
    some(&mut server, "volumes", texts(&entry.volumes));
    match &entry.network {
        Network::None => drop(server.insert("disableNetwork".into(), json!(true))),
        Network::Hosts(hosts) => some(&mut server, "allowHosts", texts(hosts)),
        Network::Unsaid | Network::Open => {}
    }
    describe(&mut server, entry);
    out.insert("snapshot".into(), json!({"server": server}));
    Some(out)
}

fn describe(server: &mut Map<String, Value>, entry: &Entry) {
    let about = &entry.about;
    let title = entry.title.as_deref().unwrap_or(entry.name.as_str());
    server.insert("title".into(), json!(title));
    some(server, "description", json!(entry.description));
    some(server, "icon", json!(about.icon));
    let secrets = about.secrets.iter().map(|secret| {
        let mut out = Map::new();
        out.insert("name".into(), json!(secret.name));
        out.insert("env".into(), json!(secret.env));
        some(&mut out, "example", json!(secret.example));
        some(&mut out, "description", json!(secret.description));
        Value::Object(out)
    });
    some(server, "secrets", Value::Array(secrets.collect()));
    if let Some(Value::Object(config)) = &about.config {
        let mut config = config.clone();
        config.insert("name".into(), json!(entry.name.as_str()));
        server.insert("config".into(), json!([config]));
    }
    if let Some(oauth) = &about.oauth {
        let provider = oauth.provider.as_deref().unwrap_or(entry.name.as_str());
        let mut one = json!({"provider": provider});
        if let (Some(secret), Value::Object(one)) = (&oauth.secret, &mut one) {
            one.insert("secret".into(), json!(secret));
        }
        let mut out = json!({"providers": [one]});
        if let Value::Object(out) = &mut out {
            some(out, "scopes", json!(oauth.scopes));
        }
        server.insert("oauth".into(), out);
    }
    let tools = about.tools.iter();
    let tools = tools.map(|tool| json!({"name": &*tool.name, "description": &*tool.description}));
    some(server, "tools", Value::Array(tools.collect()));
    if !about.tags.is_empty() {
        server.insert("metadata".into(), json!({"tags": about.tags}));
    }
}

/// With the name of the server before each key, as Docker's templates have it.
fn keyed(text: &str, server: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        let (before, after) = rest.split_at(at + 2);
        out.push_str(before);
        let key = after.trim_start();
        let is_keyed = key
            .strip_prefix(server)
            .is_some_and(|key| key.starts_with('.'));
        if !is_keyed {
            out.push_str(server);
            out.push('.');
        }
        rest = key;
    }
    out + rest
}

/// What says something.
fn some(map: &mut Map<String, Value>, key: &str, value: Value) {
    let is_nothing = match &value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(pairs) => pairs.is_empty(),
        _ => false,
    };
    if !is_nothing {
        map.insert(key.into(), value);
    }
}

#[cfg(test)]
mod tests;
