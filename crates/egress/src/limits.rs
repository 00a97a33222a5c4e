//! Every bound of this crate.

use std::time::Duration;

/// How many rules an allow list has.
pub const RULES_MAX: usize = 256;
/// How long a host name is (RFC 1035, 2.3.4).
pub const NAME_BYTES_MAX: usize = 253;
/// How many header lines a request has.
pub const HEADERS_MAX: usize = 100;
/// How many addresses of a name are tried.
pub const ADDRESSES_MAX: usize = 8;
/// How many names of hosts are known in one box.
pub const NAMES_MAX: usize = 4096;
/// How long a question for an address is.
pub const DNS_MESSAGE_BYTES_MAX: usize = 1024;
/// How many such questions are answered without a rest,
pub const DNS_BATCH: usize = 64;
/// and how long that is: some ten thousand in a second.
pub const DNS_REST: Duration = Duration::from_millis(5);
/// How many ports of a box lead to the hosts that are listed with them, beside the usual two.
pub const PORTS_MAX: usize = 8;
/// How much is carried at a time, in each direction.
pub const RELAY_BYTES: usize = 16 << 10;

/// The bounds of one proxy.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once; another one is answered with 503.
    pub connections: usize,
    /// The head of a request.
    pub head_bytes: usize,
    /// How long a head may take to arrive.
    pub head_wait: Duration,
    /// How long looking up a name and connecting may take together.
    pub connect_wait: Duration,
    /// A connection on which nothing moves for so long, or at most twice as long, is closed.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 64,
            head_bytes: 16 << 10,
            head_wait: Duration::from_secs(10),
            connect_wait: Duration::from_secs(15),
            idle: Duration::from_secs(300),
        }
    }
}
