//! Who may come in: the check of `Host`, `Origin` and the bearer token that every request passes before
//! anything is read of its body. Owns the answers 400, 401 and 403; refuses to know what the request wants.
//! Names and addresses are judged in `guard/names.rs`.

mod names;

use std::net::IpAddr;
use std::sync::Arc;

use config::token::Token;
use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName, StatusCode};
use tokio::time::timeout;
use transport::BoxFuture;

use crate::callers::{Admitted, Callers, Lease, Resource, Unadmitted, resource_path};
use crate::limits::KEYS_WAIT;
use crate::vigil::Watch;

pub use names::Names;
pub(crate) use names::is_loopback_host;

/// How callers prove who they are.
#[derive(Clone)]
pub enum Auth {
    /// By this bearer token. Everybody who has it is the same caller.
    Token(Arc<Token>),
    /// By this token, or by one of their own.
    Callers(Arc<Token>, Arc<dyn Callers>),
    /// Not at all: whoever reaches the port is the one local caller.
    Open,
}

/// The checks of one front door. Each worker has its own, so that they share no counter.
pub(crate) struct Guard {
    auth: Auth,
    caller: Admitted,
    hosts: Names,
    origins: Names,
}

/// Why a request does not come in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the request has no Host header, or more than one")]
    HostMissing,
    #[error("the host name {0:?} is not served here; name it with --allow-host if it is yours")]
    Host(String),
    #[error("the origin {0:?} is not allowed; name it with --allow-origin if you trust that page")]
    Origin(String),
    #[error("this gateway asks for a token: send the header `Authorization: Bearer <token>`")]
    TokenMissing,
    #[error("the bearer token is wrong")]
    TokenWrong,
    #[error("the bearer token has expired; ask whoever runs the gateway for another one")]
    TokenExpired,
    #[error("the bearer token is not taken: {0}")]
    TokenUnfit(String),
    #[error("the bearer token is not good for this gateway: it needs the scopes {0}")]
    Lacks(String),
    #[error("whether the bearer token is good cannot be told now: {0}")]
    Unavailable(String),
}

/// A door that does not open.
pub(crate) enum Closed {
    No(Refusal),
    /// Until this is over: then once more.
    For(BoxFuture<'static, ()>),
}

impl From<Refusal> for Closed {
    fn from(refusal: Refusal) -> Self {
        Self::No(refusal)
    }
}

impl Refusal {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::HostMissing => StatusCode::BAD_REQUEST,
            Self::Host(_) | Self::Origin(_) | Self::Lacks(_) => StatusCode::FORBIDDEN,
            Self::TokenMissing | Self::TokenWrong | Self::TokenExpired | Self::TokenUnfit(_) => {
                StatusCode::UNAUTHORIZED
            }
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl Guard {
    pub(crate) fn new(auth: Auth, hosts: Names, origins: Names) -> Self {
        let caller = match auth {
            Auth::Token(_) | Auth::Callers(..) => "token",
            Auth::Open => "local",
        };
        Self {
            auth,
            caller: Admitted {
                name: Arc::from(caller),
                scopes: None,
                lease: None,
            },
            hosts,
            origins,
        }
    }

    /// Lets a request in as its caller. `local` is the address at which the client reached us.
    pub(crate) fn admit(&self, head: &Parts, local: Option<IpAddr>) -> Result<Admitted, Closed> {
        self.check_names(head, local)?;
        let (token, callers) = match &self.auth {
            Auth::Open => return Ok(self.caller.clone()),
            Auth::Token(token) => (token, None),
            Auth::Callers(token, callers) => (token, Some(callers)),
        };
        let given = bearer(&head.headers).ok_or(Refusal::TokenMissing)?;
        if token.matches(given) {
            return Ok(self.caller.clone());
        }
        let Some(callers) = callers else {
            return Err(Refusal::TokenWrong.into());
        };
        callers
            .admit(given, resource_path(head.uri.path()))
            .map_err(|why| match why {
                Unadmitted::Unknown => Refusal::TokenWrong.into(),
                Unadmitted::Expired => Refusal::TokenExpired.into(),
                Unadmitted::Unfit(why) => Refusal::TokenUnfit(why).into(),
                Unadmitted::Lacks(scopes) => Refusal::Lacks(scopes).into(),
                Unadmitted::Unavailable(why) => Refusal::Unavailable(why).into(),
                Unadmitted::Wait(wait) => Closed::For(wait),
            })
    }

    /// [`Guard::admit`], once more after what is waited for, which has its limit.
    pub(crate) async fn admit_in_time(
        &self,
        head: &Parts,
        local: Option<IpAddr>,
    ) -> Result<Admitted, Refusal> {
        let wait = match self.admit(head, local) {
            Ok(admitted) => return Ok(admitted),
            Err(Closed::No(refusal)) => return Err(refusal),
            Err(Closed::For(wait)) => wait,
        };
        let _in_time = timeout(KEYS_WAIT, wait).await;
        self.admit(head, local).map_err(|closed| match closed {
            Closed::No(refusal) => refusal,
            Closed::For(_) => Refusal::Unavailable("its issuer is slow".to_owned()),
        })
    }

    /// Watches over somebody who goes on listening.
    pub(crate) fn watch(&self, caller: &Arc<str>, lease: Option<Lease>) -> Option<Watch> {
        match (&self.auth, lease) {
            (Auth::Callers(_, callers), Some(lease)) => {
                Some(Watch::new(callers.clone(), caller.clone(), lease))
            }
            _ => None,
        }
    }

    /// What is told of us to who wants to use what lies at this path, if there is an issuer to send them to.
    pub(crate) fn resource(&self, at: &str) -> Option<Resource> {
        match &self.auth {
            Auth::Callers(_, callers) => callers.resource(at),
            Auth::Token(_) | Auth::Open => None,
        }
    }

    /// The part of [`Guard::admit`] that keeps pages of other sites out (DNS rebinding).
    pub(crate) fn check_names(&self, head: &Parts, local: Option<IpAddr>) -> Result<(), Refusal> {
        let host = only(&head.headers, &HOST).ok_or(Refusal::HostMissing)?;
        if !self.hosts.allow_host(host, local) {
            return Err(Refusal::Host(host.to_owned()));
        }
        // An absolute URI beside another Host would let the two be told apart; both must be ours.
        if let Some(authority) = head.uri.authority()
            && !self.hosts.allow_host(authority.as_str(), local)
        {
            return Err(Refusal::Host(authority.to_string()));
        }
        if !head.headers.contains_key(ORIGIN) {
            return Ok(());
        }
        let origin = only(&head.headers, &ORIGIN).unwrap_or_default();
        if self.origins.allow_origin(origin, local) {
            Ok(())
        } else {
            Err(Refusal::Origin(origin.to_owned()))
        }
    }
}

/// The value of a header that must be there once, as text.
pub(crate) fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    value.to_str().ok()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = only(headers, &AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests;
