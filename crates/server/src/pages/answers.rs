//! What a request for a page gets. Owns who may see one (whoever knows its token, by a loopback name) and what counts as the
//! person's answer: a form that this very page has sent, once; or a browser that comes back with what the sign-in was begun
//! with. Values go from the body to the visit, and nowhere else.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::get;
use bytes::Bytes;
use gateway::{Field, Unfinished, Ungiven, Visit};
use http::header::{CONTENT_TYPE, HOST, ORIGIN};
use http::{HeaderMap, HeaderName, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use secrets::Secret;
use tokio::time::timeout;
use url::form_urlencoded;
use zeroize::{Zeroize as _, Zeroizing};

use super::{Board, CALLBACK, PATH, html};
use crate::guard::{is_loopback_host, only};
use crate::limits::{PAGE_BODY_BYTES_MAX, PAGE_BODY_WAIT};

/// Says where a request of a browser comes from.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

type Answer = Response<Body>;

/// Why a request does not get what it wants.
#[derive(Debug)]
struct No(StatusCode, &'static str, &'static str);

impl No {
    fn answer(&self) -> Answer {
        html::note(self.0, self.1, self.2)
    }
}

/// The pages, and nothing else.
pub(crate) fn router(board: Arc<Board>) -> Router {
    let route = format!("{PATH}{{token}}");
    Router::new()
        .route(&route, get(look).post(take))
        .route(CALLBACK, get(back))
        .with_state(board)
}

async fn look(
    State(board): State<Arc<Board>>,
    Path(token): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    if let Err(no) = host(&uri, &headers) {
        return no.answer();
    }
    match board.visit(&token) {
        Some(visit) => match (visit.leads_away(), visit.way()) {
            (false, _) => html::form(StatusCode::OK, visit.page(), None, &[]),
            (true, Some(way)) => html::way(visit.page(), way),
            (true, None) => gone(),
        },
        None => gone(),
    }
}

/// A browser comes back from a sign-in. Whoever does not bring its state has nothing to do with any.
async fn back(State(board): State<Arc<Board>>, uri: Uri, headers: HeaderMap) -> Answer {
    if let Err(no) = host(&uri, &headers) {
        return no.answer();
    }
    let query = uri.query().unwrap_or_default();
    let Some(visit) = board.answered_by(query) else {
        return gone();
    };
    match visit.come_back(query.to_owned()).await {
        Ok(()) => html::note(
            StatusCode::OK,
            "Signed in",
            "The gateway keeps it, and the agent goes on without seeing it. You can close this page.",
        ),
        Err(None) => gone(),
        Err(Some(Unfinished::Declined(why))) => html::note(
            StatusCode::OK,
            "Not signed in",
            &format!("{why}. You can close this page."),
        ),
        Err(Some(Unfinished::Failed(why))) => html::note(
            StatusCode::BAD_GATEWAY,
            "Not signed in",
            &format!("{why}. Ask the agent to try again: it gets a new link."),
        ),
    }
}

async fn take(
    State(board): State<Arc<Board>>,
    Path(token): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    if let Err(no) = host(&uri, &headers).and_then(|host| own_page(&headers, host)) {
        return no.answer();
    }
    let Some(visit) = board.visit(&token) else {
        return gone();
    };
    let kind = only(&headers, &CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return html::note(status, "Not understood", "This is not what the form sends.");
    }
    match whole(body).await {
        Ok(body) => {
            let answer = answered(&visit, &body).await;
            wipe(body);
            answer
        }
        Err(no) => no.answer(),
    }
}

/// What the person wants.
async fn answered(visit: &Arc<Visit>, body: &[u8]) -> Answer {
    let given = |name: &str| {
        form_urlencoded::parse(body)
            .find(|(key, _)| key == name)
            .map(|(_, value)| Zeroizing::new(value.into_owned()))
    };
    let page = visit.page();
    if given("do").is_some_and(|what| *what == "refuse") {
        return match visit.decline() {
            true => html::note(
                StatusCode::OK,
                "Nothing was saved",
                "The agent is told that you do not want to. You can close this page.",
            ),
            false => gone(),
        };
    }
    let mut values = Vec::new();
    let mut wrong = Vec::new();
    for at in 0..page.fields.len() {
        let text = given(&html::input_name(at)).unwrap_or_default();
        match Secret::new(&text) {
            Ok(value) => values.push(value),
            Err(error) => wrong.push((at, error.to_string())),
        }
    }
    if !wrong.is_empty() {
        return html::form(StatusCode::UNPROCESSABLE_ENTITY, page, None, &wrong);
    }
    let keeping = visit.clone();
    // A disk may take its time, and wait for others.
    let kept = tokio::task::spawn_blocking(move || keeping.give(&values)).await;
    let kept = kept.unwrap_or_else(|_| Err(Ungiven::Failed("it broke off".to_owned())));
    match kept {
        Ok(()) => html::note(
            StatusCode::OK,
            "Saved",
            &format!("{} You can close this page.", saved(&page.fields)),
        ),
        Err(Ungiven::Over) => gone(),
        Err(Ungiven::Failed(why)) => {
            html::form(StatusCode::INTERNAL_SERVER_ERROR, page, Some(&why), &[])
        }
    }
}

fn saved(fields: &[Field]) -> &'static str {
    match fields.len() {
        1 => "It is kept, and the agent goes on without seeing it.",
        _ => "They are kept, and the agent goes on without seeing them.",
    }
}

