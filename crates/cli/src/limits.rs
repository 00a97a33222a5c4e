//! Every number that can hurt us.

use std::time::Duration;

/// Call records waiting to be written; more are counted and dropped.
pub(crate) const LOG_RECORDS_MAX: usize = 16_384;
/// Bytes of `tools call --json -` read from stdin.
pub(crate) const STDIN_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Bytes of one reply over an admin socket.
pub(crate) const ADMIN_REPLY_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// How long a running gateway may take to answer over its admin socket.
pub(crate) const ADMIN_REPLY_TIMEOUT: Duration = Duration::from_secs(30);
/// Pages of one list that are followed.
pub(crate) const LIST_PAGES_MAX: usize = 1_000;
/// How long commands that read lists wait for servers that are still starting.
pub(crate) const START_WAIT: Duration = Duration::from_secs(60);
/// How long running calls may take to finish once the gateway was told to stop.
pub(crate) const DRAIN_GRACE: Duration = Duration::from_secs(10);
/// The same for one-shot commands, where nothing else is running.
pub(crate) const QUICK_GRACE: Duration = Duration::from_millis(500);
/// Nesting of a JSON text that is reformatted.
pub(crate) const JSON_DEPTH_MAX: usize = 128;
/// Bytes of an expression of `--yq`.
pub(crate) const QUERY_BYTES_MAX: usize = 4_096;
/// How deep conditions may be in each other there.
pub(crate) const QUERY_DEPTH_MAX: usize = 16;
/// Profiles that one gateway has in use at once, beside its own.
pub(crate) const PROFILES_MAX: usize = 64;
/// How long the shared gateway may take until it serves.
pub(crate) const UP_WAIT: Duration = Duration::from_secs(30);
/// Bytes of its log that are looked at for why it does not.
pub(crate) const UP_LOG_BYTES_MAX: u64 = 64 << 10;
/// How long it may take to end: what runs may finish, then servers stop.
pub(crate) const DOWN_WAIT: Duration = Duration::from_secs(20);
/// How often it is looked whether it has.
pub(crate) const DOWN_LOOK: Duration = Duration::from_millis(50);
/// How long the end waits for the last records to be written.
pub(crate) const LOG_FLUSH: Duration = Duration::from_millis(500);
/// How long records come together before they are written.
pub(crate) const LOG_BATCH: Duration = Duration::from_millis(20);
/// How long files must stay as they are before a change is taken up.
pub(crate) const WATCH_SETTLE: Duration = Duration::from_millis(300);
/// After which time a change is taken up even if files go on changing.
pub(crate) const WATCH_SETTLE_MAX: Duration = Duration::from_secs(5);
/// How often files are looked at where the system cannot tell of changes.
pub(crate) const WATCH_POLL: Duration = Duration::from_secs(2);
/// The same where it says that it can: of files on other machines it knows nothing.
pub(crate) const WATCH_POLL_HEARD: Duration = Duration::from_secs(30);
/// Links from a configured file to the real one that are followed.
pub(crate) const WATCH_LINKS_MAX: usize = 16;
/// Problems of one reload that are told.
pub(crate) const WATCH_PROBLEMS_MAX: usize = 20;
/// How long whoever first looks for servers waits for catalogs that are fetched.
pub(crate) const CATALOG_WAIT: Duration = Duration::from_secs(10);
/// The same for commands that do nothing else: longer than fetching may take.
pub(crate) const CATALOG_WAIT_PATIENT: Duration = Duration::from_secs(75);
/// Problems of catalogs that are told when they are read.
pub(crate) const CATALOG_PROBLEMS_MAX: usize = 20;
/// Largest file of cases of `policy test`.
pub(crate) const CASES_FILE_BYTES_MAX: u64 = 1 << 20;
/// How often a terminal is told of an image that comes.
pub(crate) const PULL_TOLD_EVERY: Duration = Duration::from_millis(100);
/// How often it is looked whether packages are being installed, to tell of it.
pub(crate) const INSTALLATIONS_LOOK: Duration = Duration::from_millis(300);
/// Processes that wait for a script, once there was one.
pub(crate) const WARM_WORKERS: usize = 2;
/// How long an engine is waited for that may know what an image says of itself, where clients wait too.
pub(crate) const IMAGE_LABEL_WAIT: Duration = Duration::from_millis(100);
/// The same where a person waits.
pub(crate) const IMAGE_LABEL_WAIT_PATIENT: Duration = Duration::from_secs(5);
/// Bytes of a call's arguments that go with its record to the writer; longer ones are digested at once.
pub(crate) const RECORD_ARGUMENTS_MAX: usize = 64 << 10;
/// Bytes of arguments that wait for the writer; more are digested at once.
pub(crate) const RECORD_WAITING_MAX: usize = 16 << 20;
/// Bytes of arguments in a record; longer ones are cut off.
pub(crate) const RECORD_ARGUMENTS_KEPT_MAX: usize = 8 << 10;
/// Bytes of a name in a record.
pub(crate) const RECORD_NAME_MAX: usize = 1 << 10;
/// Largest line that is read from a file of records.
pub(crate) const RECORD_LINE_MAX: usize = 1 << 20;
/// How long whoever rotates or lists the files waits for another process that does.
pub(crate) const RECORD_LOCK_WAIT: Duration = Duration::from_secs(1);
/// How often `calls tail` looks for more.
pub(crate) const TAIL_POLL: Duration = Duration::from_millis(150);
/// Bytes that an interceptor may say about one call.
pub(crate) const INTERCEPTOR_OUTPUT_MAX: usize = 16 << 20;
/// Interceptors that are asked at once; others wait for their turn, within their deadline.
pub(crate) const INTERCEPTORS_ASKED_MAX: usize = 32;
/// Lines of one interceptor's stderr that are told for each call.
pub(crate) const INTERCEPTOR_NOTES_MAX: usize = 8;
/// How long the container of an interceptor that failed may take to be removed.
pub(crate) const INTERCEPTOR_CLEANUP: Duration = Duration::from_secs(20);
/// How often it is looked whether callers were added or removed.
pub(crate) const CALLERS_LOOK: Duration = Duration::from_secs(1);
/// The most callers with tokens of an issuer whose requests are counted at once.
pub(crate) const VISITORS_MAX: usize = 10_000;
/// How long a person may take to sign in.
pub(crate) const SIGN_IN_WAIT: Duration = Duration::from_secs(600);
/// How long a runtime may take to say its version.
pub(crate) const VERSION_WAIT: Duration = Duration::from_secs(3);
/// Bytes that it may say then.
pub(crate) const VERSION_BYTES_MAX: usize = 4 << 10;
/// How often a gateway is asked for new lines by whoever follows a log.
pub(crate) const LOG_LOOK: Duration = Duration::from_millis(200);
/// How long a file that an entry names may take to come.
pub(crate) const FILE_FETCH_TIME: Duration = Duration::from_secs(300);

/// Longest passphrase.
pub(crate) const PASSPHRASE_BYTES_MAX: usize = 1_024;
/// How long it is remembered what a program of a `cmd:` reference told: long enough for what one action starts.
pub(crate) const COMMAND_KEPT: Duration = Duration::from_secs(60);
/// Programs of which that is remembered.
pub(crate) const COMMANDS_KEPT_MAX: usize = 64;
/// Requests that wait for the gateway of a profile to be made.
pub(crate) const PROFILE_ASKS_MAX: usize = 64;
