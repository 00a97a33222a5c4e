//! One request and its reply, on a connection of its own. Refuses replies that are compressed or too large; tells where one
//! leads on to and follows nothing. What is sent goes to one address: nothing makes it go on to another.

use std::pin::pin;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HOST,
    HeaderValue, LOCATION, USER_AGENT, WWW_AUTHENTICATE,
};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use crate::client::{Document, Reply, Sending};
use crate::error::Why;
use crate::limits::{HEAD_BYTES_MAX, HEAD_FIELDS_MAX, IDLE_TIME, TOLD_BYTES_MAX};
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

/// What is asked for, piece by piece.
pub(crate) struct Ask<'a> {
    /// Which kinds.
    pub(crate) accept: &'a str,
    /// What it is shown: a token that was handed out there, or the account that the person has there.
    pub(crate) authorization: Option<&'a str>,
    /// The most that is taken.
    pub(crate) bytes_max: u64,
}

/// What came of it.
pub(crate) enum Streamed {
    /// All of it went where it was to go.
    All,
    /// It is at another address.
    Moved(String),
    /// An error, with what would have to be shown.
    Refused {
        status: u16,
        challenge: Option<String>,
    },
}

/// Takes each piece of what comes.
pub(crate) type Keep<'a> = &'a mut (dyn FnMut(&[u8]) -> std::io::Result<()> + Send);

/// Asks for something that is taken piece by piece.
pub(crate) async fn stream(
    stream: Box<dyn Stream>,
    target: &Target,
    ask: &Ask<'_>,
    keep: Keep<'_>,
) -> Result<Streamed, Why> {
    let mut request = request(target);
    let headers = request.headers_mut();
    let value = |text: &str| HeaderValue::from_str(text).map_err(|_| Why::Nowhere);
    headers.insert(ACCEPT, value(ask.accept)?);
    authorize(&mut request, ask.authorization)?;
    converse(stream, request, |reply| pieces(reply, ask.bytes_max, keep)).await
}

async fn pieces(reply: Response<Incoming>, max: u64, keep: Keep<'_>) -> Result<Streamed, Why> {
    let header = |name| {
        let value = reply.headers().get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    match reply.status().as_u16() {
        200 => {}
        301 | 302 | 303 | 307 | 308 => {
            return header(LOCATION).map(Streamed::Moved).ok_or(Why::Nowhere);
        }
        status => {
            return Ok(Streamed::Refused {
                status,
                challenge: header(WWW_AUTHENTICATE),
            });
        }
    }
    let large = || Why::Large(usize::try_from(max).unwrap_or(usize::MAX));
    if reply.body().size_hint().lower() > max {
        return Err(large());
    }
    let mut incoming = reply.into_body();
    let mut taken = 0;
    loop {
        let frame = timeout(IDLE_TIME, incoming.frame()).await;
        let Some(frame) = frame.map_err(|_| Why::Slow(IDLE_TIME))? else {
            return Ok(Streamed::All);
        };
        let Ok(piece) = frame.map_err(Why::Reply)?.into_data() else {
            continue;
        };
        taken += piece.len() as u64;
        if taken > max {
            return Err(large());
        }
        keep(&piece).map_err(Why::Kept)?;
    }
}

/// Asks for a document of at most so many bytes.
pub(crate) async fn exchange(
    stream: Box<dyn Stream>,
    target: &Target,
    body_bytes_max: usize,
) -> Result<Answer, Why> {
    let work = |reply| answer(reply, target, body_bytes_max);
    converse(stream, request(target), work).await
}

/// Sends something, and takes whatever the reply is.
pub(crate) async fn send(
    stream: Box<dyn Stream>,
    target: &Target,
    sending: &Sending<'_>,
    body_bytes_max: usize,
) -> Result<Reply, Why> {
    let mut request = request(target);
    *request.method_mut() = Method::POST;
    *request.body_mut() = Full::new(Bytes::copy_from_slice(sending.body));
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(sending.media_type));
    authorize(&mut request, sending.authorization)?;
    let work = |reply: Response<Incoming>| async move {
        let status = reply.status().as_u16();
        let challenges = reply.headers().get_all(WWW_AUTHENTICATE).iter();
        let challenges = challenges.filter_map(|field| field.to_str().ok());
        Ok(Reply {
            status,
            challenges: challenges.map(str::to_owned).collect(),
            body: whole(reply, body_bytes_max).await?,
            is_public: false,
        })
    };
    converse(stream, request, work).await
}

