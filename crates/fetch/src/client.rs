//! The client for addresses that somebody gives us. Owns the way from an address to a document: each step of it is looked
//! up by us, once, checked, and connected to at exactly the address that was checked, so that a name which changes its mind
//! gains nothing. Next: `target`, then `exchange`.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::time::timeout;
use url::Url;

use crate::error::{FetchError, Why};
pub(crate) use crate::exchange::Ask;
use crate::exchange::{Answer, Keep, Streamed, exchange, put, send, stream};
pub(crate) use crate::exchange::{Put, Told};
use crate::limits::{ADDRESSES_MAX, Limits, REDIRECTS_MAX};
use crate::net::{Net, Stream, System};
use crate::target::{Target, TargetHost, is_open};

/// Whose wish it is that something is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// A person named the address, on a command line or in their own configuration: it may be http, and lead into this
    /// machine and its network. Where a public address leads on to is nobody's wish: that must be public too.
    Person,
    /// Anybody else, a model among them: https to public addresses only.
    Outside,
}

/// A client. Holds no connection, and nothing of one request is there for the next.
#[derive(Clone)]
pub struct Client {
    net: Arc<dyn Net>,
    limits: Limits,
}

/// What came of a question whose answer is taken piece by piece.
pub(crate) enum Got {
    /// All of it.
    All,
    /// An error of the other side.
    Refused {
        status: u16,
        challenge: Option<String>,
    },
}

/// What was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The address that it came from in the end.
    pub url: Url,
    /// What it says it is, such as `application/json`.
    pub media_type: Option<String>,
    /// All of it.
    pub body: Vec<u8>,
    /// Whether it came from a public address: where it leads to is then nobody's wish, and has to be public too.
    pub is_public: bool,
}

/// What is sent to an address.
#[derive(Clone, Copy)]
pub struct Sending<'a> {
    /// What it is, such as `application/json`.
    pub media_type: &'static str,
    /// All of it.
    pub body: &'a [u8],
    /// `Authorization`, where whoever sends has something to show to exactly this address.
    pub authorization: Option<&'a str>,
}

/// What came back, whatever it means.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// All of it.
    pub body: Vec<u8>,
    /// What it wants to be shown (`WWW-Authenticate`).
    pub challenges: Vec<String>,
    /// Whether it came from a public address.
    pub is_public: bool,
}

