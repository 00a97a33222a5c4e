//! Every bound of this crate.

use std::time::Duration;

/// The longest URL.
pub const URL_BYTES_MAX: usize = 8 << 10;
/// The most times an address leads to another one.
pub const REDIRECTS_MAX: usize = 5;
/// How many addresses of a name are tried.
pub const ADDRESSES_MAX: usize = 8;
/// The longest head of a reply.
pub const HEAD_BYTES_MAX: usize = 64 << 10;
/// The most header fields of a reply.
pub const HEAD_FIELDS_MAX: usize = 128;
/// The most pages of a registry that are read as one catalog.
pub const PAGES_MAX: usize = 200;
/// How many servers are asked for with each page.
pub const PAGE_SERVERS: usize = 100;
/// The longest mark of a next page.
pub const CURSOR_BYTES_MAX: usize = 2 << 10;
/// The most text of all pages together.
pub const PAGES_BYTES_MAX: usize = catalog::limits::FILE_BYTES_MAX;
/// How long all pages together may take.
pub const PULL_TIME: Duration = Duration::from_secs(60);

/// The longest manifest of an image.
pub const MANIFEST_BYTES_MAX: usize = 4 << 20;
/// The longest reply to something that is put into a registry.
pub const TOLD_BYTES_MAX: usize = 64 << 10;
/// The longest document that is an artifact in a registry.
pub const ARTIFACT_BYTES_MAX: usize = catalog::limits::FILE_BYTES_MAX;
/// How long pushing or pulling one may take, each of its steps.
pub const ARTIFACT_TIME: Duration = Duration::from_secs(120);
/// The longest answer that holds a token.
pub const TOKEN_BYTES_MAX: u64 = 64 << 10;
/// How many signatures of an image are looked at.
pub const SIGNATURES_MAX: usize = 64;
/// The longest one, with what was signed.
pub const SIGNATURE_BYTES_MAX: u64 = 1 << 20;
/// How long one part of an image may take.
pub const PULL_IMAGE_TIME: Duration = Duration::from_secs(30 * 60);
/// How long one attempt to connect to a registry may take.
pub const PULL_CONNECT_TIME: Duration = Duration::from_secs(20);
/// How long nothing may come of an answer that is read in pieces.
pub const IDLE_TIME: Duration = Duration::from_secs(60);

/// The bounds of one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The body of a reply.
    pub body_bytes: usize,
    /// From the look-up of the name to the last byte, redirects included.
    pub time: Duration,
    /// For one attempt to connect, TLS included.
    pub connect_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: catalog::limits::FILE_BYTES_MAX,
            time: Duration::from_secs(30),
            connect_time: Duration::from_secs(10),
        }
    }
}
