//! `mcp-config-set`: what a server is configured with in a workspace, checked by its schema, applied to the server that runs.

use std::sync::Arc;

use catalog::{Entry, Missing};
use serde_json::{Map, Value, json};

use super::add::{put_at, put_to_use, steered, theirs, unknown, wrong_in};
use super::arguments::Arguments;
use super::errand::Errand;
use super::reply::Reply;
use super::standing::config_of;
use crate::outbox::lock;
use crate::server::Server;

/// What stands in the place of a value that is nobody's business.
const MASK: &str = "***";

pub(super) async fn set(errand: &Errand, arguments: &Arguments) -> Reply {
    match changed(errand, arguments).await {
        Ok(reply) | Err(reply) => reply,
    }
}

async fn changed(errand: &Errand, arguments: &Arguments) -> Result<Reply, Reply> {
    let name = arguments.name("server")?;
    let configured = errand.core.servers();
    let is_used = |server: &Arc<Server>| *server.name == *name && !server.entry.disabled;
    if configured.iter().any(is_used) {
        return Err(theirs(name));
    }
    let catalogs = errand.directory.open(&configured).await;
    let Some(entry) = catalogs.get(name) else {
        return Err(unknown(&catalogs, &configured, name));
    };
    if errand.is_nameless {
        return Err(Reply::error(
            "say in which `workspace` (mcp-add returned it); a server that is not added yet is configured by mcp-add's `config`",
        ));
    }
    let old = config_of(errand, entry);
    let mut here = lock(&errand.workspace.chosen).config(name);
    let given = match (arguments.object("config")?, arguments.text_if_any("key")?) {
        (Some(_), Some(_)) => {
            return Err(Reply::error("give either `config` or `key` and `value`"));
        }
        (None, None) => return Err(Reply::error("give `config`, or `key` and `value`")),
        (Some(config), None) => {
            here = config.clone();
            config
        }
        (None, Some(key)) => {
            let value = arguments.value("value").cloned();
            let value = value.ok_or_else(|| arguments.wrong("value", "is missing"))?;
            let mut one = Map::new();
            put_at(&mut one, key, value.clone());
            put_at(&mut here, key, value);
            one
        }
    };
    steered(entry, &given)?;
    // What the person was asked for stays as they said.
    for key in entry.privileged_keys() {
        if let Some(value) = catalog::config_value(&old, &key) {
            put_at(&mut here, &key, value.clone());
        }
    }
    let mut new = errand.directory.person().config(entry.name.as_str());
    new.extend(here.clone());
    let known = lock(&errand.workspace.chosen).get(name).cloned();
    let is_active = known.is_some();
    let lines = match is_active {
        true => all_wrong_in(entry, &new),
        // What is missing can still come.
        false => wrong_in(entry, &new),
    };
    if !lines.is_empty() {
        return Err(
            Reply::error(format!("{name} was not configured: {}", lines.join("; ")))
                .with(json!({"server": name, "old": masked(&old), "problems": lines})),
        );
    }
    if let Some(known) = known {
        put_to_use(errand, entry, &new, known.is_listed).await?;
    }
    lock(&errand.workspace.chosen).set_config(name, here);
    let missing = entry.missing(&new, &|_| true);
    let missing: Vec<String> = missing.iter().map(Missing::message).collect();
    let (old, new) = (masked(&old), masked(&new));
    let applied = match (is_active, missing.is_empty()) {
        (true, _) => "and applied to the running server".to_owned(),
        (false, true) => "for when it is added".to_owned(),
        (false, false) => format!(
            "for when it is added; still missing: {}",
            missing.join("; ")
        ),
    };
    let text = format!(
        "{name} is configured {applied}\nold: {}\nnew: {}",
        Value::Object(old.clone()),
        Value::Object(new.clone())
    );
    Ok(Reply::new(
        text,
        json!({"server": name, "old": old, "new": new}),
    ))
}

fn all_wrong_in(entry: &Entry, config: &Map<String, Value>) -> Vec<String> {
    let problems = entry.check_config(config).err().unwrap_or_default();
    problems.iter().map(ToString::to_string).collect()
}

/// Without what looks like a credential.
fn masked(config: &Map<String, Value>) -> Map<String, Value> {
    const WORDS: [&str; 6] = ["secret", "token", "password", "passwd", "api_key", "apikey"];
    let is_secret = |key: &str| {
        let key = key.to_lowercase();
        WORDS.iter().any(|word| key.contains(word))
    };
    config
        .iter()
        .map(|(key, value)| {
            let value = match value {
                _ if is_secret(key) => json!(MASK),
                Value::Object(inner) => Value::Object(masked(inner)),
                other => other.clone(),
            };
            (key.clone(), value)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_masked_wherever_they_are() {
        let config = json!({"url": "x", "db": {"Password": "hunter2"}, "API_KEY": [1]});
        let Value::Object(config) = config else {
            unreachable!()
        };
        assert_eq!(
            Value::Object(masked(&config)),
            json!({"url": "x", "db": {"Password": MASK}, "API_KEY": MASK})
        );
    }
}
