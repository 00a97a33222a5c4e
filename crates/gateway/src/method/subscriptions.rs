//! Who wants to hear of what: `resources/subscribe` of the handshake era, `subscriptions/listen` of the stateless one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::future::join_all;
use wire::{Era, method};

use super::Route;
use crate::asks::{Asks, Side};
use crate::call::Call;
use crate::core::Core;
use crate::error::Fault;
use crate::limits::{LIST_TIMEOUT, LISTENS_MAX, SUBSCRIPTIONS_MAX};
use crate::listen::{Asked, Listen, Wants};
use crate::naming::Owned;
use crate::routed;
use crate::server::Server;
use crate::session::Session;
use crate::upstream::Upstream;
use crate::view::Target;

/// A subscription whose server has not answered yet.
pub(crate) struct Subscribing {
    upstream: Arc<Upstream>,
    resource: Owned,
}

/// Handshake era. The first subscriber of an upstream subscribes there; the others are served by the gateway. A stateless
/// server is listened to instead.
pub(super) async fn subscribe(call: &mut Call) -> Result<Route, Fault> {
    let plan = routed::plan(call).await?;
    let Some(session) = call.session.clone() else {
        return Err(Fault::UnknownMethod(method::RESOURCES_SUBSCRIBE.to_owned()));
    };
    if session.subscription_count() >= SUBSCRIPTIONS_MAX {
        return Err(Fault::Busy("resource subscriptions"));
    }
    let resource = resource_of(&plan.target);
    if !session.subscribe(resource.clone(), call.name.as_deref().unwrap_or_default()) {
        return Ok(Route::Known(Box::new(plan), "{}"));
    }
    let upstream = call.core.upstream(&call.side(), &plan.target.server);
    if plan.target.server.is_gone() {
        // Whoever moves subscriptions to the server in its place may not have seen this one.
        session.unsubscribe(&resource);
        return Err(Fault::Replaced {
            server: plan.target.server.name.clone(),
        });
    }
    let is_stateless = plan.out.era == Era::Stateless;
    let uris = [plan.target.own.clone()];
    let is_known = match is_stateless {
        true => {
            upstream.want(&uris, &[]);
            true
        }
        false => !upstream.subscribe(&uris[0]),
    };
    call.subscribing = Some(Box::new(Subscribing {
        upstream: upstream.clone(),
        resource,
    }));
    if is_stateless {
        upstream.listed().await?;
        upstream.wanted(&uris, call.core.settings.list_wait).await;
    }
    Ok(match is_known {
        true => Route::Known(Box::new(plan), "{}"),
        false => Route::Server(Box::new(plan)),
    })
}

/// The server has agreed to a subscription, or it will not come to be.
pub(crate) fn subscribed(call: &Call, asked: &Subscribing, is_agreed: bool) {
    if is_agreed {
        return asked.upstream.subscribed(&asked.resource.own);
    }
    let session = call.session.as_ref();
    if session.is_some_and(|session| session.unsubscribe(&asked.resource)) {
        asked.upstream.unsubscribe(&asked.resource.own);
    }
}

/// Handshake era. The last subscriber of an upstream unsubscribes there.
pub(super) async fn unsubscribe(call: &mut Call) -> Result<Route, Fault> {
    let plan = routed::plan(call).await?;
    let session = call.session.as_ref();
    if !session.is_some_and(|session| session.unsubscribe(&resource_of(&plan.target))) {
        return Ok(Route::Here("{}".to_owned()));
    }
    let upstream = call.core.upstream(&call.side(), &plan.target.server);
    if upstream.unsubscribe(&plan.target.own) && plan.out.era == Era::Handshake {
        return Ok(Route::Server(Box::new(plan)));
    }
    Ok(Route::Here("{}".to_owned()))
}

fn resource_of(target: &Target) -> Owned {
    Owned {
        server: (&*target.server.name).into(),
        own: target.own.clone(),
    }
}

/// Takes back a subscription of a conversation that ends.
pub(crate) fn release(session: &Session, resource: &Owned) {
    let upstreams = session.workspace.upstreams();
    let of_server = |upstream: &&Arc<Upstream>| {
        *upstream.server.name == *resource.server && upstream.key.clients == Era::Handshake
    };
    if let Some(upstream) = upstreams.iter().find(of_server) {
        upstream.unwanted(&resource.own);
    }
}

