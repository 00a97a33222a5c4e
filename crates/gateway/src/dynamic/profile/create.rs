//! `mcp-create-profile`. Owns what of a conversation's configuration goes into a file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use catalog::{Entry, ProfileServer};
use serde_json::{Map, Value, json};

use super::super::arguments::Arguments;
use super::super::config::is_secret;
use super::super::errand::Errand;
use super::super::reply::Reply;
use crate::outbox::lock;
use crate::server::Server;

pub(in super::super) async fn create(errand: &Errand, arguments: &Arguments) -> Reply {
    match created(errand, arguments).await {
        Ok(reply) | Err(reply) => reply,
    }
}

async fn created(errand: &Errand, arguments: &Arguments) -> Result<Reply, Reply> {
    let name = arguments.name("name")?;
    if errand.is_guest() {
        return Err(Reply::error(
            "profiles are kept by whoever runs the gateway; ask them",
        ));
    }
    if errand.is_nameless {
        return Err(Reply::error(
            "say whose servers: the `workspace` that mcp-add returned",
        ));
    }
    let configured = errand.core.servers();
    let catalogs = errand.directory.open(&configured).await;
    let mut left_out: Vec<(String, String)> = Vec::new();
    let mut servers = Vec::new();
    let added: Vec<Arc<Server>> = lock(&errand.workspace.chosen)
        .added()
        .iter()
        .map(|added| added.server.clone())
        .collect();
    for server in added {
        let pinned = lock(&errand.workspace.chosen).pinned(&server.name);
        let Some(entry) = pinned.as_deref().or_else(|| catalogs.get(&server.name)) else {
            left_out.push((server.name.to_string(), "no catalog has it any more".into()));
            continue;
        };
        let here = lock(&errand.workspace.chosen).config(&server.name);
        let set = errand.directory.person().config(&server.name);
        let (config, without) = keepable(entry, here, &set);
        left_out.extend(without.into_iter().map(|key| {
            let why = match is_secret(&key) {
                true => "it is called as a credential is",
                false => "only the user sets it",
            };
            (format!("{}.{key}", server.name), why.to_owned())
        }));
        servers.push(ProfileServer {
            config,
            tools: entry.tools.clone(),
            exclude_tools: entry.exclude_tools.clone(),
            secrets: entry.references.clone(),
            ..ProfileServer::new(Entry {
                tools: None,
                exclude_tools: Vec::new(),
                references: BTreeMap::new(),
                ..entry.clone()
            })
        });
    }
    let hides = |server: &Arc<Server>| lock(&errand.workspace.chosen).hides(&server.name);
    let others: Vec<&Arc<Server>> = configured
        .iter()
        .filter(|server| !server.entry.disabled && !hides(server))
        .collect();
    let names: Vec<String> = others
        .iter()
        .map(|server| server.name.to_string())
        .collect();
    if servers.is_empty() && names.is_empty() {
        return Err(Reply::error(
            "this conversation has no server to save; mcp-find and mcp-add bring some",
        ));
    }
    let person = errand.directory.person().clone();
    let to = name.to_owned();
    let saved = tokio::task::spawn_blocking(move || person.save_profile(&to, servers, &names))
        .await
        .unwrap_or_else(|_| Err("it broke down".to_owned()))
        .map_err(|why| Reply::error(format!("the profile was not saved: {why}")))?;
    let is_in = |server: &&Arc<Server>| saved.servers.iter().any(|name| **name == *server.name);
    left_out.extend(others.iter().filter(|server| !is_in(server)).map(|server| {
        let why = format!("it is there anyway, by {}", server.entry.source);
        (server.name.to_string(), why)
    }));
    let next = format!(
        "mcp-activate-profile in another conversation, or the user runs: portolan gateway run --profile {name}"
    );
    let mut text = format!(
        "profile {name} {} with {}",
        if saved.is_new { "is saved" } else { "now is" },
        count(&saved.servers)
    );
    for (what, why) in &left_out {
        text.push_str(&format!("\nnot in it: {what} ({why})"));
    }
    let left_out: Vec<Value> = left_out
        .iter()
        .map(|(name, why)| json!({"name": name, "why": why}))
        .collect();
    Ok(Reply::new(
        format!("{text}\nNext: {next}"),
        json!({"profile": name, "servers": saved.servers, "left_out": left_out, "next": next}),
    ))
}

