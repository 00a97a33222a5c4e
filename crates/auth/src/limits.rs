//! Every bound of this crate.

use std::time::Duration;

/// The longest `WWW-Authenticate` that is read.
pub const CHALLENGE_BYTES_MAX: usize = 8 << 10;
/// The most scopes that are asked for.
pub const SCOPES_MAX: usize = 100;
/// The longest answer of an authorization server, metadata or token.
pub const ANSWER_BYTES_MAX: usize = 256 << 10;
/// How long one request to an authorization server may take.
pub const REQUEST_TIME: Duration = Duration::from_secs(20);
/// The longest query that a browser may come back with.
pub const QUERY_BYTES_MAX: usize = 16 << 10;
/// How long a renewal waits for one of another process: longer than that one can take.
pub const LOCK_WAIT: Duration = Duration::from_secs(90);
/// How often the lock is tried while waiting.
pub const LOCK_AGAIN: Duration = Duration::from_millis(10);
/// How long before its end a token is renewed at most; of one with a short life it is a tenth of that.
pub const RENEW_AHEAD_S: u64 = 60;
/// The longest life of a token that is believed.
pub const LIFE_S_MAX: u64 = 10 * 365 * 24 * 3600;
/// How far a clock may have gone back before the end of a token is not believed any more.
pub const CLOCK_BACK_S: u64 = 300;
/// How long somebody may take to enter a code on another machine.
pub const DEVICE_TIME_MAX: Duration = Duration::from_secs(30 * 60);
/// How often a server is asked whether they have, unless it says otherwise; and at the least.
pub const DEVICE_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause that a server may ask for.
pub const DEVICE_PAUSE_MAX: Duration = Duration::from_secs(60);
/// What a message of an authorization server is cut to before anybody sees it.
pub const SAID_CHARS_MAX: usize = 300;
/// The longest token of a caller that is looked at.
pub const TOKEN_BYTES_MAX: usize = 16 << 10;
/// How far our clock and that of whoever gave a token may differ.
pub const CLOCK_SKEW_S: u64 = 60;
/// The most keys of an issuer that are kept.
pub const KEYS_MAX: usize = 100;
/// How old keys may be before they are fetched anew.
pub const KEYS_FRESH_S: u64 = 600;
/// How long keys are believed while their issuer cannot be reached.
pub const KEYS_LIFE_S: u64 = 24 * 3600;
/// How long after keys were fetched nobody's unknown key has them fetched again.
pub const KEYS_PAUSE_S: u64 = 30;
/// The same where they could not be fetched.
pub const KEYS_AGAIN_S: u64 = 5;
/// The most tokens whose signatures are remembered as good.
pub const TOKENS_SEEN_MAX: usize = 10_000;
/// The longest name of a caller that a token may have (OpenID Connect Core, 2).
pub const SUBJECT_BYTES_MAX: usize = 255;
/// The most audiences of one token.
pub const AUDIENCES_MAX: usize = 100;
