//! One request and its reply, on a connection of its own. Refuses replies that are compressed or too large; tells where one
//! leads on to and follows nothing.

use std::pin::pin;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HOST, LOCATION, USER_AGENT,
};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use crate::client::Document;
use crate::error::Why;
use crate::limits::{HEAD_BYTES_MAX, HEAD_FIELDS_MAX};
use crate::net::Stream;
use crate::target::Target;

const NAME: &str = concat!("portolan/", env!("CARGO_PKG_VERSION"));
const KINDS: &str = "application/json, application/yaml, text/yaml, text/plain;q=0.9, */*;q=0.5";

/// What a reply is.
pub(crate) enum Answer {
    /// What was asked for.
    Document(Document),
    /// An address, perhaps relative, where it is.
    Moved(String),
}

/// Asks for a document of at most so many bytes.
pub(crate) async fn exchange(
    stream: Box<dyn Stream>,
    target: &Target,
    body_bytes_max: usize,
) -> Result<Answer, Why> {
    let mut builder = http1::Builder::new();
    builder
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEAD_FIELDS_MAX);
    let (mut sender, connection) = builder
        .handshake(TokioIo::new(stream))
        .await
        .map_err(Why::Reply)?;
    let mut asking = pin!(async move {
        let reply = sender.send_request(request(target)).await;
        answer(reply.map_err(Why::Reply)?, target, body_bytes_max).await
    });
    let mut connection = pin!(connection);
    // What breaks the connection reaches whoever asks over it.
    tokio::select! {
        answer = &mut asking => return answer,
        _ = &mut connection => {}
    }
    asking.await
}

fn request(target: &Target) -> Request<Empty<Bytes>> {
    let url = &target.url;
    let host = url.host_str().unwrap_or_default();
    let host = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let mut request = Request::new(Empty::new());
    // What a parsed URL holds can stand in a request.
    *request.uri_mut() = path.parse().unwrap_or_default();
    let headers = request.headers_mut();
    headers.insert(
        HOST,
        host.parse()
            .unwrap_or(hyper::header::HeaderValue::from_static("")),
    );
    for (name, value) in [
        (USER_AGENT, NAME),
        (ACCEPT, KINDS),
        (ACCEPT_ENCODING, "identity"),
        (CONNECTION, "close"),
    ] {
        headers.insert(name, hyper::header::HeaderValue::from_static(value));
    }
    request
}

async fn answer(
    reply: Response<Incoming>,
    target: &Target,
    body_bytes_max: usize,
) -> Result<Answer, Why> {
    let header = |name| {
        let value = reply.headers().get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    match reply.status().as_u16() {
        200..=299 => {}
        301 | 302 | 303 | 307 | 308 => {
            return header(LOCATION).map(Answer::Moved).ok_or(Why::Nowhere);
        }
        status => return Err(Why::Status(status)),
    }
    let is_plain = |coding: &str| coding.trim().eq_ignore_ascii_case("identity");
    let codings = reply.headers().get_all(CONTENT_ENCODING);
    if !codings
        .iter()
        .all(|coding| coding.to_str().is_ok_and(is_plain))
    {
        return Err(Why::Compressed);
    }
    let media_type = header(CONTENT_TYPE);
    if reply.body().size_hint().lower() > body_bytes_max as u64 {
        return Err(Why::Large(body_bytes_max));
    }
    let mut incoming = reply.into_body();
    let mut body = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let Ok(piece) = frame.map_err(Why::Reply)?.into_data() else {
            continue;
        };
        if body.len() + piece.len() > body_bytes_max {
            return Err(Why::Large(body_bytes_max));
        }
        body.extend_from_slice(&piece);
    }
    Ok(Answer::Document(Document {
        url: target.url.clone(),
        media_type: media_type
            .as_deref()
            .and_then(|value| value.split(';').next())
            .map(|kind| kind.trim().to_ascii_lowercase()),
        body,
    }))
}
