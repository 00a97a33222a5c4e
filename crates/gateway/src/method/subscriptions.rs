//! Who wants to hear of what: `resources/subscribe` of the handshake era, `subscriptions/listen` of the stateless one.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;
use wire::{Era, build, method, quote};

use super::Route;
use crate::call::Call;
use crate::core::Core;
use crate::error::Fault;
use crate::limits::{LISTENS_MAX, SUBSCRIPTIONS_MAX};
use crate::listen::{Asked, Listen, Wants};
use crate::routed;
use crate::session::Session;
use crate::upstream::Upstream;

/// Handshake era. The first subscriber of an upstream subscribes there; the others are served by the gateway.
pub(super) async fn subscribe(call: &mut Call) -> Result<Route, Fault> {
    let plan = routed::plan(call).await?;
    let Some(session) = call.session.clone() else {
        return Err(Fault::UnknownMethod(method::RESOURCES_SUBSCRIBE.to_owned()));
    };
    if session.subscriptions().len() >= SUBSCRIPTIONS_MAX {
        return Err(Fault::Busy("resource subscriptions"));
    }
    let uri = call.name.clone().unwrap_or_default();
    if !session.subscribe(&uri) {
        return Ok(Route::Here("{}".to_owned()));
    }
    let upstream = call
        .core
        .upstream(&call.workspace, &plan.target.server, Era::Handshake);
    if upstream.subscribe(&plan.target.own) {
        return Ok(Route::Server(Box::new(plan)));
    }
    Ok(Route::Here("{}".to_owned()))
}

/// Handshake era. The last subscriber of an upstream unsubscribes there.
pub(super) async fn unsubscribe(call: &mut Call) -> Result<Route, Fault> {
    let plan = routed::plan(call).await?;
    let uri = call.name.clone().unwrap_or_default();
    if !call
        .session
        .as_ref()
        .is_some_and(|session| session.unsubscribe(&uri))
    {
        return Ok(Route::Here("{}".to_owned()));
    }
    let upstream = call
        .core
        .upstream(&call.workspace, &plan.target.server, Era::Handshake);
    if upstream.unsubscribe(&plan.target.own) {
        return Ok(Route::Server(Box::new(plan)));
    }
    Ok(Route::Here("{}".to_owned()))
}

/// Takes back a subscription of a conversation that ends.
pub(crate) fn release(core: &Arc<Core>, session: &Session, uri: &str) {
    let view = core.view(&session.workspace, Era::Handshake, None);
    let Some(target) = view.resource(uri) else {
        return;
    };
    let Some(upstream) = session.workspace.upstream(&target.server, Era::Handshake) else {
        return;
    };
    if upstream.unsubscribe(&target.own)
        && let Some(live) = upstream.current()
    {
        let params = format!(r#"{{"uri":{}}}"#, quote(&target.own));
        // Its answer interests nobody.
        live.send(build::request(
            &core.next_id().to_string(),
            method::RESOURCES_UNSUBSCRIBE,
            Some(&params),
        ));
    }
}

/// Stateless era. Acknowledged once the servers listen too, or will not.
pub(super) async fn listen(call: &mut Call) -> Result<Route, Fault> {
    let mut wants = Wants::read(&call.params()?).map_err(Fault::Params)?;
    if wants.uris.len() + wants.tasks.len() > SUBSCRIPTIONS_MAX {
        return Err(Fault::Busy("resources and tasks to listen to"));
    }
    call.core
        .first_lists(&call.workspace, call.era, call.only.as_ref())
        .await;
    let asked = sort_by_upstream(call, &mut wants);
    let wait = call.core.settings.list_wait;
    if wants.tools || wants.prompts || wants.resources {
        // Whoever is to hear of changes needs the servers up.
        let view = call
            .core
            .view(&call.workspace, call.era, call.only.as_ref());
        let all = view
            .parts
            .iter()
            .filter(|part| part.server.barred().is_none())
            .map(|part| {
                let upstream = call.core.upstream(&call.workspace, &part.server, call.era);
                tokio::spawn(async move {
                    if upstream.listed().await.is_ok() {
                        upstream.watch().settled(wait).await;
                    }
                })
            });
        let _ = tokio::time::timeout(wait, join_all(all)).await;
    }
    for one in &asked {
        one.upstream.watch().add(&one.uris, &one.tasks);
    }
    let settled = asked.iter().map(|one| async {
        if one.upstream.listed().await.is_ok() {
            one.upstream.watch().settled(wait).await;
        }
    });
    let _ = tokio::time::timeout(wait, join_all(settled)).await;
    let listen = Arc::new(Listen::new(
        call.id,
        call.raw_id(),
        call.handle.clone(),
        wants,
        asked,
    ));
    call.listen = Some(listen.number);
    if !call.workspace.add_listen(&listen, LISTENS_MAX) {
        for one in &listen.asked {
            one.upstream.watch().remove(&one.uris, &one.tasks);
        }
        return Err(Fault::Busy("listen streams"));
    }
    listen.acknowledge();
    Ok(Route::Stream)
}

/// What a client wants of which upstream; what nobody offers is struck out.
fn sort_by_upstream(call: &Call, wants: &mut Wants) -> Vec<Asked> {
    let view = call
        .core
        .view(&call.workspace, call.era, call.only.as_ref());
    let mut by_upstream: HashMap<u64, Asked> = HashMap::new();
    let ask = |server: &Arc<crate::server::Server>| -> Arc<Upstream> {
        call.core.upstream(&call.workspace, server, call.era)
    };
    wants.uris.retain(|uri| {
        let Some(target) = view.resource(uri) else {
            return false;
        };
        let upstream = ask(&target.server);
        let asked = by_upstream.entry(upstream.id).or_insert_with(|| Asked {
            upstream,
            uris: Vec::new(),
            tasks: Vec::new(),
        });
        asked.uris.push(target.own);
        true
    });
    wants.tasks.retain(|task| {
        let Some((server, id)) = call.core.tasks.open(task, &call.workspace.caller) else {
            return false;
        };
        let Some(server) = call.core.server(&server) else {
            return false;
        };
        let upstream = ask(&server);
        let asked = by_upstream.entry(upstream.id).or_insert_with(|| Asked {
            upstream,
            uris: Vec::new(),
            tasks: Vec::new(),
        });
        asked.tasks.push(id.into());
        true
    });
    by_upstream.into_values().collect()
}

/// A listen stream ends.
pub(crate) fn listen_ends(call: &Call, number: u64) {
    if let Some(listen) = call.workspace.remove_listen(number) {
        for one in &listen.asked {
            one.upstream.watch().remove(&one.uris, &one.tasks);
        }
    }
}
