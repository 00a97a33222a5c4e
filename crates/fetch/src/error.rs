//! Why something was not fetched. Names the address without its query, which can be a secret, and says what to do next.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use url::Url;

use crate::limits::{REDIRECTS_MAX, URL_BYTES_MAX};

/// Something that was not fetched.
#[derive(Debug, thiserror::Error)]
#[error("cannot fetch {url}{}: {why}", leading(.at))]
pub struct FetchError {
    /// The address that was given, as it may be shown.
    pub url: String,
    /// Where it had led to, as it may be shown; `None`: nowhere else.
    pub at: Option<String>,
    /// What happened.
    pub why: Why,
}

/// What happened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Why {
    /// No URL.
    #[error("it is no URL, {0}")]
    Malformed(url::ParseError),
    /// Longer than any address needs to be.
    #[error("it is longer than {URL_BYTES_MAX} bytes")]
    Long,
    /// Neither `https` nor `http`.
    #[error("{0:?} is fetched by nobody here")]
    Scheme(String),
    /// `http` where it is not enough.
    #[error("it is not https")]
    Insecure,
    /// A user name or password in the URL.
    #[error("it holds a user name or password")]
    Credentials,
    /// No host that TLS can name.
    #[error("its host is no name that a certificate can have")]
    Host,
    /// It leads into this machine or its network, which this address may not.
    #[error("its host leads to {0}, which is no public address")]
    NotPublic(IpAddr),
    /// The name was not found.
    #[error("its host is not found: {0}")]
    Resolve(io::Error),
    /// No address took the connection.
    #[error("it cannot be connected to: {0}")]
    Connect(io::Error),
    /// No secure connection: most often a certificate that this machine does not trust.
    #[error("there is no secure connection to it: {0}")]
    Tls(io::Error),
    /// The connection broke, or what came over it is not HTTP.
    #[error("its reply cannot be read: {0}")]
    Reply(hyper::Error),
    /// A reply that is neither a document nor a way to one.
    #[error("it answers with status {0}")]
    Status(u16),
    /// What should be shown to it cannot stand in a header.
    #[error("what it should be shown cannot stand in a header")]
    Header,
    /// It leads on and on.
    #[error("it leads on more than {REDIRECTS_MAX} times")]
    Redirects,
    /// It leads on, and does not say where.
    #[error("it leads on, and does not say where to")]
    Nowhere,
    /// Compressed although nobody asked.
    #[error("its reply is compressed, which was not asked for")]
    Compressed,
    /// Too large.
    #[error("it has more than {0} bytes")]
    Large(usize),
    /// Too slow.
    #[error("it takes longer than {} s", .0.as_secs_f32())]
    Slow(Duration),
    /// An answer that should hold a token for reading, and does not.
    #[error("it hands out no token to read with")]
    NoToken,
    /// Whoever wanted it could not keep it.
    #[error("it could not be kept: {0}")]
    Kept(io::Error),
    /// Not text.
    #[error("it is not text in UTF-8")]
    NotText,
    /// A page for people.
    #[error("it is a web page and no catalog")]
    WebPage,
    /// Whoever reads it broke on it, which is our mistake.
    #[error("it cannot be read at all")]
    Unreadable,
    /// A page of a registry that is none.
    #[error("its page {page} is no page of a registry: {source}")]
    Page {
        /// Which one, from 1.
        page: usize,
        /// What JSON says.
        source: serde_json::Error,
    },
    /// A registry whose pages do not end.
    #[error("its page {0} leads back to one before it")]
    Circle(usize),
}

impl FetchError {
    pub(crate) fn new(url: &str, why: Why) -> Self {
        Self {
            url: shown(url),
            at: None,
            why,
        }
    }

    /// Where the address had led to when it happened.
    pub(crate) fn at(mut self, at: &Url) -> Self {
        let at = shown(at.as_str());
        self.at = (at != self.url).then_some(at);
        self
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match &self.why {
            Why::Malformed(_) | Why::Long | Why::Scheme(_) | Why::Host => {
                "write it like https://host/catalog.yaml"
            }
            Why::Insecure => "name its https address",
            Why::Credentials | Why::Status(401 | 403 | 407) => {
                "credentials are never sent: download it, and name the file"
            }
            Why::NotPublic(_) => {
                "if you trust it: download it, and name the file, or name that address yourself"
            }
            Why::Resolve(_) | Why::Connect(_) | Why::Slow(_) | Why::Reply(_) => {
                "check the address and the network, and try again"
            }
            Why::Tls(_) => "check its certificate, and the time of this machine",
            Why::Status(404 | 410) => "check the address: there is nothing",
            Why::Status(_) | Why::Nowhere | Why::Redirects => "check the address in a browser",
            Why::Header => "check the client id and secret for it",
            Why::Compressed => "download it, and name the file",
            Why::Large(_) => "take what is needed of it into a file, and name that",
            Why::NotText | Why::WebPage => {
                "name the address of the file itself, such as its raw one"
            }
            Why::NoToken => "tell whoever runs that registry",
            Why::Kept(_) => "make room on the disk",
            Why::Unreadable => "please report it with the address",
            Why::Page { .. } | Why::Circle(_) => "tell whoever runs that registry",
        }
    }
}

fn leading(at: &Option<String>) -> String {
    at.as_ref()
        .map(|at| format!(", which leads to {at}"))
        .unwrap_or_default()
}

/// An address as it may be shown, whatever it is: on one line, and no longer than a line.
pub(crate) fn shown(url: &str) -> String {
    const CHARS: usize = 200;
    let shown = catalog::shown_url(url);
    let mut line: String = shown
        .chars()
        .take(CHARS)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if shown.chars().nth(CHARS).is_some() {
        line.push('…');
    }
    line
}
