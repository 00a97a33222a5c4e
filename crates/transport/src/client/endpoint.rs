//! Where requests go: a URL and the headers that every request to it carries, checked and written out once.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use http::{HeaderName, HeaderValue};
use rustls::pki_types::ServerName;
use url::{Host, Url};

use super::HttpError;
use crate::limits::CONNECTIONS_PER_ORIGIN_MAX;

/// A URL of an HTTP server and the headers that go with it. Clones are cheap and the same endpoint.
///
/// Its `Debug` form shows neither header values nor the query: both can be secrets.
#[derive(Clone)]
pub struct Endpoint {
    inner: Arc<Inner>,
}

struct Inner {
    url: Url,
    origin: Arc<Origin>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Everything of a request but what changes from one to the next.
    heads: [Box<[u8]>; 3],
    /// Where the server said that this endpoint now is, until that turns out to be wrong.
    moved: OnceLock<Endpoint>,
    moved_no_more: AtomicBool,
}

/// The methods that MCP uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Post,
    Get,
    Delete,
}

/// Why a URL or header cannot be used. Does not show them: both can hold secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// It does not parse.
    #[error("the URL is malformed: {0}; it should look like https://host/path")]
    Url(url::ParseError),
    /// Neither `http` nor `https`.
    #[error("the URL has scheme {0:?}: only http and https are known")]
    Scheme(String),
    /// User and password in the URL.
    #[error("the URL contains a user name or password: put them into an Authorization header")]
    Credentials,
    /// TLS cannot name the host.
    #[error("the host of the URL is no name that a certificate can have")]
    Host,
    /// Not a header, or not its value.
    #[error("header {0:?} has a name or value that HTTP cannot carry")]
    Header(String),
    /// Headers that are ours to set, because they say where the message ends.
    #[error("header {0:?} cannot be set: it belongs to the connection")]
    Reserved(String),
    /// An address to go on at that is somebody else's.
    #[error("the URL leads to another origin than {0}")]
    OtherOrigin(Arc<str>),
}

/// Whom a connection leads to. There is one of each in the process, so that connections can be counted.
pub(super) struct Origin {
    /// As people and errors write it.
    pub(super) name: Arc<str>,
    pub(super) host: OriginHost,
    pub(super) port: u16,
    /// The name to verify, for https.
    pub(super) tls: Option<ServerName<'static>>,
    open: AtomicUsize,
}

pub(super) enum OriginHost {
    Address(IpAddr),
    Name(String),
}

impl Endpoint {
    /// Checks the URL and the headers.
    ///
    /// `Host`, `User-Agent`, `Accept` and `Content-Type` may be replaced by giving them here.
    ///
    /// # Errors
    /// Anything that could not be sent, or would be sent to the wrong place.
    pub fn new(url: &str, headers: &[(String, String)]) -> Result<Self, EndpointError> {
        let headers = headers
            .iter()
            .map(|(name, value)| header(name, value))
            .collect::<Result<Vec<_>, _>>()?;
        Self::build(Url::parse(url).map_err(EndpointError::Url)?, headers)
    }

    /// The URL, as it was normalised.
    #[must_use]
    pub fn url(&self) -> &str {
        self.inner.url.as_str()
    }