/// Something that is to be at an address from now on.
pub(crate) struct Put<'a> {
    /// `POST` or `PUT`.
    pub(crate) method: Method,
    /// What it is.
    pub(crate) media_type: &'a str,
    /// All of it.
    pub(crate) body: &'a [u8],
    /// What it is shown.
    pub(crate) authorization: Option<&'a str>,
}

/// What is said to it.
pub(crate) struct Told {
    pub(crate) status: u16,
    /// Where to go on.
    pub(crate) location: Option<String>,
    /// What would have to be shown.
    pub(crate) challenge: Option<String>,
    /// The reply, of which little is of interest.
    pub(crate) body: Vec<u8>,
}

/// Puts something somewhere.
pub(crate) async fn put(
    stream: Box<dyn Stream>,
    target: &Target,
    put: &Put<'_>,
) -> Result<Told, Why> {
    let mut request = request(target);
    *request.method_mut() = put.method.clone();
    *request.body_mut() = Full::new(Bytes::copy_from_slice(put.body));
    let kind = HeaderValue::from_str(put.media_type).map_err(|_| Why::Header)?;
    request.headers_mut().insert(CONTENT_TYPE, kind);
    authorize(&mut request, put.authorization)?;
    let work = |reply: Response<Incoming>| async move {
        let header = |name| {
            let value = reply.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        Ok(Told {
            status: reply.status().as_u16(),
            location: header(LOCATION),
            challenge: header(WWW_AUTHENTICATE),
            body: whole(reply, TOLD_BYTES_MAX).await?,
        })
    };
    converse(stream, request, work).await
}

fn authorize(request: &mut Request<Full<Bytes>>, authorization: Option<&str>) -> Result<(), Why> {
    if let Some(authorization) = authorization {
        let mut value = HeaderValue::from_str(authorization).map_err(|_| Why::Header)?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    Ok(())
}

async fn converse<T, F: Future<Output = Result<T, Why>>>(
    stream: Box<dyn Stream>,
    request: Request<Full<Bytes>>,
    work: impl FnOnce(Response<Incoming>) -> F,
) -> Result<T, Why> {
    let mut builder = http1::Builder::new();
    builder
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEAD_FIELDS_MAX);
    let (mut sender, connection) = builder
        .handshake(TokioIo::new(stream))
        .await
        .map_err(Why::Reply)?;
    let mut asking = pin!(async move {
        let reply = timeout(IDLE_TIME, sender.send_request(request)).await;
        let reply = reply.map_err(|_| Why::Slow(IDLE_TIME))?;
        work(reply.map_err(Why::Reply)?).await
    });
    let mut connection = pin!(connection);
    // What breaks the connection reaches whoever asks over it.
    tokio::select! {
        answer = &mut asking => return answer,
        _ = &mut connection => {}
    }
    asking.await
}

fn request(target: &Target) -> Request<Full<Bytes>> {
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
    let mut request = Request::new(Full::default());
    // What a parsed URL holds can stand in a request.
    *request.uri_mut() = path.parse().unwrap_or_default();
    let headers = request.headers_mut();
    headers.insert(HOST, host.parse().unwrap_or(HeaderValue::from_static("")));
    for (name, value) in [
        (USER_AGENT, NAME),
        (ACCEPT, KINDS),
        (ACCEPT_ENCODING, "identity"),
        (CONNECTION, "close"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
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
    let media_type = header(CONTENT_TYPE);
    let body = whole(reply, body_bytes_max).await?;
    Ok(Answer::Document(Document {
        url: target.url.clone(),
        media_type: media_type
            .as_deref()
            .and_then(|value| value.split(';').next())
            .map(|kind| kind.trim().to_ascii_lowercase()),
        body,
        is_public: false,
    }))
}

/// The body of a reply.
async fn whole(reply: Response<Incoming>, body_bytes_max: usize) -> Result<Vec<u8>, Why> {
    let is_plain = |coding: &str| coding.trim().eq_ignore_ascii_case("identity");
    let codings = reply.headers().get_all(CONTENT_ENCODING);
    if !codings
        .iter()
        .all(|coding| coding.to_str().is_ok_and(is_plain))
    {
        return Err(Why::Compressed);
    }
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
    Ok(body)
}
