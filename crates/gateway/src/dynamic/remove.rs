//! `mcp-remove`: a server leaves a workspace, and what only that workspace used of it stops.

use serde_json::json;

use super::arguments::Arguments;
use super::errand::Errand;
use super::reply::Reply;
use crate::lists::Kind;
use crate::method::subscriptions;
use crate::naming;
use crate::outbox::lock;

pub(super) async fn remove(errand: &Errand, arguments: &Arguments) -> Reply {
    match removed(errand, arguments) {
        Ok(reply) | Err(reply) => reply,
    }
}

fn removed(errand: &Errand, arguments: &Arguments) -> Result<Reply, Reply> {
    let name = arguments.name("name")?;
    if errand.is_nameless {
        return Err(Reply::error(
            "say from which `workspace`: mcp-add returned it",
        ));
    }
    if lock(&errand.workspace.chosen).take_script(name) {
        errand.tell(&[Kind::Tools]);
        return Ok(gone(name));
    }
    let Some(server) = errand.core.server_in(&errand.workspace, name) else {
        let mut names: Vec<String> = lock(&errand.workspace.chosen)
            .added()
            .iter()
            .map(|added| added.server.name.to_string())
            .collect();
        names.extend(errand.core.servers().iter().map(|s| s.name.to_string()));
        names.retain(|name| errand.core.server_in(&errand.workspace, name).is_some());
        let near = naming::nearest(name, names.iter().map(String::as_str));
        let hint = match (near.is_empty(), names.is_empty()) {
            (false, _) => format!("did you mean {}?", near.join(" or ")),
            (true, true) => "it has none".to_owned(),
            (true, false) => format!("it has: {}", names.join(", ")),
        };
        return Err(Reply::error(format!(
            "{name:?} is not in this workspace; {hint}"
        )));
    };
    if let Some(session) = &errand.session {
        for resource in session.take_subscriptions_of(name) {
            subscriptions::release(session, &resource);
        }
    }
    let added = {
        let mut chosen = lock(&errand.workspace.chosen);
        chosen.forget_in_scripts(name);
        chosen.take(name)
    };
    match added {
        Some(server) => errand.core.give_back(&server, &errand.workspace),
        None => {
            lock(&errand.workspace.chosen).hide(name);
            errand.core.part(&server, &errand.workspace, false);
        }
    }
    errand.tell(&[Kind::Tools, Kind::Prompts, Kind::Resources]);
    Ok(gone(name))
}

fn gone(name: &str) -> Reply {
    Reply::new(
        format!("{name} is removed from this conversation"),
        json!({"server": name, "removed": true}),
    )
}
