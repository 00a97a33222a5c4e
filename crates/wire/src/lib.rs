//! JSON-RPC and MCP messages of both protocol eras, as bytes that stay what they were.
//!
//! Owns: what a frame is ([`Frame`]), how its members are read without descending ([`Object`]), how a few of them are
//! exchanged while every other byte is copied ([`Edits`]), and the names and numbers of the protocol ([`method`],
//! [`meta`], [`code`], [`Version`]).
//!
//! Refuses: I/O, clocks, typed models of MCP results, and every message that two readers could read differently
//! (duplicate members, unpaired surrogates in names, nesting without end).
//!
//! Read next: `frame.rs`, then `object.rs` and `edit.rs`.

mod batch;
mod depth;
mod edit;
mod frame;
mod header;
mod id;
mod object;
mod scan;
mod span;
mod strict;
mod text;
mod version;

pub mod build;
pub mod code;
pub mod limits;
pub mod meta;
pub mod method;

pub use batch::batch;
pub use edit::Edits;
pub use frame::{Frame, FrameError, Kind};
pub use header::{from_header, header_value};
pub use id::{Id, IdError};
pub use object::{Object, ObjectError, elements, elements_of_json};
pub use strict::strict;
pub use text::{one_line, quote};
pub use version::{Era, Version};