fn count(servers: &[String]) -> String {
    let plural = if servers.len() == 1 { "" } else { "s" };
    format!("{} server{plural}: {}", servers.len(), servers.join(", "))
}

/// What of a conversation's configuration goes into a file, and the keys that do not: what the person has `set` for all
/// conversations counts there, too, and the rest of what only they may set was said for this one.
fn keepable(
    entry: &Entry,
    mut here: Map<String, Value>,
    set: &Map<String, Value>,
) -> (Map<String, Value>, Vec<String>) {
    here.retain(|key, value| set.get(key) != Some(value));
    let mut without = BTreeSet::new();
    for key in entry.privileged_in(&here) {
        let value = catalog::config_value(&here, &key);
        let is_theirs = value.is_some() && value == catalog::config_value(set, &key);
        // Something in the place of a table on the way to it goes as a whole.
        if !take(&mut here, &key) {
            here.remove(key.split('.').next().unwrap_or(&key));
        }
        if !is_theirs {
            without.insert(key);
        }
    }
    take_secrets(&mut here, "", &mut without);
    (here, without.into_iter().collect())
}

fn take(config: &mut Map<String, Value>, key: &str) -> bool {
    match key.split_once('.') {
        None => config.remove(key).is_some(),
        Some((first, rest)) => match config.get_mut(first) {
            Some(Value::Object(inner)) => take(inner, rest),
            _ => false,
        },
    }
}

fn take_secrets(config: &mut Map<String, Value>, path: &str, without: &mut BTreeSet<String>) {
    config.retain(|key, value| {
        let path = match path.is_empty() {
            true => key.clone(),
            false => format!("{path}.{key}"),
        };
        if let Value::Object(inner) = value {
            take_secrets(inner, &path, without);
        }
        let is_kept = !is_secret(key);
        if !is_kept {
            without.insert(path);
        }
        is_kept
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        let text = r#"
catalog: c
servers:
  a:
    image: x
    args: ["{{deep.folder}}"]
    env: {KEY: "{{api_key}}", UNIT: "{{unit}}"}
    config:
      type: object
      properties: {unit: {type: string}, api_key: {type: string}, deep: {type: object, properties: {folder: {type: string}, n: {type: integer}}}}
"#;
        let catalog = catalog::read_catalog(text, "c", "f", &catalog::Origin::Own);
        catalog.expect("it can be read").entries.remove(0)
    }

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn what_goes_into_a_file_is_what_a_model_may_set() {
        let entry = entry();
        let here = object(json!({
            "unit": "m", "api_key": "hunter2", "deep": {"folder": "/etc", "n": 1, "Token": "x"}
        }));
        let (kept, without) = keepable(&entry, here.clone(), &Map::new());
        assert_eq!(Value::Object(kept), json!({"unit": "m", "deep": {"n": 1}}));
        assert_eq!(without, ["api_key", "deep.Token", "deep.folder"]);
        // What the person has set for all conversations counts without being repeated.
        let set = object(json!({"unit": "m", "deep": {"folder": "/etc"}}));
        let (kept, without) = keepable(&entry, here, &set);
        assert_eq!(Value::Object(kept), json!({"deep": {"n": 1}}));
        assert_eq!(without, ["api_key", "deep.Token"]);
        // In the place of a table.
        let (kept, without) = keepable(&entry, object(json!({"deep": "/etc"})), &Map::new());
        assert!(kept.is_empty(), "{kept:?}");
        assert_eq!(without, ["deep.folder"]);
    }
}
