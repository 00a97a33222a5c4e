//! Every bound of this crate.

use std::time::Duration;

// --- pipes ---

/// The longest line that is read.
pub const LINE_BYTES_MAX: usize = 16 << 20;
/// The most bytes that wait for a reader.
pub const OUTBOX_BYTES_MAX: usize = 32 << 20;
/// The first, and smallest, read buffer of a pipe.
pub const READ_BYTES_MIN: usize = 8 << 10;
/// The largest read buffer of a pipe; also what a Linux pipe holds.
pub const READ_BYTES_MAX: usize = 64 << 10;
/// How much of one line is read before others have their turn.
pub const TURN_BYTES_MAX: usize = 256 << 10;
/// How long a pipe rests after each such piece of a line that is too long: its writer waits, not the others here.
pub const SKIP_REST: Duration = Duration::from_millis(2);
/// A write buffer larger than this is given back once it is written.
pub const KEEP_BYTES_MAX: usize = 64 << 10;
/// How long a closed pipe goes on writing what was queued.
pub const CLOSE_FLUSH: Duration = Duration::from_secs(2);
/// How many tasks may wait for one sink to drain; the oldest is woken early beyond that.
pub const DRAIN_WAITERS_MAX: usize = 16;

// --- server-sent events ---

/// The largest event that is read: its data, id and type together.
pub const SSE_EVENT_BYTES_MAX: usize = 16 << 20;

// --- resumable streams of one session (see `resume`) ---

/// How many streams of a session may be unfinished at a time, the standalone one not counted.
pub const STREAMS_OPEN_MAX: usize = 1024;
/// How many finished streams of a session are kept for clients that come back.
pub const STREAMS_FINISHED_MAX: usize = 64;
/// What the finished streams of a session may hold together; the newest is kept whatever its size.
pub const STREAMS_FINISHED_BYTES_MAX: usize = 4 << 20;
/// How long a finished stream is kept.
pub const STREAM_FINISHED_KEPT: Duration = Duration::from_secs(300);
/// How many events a stream keeps.
pub const STREAM_EVENTS_MAX: usize = 1024;
/// What the events that a stream keeps may hold together; the newest is kept whatever its size.
pub const STREAM_BYTES_MAX: usize = 4 << 20;
/// What a stream may hold at most for a reader that is attached and slow, when its writer does not wait for it.
pub const STREAM_UNREAD_BYTES_MAX: usize = 32 << 20;

// --- the HTTP client ---

/// The longest head of a reply; also of the trailers after a chunked one.
pub const HEAD_BYTES_MAX: usize = 64 << 10;
/// The most header fields of a reply.
pub const HEAD_FIELDS_MAX: usize = 128;
/// The most interim (1xx) replies before the real one.
pub const INTERIM_MAX: usize = 8;
/// The longest line before a chunk: its size and extensions.
pub const CHUNK_LINE_BYTES_MAX: usize = 4 << 10;
/// The largest reply that is read whole.
pub const BODY_BYTES_MAX: usize = 16 << 20;
/// What is allocated on the word of a `Content-Length` alone.
pub const BODY_BYTES_TRUSTED: usize = 256 << 10;
/// A request body up to this size is copied behind its head, a larger one is sent from
/// where it is.
pub const BODY_BYTES_JOINED: usize = 16 << 10;
/// The receive buffer of a connection.
pub const RECEIVE_BYTES: usize = 8 << 10;
/// What is added to it while replies fill it.
pub const RECEIVE_BYTES_LARGE: usize = 64 << 10;
/// The most redirects that are followed for one request.
pub const REDIRECTS_MAX: usize = 3;
/// The most addresses of one host that are tried.
pub const ADDRESSES_MAX: usize = 8;
/// How long an attempt to connect has before the next address is tried beside it.
pub const ADDRESS_HEAD_START: Duration = Duration::from_millis(250);
/// How many connections to one origin may exist in the process.
pub const CONNECTIONS_PER_ORIGIN_MAX: usize = 1024;
/// How many idle connections to one origin a thread keeps.
pub const IDLE_PER_ORIGIN_MAX: usize = 64;
/// How many idle connections a thread keeps in all.
pub const IDLE_PER_THREAD_MAX: usize = 256;
/// How long a connection may be idle and still be used.
pub const IDLE_MAX: Duration = Duration::from_secs(60);
/// How often a thread looks for connections that were idle for too long.
pub const IDLE_SWEEP: Duration = Duration::from_secs(15);
/// How long a released event stream may take to end before its connection is closed.
pub const LINGER_MAX: Duration = Duration::from_secs(5);
/// What a released event stream may still send before its connection is closed.
pub const LINGER_BYTES_MAX: usize = 64 << 10;
/// How soon after a request the end of a reused connection must show for the two to have crossed: at least this, else
/// twice the time that connecting took.
pub const CROSSED_CLOSE_MIN: Duration = Duration::from_millis(10);
/// And at most this.
pub const CROSSED_CLOSE_MAX: Duration = Duration::from_secs(1);
/// How long connecting may take, unless the caller says so.
pub const CONNECT_TIME: Duration = Duration::from_secs(10);
/// How long a server may think before it begins to answer, unless the caller says so.
pub const HEAD_TIME: Duration = Duration::from_secs(60);
/// How long a body may pause, unless the caller says so.
pub const BODY_IDLE: Duration = Duration::from_secs(30);
/// How long an HTTP+SSE server may hold a POST open before the next one goes beside it.
pub const POST_HEAD_START: Duration = Duration::from_secs(1);
/// How many POSTs to an HTTP+SSE server may be open beside each other.
pub const POSTS_MAX: usize = 16;
