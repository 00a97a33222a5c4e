//! Entries that describe MCP servers: parse, merge, validate.
//!
//! Owns what an [`Entry`] is and how the files of AI applications are read into entries ([`read_mcp_servers`]), what the
//! names, filters and variables in them mean, and what a person is told when something is wrong ([`Problem`]). Pure: it
//! opens no file and knows no environment. Refuses single entries, never a whole file for the sake of one.
//!
//! Read `entry` first, then `mcp_servers` and `reader`.

pub mod document;
mod entry;
mod expand;
mod fields;
mod filter;
mod fingerprint;
mod layer;
pub mod limits;
mod mcp_servers;
mod merge;
mod name;
mod problem;
pub mod reader;
mod suggest;

pub use entry::{Entry, Launch, RemoteKind, Share, shown_url};
pub use expand::{ExpandError, Lookup, expand};
pub use filter::ToolFilter;
pub use layer::Layer;
pub use mcp_servers::{read_mcp_servers, read_mcp_servers_with};
pub use merge::merge;
pub use name::{NameError, ServerName};
pub use problem::{Level, Problem};
pub use suggest::suggest;
