//! Who may come in: the check of `Host`, `Origin` and the bearer token that every request passes before
//! anything is read of its body. Owns the answers 400, 401 and 403; refuses to know what the request wants.
//! Names and addresses are judged in `guard/names.rs`.

mod names;

use std::net::IpAddr;
use std::sync::Arc;

use config::token::Token;
use gateway::front::Caller;
use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName, StatusCode};

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

/// Knows callers by their tokens.
pub trait Callers: Send + Sync {
    /// Whose token this is; none where it is nobody's.
    ///
    /// # Errors
    /// It was somebody's.
    fn admit(&self, token: &str) -> Result<Option<Arc<str>>, Expired>;
}

/// The token is worth nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expired;

/// The checks of one front door. Each worker has its own, so that they share no counter.
pub(crate) struct Guard {
    auth: Auth,
    caller: Caller,
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
}

impl Refusal {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::HostMissing => StatusCode::BAD_REQUEST,
            Self::Host(_) | Self::Origin(_) => StatusCode::FORBIDDEN,
            Self::TokenMissing | Self::TokenWrong | Self::TokenExpired => StatusCode::UNAUTHORIZED,
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
            caller: Caller(Arc::from(caller)),
            hosts,
            origins,
        }
    }

    /// Lets a request in as its caller. `local` is the address at which the client reached us.
    pub(crate) fn admit(&self, head: &Parts, local: Option<IpAddr>) -> Result<Caller, Refusal> {
        self.check_names(head, local)?;
        match &self.auth {
            Auth::Open => {}
            Auth::Token(token) => {
                let given = bearer(&head.headers).ok_or(Refusal::TokenMissing)?;
                if !token.matches(given) {
                    return Err(Refusal::TokenWrong);
                }
            }
            Auth::Callers(token, callers) => {
                let given = bearer(&head.headers).ok_or(Refusal::TokenMissing)?;
                if !token.matches(given) {
                    return match callers.admit(given) {
                        Ok(Some(name)) => Ok(Caller(name)),
                        Ok(None) => Err(Refusal::TokenWrong),
                        Err(Expired) => Err(Refusal::TokenExpired),
                    };
                }
            }
        }
        Ok(self.caller.clone())
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
