//! Real MCP servers and clients to test against; never shipped.
//!
//! [`fixture`] is a server that has one of everything the protocol knows, in both eras. The binary
//! `portolan-fixture` serves it; [`client`], as `portolan-rmcp-client`, is the official Rust SDK as a client that plays a plan.
//! Both stand on the `rmcp` crate, which the data path of the gateway deliberately does not: a test whose two sides
//! share one reading of the protocol proves nothing.

pub mod chaos;
pub mod client;
pub mod fixture;
pub mod misbehaving;
