//! The server that somebody signs in to, as the person's configuration or a catalog names it.

use fetch::Trust;
use secrets::Secret;

use crate::Scopes;

/// See the module.
#[derive(Debug, Clone)]
pub struct Party {
    /// Its name: two names for one server are two accounts.
    pub name: String,
    /// Its address. What is kept for one address is shown to no other.
    pub url: String,
    /// Whose account it is: that of a caller of this name; none: the person's.
    pub holder: Option<String>,
    /// By whose wish it is reached: what a person names may lie in their own network.
    pub trust: Trust,
    /// How we are known there, if that was arranged beforehand.
    pub client: Option<OwnClient>,
    /// What is asked for where the server does not say.
    pub scopes: Scopes,
}

/// A client that was registered by hand.
#[derive(Debug, Clone)]
pub struct OwnClient {
    /// Its id.
    pub id: String,
    /// Its secret, if it has one.
    pub secret: Option<Secret>,
    /// With whom; none: with whomever the server names.
    pub issuer: Option<String>,
    /// How it gets tokens.
    pub flow: Flow,
}

/// How tokens are got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flow {
    /// A person signs in.
    #[default]
    Person,
    /// The client signs in for itself, with its secret.
    Client,
}
