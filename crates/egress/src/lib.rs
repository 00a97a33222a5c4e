//! The way out of a box: a proxy that lets through what is listed and nothing else.
//!
//! Owns which hosts a server may reach (`allow`), which addresses nobody reaches by a name alone (`address`), and the
//! HTTP proxy that holds to both (`proxy`). Programs that know no proxy are told addresses in the box
//! (`names`, `resolver`), behind which the hosts are that these stand for. Names are looked up here, outside of the box, and the address that was
//! checked is the one that is connected to: a name that changes its mind between the two gains nothing. Refuses to know
//! who asks and how the listener came to be: that is `launch`.
//!
//! Read `allow` first, then `proxy`, then `request`, then `resolver`.

mod address;
mod allow;
mod dns;
pub mod limits;
mod names;
mod proxy;
mod relay;
mod request;
mod resolver;

pub use address::is_public;
pub use allow::{AllowError, AllowList};
pub use limits::Limits;
pub use proxy::{Decision, Doors, Proxy, Recorder, Verdict};
