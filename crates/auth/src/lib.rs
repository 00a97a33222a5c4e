//! Signing in, on both sides: to servers, by OAuth 2.1 as MCP wants it, from a server's refusal to a token that is kept and
//! renewed; and whose token it is that a caller of ours shows ([`Issuer`]).
//!
//! Owns what a refusal says ([`Challenge`]), who gives tokens for a server and under which name we are known there
//! (`discover`, `register`), the way through a person's browser ([`SignIn`]) or another machine's ([`DeviceSignIn`]), and the
//! accounts that come of it ([`Accounts`]): encrypted, renewed ahead of time, by one process at a time. Refuses a server that
//! cannot do PKCE with S256, metadata that speaks of another server or another issuer, and every way from a public address to
//! a private one (`fetch::Client`). Knows no browser, no port and no message of MCP: whoever uses it has those.
//!
//! Hashes, random bytes and the seal over what is kept are aws-lc-rs'. Forms and JSON are written here: what they carry is
//! wiped when it goes, and every answer has a limit.
//!
//! Read `accounts` first, then `sign_in`, `discover`, `register`, `token`. `issuer` stands by itself.

mod accounts;
mod challenge;
mod device;
mod discover;
mod error;
mod grant;
mod issuer;
pub mod limits;
mod lock;
mod metadata;
mod party;
mod proof;
mod register;
mod scopes;
mod sign_in;
#[cfg(test)]
mod tests;
mod token;

pub use accounts::{Account, Accounts, Options, Revoked, Token};
pub use challenge::Challenge;
pub use device::DeviceSignIn;
pub use error::AuthError;
pub use fetch::Trust;
pub use issuer::{Identity, Issuer, Unfit};
pub use party::{Flow, OwnClient, Party};
pub use scopes::Scopes;
pub use sign_in::SignIn;
