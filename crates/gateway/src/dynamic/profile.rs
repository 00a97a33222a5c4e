//! `mcp-create-profile` and `mcp-activate-profile`: the servers of a conversation under a name, and a name's servers in a
//! conversation. Saving approves nothing and stores no secret; what only the person may set is not saved for them, for they gave
//! it to one conversation. Activating is adding: what stands in a server's way is told, and that server is left out.

use std::collections::BTreeSet;
use std::sync::Arc;

use catalog::{Entry, Profile, ProfileServer};
use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use wire::Era;

use super::add::{lacks, put_to_use, wrong_in};
use super::arguments::Arguments;
use super::config::is_secret;
use super::errand::Errand;
use super::reply::Reply;
use super::standing::{Standing, State};
use crate::limits::ADDED_MAX;
use crate::outbox::lock;
use crate::server::Server;
use crate::upstream::Upstream;

/// Tools named of a server.
const NAMED: usize = 8;

pub(super) async fn create(errand: &Errand, arguments: &Arguments) -> Reply {
    match created(errand, arguments).await {
        Ok(reply) | Err(reply) => reply,
    }
}

async fn created(errand: &Errand, arguments: &Arguments) -> Result<Reply, Reply> {
    let name = arguments.name("name")?;
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
                references: Default::default(),
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

pub(super) async fn activate(mut errand: Errand, arguments: &Arguments) -> Reply {
    let is_fresh = errand.begin();
    let reply = match activated(&errand, arguments).await {
        Ok(reply) | Err(reply) => reply,
    };
    errand.end(is_fresh);
    reply
}

/// What became of one server.
struct Outcome {
    name: String,
    state: State,
    tools: Vec<String>,
    /// Why it is not active, and what to do.
    why: Option<(String, String)>,
}

async fn activated(errand: &Errand, arguments: &Arguments) -> Result<Reply, Reply> {
    let name = arguments.name("name")?;
    let profile = read(errand, name).await?;
    if profile.servers.is_empty() {
        return Err(Reply::error(format!(
            "profile {name} has no servers; the user adds some with: portolan profile server add {name} --server NAME"
        )));
    }
    let mut outcomes = Vec::new();
    let mut ready = Vec::new();
    for server in &profile.servers {
        match standing(errand, name, server) {
            Standings::Active => outcomes.push((server, None)),
            Standings::Ready(config) => {
                ready.push((server.entry_in_use(), config.clone()));
                outcomes.push((server, Some(Ok(config))));
            }
            Standings::Lacks(lack) => outcomes.push((server, Some(Err(lack)))),
        }
    }
    // All of them start at once; that they come into the workspace one after the other gives their tools the same names each time.
    let warm = warm(errand, &ready).await;
    let mut done = Vec::new();
    for (server, outcome) in outcomes {
        let name = server.entry.name.as_str();
        done.push(match outcome {
            None => active(errand, name),
            Some(Err(outcome)) => outcome,
            Some(Ok(config)) => {
                let entry = server.entry_in_use();
                match put_to_use(errand, &entry, &config, true).await {
                    Ok(_) => {
                        let mut chosen = lock(&errand.workspace.chosen);
                        chosen.set_config(name, config);
                        chosen.pin(entry);
                        drop(chosen);
                        active(errand, name)
                    }
                    Err(reply) => Outcome {
                        name: name.to_owned(),
                        state: State::Unavailable,
                        tools: Vec::new(),
                        why: Some((
                            reply.text().to_owned(),
                            format!("try mcp-activate-profile {} again", profile.name),
                        )),
                    },
                }
            }
        });
    }
    drop(warm);
    reply(errand, name, &done)
}

/// Its servers start, and none is in the workspace yet.
async fn warm(errand: &Errand, ready: &[(Entry, Map<String, Value>)]) -> Vec<crate::core::Loan> {
    let person = errand.directory.person();
    let mut loans = Vec::new();
    for (entry, config) in ready.iter().take(ADDED_MAX) {
        let secret = |name: &str| {
            let spec = entry.about.secrets.iter().find(|spec| spec.name == name)?;
            person.secret(entry, spec)
        };
        if let Ok(resolved) = entry.resolve(config, &secret) {
            loans.push(errand.core.lend(resolved, &errand.workspace));
        }
    }
    let upstreams: Vec<_> = loans
        .iter()
        .map(|loan| errand.core.upstream(&errand.side(), &loan.server))
        .collect();
    // Who fails says so when it is put to use.
    join_all(upstreams.iter().map(Upstream::listed)).await;
    loans
}

async fn read(errand: &Errand, name: &str) -> Result<Profile, Reply> {
    let person = errand.directory.person().clone();
    let from = name.to_owned();
    tokio::task::spawn_blocking(move || person.profile(&from))
        .await
        .unwrap_or_else(|_| Err("it broke down".to_owned()))
        .map_err(Reply::error)
}

enum Standings {
    Active,
    Ready(Map<String, Value>),
    Lacks(Outcome),
}

/// What a server of a profile lacks, in the words of `mcp-add`; where a profile has another way to give it, that is named.
fn standing(errand: &Errand, profile: &str, server: &ProfileServer) -> Standings {
    let entry = server.entry_in_use();
    let name = entry.name.as_str();
    if errand.core.server_in(&errand.workspace, name).is_some() {
        return Standings::Active;
    }
    let mut config = errand.directory.person().config(name);
    config.extend(server.config.clone());
    let standing = Standing::of(errand, &entry, &config);
    let (state, lines, next) = match &standing.unavailable {
        Some(why) => (State::Unavailable, vec![why.clone()], None),
        None => {
            let wrong = wrong_in(&entry, &config);
            let set = format!(
                "ask the user to run: portolan profile config {profile} --set {name}.KEY=VALUE"
            );
            match standing.state() {
                _ if !wrong.is_empty() => (State::NeedsConfig, wrong, Some(set)),
                State::NeedsConfig => (State::NeedsConfig, standing.lines(&entry), Some(set)),
                State::NeedsApproval => (
                    State::NeedsApproval,
                    standing.lines(&entry),
                    Some(format!(
                        "ask the user to run: portolan server enable {name} --profile {profile}"
                    )),
                ),
                State::Ready => return Standings::Ready(config),
                state => (state, standing.lines(&entry), None),
            }
        }
    };
    let next = next.unwrap_or_else(|| {
        let reply = lacks(&entry, state, lines.clone());
        let (_, next) = reply.text().rsplit_once("Next: ").unwrap_or_default();
        next.to_owned()
    });
    Standings::Lacks(Outcome {
        name: name.to_owned(),
        state,
        tools: Vec::new(),
        why: Some((lines.join("; "), next)),
    })
}

fn active(errand: &Errand, name: &str) -> Outcome {
    let view = errand.core.view(&errand.side());
    let server = errand.core.server_in(&errand.workspace, name);
    let tools = server.map(|server| {
        let tools = view.tools_of(&server);
        tools.iter().map(|(name, _)| name.to_string()).collect()
    });
    Outcome {
        name: name.to_owned(),
        state: State::Active,
        tools: tools.unwrap_or_default(),
        why: None,
    }
}

fn reply(errand: &Errand, profile: &str, done: &[Outcome]) -> Result<Reply, Reply> {
    let actives = done.iter().filter(|one| one.why.is_none()).count();
    let handle = match actives {
        0 => None,
        _ => {
            let handle = errand.core.handle_of(&errand.workspace);
            Some(handle.map_err(|fault| Reply::error(fault.to_string()))?)
        }
    };
    let mut lines = vec![format!(
        "{actives} of {} servers of profile {profile} are active",
        done.len()
    )];
    for one in done {
        let more = one.tools.len().saturating_sub(NAMED);
        lines.push(match &one.why {
            Some((why, next)) => {
                format!("{} ({}): {why}. Next: {next}", one.name, one.state.word())
            }
            None => format!(
                "{} (active): {}{}",
                one.name,
                one.tools[..one.tools.len().min(NAMED)].join(", "),
                match more {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                }
            ),
        });
    }
    let is_listed = errand.era == Era::Handshake || errand.is_endpoint;
    if let (Some(handle), false) = (&handle, is_listed) {
        lines.push(format!(
            "Call their tools by mcp-exec with workspace {handle:?}; mcp-add with the name of a server and this workspace returns the definitions."
        ));
    }
    let servers: Vec<Value> = done
        .iter()
        .map(|one| {
            let mut facts = json!({
                "name": one.name, "state": one.state.word(), "tools": one.tools,
            });
            if let (Some((why, next)), Some(facts)) = (&one.why, facts.as_object_mut()) {
                facts.insert("why".into(), json!(why));
                facts.insert("next".into(), json!(next));
            }
            facts
        })
        .collect();
    let mut facts = json!({"profile": profile, "servers": servers});
    if let (Some(handle), Some(facts)) = (&handle, facts.as_object_mut()) {
        facts.insert("workspace".into(), json!(&**handle));
    }
    let text = lines.join("\n");
    Ok(match actives == done.len() {
        true => Reply::new(text, facts),
        false => Reply::error(text).with(facts),
    })
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
