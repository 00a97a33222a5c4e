//! Phase 3: which requests the gateway answers itself, and how. Everything else goes to a server (`routed.rs`).

mod greeting;
mod level;
mod lists;
pub(crate) mod subscriptions;
mod task_list;

use wire::{Era, method};

use crate::call::Call;
use crate::dynamic::{self, Work};
use crate::error::Fault;
use crate::routed::{self, Plan};

/// Where a request goes.
pub(crate) enum Route {
    /// To a server.
    Server(Box<Plan>),
    /// Nowhere: this is the result, raw JSON.
    Here(String),
    /// Nowhere: the result is being worked on.
    Own(Work),
    /// Nowhere: it brings answers for a script that runs, whose result is its answer.
    Resumed,
    /// Nowhere, for the server has said so already; whether the client may ask is still to be decided.
    Known(Box<Plan>, &'static str),
    /// Nowhere: a stream of messages that the call's mailbox gets.
    Stream,
}

/// Finds out where a request goes; answers those that end here.
pub(crate) async fn resolve(call: &mut Call) -> Result<Route, Fault> {
    if call.frame.method() == method::TOOLS_CALL {
        return match dynamic::asked(call) {
            Some(tool) => Box::pin(dynamic::resolve(call, tool)).await,
            None => server(call).await,
        };
    }
    // Boxed: the futures of the others are large, and every call would carry their size.
    Box::pin(others(call)).await
}

async fn others(call: &mut Call) -> Result<Route, Fault> {
    let asked = call.frame.method();
    let unknown = || Err(Fault::UnknownMethod(asked.to_owned()));
    match (asked, call.era) {
        (method::INITIALIZE, Era::Handshake) => greeting::initialize(call).map(Route::Here),
        (method::PING, Era::Handshake) => Ok(Route::Here("{}".to_owned())),
        (method::SERVER_DISCOVER, Era::Stateless) => {
            greeting::discover(call).await.map(Route::Here)
        }
        (
            method::TOOLS_LIST
            | method::PROMPTS_LIST
            | method::RESOURCES_LIST
            | method::RESOURCES_TEMPLATES_LIST,
            _,
        ) => lists::page(call).await.map(Route::Here),
        (method::PROMPTS_GET, _) if dynamic::discover::is_asked(call) => {
            Ok(Route::Here(dynamic::discover::result(call)))
        }
        (method::LOGGING_SET_LEVEL, Era::Handshake) => level::set(call).map(Route::Here),
        (method::RESOURCES_SUBSCRIBE, Era::Handshake) => subscriptions::subscribe(call).await,
        (method::RESOURCES_UNSUBSCRIBE, Era::Handshake) => subscriptions::unsubscribe(call).await,
        (method::SUBSCRIPTIONS_LISTEN, Era::Stateless) => subscriptions::listen(call).await,
        (method::TASKS_LIST, Era::Handshake) => task_list::tasks(call).await.map(Route::Here),
        // Removed from the protocol, or not yet in it.
        (
            method::INITIALIZE
            | method::PING
            | method::LOGGING_SET_LEVEL
            | method::RESOURCES_SUBSCRIBE
            | method::RESOURCES_UNSUBSCRIBE
            | method::TASKS_LIST
            | method::TASKS_RESULT,
            Era::Stateless,
        ) => unknown(),
        (
            method::SERVER_DISCOVER | method::SUBSCRIPTIONS_LISTEN | method::TASKS_UPDATE,
            Era::Handshake,
        ) => unknown(),
        _ => server(call).await,
    }
}

async fn server(call: &mut Call) -> Result<Route, Fault> {
    routed::plan(call)
        .await
        .map(|plan| Route::Server(Box::new(plan)))
}