/// By which loopback name the request came: a name of any other kind could be somebody else's (DNS rebinding).
fn host<'h>(uri: &Uri, headers: &'h HeaderMap) -> Result<&'h str, No> {
    let host = only(headers, &HOST).filter(|host| is_loopback_host(host));
    let is_same = |host: &&str| uri.authority().is_none_or(|named| named.as_str() == *host);
    host.filter(is_same).ok_or(No(
        StatusCode::FORBIDDEN,
        "Not here",
        "This page is shown at a loopback address of this machine only, such as 127.0.0.1.",
    ))
}

/// Whether a form was sent by the page that it belongs to. Browsers always say so.
fn own_page(headers: &HeaderMap, host: &str) -> Result<(), No> {
    let origin = only(headers, &ORIGIN).unwrap_or_default();
    let is_own = ["http://", "https://"].into_iter().any(|scheme| {
        origin
            .strip_prefix(scheme)
            .is_some_and(|from| from.eq_ignore_ascii_case(host))
    });
    let site = headers.get(&FETCH_SITE);
    match is_own && site.is_none_or(|site| site == "same-origin") {
        true => Ok(()),
        false => Err(No(
            StatusCode::FORBIDDEN,
            "Not taken",
            "The answer did not come from this page. Open the link again, and answer there.",
        )),
    }
}

async fn whole(body: Body) -> Result<Bytes, No> {
    let collected = Limited::new(body, PAGE_BODY_BYTES_MAX).collect();
    let no = |status, why| No(status, "Not taken", why);
    match timeout(PAGE_BODY_WAIT, collected).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            Err(no(status, "That is too much for a form."))
        }
        Ok(Err(_)) => Err(no(StatusCode::BAD_REQUEST, "The answer broke off.")),
        Err(_) => Err(no(StatusCode::REQUEST_TIMEOUT, "The answer took too long.")),
    }
}

/// As far as nobody else holds it.
fn wipe(body: Bytes) {
    if let Ok(mut own) = body.try_into_mut() {
        own.as_mut().zeroize();
    }
}

/// The same whether it has been there or not.
fn gone() -> Answer {
    let why = "This link has been used, was taken back, or has expired. Ask the agent to try again: it gets a new one.";
    html::note(StatusCode::NOT_FOUND, "Nothing to do here", why)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use hyper::body::Frame;

    use super::*;

    /// A body that does not go on.
    struct Stuck;

    impl http_body::Body for Stuck {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_form_that_takes_too_long_is_given_up() {
        let begun = tokio::time::Instant::now();
        let No(status, ..) = whole(Body::new(Stuck)).await.unwrap_err();
        assert_eq!(status, StatusCode::REQUEST_TIMEOUT);
        assert_eq!(begun.elapsed().as_secs(), PAGE_BODY_WAIT.as_secs());
    }
}
