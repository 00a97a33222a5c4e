//! The way out of a box: a proxy that lets through what is listed and nothing else.
//!
//! Owns which hosts a server may reach (`allow`), which addresses nobody reaches by a name alone (`address`), and the
//! HTTP proxy that holds to both (`proxy`). Names are looked up here, outside of the box, and the address that was
//! checked is the one that is connected to: a name that changes its mind between the two gains nothing. Refuses to know
//! who asks and how the listener came to be: that is `launch`.
//!
//! Read `allow` first, then `proxy`, then `request`.

mod address;
mod allow;
pub mod limits;
mod proxy;
mod relay;
mod request;

pub use address::is_public;
pub use allow::{AllowError, AllowList};
pub use limits::Limits;
pub use proxy::{Decision, Proxy, Recorder, Verdict};
