//! `mcp-activate-profile`. Owns what is told of each server: active, or what it lacks and what gives it.

use catalog::{Entry, Profile, ProfileServer};
use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use wire::Era;

use super::super::add::{lacks, put_to_use, wrong_in};
use super::super::arguments::Arguments;
use super::super::errand::Errand;
use super::super::fetched;
use super::super::reply::Reply;
use super::super::standing::{Standing, State};
use crate::core::Loan;
use crate::limits::ADDED_MAX;
use crate::outbox::lock;
use crate::upstream::Upstream;

/// Tools named of a server.
const NAMED: usize = 8;

pub(in super::super) async fn activate(mut errand: Errand, arguments: &Arguments) -> Reply {
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
async fn warm(errand: &Errand, ready: &[(Entry, Map<String, Value>)]) -> Vec<Loan> {
    let person = errand.directory.person();
    let mut loans = Vec::new();
    for (entry, config) in ready.iter().take(ADDED_MAX) {
        // What cannot be got is told when it is put to use.
        let got = fetched::secrets(person, entry).await.unwrap_or_default();
        let secret = |name: &str| got.get(name).cloned();
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
        let reply = lacks(errand, &entry, state, lines.clone());
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
    let view = errand.core.binding_view(&errand.side());
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
        "{actives} of {} {} active",
        done.len(),
        match done.len() {
            1 => format!("server of profile {profile} is"),
            _ => format!("servers of profile {profile} are"),
        }
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
