//! The front door of one worker: where a request goes by its path, after the guard. Owns nothing that lives
//! longer than the worker. The MCP endpoint is answered here without a router (`mcp.rs`), HTTP+SSE by
//! `legacy.rs`, everything else by the router of `health.rs`.

use std::sync::Arc;

use gateway::front::{Answer, Caller, Gateway};
use http::header::ORIGIN;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use wire::code;

use crate::body::Body;
use crate::callers::{self, Admitted, Resource};
use crate::connection::Link;
use crate::guard::{Guard, Refusal};
use crate::intake::Budget;
use crate::legacy::Letterboxes;
use crate::mcp::Visit;
use crate::profiles::Doors;
use crate::pulse::Stage;
use crate::readiness::Readiness;
use crate::sessions::Sessions;
use crate::tls::Tls;
use crate::{cors, health, legacy, mcp, pages, respond};

/// What every request of a worker passes.
pub(crate) struct Door {
    pub(crate) gateway: Gateway,
    pub(crate) guard: Arc<Guard>,
    pub(crate) bodies: Arc<Budget>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) letterboxes: Arc<Letterboxes>,
    pub(crate) readiness: Readiness,
    pub(crate) rest: axum::Router,
    /// How connections are secured, if they are.
    pub(crate) tls: Option<Tls>,
    /// The doors to the gateways of profiles, where there are some.
    pub(crate) profiles: Option<Doors>,
}

/// An endpoint of one gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place<'p> {
    /// One server alone.
    only: Option<&'p str>,
    /// The endpoint of a workspace.
    workspace: Option<&'p str>,
}

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
enum Route<'p> {
    Mcp(Place<'p>),
    /// The gateway of a profile.
    Profile(&'p str, Place<'p>),
    Sse,
    Messages,
    Health,
    /// A page for the person.
    Page,
    Rest,
}

impl Door {
    pub(crate) fn is_draining(&self) -> bool {
        self.readiness.is_draining()
    }

    /// The same door to another gateway.
    pub(crate) fn to(&self, gateway: Gateway) -> Self {
        Self {
            gateway,
            guard: Arc::clone(&self.guard),
            bodies: Arc::clone(&self.bodies),
            sessions: Arc::clone(&self.sessions),
            letterboxes: Arc::clone(&self.letterboxes),
            readiness: self.readiness.clone(),
            rest: self.rest.clone(),
            tls: self.tls.clone(),
            profiles: None,
        }
    }

