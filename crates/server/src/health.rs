//! Everything at the front door that is not MCP: the probes, which need no token, the pages for the person (`pages.rs`), and
//! the 404 that says where MCP is.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bytes::Bytes;
use gateway::front::Gateway;
use http::request::Parts;
use http::{Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use tower::ServiceExt;
use wire::code;

use crate::body::Body;
use crate::pages::{self, Board};
use crate::readiness::Readiness;
use crate::respond;

/// What the probes look at.
#[derive(Clone)]
pub(crate) struct Health {
    pub(crate) gateway: Gateway,
    pub(crate) readiness: Readiness,
}

/// `/livez` (and `/health`): the process answers. `/readyz`: it also wants more work.
pub(crate) fn probes(health: Health) -> Router {
    Router::new()
        .route("/health", get(|| async { "ok\n" }))
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(health)
}

/// The router of the front door.
pub(crate) fn front(health: Health, pages: Arc<Board>) -> Router {
    probes(health)
        .merge(pages::router(pages))
        .fallback(nothing_here)
}

/// Calls the router.
pub(crate) async fn call(router: &Router, head: Parts, body: Incoming) -> Response<Body> {
    let request = Request::from_parts(head, axum::body::Body::new(body));
    match router.clone().oneshot(request).await {
        Ok(response) => response.map(Body::Routed),
        Err(never) => match never {},
    }
}

async fn ready(State(health): State<Health>) -> (StatusCode, &'static str) {
    if health.readiness.is_draining() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    if health.gateway.is_ready() {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "starting\n")
    }
}

async fn nothing_here(uri: Uri) -> Response<axum::body::Body> {
    let path: String = uri.path().chars().take(100).collect();
    let why = format!(
        "nothing is served at {path:?}: the MCP endpoint is /mcp (one server alone: /s/<name>/mcp)"
    );
    let response = respond::error(StatusCode::NOT_FOUND, None, code::INVALID_REQUEST, &why);
    response.map(|body| match body {
        Body::Full(bytes) => axum::body::Body::from(bytes),
        _ => axum::body::Body::from(Bytes::new()),
    })
}