    /// Scheme, host and port: what may be shown.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.inner.origin.name
    }

    /// The same headers at another URL of the same origin; the URL may be relative to this one.
    ///
    /// # Errors
    /// The URL is malformed or leads to another origin: the headers are meant for this one.
    pub fn join(&self, reference: &str) -> Result<Self, EndpointError> {
        let url = self.inner.url.join(reference).map_err(EndpointError::Url)?;
        if url.origin() != self.inner.url.origin() {
            return Err(EndpointError::OtherOrigin(self.inner.origin.name.clone()));
        }
        Self::build(url, self.inner.headers.clone())
    }

    fn build(mut url: Url, headers: Vec<(HeaderName, HeaderValue)>) -> Result<Self, EndpointError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(EndpointError::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EndpointError::Credentials);
        }
        url.set_fragment(None);
        let origin = Origin::of(&url)?;
        let heads =
            [Method::Post, Method::Get, Method::Delete].map(|method| head(method, &url, &headers));
        let (moved, moved_no_more) = (OnceLock::new(), AtomicBool::new(false));
        Ok(Self {
            inner: Arc::new(Inner {
                url,
                origin,
                headers,
                heads,
                moved,
                moved_no_more,
            }),
        })
    }

    pub(super) fn at(&self) -> &Arc<Origin> {
        &self.inner.origin
    }

    /// Request line and header fields up to those of the one request.
    pub(super) fn head(&self, method: Method) -> &[u8] {
        &self.inner.heads[method as usize]
    }

    /// Where requests to this endpoint should go.
    pub(super) fn current(&self) -> &Self {
        match self.inner.moved.get() {
            Some(moved) if !self.inner.moved_no_more.load(Ordering::Relaxed) => moved,
            _ => self,
        }
    }

    /// Follows a redirect. One that is permanent is remembered, and so is one that only adds or drops a slash at the
    /// end: some frameworks answer the one spelling with a temporary redirect to the other for ever, which would
    /// double the price of each call.
    pub(super) fn redirected(&self, status: u16, location: &str) -> Result<Self, EndpointError> {
        let target = self.join(location)?;
        let bare = |url: &Url| {
            (
                url.path().trim_end_matches('/').to_owned(),
                url.query().map(str::to_owned),
            )
        };
        let lasting = status == 308 || bare(&self.inner.url) == bare(&target.inner.url);
        if lasting && target.inner.url != self.inner.url {
            let moved = self.inner.moved.get_or_init(|| target.clone());
            let moved_there = moved.inner.url == target.inner.url;
            self.inner
                .moved_no_more
                .store(!moved_there, Ordering::Relaxed);
        }
        Ok(target)
    }

    /// Looks at how a request went that was sent to where [`Self::current`] said. If that is no longer the place, the
    /// next one goes where the URL says, and may be redirected again.
    pub(super) fn moved_to(&self, status: u16) {
        if matches!(status, 301 | 302 | 303 | 307 | 308 | 404 | 405 | 410) {
            self.inner.moved_no_more.store(true, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self
            .inner
            .headers
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        out.debug_struct("Endpoint")
            .field("origin", &self.inner.origin.name)
            .field("path", &self.inner.url.path())
            .field("headers", &names)
            .finish()
    }
}

impl Origin {
    fn of(url: &Url) -> Result<Arc<Self>, EndpointError> {
        static KNOWN: OnceLock<Mutex<HashMap<String, Weak<Origin>>>> = OnceLock::new();
        let name = url.origin().ascii_serialization();
        let mut known = KNOWN
            .get_or_init(Mutex::default)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(origin) = known.get(&name).and_then(Weak::upgrade) {
            return Ok(origin);
        }
        let origin = Arc::new(Self::new(url, &name)?);
        known.retain(|_, other| other.strong_count() > 0);
        known.insert(name, Arc::downgrade(&origin));
        Ok(origin)
    }

    fn new(url: &Url, name: &str) -> Result<Self, EndpointError> {
        let host = match url.host() {
            Some(Host::Ipv4(address)) => OriginHost::Address(address.into()),
            Some(Host::Ipv6(address)) => OriginHost::Address(address.into()),
            Some(Host::Domain(name)) => OriginHost::Name(name.to_owned()),
            None => return Err(EndpointError::Host),
        };
        let tls = match (&host, url.scheme()) {
            (OriginHost::Address(address), "https") => {
                Some(ServerName::IpAddress((*address).into()))
            }
            (OriginHost::Name(name), "https") => {
                Some(ServerName::try_from(name.clone()).map_err(|_| EndpointError::Host)?)
            }
            _ => None,
        };
        let port = url.port_or_known_default().ok_or(EndpointError::Host)?;
        Ok(Self {
            name: name.into(),
            host,
            port,
            tls,
            open: AtomicUsize::new(0),
        })
    }

    /// Room for one more connection, for as long as the slot lives.
    pub(super) fn slot(self: &Arc<Self>) -> Result<Slot, HttpError> {
        let limit = CONNECTIONS_PER_ORIGIN_MAX;
        if self.open.fetch_add(1, Ordering::Relaxed) >= limit {
            self.open.fetch_sub(1, Ordering::Relaxed);
            return Err(HttpError::Busy {
                origin: self.name.clone(),
                limit,
            });
        }
        Ok(Slot {
            origin: self.clone(),
        })
    }
}

/// One of the connections that an origin may have.
pub(super) struct Slot {
    pub(super) origin: Arc<Origin>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.origin.open.fetch_sub(1, Ordering::Relaxed);
    }
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), EndpointError> {
    const RESERVED: [&str; 10] = [
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "accept-encoding",
    ];
    let bad = || EndpointError::Header(name.to_owned());
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
    if RESERVED.contains(&parsed.as_str()) {
        return Err(EndpointError::Reserved(name.to_owned()));
    }
    let value = HeaderValue::from_bytes(value.trim().as_bytes()).map_err(|_| bad())?;
    Ok((parsed, value))
}

fn head(method: Method, url: &Url, headers: &[(HeaderName, HeaderValue)]) -> Box<[u8]> {
    let mut out = Vec::with_capacity(256);
    let (verb, accept) = match method {
        Method::Post => ("POST ", "application/json, text/event-stream"),
        Method::Get => ("GET ", "text/event-stream"),
        Method::Delete => ("DELETE ", "*/*"),
    };
    out.extend_from_slice(verb.as_bytes());
    out.extend_from_slice(url.path().as_bytes());
    if let Some(query) = url.query() {
        out.push(b'?');
        out.extend_from_slice(query.as_bytes());
    }
    out.extend_from_slice(b" HTTP/1.1\r\n");
    let mut add = |name: &str, value: &[u8]| {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    };
    let given = |name: &str| headers.iter().any(|(other, _)| other == name);
    if !given("host") {
        let host = url.host_str().unwrap_or_default();
        let host = url
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        add("host", host.as_bytes());
    }
    if !given("user-agent") {
        add(
            "user-agent",
            concat!("portolan/", env!("CARGO_PKG_VERSION")).as_bytes(),
        );
    }
    if !given("accept") {
        add("accept", accept.as_bytes());
    }
    if method == Method::Post && !given("content-type") {
        add("content-type", b"application/json");
    }
    for (name, value) in headers {
        add(name.as_str(), value.as_bytes());
    }
    out.into()
}

#[cfg(test)]
mod tests;