/// Another entry has taken a server's place: whoever hears of resources of the old one hears of them from the new one, which
/// is started for that.
pub(crate) fn moved(core: &Arc<Core>, server: &Arc<Server>) {
    for workspace in core.workspaces() {
        let side = |era: Era, asks: Asks| Side {
            workspace: &workspace,
            era,
            only: None,
            is_endpoint: false,
            asks,
        };
        let session = workspace.session();
        let uris = session.map_or_else(Vec::new, |session| session.subscriptions_of(&server.name));
        if !uris.is_empty() {
            hears(
                core.upstream(&side(Era::Handshake, Asks::NONE), server),
                uris,
            );
        }
        let is_gone = |upstream: &Upstream| {
            upstream.server.name == server.name && !Arc::ptr_eq(&upstream.server, server)
        };
        let successor =
            |gone: &Upstream| core.upstream(&side(gone.key.clients, gone.key.asks), server);
        for listen in workspace.listens() {
            for one in listen.moves(is_gone, successor) {
                hears(one.upstream, one.uris);
            }
        }
    }
}

/// Starts an upstream and asks it to tell of these.
fn hears(upstream: Arc<Upstream>, uris: Vec<Box<str>>) {
    upstream.want(&uris, &[]);
    tokio::spawn(async move {
        // One that cannot be started is asked when it can.
        if upstream.listed().await.is_ok() {
            upstream.wanted(&uris, LIST_TIMEOUT).await;
        }
    });
}

/// Stateless era. Acknowledged once the servers listen too, or will not.
pub(super) async fn listen(call: &mut Call) -> Result<Route, Fault> {
    let mut wants = Wants::read(&call.params()?).map_err(Fault::Params)?;
    if wants.uris.len() + wants.tasks.len() > SUBSCRIPTIONS_MAX {
        return Err(Fault::Busy("resources and tasks to listen to"));
    }
    call.core.first_lists(&call.side()).await;
    let asked = sort_by_upstream(call, &mut wants);
    let wants_lists = wants.tools || wants.prompts || wants.resources;
    let listen = Arc::new(Listen::new(
        call.id,
        call.raw_id(),
        call.handle.clone(),
        wants,
        asked,
    ));
    if !call.workspace.add_listen(&listen, LISTENS_MAX) {
        return Err(Fault::Busy("listen streams"));
    }
    // From here on the end of the call, whenever that is, takes everything back.
    call.listen = Some(listen.number);
    let asked = listen.asked();
    for one in &asked {
        one.upstream.want(&one.uris, &one.tasks);
    }
    let wait = call.core.settings.list_wait;
    if wants_lists {
        // Whoever is to hear of changes needs the servers up.
        let view = call.core.view(&call.side());
        let all = view
            .parts
            .iter()
            .filter(|part| part.server.barred().is_none())
            .map(|part| {
                let upstream = call.core.upstream(&call.side(), &part.server);
                tokio::spawn(async move {
                    if upstream.listed().await.is_ok() {
                        upstream.wanted(&[], wait).await;
                    }
                })
            });
        let _ = tokio::time::timeout(wait, join_all(all)).await;
    }
    let settled = asked.iter().map(|one| async {
        if one.upstream.listed().await.is_ok() {
            one.upstream.wanted(&one.uris, wait).await;
        }
    });
    let _ = tokio::time::timeout(wait, join_all(settled)).await;
    listen.acknowledge();
    if call.core.is_draining.load(Ordering::Relaxed) {
        // Who ended the others did not see this one.
        listen.end();
    }
    Ok(Route::Stream)
}

/// What a client wants of which upstream; what nobody offers is struck out.
fn sort_by_upstream(call: &Call, wants: &mut Wants) -> Vec<Asked> {
    let view = call.core.view(&call.side());
    let mut by_upstream: HashMap<u64, Asked> = HashMap::new();
    let ask = |server: &Arc<crate::server::Server>| -> Arc<Upstream> {
        call.core.upstream(&call.side(), server)
    };
    wants.uris.retain(|uri| {
        let target = view.resource(uri, true);
        let Some(target) = target.filter(|target| view.tells_of(target)) else {
            return false;
        };
        let upstream = ask(&target.server);
        let asked = by_upstream.entry(upstream.id).or_insert_with(|| Asked {
            upstream,
            uris: Vec::new(),
            names: Vec::new(),
            tasks: Vec::new(),
        });
        asked.uris.push(target.own);
        asked.names.push(uri.clone());
        true
    });
    wants.tasks.retain(|task| {
        let Some((server, id)) = call.core.tasks.open(task, &call.workspace.caller) else {
            return false;
        };
        let Some(server) = call.core.server_in(&call.workspace, &server) else {
            return false;
        };
        let upstream = ask(&server);
        let asked = by_upstream.entry(upstream.id).or_insert_with(|| Asked {
            upstream,
            uris: Vec::new(),
            names: Vec::new(),
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
        for one in &listen.asked() {
            one.upstream.unwant(&one.uris, &one.tasks);
        }
    }
}