    /// Answers one request, whatever it is.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        request: Request<Incoming>,
        link: &Arc<Link>,
    ) -> Response<Body> {
        link.pulse.enter(Stage::Serving);
        let (head, body) = request.into_parts();
        if route(head.uri.path()) == Route::Page {
            return Box::pin(self.page_for_the_person(head, body, link)).await;
        }
        let page = self.page(&head, link);
        let mut response = self.answer_route(&head, body, link).await;
        if let Some(page) = page {
            cors::allow(&mut response, page);
        }
        // A stream says itself when it is over.
        if !matches!(response.body(), Body::Events(_)) {
            link.pulse.enter(Stage::Idle);
        }
        response
    }

    async fn answer_route(
        self: &Arc<Self>,
        head: &Parts,
        body: Incoming,
        link: &Arc<Link>,
    ) -> Response<Body> {
        if cors::is_preflight(head) {
            return match self.guard.check_names(head, link.local) {
                Ok(()) => cors::preflight(&head.headers),
                Err(refusal) => refuse(&refusal, None, link),
            };
        }
        // What is rare is boxed: the future of every request is as large as its largest part.
        match route(head.uri.path()) {
            Route::Mcp(place) => match self.admit(head, link).await {
                Ok(admitted) => self.answer_at(place, admitted, head, body, link).await,
                Err(refused) => *refused,
            },
            Route::Profile(profile, place) => match self.admit(head, link).await {
                Ok(admitted) => {
                    let asked = (profile, place);
                    Box::pin(self.answer_of_profile(asked, admitted, head, body, link)).await
                }
                Err(refused) => *refused,
            },
            Route::Sse => match self.admit(head, link).await {
                Ok(admitted) => legacy::open(self, link, admitted, head),
                Err(refused) => *refused,
            },
            Route::Messages => match self.admit(head, link).await {
                Ok(admitted) => Box::pin(legacy::post(self, link, admitted, head, body)).await,
                Err(refused) => *refused,
            },
            // Probes come by address and know no token; there is nothing to learn from them.
            Route::Health => Box::pin(health::call(&self.rest, head.clone(), body)).await,
            Route::Page | Route::Rest => match self.guard.check_names(head, link.local) {
                Ok(()) => match self.described(head) {
                    Some(description) => description,
                    None => Box::pin(health::call(&self.rest, head.clone(), body)).await,
                },
                Err(refusal) => refuse(&refusal, None, link),
            },
        }
    }

    /// At an endpoint of MCP.
    async fn answer_at(
        self: &Arc<Self>,
        place: Place<'_>,
        admitted: Admitted,
        head: &Parts,
        body: Incoming,
        link: &Arc<Link>,
    ) -> Response<Body> {
        let caller = Caller(admitted.name);
        if let Some(why) = self.lacks(place, &caller) {
            return respond::error(StatusCode::NOT_FOUND, None, code::INVALID_REQUEST, why);
        }
        let visit = Visit {
            door: self,
            link,
            caller,
            scopes: admitted.scopes,
            lease: admitted.lease,
            only: place.only.map(Arc::from),
            workspace: place.workspace.map(Arc::from),
            head,
        };
        mcp::answer(&visit, body).await
    }

    /// Why there is no such place, if so.
    fn lacks(&self, place: Place<'_>, caller: &Caller) -> Option<&'static str> {
        let (server, handle) = (place.only, place.workspace);
        if server.is_some_and(|server| !self.gateway.has_server(server)) {
            return Some("there is no server of this name");
        }
        let is_gone = |handle| !self.gateway.has_workspace(handle, caller);
        handle
            .is_some_and(is_gone)
            .then_some("there is no such workspace: it has expired, or belongs to somebody else")
    }

    async fn answer_of_profile(
        &self,
        (profile, place): (&str, Place<'_>),
        admitted: Admitted,
        head: &Parts,
        body: Incoming,
        link: &Arc<Link>,
    ) -> Response<Body> {
        let Some(doors) = &self.profiles else {
            let why = "this gateway has no profiles beside its own servers";
            return respond::error(StatusCode::NOT_FOUND, None, code::INVALID_REQUEST, why);
        };
        match doors.to(profile, self).await {
            Ok(door) => door.answer_at(place, admitted, head, body, link).await,
            Err(refused) => *refused,
        }
    }

    /// Whoever knows its address may see it; no other page may, whatever its origin.
    async fn page_for_the_person(
        &self,
        head: Parts,
        body: Incoming,
        link: &Arc<Link>,
    ) -> Response<Body> {
        let response = health::call(&self.rest, head, body).await;
        if response.status().is_client_error() {
            link.pulse.linger();
        }
        link.pulse.enter(Stage::Idle);
        response
    }

    /// The origin of the page that asks, if there is one and it is allowed.
    fn page(&self, head: &Parts, link: &Link) -> Option<HeaderValue> {
        let page = head.headers.get(ORIGIN)?;
        self.guard.check_names(head, link.local).ok()?;
        Some(page.clone())
    }

    async fn admit(&self, head: &Parts, link: &Link) -> Result<Admitted, Box<Response<Body>>> {
        let closed = match self.guard.admit_in_time(head, link.local).await {
            Ok(admitted) => return Ok(admitted),
            Err(refusal) => refusal,
        };
        let resource = self.guard.resource(callers::resource_path(head.uri.path()));
        Err(Box::new(refuse(&closed, resource.as_ref(), link)))
    }

    /// The description of what lies at a path, where it is asked for and there is one.
    fn described(&self, head: &Parts) -> Option<Response<Body>> {
        let of = callers::described(head.uri.path())?;
        let resource = self.guard.resource(of)?;
        Some(callers::description(&head.method, &resource))
    }

    /// The answer of the gateway. Where the caller's token is all that is missing, it says what would do.
    pub(crate) fn answered(&self, head: &Parts, answer: Answer) -> Response<Body> {
        let lacks = answer.lacks.clone();
        let mut response = respond::answer(answer);
        if let Some(scopes) = lacks {
            let at = callers::resource_path(head.uri.path());
            callers::more(&mut response, &scopes, self.guard.resource(at).as_ref());
        }
        response
    }
}

fn refuse(refusal: &Refusal, resource: Option<&Resource>, link: &Link) -> Response<Body> {
    link.pulse.linger();
    let mut response = respond::refused(refusal);
    callers::challenge(&mut response, refusal, resource);
    response
}

fn route(path: &str) -> Route<'_> {
    match path {
        "/mcp" | "/mcp/" => Route::Mcp(Place::default()),
        "/sse" => Route::Sse,
        "/messages" => Route::Messages,
        "/health" | "/livez" | "/readyz" => Route::Health,
        pages::CALLBACK => Route::Page,
        _ if path.starts_with(pages::PATH) => Route::Page,
        _ => {
            let is_name = |name: &&str| !name.is_empty() && !name.contains('/');
            let server = path
                .strip_prefix("/s/")
                .and_then(|rest| rest.strip_suffix("/mcp"))
                .filter(is_name);
            let workspace = path.strip_prefix("/mcp/w/").filter(is_name);
            if let Some(of_profile) = path.strip_prefix("/mcp/p/") {
                return profile(of_profile).unwrap_or(Route::Rest);
            }
            match server.or(workspace) {
                Some(_) => Route::Mcp(Place {
                    only: server,
                    workspace,
                }),
                None => Route::Rest,
            }
        }
    }
}