/// Without the body, which can hold what nobody may see.
impl fmt::Debug for Reply {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Reply")
            .field("status", &self.status)
            .field("is_public", &self.is_public)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Over the network of this machine.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self::over(Arc::new(System), limits)
    }

    pub(crate) fn over(net: Arc<dyn Net>, limits: Limits) -> Self {
        Self { net, limits }
    }

    /// Fetches a document. Nothing is sent that could tell who asks: no cookie, no credential, only our own name.
    ///
    /// # Errors
    /// See [`Why`].
    pub async fn get(&self, url: &str, trust: Trust) -> Result<Document, FetchError> {
        let first = Target::given(url, trust).map_err(|why| FetchError::new(url, why))?;
        let mut at = first.url.clone();
        let limit = self.limits.time;
        let got = match timeout(limit, self.follow(first, trust, &mut at)).await {
            Ok(got) => got,
            Err(_) => Err(Why::Slow(limit)),
        };
        got.map_err(|why| FetchError::new(url, why).at(&at))
    }

    /// Asks, and gives each piece of the answer away. A token goes to the host that it was asked for, and no further.
    pub(crate) async fn ask(
        &self,
        url: &str,
        trust: Trust,
        ask: &Ask<'_>,
        keep: Keep<'_>,
    ) -> Result<Got, FetchError> {
        let mut target = Target::given(url, trust).map_err(|why| FetchError::new(url, why))?;
        let mut at = target.url.clone();
        let first = at.origin();
        let limit = self.limits.time;
        let all = async {
            let mut must_be_public = trust == Trust::Outside;
            for _ in 0..=REDIRECTS_MAX {
                at.clone_from(&target.url);
                let (connection, address) = self.reach(&target, must_be_public).await?;
                must_be_public |= egress::is_public(address.ip());
                let ask = Ask {
                    authorization: ask.authorization.filter(|_| target.url.origin() == first),
                    ..*ask
                };
                match stream(connection, &target, &ask, keep).await? {
                    Streamed::All => return Ok(Got::All),
                    Streamed::Refused { status, challenge } => {
                        return Ok(Got::Refused { status, challenge });
                    }
                    Streamed::Moved(location) => target = target.moved(&location)?,
                }
            }
            Err(Why::Redirects)
        };
        let got = match timeout(limit, all).await {
            Ok(got) => got,
            Err(_) => Err(Why::Slow(limit)),
        };
        got.map_err(|why| FetchError::new(url, why).at(&at))
    }

    /// Sends something, once, to exactly this address: a reply that leads on is not followed.
    ///
    /// # Errors
    /// See [`Why`]. A status that means failure is no error here.
    pub async fn post(
        &self,
        url: &str,
        trust: Trust,
        sending: &Sending<'_>,
    ) -> Result<Reply, FetchError> {
        let target = Target::given(url, trust).map_err(|why| FetchError::new(url, why))?;
        let sent = async {
            let (stream, address) = self.reach(&target, trust == Trust::Outside).await?;
            let mut reply = send(stream, &target, sending, self.limits.body_bytes).await?;
            reply.is_public = egress::is_public(address.ip());
            Ok(reply)
        };
        let limit = self.limits.time;
        let reply = match timeout(limit, sent).await {
            Ok(reply) => reply,
            Err(_) => Err(Why::Slow(limit)),
        };
        reply.map_err(|why| FetchError::new(url, why))
    }

    /// Puts something at exactly this address; nothing that the reply says is followed here.
    pub(crate) async fn put(
        &self,
        url: &str,
        trust: Trust,
        what: &Put<'_>,
    ) -> Result<Told, FetchError> {
        let target = Target::given(url, trust).map_err(|why| FetchError::new(url, why))?;
        let sent = async {
            let (stream, _) = self.reach(&target, trust == Trust::Outside).await?;
            put(stream, &target, what).await
        };
        let limit = self.limits.time;
        let told = match timeout(limit, sent).await {
            Ok(told) => told,
            Err(_) => Err(Why::Slow(limit)),
        };
        told.map_err(|why| FetchError::new(url, why))
    }

    /// `at` is told each address that is tried.
    async fn follow(
        &self,
        mut target: Target,
        trust: Trust,
        at: &mut Url,
    ) -> Result<Document, Why> {
        let mut must_be_public = trust == Trust::Outside;
        for _ in 0..=REDIRECTS_MAX {
            at.clone_from(&target.url);
            let (stream, address) = self.reach(&target, must_be_public).await?;
            // From a public address no way leads back inside.
            must_be_public |= egress::is_public(address.ip());
            match exchange(stream, &target, self.limits.body_bytes).await? {
                Answer::Document(document) => {
                    return Ok(Document {
                        is_public: must_be_public,
                        ..document
                    });
                }
                Answer::Moved(location) => target = target.moved(&location)?,
            }
        }
        Err(Why::Redirects)
    }

    /// A connection to where a target leads, and where that is.
    async fn reach(
        &self,
        target: &Target,
        must_be_public: bool,
    ) -> Result<(Box<dyn Stream>, SocketAddr), Why> {
        let (addresses, is_written) = match &target.host {
            TargetHost::Address(address) => (vec![SocketAddr::new(*address, target.port)], true),
            TargetHost::Name(name) => {
                let found = self.net.look_up(name, target.port).await;
                (found.map_err(Why::Resolve)?, false)
            }
        };
        // One that is not public spoils the name: it is not what a public document has.
        let is_closed = |address: &&SocketAddr| !is_open(address.ip(), is_written);
        if must_be_public && let Some(closed) = addresses.iter().find(is_closed) {
            return Err(Why::NotPublic(closed.ip()));
        }
        let mut failure = Why::Resolve(std::io::Error::other("the name has no address"));
        for address in addresses.into_iter().take(ADDRESSES_MAX) {
            let limit = self.limits.connect_time;
            match timeout(limit, self.open(target, address)).await {
                Ok(Ok(stream)) => return Ok((stream, address)),
                Ok(Err(why)) => failure = why,
                Err(_) => failure = Why::Slow(limit),
            }
        }
        Err(failure)
    }

    async fn open(&self, target: &Target, address: SocketAddr) -> Result<Box<dyn Stream>, Why> {
        let stream = self.net.connect(address).await.map_err(Why::Connect)?;
        match &target.tls {
            None => Ok(Box::new(stream)),
            Some(name) => {
                let secured = self.net.secure(stream, name.clone()).await;
                secured.map_err(Why::Tls)
            }
        }
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Client")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
