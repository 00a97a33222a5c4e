//! The front doors: HTTP (streamable, and HTTP+SSE), stdio, and the admin socket.
//!
//! Owns how bytes come in and leave, who may come in, and how everything ends. Refuses all meaning: a door
//! gives frames to the gateway and takes frames from it (`gateway::front`).
//!
//! Read `serve.rs` for the life of the HTTP door, `door.rs` for the way of a request, `mcp/post.rs` for the
//! one that matters most; `stdio.rs` stands by itself, and so does `pages.rs`.

#[cfg(unix)]
pub mod admin;
#[cfg(unix)]
pub mod attach;
mod body;
mod callers;
mod connection;
mod cors;
mod descriptors;
mod door;
mod exchange;
mod guard;
mod health;
mod intake;
mod legacy;
pub mod limits;
mod mcp;
mod pages;
mod profiles;
mod pulse;
mod readiness;
mod relay;
mod respond;
pub mod runtime;
mod serve;
mod sessions;
pub mod shutdown;
mod stdio;
mod tls;
mod vigil;
mod worker;

pub use callers::{Admitted, Callers, Lease, Resource, Unadmitted};
pub use guard::{Auth, Names};
pub use pages::Pages;
pub use profiles::{Absent, Found, Profiles};
pub use readiness::Readiness;
pub use relay::relay;
pub use serve::{Options, ServeError, Server, serve};
pub use shutdown::Shutdown;
pub use stdio::{Attached, StdioError, serve_stdio};
pub use tls::{Tls, TlsError};
