//! `mcp-config-set`: what a server is configured with in a workspace, checked by its schema, applied to the server that runs.

use serde_json::{Map, Value, json};

use super::add::{lacks, put_at, put_to_use, steered};
use super::arguments::Arguments;
use super::errand::Errand;
use super::reply::Reply;
use super::standing::{State, config_of};
use crate::outbox::lock;

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
    let catalogs = errand.directory.open(&configured).await;
    let Some(entry) = catalogs.get(name) else {
        if configured.iter().any(|server| *server.name == *name) {
            return Err(Reply::error(format!(
                "{name} is configured in a file of the user, which only they change"
            )));
        }
        let near = catalogs.nearest(name, 3);
        let hint = match near.is_empty() {
            true => "mcp-find tells which there are".to_owned(),
            false => format!("did you mean {}?", near.join(" or ")),
        };
        return Err(Reply::error(format!("there is no server {name:?}; {hint}")));
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
    if let Err(problems) = entry.check_config(&new) {
        let lines = problems.iter().map(ToString::to_string).collect::<Vec<_>>();
        return Err(
            Reply::error(format!("{name} was not configured: {}", lines.join("; ")))
                .with(json!({"server": name, "old": masked(&old), "problems": lines})),
        );
    }
    let known = lock(&errand.workspace.chosen).get(name).cloned();
    let is_active = known.is_some();
    if let Some(known) = known {
        put_to_use(errand, entry, &new, known.is_listed).await?;
    }
    lock(&errand.workspace.chosen).set_config(name, here);
    let (old, new) = (masked(&old), masked(&new));
    let applied = match is_active {
        true => "and applied to the running server",
        false => "for when it is added",
    };
    let text = format!(
        "{name} is configured {applied}\nold: {}\nnew: {}",
        Value::Object(old.clone()),
        Value::Object(new.clone())
    );
    let missing = entry.missing(&Map::from_iter(new.clone()), &|_| true);
    if !is_active && !missing.is_empty() {
        let lines = missing.iter().map(catalog::Missing::message).collect();
        return Err(lacks(entry, State::NeedsConfig, lines));
    }
    Ok(Reply::new(
        text,
        json!({"server": name, "old": old, "new": new}),
    ))
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
