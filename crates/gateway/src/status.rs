//! Servers as people see them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use launch::Launcher;
use wire::Era;

use crate::bridge;
use crate::front::{ClientStatus, Door, ServerStatus};
use crate::lists::{Item, Lists};
use crate::server::Server;
use crate::session::Session;
use crate::upstream::Upstream;

/// What a client has said of itself; none before it has.
pub(crate) fn client(session: &Session) -> Option<ClientStatus> {
    let hello = session.hello()?;
    Some(ClientStatus {
        client: hello.client.to_string(),
        door: match session.door {
            Door::Stdio => "stdio",
            Door::Http => "http",
            Door::Sse => "sse",
        },
        version: hello.version.as_str(),
    })
}

/// The state of one server, over all its upstreams.
pub(crate) fn of(server: &Server, launcher: &dyn Launcher) -> ServerStatus {
    let upstreams = server.upstreams();
    let has = |state: &str| upstreams.iter().any(|upstream| upstream.state() == state);
    let lists: Vec<_> = upstreams
        .iter()
        .filter_map(|upstream| upstream.lists())
        .collect();
    let preparing = server.preparing();
    let mut reasons: Vec<String> = preparing
        .clone()
        .or_else(|| server.barred())
        .or_else(|| server.failure())
        .into_iter()
        .collect();
    let is_bridged = |lists: &Arc<Lists>| {
        upstreams
            .iter()
            .any(|upstream| upstream.key.clients == Era::Stateless && lists.era() == Era::Handshake)
    };
    for lists in lists.iter().filter(|lists| is_bridged(lists)) {
        let hidden = |tool: &Item| {
            let why = bridge::offers(Era::Stateless, tool).err()?;
            Some(format!(
                "tool {:?} is hidden from stateless clients: {why}",
                tool.key
            ))
        };
        reasons.extend(lists.tools.iter().filter_map(hidden));
    }
    for lists in &lists {
        reasons.extend(lists.problems.iter().cloned());
    }
    if server.pings.are_ignored() {
        reasons.push("it does not answer pings, so that it is not noticed if it hangs".to_owned());
    }
    for complaint in server.complaints.reasons() {
        // What brought the server down was said already.
        if !reasons.iter().any(|reason| complaint.ends_with(reason)) {
            reasons.push(complaint);
        }
    }
    reasons.dedup();
    let state = if server.entry.disabled {
        "disabled"
    } else if server.is_stopped() {
        "stopped"
    } else if has("ready")
        && upstreams
            .iter()
            .all(|up| up.current().is_none() || up.is_frozen())
    {
        "frozen"
    } else if has("ready") {
        "ready"
    } else if has("starting") && preparing.is_some() {
        "installing"
    } else if has("starting") {
        "starting"
    } else if server.failure().is_some() {
        "failed"
    } else {
        "idle"
    };
    let isolation = launcher.isolation(&server.entry);
    ServerStatus {
        name: server.name.to_string(),
        kind: server.kind(),
        state,
        reason: (!reasons.is_empty()).then(|| reasons.join("; ")),
        upstreams: upstreams
            .iter()
            .filter(|upstream| upstream.current().is_some())
            .count(),
        versions: upstreams
            .iter()
            .filter_map(|upstream| Some(upstream.current()?.hello()?.version.as_str()))
            .collect(),
        pids: upstreams
            .iter()
            .filter_map(|upstream| upstream.pid())
            .collect(),
        tools: lists
            .iter()
            .map(|lists| lists.tools.len())
            .max()
            .or_else(|| server.tools_learnt())
            .unwrap_or(0),
        calls: server.calls.load(Ordering::Relaxed),
        errors: server.errors.load(Ordering::Relaxed),
        isolation: isolation.as_ref().map(|kept| kept.level.clone()),
        missing: isolation.map_or_else(Vec::new, |kept| kept.missing),
        network: launcher.network(&server.entry),
        refused: refused(&upstreams),
        source: server.entry.source.clone(),
    }
}

/// Over all its upstreams, since they were started.
fn refused(upstreams: &[Arc<Upstream>]) -> Vec<String> {
    let all = upstreams.iter().flat_map(|upstream| upstream.refused(None));
    let mut hosts: Vec<String> = all.map(|refused| refused.host).collect();
    hosts.sort();
    hosts.dedup();
    hosts
}

/// The last lines that it wrote on stderr.
pub(crate) fn logs(server: &Server, lines: usize) -> Vec<String> {
    let mut all: Vec<String> = server
        .upstreams()
        .iter()
        .flat_map(|upstream| upstream.stderr(lines))
        .collect();
    if all.is_empty() {
        all = server.last_words();
    }
    all.split_off(all.len().saturating_sub(lines))
}
