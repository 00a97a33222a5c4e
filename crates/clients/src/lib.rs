//! AI applications, and the files in which they keep their MCP servers.
//!
//! Owns the table of applications ([`Client`], data in `clients.toml`), where their files lie ([`Place`]), and how one server is
//! put into such a file and taken out again ([`edit`]) with every other byte left as it is ([`connect`], [`disconnect`],
//! [`look`]). Refuses a file that it cannot read as a whole, and an edit after which the file would say anything else than
//! before and our one entry.
//!
//! Read `clients.toml` first, then `table` and `edit`.

mod diff;
pub mod edit;
mod entry;
mod file;
pub mod limits;
mod memory;
mod place;
mod splice;
mod table;

pub use diff::diff;
pub use entry::{Door, Members};
pub use file::{Change, Connection, FileError, connect, disconnect, look};
pub use memory::{Made, made};
pub use place::{Place, Scope, System};
pub use splice::Splice;
pub use table::{Client, Form, clients, find};
