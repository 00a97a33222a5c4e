//! Everything from outside by URL: documents over HTTP, catalogs, registries of servers.
//!
//! Owns the one client for addresses that somebody gives us ([`Client`]): what it may reach ([`Trust`]), how far it follows,
//! how much it takes, how long it waits. Owns what a catalog at an address is ([`pull`]): its pages, its name, its origin.
//! Owns how images of containers come ([`images`]). Refuses credentials in addresses, to follow anywhere with what it sends,
//! cookies, proxies, compression and HTTP/2; knows neither files nor processes.
//!
//! Read `client` first, then `target` (what is refused before anything is sent) and `exchange` (what is refused in a reply).
//! Servers are spoken to by `transport`; what a boxed server reaches passes `egress`.

mod client;
mod error;
mod exchange;
pub mod images;
pub mod limits;
mod net;
mod pull;
mod registry;
mod target;
#[cfg(test)]
mod tests;

pub use client::{Client, Document, Reply, Sending, Trust};
pub use error::{FetchError, Why};
pub use limits::Limits;
pub use pull::{Pulled, check_address, pull, read_pulled};