/// `NAME`, `NAME/s/SERVER` or `NAME/w/WORKSPACE`.
fn profile(path: &str) -> Option<Route<'_>> {
    let mut parts = path.split('/');
    let profile = parts.next().filter(|name| !name.is_empty())?;
    let place = match (parts.next(), parts.next().filter(|name| !name.is_empty())) {
        (None, None) => Place::default(),
        (Some("s"), only @ Some(_)) => Place {
            only,
            ..Place::default()
        },
        (Some("w"), workspace @ Some(_)) => Place {
            workspace,
            ..Place::default()
        },
        _ => return None,
    };
    parts
        .next()
        .is_none()
        .then_some(Route::Profile(profile, place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_where_they_say() {
        let place = |only, workspace| Place { only, workspace };
        let mcp = |only, workspace| Route::Mcp(place(only, workspace));
        let of_work = |only, workspace| Route::Profile("work", place(only, workspace));
        assert_eq!(route("/mcp"), mcp(None, None));
        assert_eq!(route("/mcp/w/w-1"), mcp(None, Some("w-1")));
        assert_eq!(route("/s/time/mcp"), mcp(Some("time"), None));
        assert_eq!(route("/mcp/p/work"), of_work(None, None));
        assert_eq!(route("/mcp/p/work/s/time"), of_work(Some("time"), None));
        assert_eq!(route("/mcp/p/work/w/w-1"), of_work(None, Some("w-1")));
        assert_eq!(route("/sse"), Route::Sse);
        assert_eq!(route("/messages"), Route::Messages);
        assert_eq!(route("/readyz"), Route::Health);
        assert_eq!(route("/ask/x"), Route::Page);
        assert_eq!(route("/oauth/callback"), Route::Page);
        for path in [
            "/",
            "/mcpx",
            "/mcp/p/",
            "/mcp/p/a/b",
            "/mcp/p/a/",
            "/mcp/p/a/s",
            "/mcp/p/a/s/",
            "/mcp/p//s/b",
            "/mcp/p/a/s/b/c",
            "/mcp/p/a/x/b",
            "/s//mcp",
            "/s/mcp",
            "/s/a/b/mcp",
            "/s/a",
            "/MCP",
            "/sse/",
            "/metrics",
        ] {
            assert_eq!(route(path), Route::Rest, "{path}");
        }
    }
}
