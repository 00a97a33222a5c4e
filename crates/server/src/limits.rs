//! Every number by which a client could hurt this crate, with the reason for its size.

use std::time::Duration;

/// Open connections over all workers. One idle connection costs about 13 kB, so this is 130 MB.
pub const CONNECTIONS_MAX: usize = 10_000;

/// Open files that the process asks for: every connection, and as many again for servers.
pub const DESCRIPTORS_WANTED: u64 = 2 * CONNECTIONS_MAX as u64 + 1_000;

/// Accepted connections that wait for one worker. More than this and the worker is stuck.
pub const HANDOFFS_MAX: usize = 128;

/// Steps of tasks after which a worker asks the system what else has happened, however many more are ready.
pub const TASKS_BETWEEN_EVENTS: u32 = 16;

/// Worker threads, whatever the machine has.
pub const WORKERS_MAX: usize = 64;

/// Threads that one worker may start for blocking work (name lookups, mostly).
pub const BLOCKING_THREADS_MAX: usize = 8;

/// Bytes of the body of one request, unless settings want less: the frame limit, so that a frame that fits is
/// never refused by its transport.
pub const BODY_BYTES_MAX: usize = wire::limits::FRAME_BYTES_MAX;

/// Bytes of request bodies that one worker holds while they are still arriving.
pub const BODIES_BYTES_MAX: usize = 256 * 1024 * 1024;

/// What is reserved for a body before its bytes are there, whatever Content-Length promises.
pub const BODY_RESERVE_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of a request's head, and of hyper's read buffer.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Header fields of a request: `Mcp-Param-*` come one per argument.
pub const HEADERS_MAX: usize = 128;

/// From the first byte of a head to its last.
pub const HEAD_SECONDS_MAX: u32 = 15;

/// From the end of the head to the last byte of the body.
pub const BODY_SECONDS_MAX: u32 = 60;

/// A kept-alive connection without a request. Longer than the idle time of common clients' pools
/// (browsers and Node close first), so that they rarely write into a closing connection.
pub const IDLE_SECONDS_MAX: u32 = 300;

/// A client that takes nothing of what was written to it.
pub const WRITE_SECONDS_MAX: u32 = 60;

/// After a refused body: how long and how much is read away, so that the refusal reaches the client
/// instead of a connection reset.
pub const LINGER_SECONDS_MAX: u32 = 2;
/// See [`LINGER_SECONDS_MAX`].
pub const LINGER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Between keep-alive comments on a quiet stream. Also after how long a call without a word gets its response
/// head and becomes a stream, so that no client and no proxy gives up on it.
pub const KEEP_ALIVE_SECONDS: u32 = 15;

/// Messages that wait for the reader of one HTTP+SSE stream.
pub const SSE_QUEUE_MAX: usize = 256;

/// Requests that run at once for one stdio client, or for one HTTP+SSE client. Answers to questions and
/// notifications pass by these.
pub const REQUESTS_RUNNING_MAX: usize = 256;

/// Requests that wait behind these before the client's input is left unread.
pub const REQUESTS_WAITING_MAX: usize = 1024;

/// After the end of a stdio client's input: how long running calls may finish while it reads their answers.
pub const STDIO_FINISH: Duration = Duration::from_secs(2);

/// The same after SIGTERM: whoever sends it waits for the process, not for answers.
pub const STDIO_TERM_FINISH: Duration = Duration::from_millis(250);

/// Processes that are attached to this one at once: one for each application that is open.
pub const ATTACHED_MAX: usize = 64;

/// From the connection to what an attached process says of itself, and from there to the answer.
pub const ATTACH_WAIT: Duration = Duration::from_secs(5);

/// How long a shared gateway may say nothing to an attached client that waits for an answer, before it is asked for a sign of
/// life. For that it has [`ATTACH_WAIT`].
pub const ATTACHED_SILENCE: Duration = Duration::from_secs(20);

/// Requests of an attached client under way: what runs and waits for one client, and some that are just being answered.
pub const ATTACHED_PENDING_MAX: usize = REQUESTS_RUNNING_MAX + REQUESTS_WAITING_MAX + 256;

/// Questions to an attached client that are remembered; a gateway has fewer open.
pub const ATTACHED_QUESTIONS_MAX: usize = 1024;

/// Subscriptions of an attached client that come along to the next gateway.
pub const ATTACHED_SUBSCRIPTIONS_MAX: usize = 4096;

/// After SIGTERM: how long running calls may finish, unless told.
pub const DRAIN: Duration = Duration::from_secs(10);

/// After the last call has ended: how long its answer may take to leave.
pub const FLUSH: Duration = Duration::from_secs(1);

/// Connections to the admin socket at once.
pub const ADMIN_CONNECTIONS_MAX: usize = 32;

/// Lines that the admin socket gives of a server's stderr.
pub const LOG_LINES_MAX: usize = 10_000;

/// Lines that it gives unless asked for more.
pub const LOG_LINES: usize = 100;

/// From the first byte of a head on the admin socket to its last.
pub const ADMIN_HEAD: Duration = Duration::from_secs(10);

/// After an accept that failed (no file descriptors, mostly): how long to wait before the next.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Pages for the person that are open at once.
pub const PAGES_MAX: usize = 512;

/// Random bytes in the address of a page.
pub const PAGE_TOKEN_BYTES: usize = 24;

/// The body of a form: a few credentials, each as long as one may be, percent-encoded.
pub const PAGE_BODY_BYTES_MAX: usize = 1024 * 1024;

/// From the end of the head of a form to the last byte of its body.
pub const PAGE_BODY_WAIT: Duration = Duration::from_secs(15);

/// Characters of a catalog's text that a page shows in one place.
pub const PAGE_TEXT_CHARS_MAX: usize = 400;

/// Connections to the pages' own port at once.
pub const PAGE_CONNECTIONS_MAX: usize = 32;

/// How long one of these may last, whatever happens on it.
pub const PAGE_CONNECTION: Duration = Duration::from_secs(60);

/// After the last visit: how long its answer may take to leave.
pub const PAGE_LINGER: Duration = Duration::from_secs(5);
/// How long a request waits until the keys by which its token can be checked are fetched.
pub const KEYS_WAIT: Duration = Duration::from_secs(10);

/// How often it is looked whether whoever keeps a stream open may still do so.
pub const VIGIL_PAUSE: Duration = Duration::from_secs(5);
